"""A worker process for the fault tests: the product's own, on a clock that is shifted to the day that is played.

`python -m tests.faults.worker [--shift SECONDS] [--lease SECONDS] [--no-sweeper] [--crash-once POINT]
[--machine NAME] QUEUE...`
"""

import argparse
import ctypes
import signal
import socket
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from dispatch.core import crash
from dispatch.core.config import Settings
from dispatch.core.db import Database, database_now, transaction
from dispatch.core.tables import Alert
from workers import logs
from workers.__main__ import work
from workers.broker import bell, make_broker
from workers.execution import Handlers, Long, Work
from workers.handlers import HANDLERS


def count(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    """Leave one row for each time it is done; the row's number is the task's."""
    key = f"effect:{payload['number']}"
    known = session.get(Alert, key, with_for_update=True)
    if known is None:
        session.add(Alert(key=key, text="effect", first_at=now, last_at=now))
    else:
        known.count += 1
    time.sleep(payload.get("takes", 0))


def poison(_session: Session, _payload: dict[str, Any], /, *, now: datetime) -> None:
    """Kill the whole process, as a bug in a compiled library does."""
    ctypes.string_at(0)


def slow(work: Work) -> None:
    """Take `takes` seconds over one effect."""
    time.sleep(work.payload["takes"])
    with transaction(work.database) as session:
        count(session, {"number": work.payload["number"]}, now=work.clock(session))
        work.finish(session)


def crash_once(settings: Settings, point: str) -> None:
    """Have this process die at a crash point, and those that are started after it live on."""
    marker = settings.data_dir / f"crashed-{point}"
    if point and not marker.exists():
        marker.touch()
        crash._chosen = point


TEST_HANDLERS: Handlers = {
    **HANDLERS,
    "test.count": count,
    "test.poison": poison,
    "test.slow": Long(slow),
}


def main() -> None:
    """Work until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shift", type=float, default=0.0)
    parser.add_argument("--no-sweeper", action="store_true")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--grace", type=float, default=5.0)
    parser.add_argument("--lease", type=float, default=30.0)
    parser.add_argument("--crash-once", default="")
    parser.add_argument("--machine", default="", help="on which machine it believes to be")
    parser.add_argument("queues", nargs="+")
    options = parser.parse_args()
    settings = Settings()
    if options.machine:
        socket.gethostname = lambda: options.machine
    crash_once(settings, options.crash_once)
    logs.set_up("INFO", as_json=True)
    database = Database(settings.database, bell=bell(make_broker(settings)))
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: asked.set())
    shift = timedelta(seconds=options.shift)
    work(
        settings, database, queues=options.queues, threads=options.threads, grace=options.grace,
        sweeps=not options.no_sweeper, asked=asked, handlers=TEST_HANDLERS,
        clock=lambda session: database_now(session) + shift,
        length=timedelta(seconds=options.lease),
    )  # fmt: skip


if __name__ == "__main__":
    main()
