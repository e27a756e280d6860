"""Every kind of task that anything can enqueue is done by something."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from dispatch.core import events, tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.events import SYSTEM
from dispatch.core.reactions import REACTIONS
from dispatch.core.retention import KEPT
from dispatch.core.tables import Occurrence, Task, TaskState
from dispatch.core.tasks import _QUEUE_OF
from tests.instants import NOW
from workers.execution import Outcome, drain
from workers.handlers import HANDLERS
from workers.periodic import FOR_ALL, PER_TERRITORY


def test_every_reaction_periodic_job_and_queued_kind_has_a_handler() -> None:
    reactions = {kind for kinds in REACTIONS.values() for kind in kinds}
    periodic = {job.kind for job in (*PER_TERRITORY, *FOR_ALL)}

    assert reactions | periodic | set(_QUEUE_OF) == set(HANDLERS)


def test_jobs_of_the_calendar_run_on_an_empty_installation(database: Database) -> None:
    with transaction(database) as session:
        for kind in ("clock.sweep", "task.archive"):
            tasks.enqueue(session, kind, key=kind, now=NOW)

    outcomes = drain(database, Settings(), now=NOW, handlers=HANDLERS)

    assert set(outcomes.values()) == {Outcome.DONE}


def test_an_event_about_something_that_is_gone_ends_dead_rather_than_silent(
    database: Database,
) -> None:
    with transaction(database) as session:
        tasks.enqueue(session, "message.done", key="x", payload={"event_id": 99}, now=NOW)

    assert list(drain(database, Settings(), now=NOW, handlers=HANDLERS).values()) == [Outcome.DEAD]


@pytest.mark.parametrize(("age", "stays"), [(KEPT, True), (KEPT + timedelta(seconds=1), False)])
def test_finished_tasks_are_kept_for_ninety_days(
    database: Database, age: timedelta, stays: bool
) -> None:
    with transaction(database) as session:
        _finished(session, "old", at=NOW - age)
        tasks.enqueue(session, "task.archive", key="now", now=NOW)
        session.add(Occurrence(job="j", key="k", scheduled_for=NOW - age, created_at=NOW - age))

    drain(database, Settings(), now=NOW, handlers=HANDLERS)

    with database.reading() as session:
        keys = session.exec(select(Task.dedupe_key)).all()
        occurrences = session.exec(select(Occurrence.key)).all()
    assert ("old" in keys, "k" in occurrences) == (stays, stays)


def test_dead_tasks_stay_until_somebody_has_dealt_with_them(database: Database) -> None:
    with transaction(database) as session:
        task = _finished(session, "dead", at=NOW - 2 * KEPT)
        task.state = TaskState.DEAD
        events.record(session, "a.b", entity="a", entity_id="1", actor=SYSTEM, now=NOW)
        tasks.enqueue(session, "task.archive", key="now", now=NOW)

    drain(database, Settings(), now=NOW, handlers=HANDLERS)

    with database.reading() as session:
        assert "dead" in session.exec(select(Task.dedupe_key)).all()


def _finished(session: Session, key: str, *, at: datetime) -> Task:
    task_id = tasks.enqueue(session, "clock.sweep", key=key, now=at)
    assert task_id is not None
    lease = tasks.claim(session, task_id, owner="w", now=at)
    assert lease is not None
    tasks.finish(session, lease, now=at)
    return session.get_one(Task, task_id)
