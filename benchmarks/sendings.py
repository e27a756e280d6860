"""`./run bench --suite messages`: how fast messages leave, on SQLite and on PostgreSQL.

Two worker processes of four threads drain a backlog of messages through an HTTP gateway into a provider on this
machine that takes each at once, and then serve a trickle. Each is checked, marked `sending`, handed over and marked
`sent`, in transactions of its own. What is counted is what the provider took; the wait of a message of the
trickle is from before its commit until the provider has it.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles

from benchmarks.tasks import (
    DATABASES,
    PROCESSES,
    THREADS,
    installations,
    process,
    redis_running,
)
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.migrate import migrate
from workers import child
from workers.broker import bell, make_broker

SUITE = "messages"
BACKLOG = 10_000
AT_ONCE = 250
"""Messages that one commit of the backlog adds."""
VISITS_A_CREW = 10
TRICKLE, PER_SECOND = 200, 10
PATIENCE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Sent:
    """How it went on one database: messages a second of the backlog, and what the trickle's waited, in seconds."""

    database: str
    rate: float
    waited: tuple[float, ...]


def run(sizes: Sequence[int]) -> str:
    """Both databases; the figures as a Markdown table."""
    backlog = sizes[0] if sizes else BACKLOG
    rows = []
    with installations() as made:
        for kind in DATABASES:
            rows.append(_measured(kind, made(kind), backlog))
            sys.stderr.write(f"{kind}: {rows[-1].rate:.0f}/s\n")
    return printed(rows, backlog)


def printed(rows: Sequence[Sent], backlog: int) -> str:
    """The rows as a Markdown table."""
    lines = [
        f"### {backlog:,} messages sent by {PROCESSES} workers of {THREADS} threads, then {PER_SECOND} a second",
        "",
        "| database | sent a second | median wait, ms | p99, ms |",
        "| --- | ---: | ---: | ---: |",
    ]
    for row in rows:
        cuts = quantiles(row.waited, n=100)
        lines.append(
            f"| {row.database} | {row.rate:,.0f} | {1000 * cuts[49]:,.0f} | {1000 * cuts[98]:,.0f} |"
        )
    return "\n".join([*lines, ""])


def _measured(kind: str, installation: Settings, backlog: int) -> Sent:
    from tests.builders.contact import make_message, make_told_visit
    from tests.instants import at
    from tests.sink import Sink, gateway_file, sink_running

    def wait_for(sink: Sink, messages: int) -> None:
        end = time.monotonic() + PATIENCE_S
        while len(sink.accepted) < messages:
            if time.monotonic() > end:
                sys.exit(f"{len(sink.accepted)} of {messages} were sent in {PATIENCE_S:.0f} s.")
            time.sleep(0.02)

    morning = at("10:05") - timedelta(days=1)
    with sink_running() as sink:
        gateway = gateway_file(installation.data_dir, sink)
        settings = installation.model_copy(update={"email_gateway": gateway})
        database = Database(settings.database)
        if database.is_sqlite:
            migrate(database)
        for begin in range(0, backlog, AT_ONCE):
            with transaction(database) as session:
                for number in range(begin, min(begin + AT_ONCE, backlog)):
                    crew = f"T{number // VISITS_A_CREW}"
                    make_message(session, visit=make_told_visit(session, crew=crew))
        shift = (morning - datetime.now(UTC)).total_seconds()
        with redis_running(settings), _workers(settings, shift):
            wait_for(sink, backlog)
            rate = (backlog - 1) / (sink.taken_at[-1] - sink.taken_at[0])
            database.bell = bell(make_broker(settings))
            written: dict[str, float] = {}
            for _ in range(TRICKLE):
                began = time.monotonic()
                with transaction(database) as session:
                    written[f"gridcrew-{make_message(session).id}"] = began
                time.sleep(1 / PER_SECOND)
            wait_for(sink, backlog + TRICKLE)
        database.close()
        assert len(set(sink.accepted)) == backlog + TRICKLE, "a message was sent twice"
        taken = dict(zip(sink.accepted, sink.taken_at, strict=True))
    return Sent(kind, rate, tuple(taken[key] - began for key, began in written.items()))


@contextmanager
def _workers(settings: Settings, shift: float) -> Iterator[None]:
    """Workers as the product starts them, on a clock at which customers may be told."""
    argv = [
        sys.executable, "-m", "tests.faults.worker", "--shift", str(shift), "--threads", str(THREADS),
        "default", "messages", "safety",
    ]  # fmt: skip
    env = {**os.environ, "GRIDCREW_EMAIL_GATEWAY": str(settings.email_gateway)}
    with ExitStack() as stack:
        for _ in range(PROCESSES):
            stack.enter_context(process(child.command(argv), settings, env))
        yield
