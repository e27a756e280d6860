"""A worker process on a real Redis: rung at once, swept when a ring is lost, stopped politely."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, database_now, transaction
from dispatch.core.tables import Task, TaskState
from tests.system.servers import Redis, environment, eventually, process, python
from workers.broker import bell, make_broker

pytestmark = pytest.mark.system


@contextmanager
def worker(settings: Settings, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker process that has said that it is ready."""
    log = settings.data_dir / "worker.log"
    argv = python("-m", "workers", "--prepared", *options)
    with process(argv, env=environment(settings), log=log) as running:
        eventually(lambda: "worker.ready" in log.read_text(), what="the worker")
        yield running


def enqueue(database: Database, key: str, kind: str = "clock.sweep") -> int:
    with transaction(database) as session:
        task_id = tasks.enqueue(session, kind, key=key, now=database_now(session))
    assert task_id is not None
    return task_id


def is_done(database: Database, task_id: int) -> bool:
    with database.reading() as session:
        task = session.get(Task, task_id)
        return task is not None and task.state is TaskState.DONE


def test_a_task_is_done_soon_after_its_commit(
    database: Database, settings: Settings, redis: Redis
) -> None:
    database.bell = bell(make_broker(settings))
    with worker(settings, "--no-sweeper"):
        began = time.monotonic()
        task_id = enqueue(database, "rung")
        eventually(lambda: is_done(database, task_id))

    assert time.monotonic() - began < 3


def test_a_task_nobody_rang_for_is_found_by_the_sweeper(
    database: Database, settings: Settings, redis: Redis
) -> None:
    with worker(settings):
        task_id = enqueue(database, "silent")  # this database has no bell
        eventually(lambda: is_done(database, task_id), seconds=10)


def test_a_worker_that_is_told_to_stop_twice_ends_cleanly(
    database: Database, settings: Settings, redis: Redis
) -> None:
    with worker(settings, "--grace", "5") as running:
        running.send_signal(signal.SIGTERM)
        running.send_signal(signal.SIGTERM)

        assert running.wait(timeout=8) == 0


def test_a_worker_stops_while_redis_is_away(
    database: Database, settings: Settings, redis: Redis
) -> None:
    with worker(settings, "--grace", "5") as running:
        redis.kill()
        time.sleep(0.5)
        running.send_signal(signal.SIGTERM)

        assert running.wait(timeout=12) == 0


def test_a_worker_that_cannot_reach_its_database_says_so_in_one_line(
    settings: Settings, redis: Redis
) -> None:
    away = settings.model_copy(update={"database_url": "postgresql://x:y@127.0.0.1:1/none"})
    log = settings.data_dir / "worker.log"
    argv = python("-m", "workers")
    with process(argv, env=environment(away), log=log) as running:
        assert running.wait(timeout=30) == 1

    last = log.read_text().strip().splitlines()[-1]
    assert "database_away" in last
    assert "Traceback" not in log.read_text()
