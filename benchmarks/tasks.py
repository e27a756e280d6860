"""`./run bench --suite tasks`: durable tasks beside raw dramatiq, on SQLite and on PostgreSQL.

Two worker processes of four threads drain a backlog, then serve a trickle. A task does almost nothing: it inserts
one row. Durable tasks are rows with leases, fencing and an effect that commits with its done-mark; beside them, in
the same run, dramatiq's own workers insert the same row with nothing of that. What is counted is the rows.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from sqlmodel import Session, col, func, select

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, database_now, transaction
from dispatch.core.migrate import migrate
from dispatch.core.tables import Alert
from workers import child, logs, redis_server
from workers.__main__ import POLL_MS, work
from workers.broker import bell, make_broker

SUITE = "tasks"
BACKLOG = 5000
AT_ONCE = 50
"""Tasks that one commit of the backlog adds."""
TRICKLE, PER_SECOND = 400, 20
PROCESSES, THREADS = 2, 4
DATABASES = ("SQLite", "PostgreSQL")
PATIENCE_S = 600.0
KIND = "bench.touch"
_READY = "ready-{}"


@dataclass(frozen=True, slots=True)
class Drained:
    """How one way of working did: tasks a second of the backlog, and what tasks of the trickle waited, seconds."""

    database: str
    way: str
    rate: float
    waited: tuple[float, ...]


def run(sizes: Sequence[int]) -> str:
    """Both ways on both databases; the figures as a Markdown table."""
    backlog = sizes[0] if sizes else BACKLOG
    rows = []
    with installations() as made:
        for kind in DATABASES:
            for way in WAYS:
                rows.append(_measured(kind, way, made(kind), backlog))
                sys.stderr.write(f"{kind}, {way}: {rows[-1].rate:.0f}/s\n")
    return printed(rows, backlog)


@contextmanager
def installations() -> Iterator[Callable[[str], Settings]]:
    """Makes installations, each with a folder and a fresh database of the kind named, that last for the block."""
    with ExitStack() as stack:
        # The tests know how to start a server of their own; nothing else here needs them.
        from tests.system import postgresql

        server = stack.enter_context(postgresql.server())
        template = postgresql.make_template(server)

        def make(kind: str) -> Settings:
            made = tempfile.TemporaryDirectory(prefix="gridcrew-bench-")
            folder = Path(stack.enter_context(made))
            address = f"sqlite:///{folder / 'gridcrew.db'}"
            if kind == "PostgreSQL":
                address = stack.enter_context(postgresql.fresh_database(server, template))
            return Settings(data_dir=folder, database_url=address, redis_url="")

        yield make


def printed(rows: Sequence[Drained], backlog: int) -> str:
    """The rows as a Markdown table."""
    lines = [
        f"### {backlog:,} tasks drained by {PROCESSES} workers of {THREADS} threads, then {PER_SECOND} a second",
        "",
        "| database | tasks | drained a second | median wait, ms | p99, ms |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for row in rows:
        cuts = quantiles(row.waited, n=100)
        lines.append(
            f"| {row.database} | {row.way} | {row.rate:,.0f} | {1000 * cuts[49]:.0f} | {1000 * cuts[98]:.0f} |"
        )
    return "\n".join([*lines, ""])


# -- the office: adds tasks and counts their effects --------------------------------------------------------------

Add = Callable[[range], object]
"""Adds tasks of these numbers."""


def _measured(kind: str, way: str, settings: Settings, backlog: int) -> Drained:
    database = Database(settings.database)
    if database.is_sqlite:
        migrate(database)
    with redis_running(settings), _workers(way, settings):
        add = WAYS[way](settings, database)
        add(range(1))
        _wait_for(database, 1)  # everything is warm after it
        began = time.perf_counter()
        for number in range(1, 1 + backlog, AT_ONCE):
            add(range(number, min(number + AT_ONCE, 1 + backlog)))
        _wait_for(database, 1 + backlog)
        rate = backlog / (time.perf_counter() - began)
        added: dict[int, datetime] = {}
        for number in range(1 + backlog, 1 + backlog + TRICKLE):
            added[number] = datetime.now(UTC)
            add(range(number, number + 1))
            time.sleep(1 / PER_SECOND)
        _wait_for(database, 1 + backlog + TRICKLE)
    done = _effects(database)
    database.close()
    waited = tuple((done[number] - moment).total_seconds() for number, moment in added.items())
    return Drained(kind, way, rate, waited)


def _add_durable(settings: Settings, database: Database) -> Add:
    database.bell = bell(make_broker(settings))

    def add(numbers: range) -> None:
        with transaction(database) as session:
            now = database_now(session)
            for number in numbers:
                payload = {"number": number}
                tasks.enqueue(session, KIND, key=f"{KIND}:{number}", payload=payload, now=now)

    return add


def _add_raw(settings: Settings, _database: Database) -> Add:
    broker = _raw_broker(settings)

    def add(numbers: range) -> None:
        for number in numbers:
            broker.enqueue(dramatiq.Message("raw", "raw", (number,), {}, {}))

    return add


def _wait_for(database: Database, effects: int) -> None:
    end = time.monotonic() + PATIENCE_S
    counting = select(func.count()).select_from(Alert).where(col(Alert.text) == KIND)
    while True:
        with database.reading() as session:
            found = session.exec(counting).one()
        if found >= effects:
            return
        if time.monotonic() > end:
            sys.exit(f"{found} of {effects} tasks were done in {PATIENCE_S:.0f} s.")
        time.sleep(0.05)


def _effects(database: Database) -> dict[int, datetime]:
    """When each task's row was written; a second one for a task cannot be, its number is the key."""
    with database.reading() as session:
        rows = session.exec(select(Alert).where(col(Alert.text) == KIND))
        return {int(row.key.removeprefix(f"{KIND}:")): row.first_at for row in rows}


