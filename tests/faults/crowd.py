"""Many tasks on real workers that a supervisor keeps alive; the database counts how often each had its effect."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, DatabaseAway, database_now, transaction
from dispatch.core.tables import Alert, Task, TaskState
from tests.faults import worker
from tests.faults.forking import Forked, ForkingSupervisor, forked
from tests.system.servers import environment, eventually, python
from workers.periodic import FOR_ALL
from workers.supervisor import Child, Supervisor

AGAIN = col(Task.dedupe_key).startswith("message.off_plan:again:")
"""The tasks that look again later whether a visit that left the plan is on one."""


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
        env = environment(self.settings)
        self.keeper.start(Child(name, argv, env))
        self.names.append(name)
        log = self.settings.data_dir / "logs" / f"{name}.log"
        ready = lambda: log.exists() and "worker.ready" in log.read_text()  # noqa: E731
        eventually(ready, seconds=90, what=name)  # the first waits for the fork server

    def add_workers(self, *names: str, options: tuple[str, ...] = ()) -> None:
        """Start several."""
        for name in names:
            self.add_worker(name, *options)

    def fork(
        self, arguments: Sequence[object], *, main: Callable[..., object] = worker.main
    ) -> Forked:
        """Start a process that nobody keeps alive: a worker with these arguments, or another main function."""
        log = self.settings.data_dir / "logs" / "forked.log"
        given = arguments if main is not worker.main else (list(arguments),)
        return forked(main, *given, env=environment(self.settings), log=log)

    def stop_politely(self, name: str) -> float:
        """SIGTERM to a worker; the seconds until it has ended. The supervisor starts it again."""
        process, began = self.keeper.pids()[name], time.monotonic()
        os.kill(process, signal.SIGTERM)
        eventually(lambda: self.keeper.pids().get(name) != process, seconds=60, what="its end")
        took = time.monotonic() - began
        eventually(lambda: name in self.keeper.pids(), what="the next worker")
        return took

    def troubles(self) -> str:
        """What the workers logged as warnings and errors, and what no logger wrote."""
        logs = sorted((self.settings.data_dir / "logs").glob("*.log"))
        lines = (line for log in logs for line in log.read_text().splitlines())
        calm = ('"level": "info"', '"level": "debug"')
        return "\n".join(line for line in lines if not any(mark in line for mark in calm))

    def held(self, kind: str) -> int:
        """How many tasks of this kind somebody is at."""
        with self.database.reading() as session:
            held = select(Task.id).where(Task.kind == kind, Task.state == TaskState.LEASED)
            return len(session.exec(held).all())

    def enqueue(
        self,
        count: int,
        *,
        kind: str = "test.count",
        after_s: float = 0,
        max_attempts: int = 6,
        **payload: Any,
    ) -> None:
        """Add tasks, due now or after so many seconds; each has a number of its own."""
        with transaction(self.database) as session:
            now = database_now(session)
            for number in range(self.enqueued, self.enqueued + count):
                tasks.enqueue(
                    session, kind, key=f"{kind}:{number}", payload={"number": number, **payload},
                    now=now, run_at=now + timedelta(seconds=after_s), max_attempts=max_attempts,
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

    def waits(self, *, kind: str = "test.count") -> list[float]:
        """How long after each task was added its effect came, in seconds on the database's clock, in order."""
        with self.database.reading() as session:
            added = dict(session.exec(select(Task.dedupe_key, Task.created_at)).all())
            rows = session.exec(
                select(Alert.key, Alert.first_at).where(col(Alert.key).startswith("effect:"))
            ).all()
        keys = [(key.replace("effect", kind), moment) for key, moment in rows]
        return sorted((at - added[key]).total_seconds() for key, at in keys if key in added)

    def tried(self, kind: str) -> int:
        """How many tasks of a kind wait for another try."""
        with self.database.reading() as session:
            again = (Task.kind == kind, Task.state == TaskState.DUE, col(Task.attempts) > 0)
            return len(session.exec(select(Task.id).where(*again)).all())

    def now(self) -> datetime:
        """The database's clock."""
        with self.database.reading() as session:
            return database_now(session)

    def last_effect(self) -> datetime:
        """When the last effect came."""
        with self.database.reading() as session:
            return max(
                session.exec(select(Alert.first_at).where(col(Alert.key).startswith("effect:")))
            )

    def refused(self) -> int:
        """How many results came too late and were refused."""
        with self.database.reading() as session:
            rows = session.exec(select(Alert.count).where(col(Alert.key).startswith("refused:")))
            return sum(rows)

    def open(self) -> int:
        """How many tasks are due or leased, not counting those of every minute and those that look `AGAIN`."""
        with self.database.reading() as session:
            waiting = col(Task.state).in_([TaskState.DUE, TaskState.LEASED])
            ours = ~col(Task.kind).in_([job.kind for job in FOR_ALL]) & ~AGAIN
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
    keeper = ForkingSupervisor(logs=settings.data_dir / "logs", say=said.append, pauses=(0.1,))
    try:
        yield Crowd(settings, database, keeper, said)
    finally:
        keeper.stop()
