"""The warm optimizer answers as the optimizer itself does, survives bad questions, and is missed politely."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.planning import plans
from optimizer.codec import read_plan, read_problem
from optimizer.compare import compare
from optimizer.explain import explain, settle
from optimizer.insert import InsertionStale, VisitUnknown, apply, insert, relocate, retime
from optimizer.offers import offers
from optimizer.plan import Plan
from optimizer.problem import Problem, ProblemError, Visit
from tests.builders.planning import crew_on, job, request, solved
from tests.instants import NOW
from tests.system.servers import eventually, process, python
from workers.answering import PROBLEMS_KEPT
from workers.warm import OptimizerAway, WarmOptimizer, socket_path

pytestmark = pytest.mark.system


@pytest.fixture
def warm(settings: Settings) -> Iterator[WarmOptimizer]:
    """A running warm optimizer."""
    argv = python("-m", "workers.warm", str(socket_path(settings)))
    with process(argv, env={}, log=settings.data_dir / "warm.log"):
        asker = WarmOptimizer(settings)
        eventually(asker.answers, what="the warm optimizer")
        yield asker


@pytest.fixture
def day(database: Database) -> tuple[Problem, Plan, str]:
    """A problem, a plan that leaves its last visit out, and that visit."""
    with transaction(database) as session:
        crew_on(session, "C1")
        crew_on(session, "C2")
        names = [job(session, east=float(east)).id for east in range(1, 6)]
        plan = request(session)
        taken = plans.take(session, plan_id=plan.id or 0, now=NOW)
    assert taken is not None
    problem = read_problem(taken.document)
    orders = {problem.shifts[0].id: names[:2], problem.shifts[1].id: names[2:4]}
    return problem, read_plan(solved(taken.document, orders)), names[4]


def test_it_answers_as_the_optimizer_itself_does(
    warm: WarmOptimizer, day: tuple[Problem, Plan, str]
) -> None:
    problem, plan, visit = day

    found = warm.insert(problem, plan, visit, 3)

    assert found == insert(problem, plan, visit, 3)
    assert warm.apply(problem, plan, found[0]) == apply(problem, plan, found[0])
    orders = {problem.shifts[0].id: [visit]}
    assert warm.retime(problem, orders) == retime(problem, orders)
    goal = problem.shifts[1].id
    for position in (None, 0):
        there = warm.relocate(problem, orders, visit, goal, position)
        assert there == relocate(problem, orders, visit, goal, position)


def test_it_offers_explains_settles_and_compares_as_the_optimizer_does(
    warm: WarmOptimizer, day: tuple[Problem, Plan, str]
) -> None:
    problem, plan, visit = day
    first = problem.shifts[0].start
    windows = [(first + 3600 * hour, first + 3600 * hour + 7199) for hour in range(12)]
    known = problem.visits[0]
    new = Visit(
        "new", known.place, 900, 50_000, skills=known.skills, windows=((first, first + 99),)
    )

    assert warm.offers(problem, plan, visit, windows) == offers(problem, plan, visit, windows)
    assert warm.offers(problem, plan, new, windows) == offers(problem, plan, new, windows)
    served = plan.routes[0].stops[0].visit
    for name in (visit, served):
        assert warm.explain(problem, plan, name) == explain(problem, plan, name)
    settled = warm.settle(problem, plan)
    assert settled == settle(problem, plan)
    assert warm.compare(problem, plan, settled) == compare(problem, plan, settled)
    displaced = warm.insert(problem, plan, visit, 2, displacing=True, shift=problem.shifts[1].id)
    assert displaced == insert(problem, plan, visit, 2, displacing=True, shift=problem.shifts[1].id)


def test_it_still_answers_about_problems_it_has_forgotten(
    warm: WarmOptimizer, day: tuple[Problem, Plan, str]
) -> None:
    problem, plan, visit = day
    found = warm.insert(problem, plan, visit)
    for hour in range(PROBLEMS_KEPT + 1):
        later = replace(problem, start=problem.start + timedelta(hours=hour))
        assert warm.retime(later, {}).routes == ()

    assert warm.insert(problem, plan, visit) == found


def test_its_refusals_are_the_optimizers(
    warm: WarmOptimizer, day: tuple[Problem, Plan, str]
) -> None:
    problem, plan, visit = day
    found = warm.insert(problem, plan, visit, 1)[0]

    with pytest.raises(VisitUnknown):
        warm.insert(problem, plan, "nobody's", 3)
    with pytest.raises(VisitUnknown):
        warm.explain(problem, plan, "nobody's")
    with pytest.raises(ProblemError, match="closes at 1"):
        warm.offers(problem, plan, visit, [(2, 1)])
    with pytest.raises(InsertionStale):
        warm.apply(problem, warm.apply(problem, plan, found), found)


@pytest.mark.parametrize(
    "frame", [b"", b"\x00", struct.pack(">I", 2**31), struct.pack(">I", 4) + b"nope", b"\xff" * 64]
)
def test_a_bad_question_harms_nobody_but_its_asker(
    warm: WarmOptimizer, settings: Settings, frame: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(socket_path(settings)))
        line.sendall(frame)

    assert warm.answers()


def test_when_it_is_away_the_refusal_says_so_at_once(
    settings: Settings, day: tuple[Problem, Plan, str]
) -> None:
    problem, plan, visit = day

    with pytest.raises(OptimizerAway, match="started again by itself"):
        WarmOptimizer(settings).insert(problem, plan, visit)
