"""What SQLite's single writer gives for nothing holds on PostgreSQL too, with many writers at once."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from dispatch.core import events, tasks
from dispatch.core.alerts import raise_alert
from dispatch.core.config import Settings
from dispatch.core.db import (
    Database,
    DatabaseAway,
    database_now,
    lock_for,
    retrying,
    transaction,
)
from dispatch.core.events import SYSTEM
from dispatch.core.tables import Event, Occurrence, Task, TaskState
from tests.instants import NOW
from tests.system.servers import Redis, environment, eventually, process, python
from workers.broker import bell, make_broker, make_stub_broker
from workers.execution import Outcome, execute
from workers.periodic import FOR_ALL, start_jobs
from workers.sweeper import Sweeper

pytestmark = pytest.mark.system


def together(count: int, act: Callable[[int], None]) -> None:
    """Have `count` threads act at the same moment; their errors are this test's."""
    gate, errors = threading.Barrier(count), list[BaseException]()

    def one(number: int) -> None:
        try:
            gate.wait(10)
            act(number)
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def enqueue_many(database: Database, count: int, kind: str = "note") -> None:
    with transaction(database) as session:
        for number in range(count):
            tasks.enqueue(session, kind, key=f"{kind}:{number}", now=NOW)


def test_eight_claimers_claim_each_task_once(postgresql: Database) -> None:
    enqueue_many(postgresql, 400)
    claimed: Counter[int] = Counter()

    def claim(number: int) -> None:
        while True:
            with transaction(postgresql) as session:
                leases = tasks.claim_due(session, owner=f"w{number}", now=NOW, limit=5)
            if not leases:
                return
            claimed.update(lease.task_id for lease in leases)

    together(8, claim)

    assert len(claimed) == 400
    assert set(claimed.values()) == {1}


def test_a_task_rung_many_times_at_once_is_done_once(postgresql: Database) -> None:
    enqueue_many(postgresql, 1)
    outcomes: list[Outcome] = []

    def note(session: Session, _payload: dict[str, Any], *, now: datetime) -> None:
        raise_alert(session, "noted", "noted", now=now)

    def ring(_number: int) -> None:
        outcomes.append(
            execute(
                postgresql, Settings(), 1, owner="w", handlers={"note": note}, clock=lambda _: NOW
            )
        )

    together(8, ring)

    assert Counter(outcomes) == {Outcome.DONE: 1, Outcome.NOT_DUE: 7}


def test_the_same_key_enqueued_at_once_makes_one_task(postgresql: Database) -> None:
    def enqueue(_number: int) -> None:
        with transaction(postgresql) as session:
            tasks.enqueue(session, "note", key="the one", now=NOW)

    together(8, enqueue)

    with postgresql.reading() as session:
        assert len(session.exec(select(Task)).all()) == 1


def test_sweepers_that_meet_start_each_job_once_and_none_fails(postgresql: Database) -> None:
    together(6, lambda _number: start_jobs(postgresql, now=NOW) and None)

    with postgresql.reading() as session:
        occurrences = session.exec(select(Occurrence.job)).all()
        kinds = session.exec(select(Task.kind)).all()
    assert sorted(occurrences) == sorted(f"{job.kind}:all" for job in FOR_ALL)
    assert sorted(kinds) == sorted(job.kind for job in FOR_ALL)


def test_sweepers_that_meet_recover_a_task_once(postgresql: Database) -> None:
    enqueue_many(postgresql, 20)
    with transaction(postgresql) as session:
        tasks.claim_due(session, owner="dead", now=NOW, limit=20)
    later = NOW + timedelta(minutes=1)

    def sweep(_number: int) -> None:
        Sweeper(postgresql, Settings(), make_stub_broker(), clock=lambda _: later).sweep()

    together(4, sweep)

    with postgresql.reading() as session:
        found = session.exec(select(Task.recoveries, Task.state).where(Task.kind == "note")).all()
    assert Counter(found) == {(1, TaskState.DUE): 20}


def test_events_committed_by_many_are_sealed_into_one_unbroken_chain(postgresql: Database) -> None:
    key = b"k" * 40

    def write_and_seal(number: int) -> None:
        for step in range(10):
            with transaction(postgresql) as session:
                name = f"{number}.{step}"
                events.record(session, "a.b", entity="a", entity_id=name, actor=SYSTEM, now=NOW)
            if step % 3 == 0:
                events.seal(postgresql, key)

    together(6, write_and_seal)
    events.seal(postgresql, key)

    with postgresql.reading() as session:
        assert events.verify(session, key) is None
        positions = sorted(session.exec(select(Event.position)))
    assert positions == list(range(1, 61))


