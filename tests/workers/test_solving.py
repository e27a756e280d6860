"""What is done to a solver's answer before it is proposed."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import Session

from dispatch.core.config import Settings
from dispatch.planning import plans
from optimizer.codec import read_plan, read_problem, write_plan
from optimizer.insert import retime
from tests.builders.planning import crew_on, job, proposed, published, request
from tests.instants import NOW
from workers import watching
from workers.solving import calmed

ONE, TWO = "C1-20260310", "C2-20260310"


def test_a_move_that_does_not_pay_is_taken_back_before_the_plan_is_proposed(
    session: Session,
) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2")
    first, second = job(session, east=1).id, job(session, east=2).id
    published(session, orders={ONE: [first, second]})
    taken = plans.take(session, plan_id=request(session).id or 0, now=NOW)
    assert taken is not None
    restless = retime(read_problem(taken.document), {ONE: [first], TWO: [second]})

    answer = read_plan(calmed(taken.document, write_plan(restless)))

    (route,) = [route for route in answer.routes if route.stops]
    assert route.shift == ONE
    assert {stop.visit for stop in route.stops} == {first, second}
    assert answer.cost.total < restless.cost.total


def test_a_plan_that_is_calmed_keeps_its_bound(session: Session) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2")
    first, second = job(session, east=1).id, job(session, east=2).id
    published(session, orders={ONE: [first, second]})
    taken = plans.take(session, plan_id=request(session).id or 0, now=NOW)
    assert taken is not None
    restless = retime(read_problem(taken.document), {ONE: [first], TWO: [second]})

    answer = read_plan(calmed(taken.document, write_plan(replace(restless, bound=1))))

    assert answer.bound == 1


def test_a_run_proves_a_bound_where_the_installation_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: list[float] = []
    monkeypatch.setattr(
        watching, "run_solver", lambda *_, **keys: given.append(keys["bound_seconds"]) or ""
    )
    work: Any = SimpleNamespace(settings=Settings(solve_bound_seconds=7))
    watch: Any = SimpleNamespace(note=None, should_stop=None)

    watching.searched(work, "{}", {}, watch)
    watching.searched(work, "{}", {"engine": "naive"}, watch)

    assert given == [7.0, 0.0]


def test_an_answer_that_is_no_plan_is_left_for_the_judge_to_refuse(session: Session) -> None:
    crew_on(session, "C1")
    published(session, orders={ONE: [job(session).id]})
    taken = plans.take(session, plan_id=request(session).id or 0, now=NOW)
    assert taken is not None

    assert calmed(taken.document, '{"routes": 1}') == '{"routes": 1}'


def test_a_proposed_plan_names_whom_it_affects(session: Session) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2")
    first, second = job(session, east=1).id, job(session, east=2).id

    before = published(session, orders={ONE: [first, second]})
    after = proposed(session, orders={ONE: [first], TWO: [second]})

    assert before.affected == [], "there was no plan in force yet"
    (line,) = after.affected
    assert (line["visit_id"], line["change"]) == (second, "moved")
    assert (line["was_crew_id"], line["crew_id"]) == ("C1", "C2")
