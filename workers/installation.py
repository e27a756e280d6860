"""`up`: a whole installation on this machine, as processes under one supervisor."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from dispatch.core.config import Settings
from dispatch.core.db import Database
from workers import redis_server, startup
from workers.broker import bell, make_broker
from workers.supervisor import Child, Supervisor, check_port, data_dir_lock
from workers.warm import WarmOptimizer, socket_path

GRACE_S = 5.0
"""Seconds that a worker has for running tasks when `up` stops; all of it ends within ten."""


class Installation:
    """What runs: its database, with a bell that reaches the workers, and its supervisor."""

    def __init__(self, settings: Settings, database: Database, supervisor: Supervisor) -> None:
        self.settings = settings
        self.database = database
        self.supervisor = supervisor

    def wait_for(self, name: str, is_ready: Callable[[], bool], *, seconds: float = 30.0) -> None:
        """Wait until a child is ready; raises ChildFailed with its last words."""
        self.supervisor.wait_ready(name, is_ready, seconds=seconds)


@contextmanager
def running(
    settings: Settings, *, api: Sequence[str], say: Callable[[str], None]
) -> Iterator[Installation]:
    """Start everything, and stop everything at the end, within ten seconds.

    `api` is the command of the web process; it gets this process's environment with the address, the port and
    the data directory of `settings`. `say` is told one line for whatever a person should know. SIGTERM and SIGHUP
    end the block as Ctrl-C does, by KeyboardInterrupt.

    Raises DataDirInUse, DataDirUnusable, PortInUse, RedisUnusable, ChildFailed, DatabaseAway, each with one
    sentence that says the way out.
    """
    check_port(settings.host, settings.port)
    with data_dir_lock(settings), _ends_politely():
        embedded = redis_server.prepare(settings) if not settings.redis_url else None
        supervisor = Supervisor(logs=settings.data_dir / "logs", say=say)
        database: Database | None = None
        try:
            if embedded:
                supervisor.start(Child("redis", embedded, last=True))
            database = startup.prepare(settings, say=say)
            if embedded:
                supervisor.wait_ready(
                    "redis", lambda: redis_server.answers(settings.redis), seconds=15
                )
            elif not redis_server.answers(settings.redis):
                say("Redis does not answer yet; work waits until it does (GRIDCREW_REDIS_URL).")
            database.bell = bell(make_broker(settings))
            for child in children(settings, api=api):
                supervisor.start(child)
            yield Installation(settings, database, supervisor)
        finally:
            supervisor.stop()
            if database is not None:
                database.close()


def children(settings: Settings, *, api: Sequence[str]) -> list[Child]:
    """The processes of an installation but Redis.

    Safety messages have a worker of their own, that no backlog and no crash of other work touches; plans are
    solved one at a time.
    """
    env = {
        "GRIDCREW_DATA_DIR": str(settings.data_dir.resolve()),
        "GRIDCREW_HOST": settings.host,
        "GRIDCREW_PORT": str(settings.port),
    }
    base = [sys.executable, "-m", "workers", "--prepared", "--grace", str(GRACE_S), "--queues"]
    threads = str(settings.worker_threads)
    return [
        Child("api", api, env),
        Child("worker", [*base, "default", "messages", "webhooks", "--threads", threads], env),
        Child("worker-solve", [*base, "solve", "--threads", "1", "--no-sweeper"], env),
        Child("worker-safety", [*base, "safety", "--threads", "2"], env),
        Child(
            "optimizer",
            [sys.executable, "-m", "workers.warm", str(socket_path(settings))],
            env,
            memory_mb=settings.solve_memory_mb,
        ),
    ]


def optimizer_is_ready(settings: Settings) -> bool:
    """Whether the warm optimizer answers."""
    return WarmOptimizer(settings, patience=1.0).answers()


@contextmanager
def _ends_politely() -> Iterator[None]:
    """Have SIGINT, SIGTERM and SIGHUP end the block, also where a shell started us with SIGINT ignored."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    os.umask(0o077)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
