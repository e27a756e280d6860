"""A look at the days ahead with the real solver: answered, stopped, given back, failed, begun anew."""

import threading
import time
from datetime import timedelta

import pytest
from sqlmodel import select

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task, TaskState
from dispatch.planning import looking
from dispatch.planning.tables import OutlookRun, OutlookStatus
from dispatch.registry.tables import Crew
from tests.builders.planning import crew_on, job
from tests.builders.registry import DISPATCHER, make_shift
from tests.instants import DAY, NOW
from tests.system.servers import eventually
from workers.execution import Outcome, Stopping, drain, execute
from workers.handlers import HANDLERS

pytestmark = pytest.mark.system


@pytest.fixture
def territory(database: Database) -> Database:
    """A crew with shifts on two days, and more work than fits on one."""
    with transaction(database) as session:
        crew_on(session, "C1")
        make_shift(session, crew=session.get_one(Crew, "C1"), day=DAY + timedelta(days=1))
        for _ in range(3):
            job(session, minutes=240)
    return database


def ask(database: Database, **options: float) -> int:
    with transaction(database) as session:
        run = looking.ask(
            session, territory_id="humen", days=2, options=options, actor=DISPATCHER, now=NOW
        )
        return run.id or 0


def found(database: Database, outlook_id: int) -> OutlookRun:
    with database.reading() as session:
        return looking.RUNS.get(session, outlook_id)


def test_a_look_is_answered_with_the_days_loads(territory: Database, settings: Settings) -> None:
    outlook_id = ask(territory, iterations=300)

    assert list(drain(territory, settings, now=NOW, handlers=HANDLERS).values()) == [Outcome.DONE]

    run = found(territory, outlook_id)
    assert run.status is OutlookStatus.ANSWERED
    assert run.found is not None
    assert [(day["day"], day["visits"]) for day in run.found["days"]] in (
        [("2026-03-10", 2), ("2026-03-11", 1)],
        [("2026-03-10", 1), ("2026-03-11", 2)],
    )
    assert run.found["left_out"] == []


@pytest.mark.parametrize("whose", ["person", "worker"])
def test_a_search_ends_early_when_a_person_or_its_worker_stops(
    territory: Database, settings: Settings, whose: str
) -> None:
    outlook_id, stopping, outcomes = ask(territory, seconds=300), Stopping(), list[Outcome]()
    with territory.reading() as session:
        task_id = session.exec(select(Task.id).where(Task.state == TaskState.DUE)).one()

    def work() -> None:
        outcomes.append(
            execute(
                territory, settings, task_id or 0, owner="w", handlers=HANDLERS,
                clock=lambda _: NOW, stopping=stopping,
            )
        )  # fmt: skip

    began = time.monotonic()
    thread = threading.Thread(target=work)
    thread.start()
    eventually(lambda: found(territory, outlook_id).progress != {}, what="progress", seconds=60)
    if whose == "person":
        with transaction(territory) as session:
            looking.RUNS.stop(session, outlook_id, actor=DISPATCHER, now=NOW)
    else:
        stopping.work.set()
    thread.join(60)

    assert time.monotonic() - began < 120
    expected = {
        "person": (Outcome.DONE, OutlookStatus.ANSWERED),
        "worker": (Outcome.HANDED_BACK, OutlookStatus.WAITING),
    }
    assert (outcomes[0], found(territory, outlook_id).status) == expected[whose]


def test_a_solver_that_dies_leaves_its_error_and_the_next_look_may_be_asked_for(
    territory: Database, settings: Settings
) -> None:
    starved = settings.model_copy(update={"solve_memory_mb": 40})
    outlook_id = ask(territory, iterations=50)

    assert list(drain(territory, starved, now=NOW, handlers=HANDLERS).values()) == [Outcome.DONE]

    run = found(territory, outlook_id)
    assert run.status is OutlookStatus.FAILED
    assert "crashed" in run.error
    assert ask(territory, iterations=50) > outlook_id
