"""The task plan.solve with the real optimizer in its process: answered, stopped, given back, given up."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import select

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Alert, Task, TaskClass, TaskState
from dispatch.core.tasks import Lease
from dispatch.planning import plans
from dispatch.planning.tables import Assignment, Plan, PlanStatus, Run, RunOutcome
from tests.builders.planning import crew_on, job, request
from tests.builders.registry import DISPATCHER
from tests.instants import NOW
from tests.system.servers import eventually
from workers import watching
from workers.execution import Outcome, Stopping, Work, drain, execute
from workers.handlers import HANDLERS

pytestmark = pytest.mark.system


@pytest.fixture
def board(database: Database) -> Database:
    """Two crews and six visits."""
    with transaction(database) as session:
        crew_on(session, "C1")
        crew_on(session, "C2")
        for east in range(1, 7):
            job(session, east=float(east))
    return database


def ask(database: Database, **options: float) -> int:
    with transaction(database) as session:
        plan_id = request(session, **options).id
    assert plan_id is not None
    return plan_id


def plan(database: Database, plan_id: int) -> Plan:
    with database.reading() as session:
        return session.get_one(Plan, plan_id)


def runs(database: Database) -> list[RunOutcome]:
    with database.reading() as session:
        return list(session.exec(select(Run.outcome).order_by(Run.id)))


def in_background(
    database: Database, settings: Settings, stopping: Stopping | None = None
) -> Callable[[], Outcome]:
    """Execute the solve task in a thread, as a worker does; what it came to when it has ended."""
    outcomes: list[Outcome] = []
    with database.reading() as session:
        task_id = session.exec(select(Task.id).where(Task.state == TaskState.DUE)).one()
    assert task_id is not None

    def work() -> None:
        outcomes.append(
            execute(
                database, settings, task_id, owner="w", handlers=HANDLERS,
                clock=lambda _: NOW, stopping=stopping,
            )
        )  # fmt: skip

    thread = threading.Thread(target=work)
    thread.start()

    def ended() -> Outcome:
        thread.join(30)
        return outcomes[0]

    return ended


def test_a_requested_plan_is_solved_and_proposed(board: Database, settings: Settings) -> None:
    plan_id = ask(board, iterations=200, seed=1)

    assert list(drain(board, settings, now=NOW, handlers=HANDLERS).values()) == [Outcome.DONE]

    proposed = plan(board, plan_id)
    assert proposed.status is PlanStatus.PROPOSED
    with board.reading() as session:
        assert len(session.exec(select(Assignment)).all()) == 6
    assert runs(board) == [RunOutcome.ANSWERED]


def test_a_dispatcher_who_stops_the_search_gets_the_best_so_far(
    board: Database, settings: Settings
) -> None:
    plan_id = ask(board, seconds=300)
    began = time.monotonic()
    ended = in_background(board, settings)
    eventually(lambda: plan(board, plan_id).progress != {}, what="progress", seconds=30)

    with transaction(board) as session:
        plans.stop(session, plan_id=plan_id, actor=DISPATCHER, now=NOW)

    assert ended() is Outcome.DONE
    assert plan(board, plan_id).status is PlanStatus.PROPOSED
    assert time.monotonic() - began < 60


def test_a_newer_request_ends_the_older_search_and_wins(
    board: Database, settings: Settings
) -> None:
    older = ask(board, seconds=300)
    ended = in_background(board, settings)
    eventually(lambda: plan(board, older).status is PlanStatus.SOLVING, what="the solve")
    newer = ask(board, iterations=100)

    assert ended() is Outcome.DONE
    drain(board, settings, now=NOW, handlers=HANDLERS)

    assert plan(board, older).status is PlanStatus.SUPERSEDED
    assert plan(board, newer).status is PlanStatus.PROPOSED
    assert runs(board) == [RunOutcome.LATE, RunOutcome.ANSWERED]


def test_a_worker_that_stops_gives_the_solve_back_and_the_next_one_solves_it(
    board: Database, settings: Settings
) -> None:
    plan_id = ask(board, seconds=300)
    stopping = Stopping()
    ended = in_background(board, settings, stopping)
    eventually(lambda: plan(board, plan_id).progress != {}, what="progress", seconds=30)

    stopping.work.set()

    assert ended() is Outcome.HANDED_BACK
    given_back = plan(board, plan_id)
    assert (given_back.status, given_back.error) == (PlanStatus.DRAFT, "")
    with board.reading() as session:
        task = session.exec(select(Task)).one()
    assert (task.state, task.attempts) == (TaskState.DUE, 0)
    assert runs(board) == [RunOutcome.STOPPED]


def test_only_one_plan_is_solved_at_a_time_on_a_machine(
    board: Database, settings: Settings
) -> None:
    plan_id = ask(board, iterations=50)
    with watching.one_at_a_time(_work(board, settings)):
        assert list(drain(board, settings, now=NOW, handlers=HANDLERS).values()) == [
            Outcome.POSTPONED
        ]

    later = NOW + watching.BUSY_PAUSE
    assert list(drain(board, settings, now=later, handlers=HANDLERS).values()) == [Outcome.DONE]
    assert plan(board, plan_id).status is PlanStatus.PROPOSED


def test_a_problem_on_which_the_solver_dies_three_times_is_given_up_with_an_alert(
    board: Database, settings: Settings
) -> None:
    starved = settings.model_copy(update={"solve_memory_mb": 40})
    plan_id, outcomes = ask(board, iterations=50), []
    for attempt in range(4):
        now = NOW + timedelta(minutes=attempt)
        outcomes += list(drain(board, starved, now=now, handlers=HANDLERS).values())

    assert outcomes == [Outcome.RETRY, Outcome.RETRY, Outcome.DONE]
    given_up = plan(board, plan_id)
    assert given_up.status is PlanStatus.CLOSED
    assert given_up.problem is not None
    with board.reading() as session:
        assert session.get(Alert, "plan.failed:humen") is not None


def _work(database: Database, settings: Settings) -> Work:
    lease = Lease(0, 1, "plan.solve", {}, 1, TaskClass.NORMAL)
    return Work(database, settings, lease, lambda _: NOW, Stopping())
