"""A process that dies at any of its marked places leaves a state from which the next one goes on."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, sqlite_driver, transaction
from dispatch.core.tables import Task
from tests.builders.contact import make_message
from tests.faults.counts import times
from tests.faults.crowd import Crowd, crowd
from tests.faults.day import ROOT
from tests.faults.test_workers_killed import MORNING
from tests.system.servers import Redis, environment, process, python
from workers.broker import bell, make_broker

pytestmark = pytest.mark.faults

POINTS = (
    "before_commit", "after_commit", "task_claimed", "task_handled", "message_sending",
    "message_accepted",
)  # fmt: skip
SEED = 20260310


@pytest.fixture
def workers(settings: Settings, database: Database, redis: Redis) -> Iterator[Crowd]:
    """An installation that rings."""
    database.bell = bell(make_broker(settings))
    with crowd(settings, database) as started:
        yield started


def test_after_a_crash_at_any_point_everything_is_done_once(workers: Crowd) -> None:
    shift = (MORNING - datetime.now(UTC)).total_seconds()
    sent = 0
    for point in POINTS * times(1, 20):
        (workers.settings.data_dir / f"crashed-{point}").unlink(missing_ok=True)
        with transaction(workers.database) as session:
            make_message(session, safety=True)
        sent += 1
        workers.enqueue(3, after_s=shift)
        name = f"{point}-{sent}"
        argv = python("-m", "tests.faults.worker", "--crash-once", point, "--shift", str(shift),
                      "default", "messages", "safety")  # fmt: skip
        env = environment(workers.settings, PYTHONPATH=str(ROOT))
        with process(argv, env=env, log=workers.settings.data_dir / f"{name}.log") as crashing:
            assert crashing.wait(timeout=40) == 137, f"it did not come to {point}"
        argv = [part for part in argv if part not in {"--crash-once", point}]
        with process(argv, env=env, log=workers.settings.data_dir / f"{name}.log"):
            workers.wait_until_done(seconds=45)

    assert workers.effects() == {1: workers.enqueued}
    with workers.database.reading() as session:
        assert set(session.exec(select(Message.status))) == {MessageStatus.SENT}
        assert max(session.exec(select(Task.recoveries))) <= 1
    assert len(list(workers.settings.outbox_dir.glob("*.eml"))) == sent


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
