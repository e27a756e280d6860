"""A process that dies at any of its marked places leaves a state from which the next one goes on."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.contact.tables import Message, MessageStatus
from dispatch.core import events, tasks
from dispatch.core.config import Settings
from dispatch.core.crash import POINTS
from dispatch.core.db import Database, database_now, sqlite_driver, transaction
from dispatch.core.reactions import REACTIONS
from dispatch.core.tables import Event, Occurrence, Task, TaskState
from dispatch.core.tasks import QUEUES
from dispatch.planning.tables import Plan, PlanStatus
from tests.builders.contact import make_message
from tests.builders.planning import crew_on, job, request
from tests.faults.counts import FULL, times
from tests.faults.crowd import AGAIN, Crowd
from tests.faults.test_workers_killed import MORNING
from tests.faults.worker import publishing
from tests.system.servers import environment, eventually
from workers.identity import machine
from workers.periodic import FOR_ALL, PER_TERRITORY

pytestmark = pytest.mark.faults

PERIODIC = tuple(f"{job.kind}:" for job in (*FOR_ALL, *PER_TERRITORY))
ON_POSTGRESQL = ("before_commit", "after_commit", "task_handled", "task_done", "publish_between")
"""Where a crash leaves the rest to the database; the other points are about what comes after."""
SEED = 20260310
IN_PUBLISHING = ("publish_before", "publish_between", "publish_after")
OFTEN = {
    "before_commit": 12,
    "after_commit": 12,
    "task_claimed": 6,
    "task_handled": 4,
    "task_done": 6,
}
"""How many times a worker comes to a point for sure, where that is more than once."""
ELSEWHERE = f"{machine()}:999999999.1"
"""The name of a worker that is gone."""


def test_after_a_crash_at_any_point_everything_is_done_once(workers_on_either: Crowd) -> None:
    workers, chance = workers_on_either, random.Random(SEED)
    points = POINTS if FULL or workers.database.is_sqlite else ON_POSTGRESQL
    shift = (MORNING - datetime.now(UTC)).total_seconds()
    with transaction(workers.database) as session:
        crew_on(session, "C1")
        job(session, east=1.0)
    plans, crashes = 0, 0
    for point in points * times(1, 20):
        nth = chance.randint(1, OFTEN.get(point, 1)) if FULL else 1
        plan_id = add_one_of_each(workers, shift, patient=point == "task_handed_back")
        plans += 1
        if point in IN_PUBLISHING:
            finish(workers, shift)
            publish_and_die(workers, shift, plan_id, point)
        else:
            crash_at(workers, shift, point, nth)
        crashes += 1
        finish(workers, shift)

    assert workers.effects() == {1: workers.enqueued}, f"seed {SEED}"
    expect_nothing_left_over(workers, messages=crashes, plans=plans)


def test_without_the_sweeper_what_a_crashed_worker_had_claimed_is_never_done(
    workers: Crowd,
) -> None:
    """The control."""
    workers.enqueue(1)
    crash_at(workers, 0.0, "task_claimed", 1)

    with workers.fork([*worker(0.0), "--no-sweeper"]):
        time.sleep(4)

    assert workers.effects() == {}
    assert workers.open() == 1


def add_one_of_each(workers: Crowd, shift: float, *, patient: bool) -> int:
    """Work that brings a worker to every point: the id of the plan that is asked for."""
    first = workers.enqueued
    with transaction(workers.database) as session:
        make_message(session, safety=True)
        now = database_now(session) + timedelta(seconds=shift)
        plan = request(session, now=now, iterations=50, seed=1)
    workers.enqueue(1, after_s=shift, kind="test.more")
    workers.enqueue(1, after_s=shift, kind="test.flaky")
    workers.enqueue(1, after_s=shift, kind="test.later")
    workers.enqueue(1, after_s=shift, kind="test.slow", takes=0.6)
    workers.enqueue(1, after_s=shift, kind="test.patient", waits=patient)
    workers.enqueue(3, after_s=shift)
    with transaction(workers.database) as session:
        orphan = session.exec(
            select(Task.id).where(Task.dedupe_key == f"test.count:{first + 5}")
        ).one()
        due = database_now(session) + timedelta(seconds=shift)
        lease = tasks.claim(session, orphan or 0, owner=ELSEWHERE, now=due)
        assert lease is not None
    workers.enqueued += 2  # what test.more brings about
    return plan.id or 0


def worker(shift: float) -> list[str]:
    return ["--shift", str(shift), "--lease", "1.2", "--back-off", "0.5", "--sweep", "0.5", "--grace", "1",
            "--quick-plans", "--refuse-once", "--recoveries", "9", *QUEUES]  # fmt: skip


def crash_at(workers: Crowd, shift: float, point: str, nth: int) -> None:
    here = workers.settings
    (here.data_dir / f"crashed-{point}").unlink(missing_ok=True)
    argv = ["--crash-once", point, "--nth", str(nth), *worker(shift)]
    with workers.fork(argv) as crashing:
        if point == "task_handed_back":
            eventually(lambda: workers.held("test.patient") > 0, what="the patient task")
            crashing.terminate()
        try:
            assert crashing.wait(timeout=90) == 137
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"no worker came to {point} for time number {nth}") from error


def publish_and_die(workers: Crowd, shift: float, plan_id: int, point: str) -> None:
    for where, code in ((point, 137), ("", 0)):
        with workers.database.reading() as session:
            assert session.get_one(Plan, plan_id).status is PlanStatus.PROPOSED
        assert workers.fork([shift, plan_id, where], main=publishing).wait(timeout=60) == code


def finish(workers: Crowd, shift: float) -> None:
    """Have a worker that nothing happens to do what is left."""
    with workers.fork(worker(shift)):
        workers.wait_until_done(seconds=60)


def expect_nothing_left_over(workers: Crowd, *, messages: int, plans: int) -> None:
    """The model's state: what was asked for is done, and no row is without its cause or its effect."""
    with workers.database.reading() as session:
        statuses = Counter(session.exec(select(Message.status)))
        tasks_left = set(session.exec(select(Task.state).where(~AGAIN)))
        keys = set(session.exec(select(Task.dedupe_key)))
        started = {f"{row.job}:{row.key}" for row in session.exec(select(Occurrence))}
        caused = {
            f"{kind}:event:{event.id}"
            for event in session.exec(select(Event))
            for kind in REACTIONS.get(event.type, ())
        }
        solved = Counter(session.exec(select(Plan.status)))
    assert statuses.pop(MessageStatus.SENT) >= messages
    assert not statuses
    assert tasks_left == {TaskState.DONE}
    assert caused == {key for key in keys if ":event:" in key}
    assert started == {key for key in keys if key.startswith(PERIODIC)}
    assert sum(solved.values()) == plans
    assert set(solved) <= {PlanStatus.PROPOSED, PlanStatus.PUBLISHED, PlanStatus.SUPERSEDED}
    events.seal(workers.database, workers.settings.key)
    with workers.database.reading() as session:
        assert events.verify(session, workers.settings.key) is None
        sent = session.exec(select(Message.id)).all()
    assert len(list(workers.settings.outbox_dir.glob("*.eml"))) == len(sent)


