"""Many tasks on real workers that a supervisor keeps alive; the database counts how often each had its effect."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlmodel import col, select

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, DatabaseAway, database_now, transaction
from dispatch.core.tables import Alert, Task, TaskState
from tests.faults.day import ROOT
from tests.system.servers import environment, eventually, python
from workers.supervisor import Child, Supervisor


@dataclass(slots=True)
class Crowd:
    """Workers on one installation."""

    settings: Settings
    database: Database
    keeper: Supervisor
    said: list[str]
    enqueued: int = 0
    names: list[str] = field(default_factory=list)

    def add_worker(self, name: str, *options: str) -> None:
        """Start a worker of the default, messages and safety queues, and wait until it is ready."""
        argv = python("-m", "tests.faults.worker", *options, "default", "messages", "safety")
        env = environment(self.settings, PYTHONPATH=str(ROOT))
        self.keeper.start(Child(name, argv, env))
        self.names.append(name)
        log = self.settings.data_dir / "logs" / f"{name}.log"
        eventually(
            lambda: log.exists() and "worker.ready" in log.read_text(), seconds=60, what=name
        )

    def enqueue(
        self, count: int, *, kind: str = "test.count", after_s: float = 0, **payload: Any
    ) -> None:
        """Add tasks, due now or after so many seconds; each has a number of its own."""
        with transaction(self.database) as session:
            now = database_now(session)
            for number in range(self.enqueued, self.enqueued + count):
                tasks.enqueue(
                    session, kind, key=f"{kind}:{number}", payload={"number": number, **payload},
                    now=now, run_at=now + timedelta(seconds=after_s),
                )  # fmt: skip
        self.enqueued += count

    def enqueue_stubbornly(self, count: int, **payload: Any) -> None:
        """Add tasks, asking as often as it takes; a commit whose answer was lost adds nothing twice."""
        for _ in range(300):
            try:
                return self.enqueue(count, **payload)
            except DatabaseAway:
                time.sleep(0.1)
        raise AssertionError("the database did not come back")

    def kill(self, name: str) -> bool:
        """kill -9 a worker, if it lives just now."""
        pid = self.keeper.pids().get(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        return pid is not None

    def effects(self) -> Counter[int]:
        """How many times each count was reached: {1: n} when n tasks had their effect exactly once."""
        with self.database.reading() as session:
            rows = session.exec(select(Alert.count).where(col(Alert.key).startswith("effect:")))
            return Counter(rows)

    def open(self) -> int:
        """How many tasks are due or leased."""
        with self.database.reading() as session:
            waiting = col(Task.state).in_([TaskState.DUE, TaskState.LEASED])
            ours = ~col(Task.kind).in_(["clock.sweep", "task.archive"])
            return len(session.exec(select(Task.id).where(waiting, ours)).all())

    def wait_until_done(self, *, seconds: float) -> None:
        """Wait until nothing is due or leased."""
        eventually(
            lambda: self.open() == 0, seconds=seconds, what=f"the end of {self.open()} tasks"
        )


@contextmanager
def crowd(settings: Settings, database: Database) -> Iterator[Crowd]:
    """An installation without workers yet; all are stopped at the end."""
    said: list[str] = []
    keeper = Supervisor(logs=settings.data_dir / "logs", say=said.append, pauses=(0.1,))
    try:
        yield Crowd(settings, database, keeper, said)
    finally:
        keeper.stop()