@contextmanager
def redis_running(settings: Settings) -> Iterator[None]:
    """The installation's Redis for the block."""
    command = child.command(redis_server.prepare(settings))
    with process(command, settings):
        if not redis_server.wait_ready(settings):
            sys.exit("Redis did not start.")
        yield


@contextmanager
def _workers(way: str, settings: Settings) -> Iterator[None]:
    argv = [sys.executable, "-m", "benchmarks.tasks", way]
    with ExitStack() as stack:
        for _ in range(PROCESSES):
            stack.enter_context(process(child.command(argv), settings))
        while len(list(settings.data_dir.glob(_READY.format("*")))) < PROCESSES:
            time.sleep(0.1)
        yield


@contextmanager
def process(
    argv: Sequence[str], settings: Settings, env: Mapping[str, str] = os.environ
) -> Iterator[None]:
    """A process of this installation for the block; told to stop at its end."""
    env = {
        **env,
        "GRIDCREW_DATA_DIR": str(settings.data_dir),
        "GRIDCREW_DATABASE_URL": settings.database,
        "GRIDCREW_REDIS_URL": settings.redis_url,
        "GRIDCREW_LOG_LEVEL": "WARNING",
    }
    running = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)


# -- the workers: `python -m benchmarks.tasks WAY` ----------------------------------------------------------------


def touch(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    """Insert one row."""
    key = f"{KIND}:{payload['number']}"
    session.add(Alert(key=key, text=KIND, first_at=now, last_at=now))


def _work_durable(settings: Settings, database: Database, asked: threading.Event) -> None:
    database.bell = bell(make_broker(settings))
    work(
        settings, database, queues=["default"], threads=THREADS, grace=5, sweeps=True, asked=asked,
        handlers={KIND: touch, **dict.fromkeys(("clock.sweep", "task.archive"), _nothing)},
    )  # fmt: skip


def _nothing(_session: Session, _payload: dict[str, Any], /, *, now: datetime) -> None:
    """Periodic jobs have nothing to do here."""


def _work_raw(settings: Settings, database: Database, asked: threading.Event) -> None:
    broker = _raw_broker(settings)

    def raw(number: int) -> None:
        with transaction(database) as session:
            touch(session, {"number": number}, now=database_now(session))

    dramatiq.actor(actor_name="raw", queue_name="raw", broker=broker)(raw)
    worker = dramatiq.Worker(broker, worker_threads=THREADS, worker_timeout=POLL_MS)
    worker.start()
    asked.wait()
    worker.stop(timeout=5000)


def _raw_broker(settings: Settings) -> RedisBroker:
    """dramatiq's as it comes: with its own middleware."""
    broker = RedisBroker(client=redis_server.connect(settings.redis, patience=5))  # type: ignore[no-untyped-call]
    broker.declare_queue("raw")
    return broker


def _main(way: str) -> None:
    settings = Settings()
    logs.set_up(settings.log_level)
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: asked.set())
    database = Database(settings.database)
    (settings.data_dir / _READY.format(os.getpid())).touch()
    {"durable": _work_durable, "raw dramatiq": _work_raw}[way](settings, database, asked)


WAYS = {"durable": _add_durable, "raw dramatiq": _add_raw}

if __name__ == "__main__":
    _main(sys.argv[1])
