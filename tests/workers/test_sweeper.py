"""The sweeper finds whatever was lost between the database and its workers."""

from datetime import datetime, timedelta
from typing import Any

import dramatiq
import pytest
import redis
from dramatiq.brokers.stub import StubBroker
from sqlmodel import Session, select

from dispatch.core import events, tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.events import SYSTEM
from dispatch.core.tables import Alert, Event, Task, TaskState
from tests.instants import NOW
from workers.broker import make_stub_broker, waiting
from workers.identity import machine
from workers.periodic import FOR_ALL
from workers.sweeper import MOST_WAITING, Sweeper


@pytest.fixture
def broker() -> StubBroker:
    """A doorbell in memory."""
    return make_stub_broker()


def sweeper(database: Database, broker: dramatiq.Broker, *, now: datetime = NOW) -> Sweeper:
    settings = Settings(secret_key="k" * 40)
    return Sweeper(database, settings, broker, clock=lambda _session: now)


def enqueue(session: Session, key: str = "a", **options: Any) -> int:
    task_id = tasks.enqueue(session, "clock.sweep", key=key, **{"now": NOW, **options})
    assert task_id is not None
    return task_id


def test_a_task_whose_ring_was_lost_is_rung_again(database: Database, broker: StubBroker) -> None:
    with transaction(database) as session:
        enqueue(session)

    assert sweeper(database, broker).ring(NOW) == 1
    assert waiting(broker, "default") == 1


def test_a_task_that_is_not_due_is_not_rung(database: Database, broker: StubBroker) -> None:
    with transaction(database) as session:
        enqueue(session, run_at=NOW + timedelta(seconds=1))

    assert sweeper(database, broker).ring(NOW) == 0


def test_a_long_backlog_is_rung_for_as_it_shrinks(database: Database, broker: StubBroker) -> None:
    with transaction(database) as session:
        for number in range(MOST_WAITING + 50):
            enqueue(session, key=str(number))
    sweeping = sweeper(database, broker)

    assert sweeping.ring(NOW) == MOST_WAITING
    assert sweeping._behind, "the next round comes soon"
    assert sweeping.ring(NOW) == 0
    assert not sweeping._behind, "nobody takes them: no hurry"
    broker.flush_all()
    assert sweeping.ring(NOW) == MOST_WAITING


def test_what_a_failing_redis_did_not_take_is_rung_for_in_the_next_round(
    database: Database,
) -> None:
    class Failing(StubBroker):
        def enqueue(self, message: dramatiq.Message, *, delay: int | None = None) -> Any:
            if waiting(self, "default") == 3:
                raise redis.ConnectionError
            return super().enqueue(message, delay=delay)

    with transaction(database) as session:
        for number in range(5):
            enqueue(session, key=str(number))
    failing = Failing(middleware=[])
    failing.declare_queue("default")
    sweeping = sweeper(database, failing)

    assert sweeping.ring(NOW) == 3
    assert sweeping._behind, "the next round comes soon"


def test_while_redis_is_away_tasks_wait(database: Database) -> None:
    class Away(StubBroker):
        def enqueue(self, message: dramatiq.Message, *, delay: int | None = None) -> Any:
            raise redis.ConnectionError

    with transaction(database) as session:
        task_id = enqueue(session)
    away = Away(middleware=[])
    away.declare_queue("default")

    assert sweeper(database, away).ring(NOW) == 0

    with database.reading() as session:
        assert tasks.due(session, now=NOW) == [("default", task_id)]


def test_a_task_whose_lease_ran_out_comes_back(database: Database, broker: StubBroker) -> None:
    with transaction(database) as session:
        task_id = enqueue(session)
        tasks.claim(session, task_id, owner="elsewhere:1", now=NOW)

    swept = sweeper(database, broker, now=NOW + timedelta(seconds=31)).sweep()

    assert swept.recovered == 1
    with database.reading() as session:
        task = session.get(Task, task_id)
        assert task is not None
        assert (task.state, task.recoveries) == (TaskState.DUE, 1)


def test_a_task_whose_worker_is_gone_from_this_machine_does_not_wait_for_its_lease(
    database: Database, broker: StubBroker
) -> None:
    with transaction(database) as session:
        gone, elsewhere = enqueue(session, "gone"), enqueue(session, "elsewhere")
        tasks.claim(session, gone, owner=f"{machine()}:999999999.1", now=NOW)
        tasks.claim(session, elsewhere, owner="another/1.1:999999999.1", now=NOW)

    swept = sweeper(database, broker, now=NOW + timedelta(seconds=1)).sweep()

    assert swept.recovered == 1
    with database.reading() as session:
        states = dict(session.exec(select(Task.id, Task.state)).all())
    assert states[gone] is TaskState.DUE
    assert states[elsewhere] is TaskState.LEASED


def test_a_round_starts_periodic_jobs_once_and_rings_for_them(
    database: Database, broker: StubBroker
) -> None:
    first, second = sweeper(database, broker), sweeper(database, broker)

    assert first.sweep().started == len(FOR_ALL)
    assert second.sweep().started == 0
    assert first.sweep().started == 0
    assert waiting(broker, "default") >= len(FOR_ALL)


def test_committed_events_are_sealed(database: Database, broker: StubBroker) -> None:
    with transaction(database) as session:
        events.record(session, "a.b", entity="a", entity_id="1", actor=SYSTEM, now=NOW)
    sweeping = sweeper(database, broker)

    assert sweeping.seal() == 1
    assert sweeping.seal() == 0
    with database.reading() as session:
        assert session.exec(select(Event.position)).all() == [1]


def test_a_round_that_fails_is_told_and_the_sweeper_goes_on(
    database: Database, broker: StubBroker
) -> None:
    def broken(_session: Session) -> datetime:
        raise RuntimeError("no clock")

    sweeping = Sweeper(database, Settings(), broker, clock=broken)

    sweeping._guarded("sweep", sweeping.sweep)

    with database.reading() as session:
        assert session.exec(select(Alert)).all() == []