@pytest.mark.parametrize(
    "statement", ["UPDATE event SET type = 'x'", "DELETE FROM event", "TRUNCATE event CASCADE"]
)
def test_the_database_itself_refuses_to_rewrite_events(
    postgresql: Database, statement: str
) -> None:
    with transaction(postgresql) as session:
        events.record(session, "a.b", entity="a", entity_id="1", actor=SYSTEM, now=NOW)

    with pytest.raises(DBAPIError, match="append-only"), transaction(postgresql) as session:
        session.connection().exec_driver_sql(statement)


def test_a_statement_that_runs_too_long_is_ended_by_the_database(postgresql: Database) -> None:
    with pytest.raises(DatabaseAway), transaction(postgresql) as session:
        session.connection().exec_driver_sql("SET LOCAL statement_timeout = '100ms'")
        session.connection().exec_driver_sql("SELECT pg_sleep(5)")


def test_who_waits_for_a_lock_is_told_after_three_seconds(postgresql: Database) -> None:
    with transaction(postgresql) as holder:
        lock_for(holder, "a name")
        began = time.monotonic()
        with pytest.raises(DatabaseAway), transaction(postgresql) as waiting:
            lock_for(waiting, "a name")
        assert time.monotonic() - began >= 2.9


def test_a_transaction_that_idles_too_long_loses_what_it_holds(postgresql: Database) -> None:
    enqueue_many(postgresql, 1)
    with pytest.raises(DBAPIError, match="idle-in-transaction"), transaction(postgresql) as idle:
        brief = "SET LOCAL idle_in_transaction_session_timeout = '100ms'"
        idle.connection().exec_driver_sql(brief)
        assert tasks.claim(idle, 1, owner="idle", now=NOW)
        time.sleep(1)
        idle.connection().exec_driver_sql("SELECT 1")

    with transaction(postgresql) as session:
        assert tasks.claim(session, 1, owner="next", now=NOW)


def test_no_lock_outlives_its_transaction(postgresql: Database) -> None:
    enqueue_many(postgresql, 3)
    events.seal(postgresql, b"k" * 40)
    start_jobs(postgresql, now=NOW)
    with transaction(postgresql) as session:
        lock_for(session, "a name")

    with postgresql.reading() as session:
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert session.connection().exec_driver_sql(held).scalar_one() == 0


def test_of_two_that_wait_for_each_other_the_one_given_up_is_run_again(
    postgresql: Database,
) -> None:
    enqueue_many(postgresql, 2)
    both_hold, runs = threading.Barrier(2), Counter[int]()

    def crossing(first: int) -> Callable[[Session], None]:
        def operate(session: Session) -> None:
            runs[first] += 1
            for number in (first, 3 - first):
                session.get_one(Task, number, with_for_update=True).attempts += 1
                session.flush()
                if runs[first] == 1 and number == first:
                    both_hold.wait(10)

        return operate

    together(2, lambda number: retrying(postgresql, crossing(number + 1)))

    assert sorted(runs.values()) == [1, 2]
    with postgresql.reading() as session:
        assert session.exec(select(Task.attempts)).all() == [2, 2]


def test_the_databases_clock_is_read_while_a_transaction_runs(postgresql: Database) -> None:
    with transaction(postgresql) as session:
        first = database_now(session)
        session.connection().exec_driver_sql("SELECT pg_sleep(0.05)")
        second = database_now(session)

    assert second - first >= timedelta(seconds=0.05)
    assert abs(second - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_worker_process_serves_a_postgresql_database(
    postgresql: Database, settings: Settings, redis: Redis
) -> None:
    url = postgresql.url.render_as_string(hide_password=False)
    here = settings.model_copy(update={"database_url": url})
    postgresql.bell = bell(make_broker(here))
    log = here.data_dir / "worker.log"
    argv = python("-m", "workers", "--prepared")
    with process(argv, env=environment(here), log=log):
        eventually(lambda: "worker.ready" in log.read_text(), seconds=60)
        with transaction(postgresql) as session:
            tasks.enqueue(session, "clock.sweep", key="x", now=database_now(session))

        def is_done() -> bool:
            with postgresql.reading() as session:
                statement = select(Task.state).where(Task.dedupe_key == "x")
                return session.exec(statement).one() is TaskState.DONE

        eventually(is_done, seconds=60)