WRITER = """
import sys
from datetime import UTC, datetime
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core import tasks
database, start = Database(Settings().database), int(sys.argv[1])
for number in range(start, start + 1_000_000):
    with transaction(database) as session:
        tasks.enqueue(session, "a.b", key=str(number), now=datetime.now(UTC))
        tasks.enqueue(session, "a.b", key=f"{number} twin", now=datetime.now(UTC))
    print(number, flush=True)
"""


@pytest.mark.sqlite("what PostgreSQL does to its files is its own affair")
def test_a_killed_writer_keeps_every_commit_it_was_told_of_and_no_half_of_one(
    settings: Settings, database: Database
) -> None:
    chance = random.Random(SEED)
    for attempt in range(times(4, 200)):
        acknowledged = _write_and_kill(settings, attempt * 1_000_000, chance.uniform(0.05, 0.3))
        with database.reading() as session:
            keys = set(session.exec(select(Task.dedupe_key)))
            verdict = session.connection().exec_driver_sql("PRAGMA integrity_check").scalar_one()
        assert verdict == "ok"
        assert {str(number) for number in acknowledged} <= keys, f"seed {SEED}"
        singles = {key for key in keys if "twin" not in key}
        assert {f"{key} twin" for key in singles} == keys - singles
        assert acknowledged, "it was killed before it wrote: the run is void"


def _write_and_kill(settings: Settings, start: int, after: float) -> list[int]:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(start)], stdout=subprocess.PIPE,
        env={**os.environ, **environment(settings)},
    )  # fmt: skip
    assert writer.stdout is not None
    first = writer.stdout.readline()
    time.sleep(after)
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read()
    writer.stdout.close()
    writer.wait()
    lines = (first + rest).decode().split("\n")
    return [
        int(line) for line in lines[:-1] if line
    ]  # what follows the last newline was not finished


def test_without_immediate_transactions_writers_fail_each_other(tmp_path: Path) -> None:
    """The control of the store's locking: a deferred BEGIN that later writes loses to another writer at once."""
    driver = sqlite_driver()
    path = tmp_path / "deferred.db"
    one, two = (driver.connect(path, timeout=0.2, isolation_level=None) for _ in range(2))
    one.execute("PRAGMA journal_mode=WAL")
    one.execute("CREATE TABLE t (n INTEGER)")
    for connection in (one, two):
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM t").fetchone()
    one.execute("INSERT INTO t VALUES (1)")
    one.execute("COMMIT")

    with pytest.raises((sqlite3.OperationalError, driver.OperationalError), match="locked"):
        two.execute("INSERT INTO t VALUES (2)")
    one.close()
    two.close()
