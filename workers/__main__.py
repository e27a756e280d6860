"""`python -m workers --queues default messages`: one worker process.

It executes the tasks of its queues in threads and sweeps beside them. SIGTERM or SIGINT: no new task is claimed,
running ones get `--grace` seconds, a solve is given up after half of them and its task goes back. A second signal
changes nothing.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog
from dramatiq import Worker

from dispatch.core.config import Settings
from dispatch.core.db import Database, database_now
from dispatch.core.errors import DispatchError
from dispatch.core.tasks import LEASE, QUEUES
from workers import actors, logs, startup
from workers.broker import WORK_PATIENCE, bell, make_broker
from workers.execution import Clock, Handlers, Stopping, execute
from workers.handlers import HANDLERS
from workers.identity import owner_name
from workers.sweeper import Sweeper

logger = structlog.get_logger(__name__)

POLL_MS = 200
"""How long an idle queue is left alone at most: half of it is what a ring waits on average."""
IN_A_ROW = 16
"""Tasks that a thread does of one queue before it turns to what was rung for next, of whatever queue."""


def main(argv: Sequence[str] | None = None) -> int:
    """Work until told to stop; the exit code."""
    options = _parser().parse_args(argv)
    settings = Settings()
    os.umask(0o077)
    logs.set_up(settings.log_level)
    try:
        database = (
            Database(settings.database)
            if options.prepared
            else startup.prepare(settings, say=lambda text: logger.info("start", text=text))
        )
    except DispatchError as refusal:
        logger.error("start.refused", code=refusal.code, reason=refusal.message)  # noqa: TRY400
        return 1
    database.bell = bell(make_broker(settings))
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: asked.set())
    work(
        settings, database, queues=options.queues, threads=options.threads, grace=options.grace,
        sweeps=not options.no_sweeper, asked=asked,
    )  # fmt: skip
    return 0


def work(
    settings: Settings,
    database: Database,
    *,
    queues: Sequence[str],
    threads: int,
    grace: float,
    sweeps: bool,
    asked: threading.Event,
    handlers: Handlers = HANDLERS,
    clock: Clock = database_now,
    length: timedelta = LEASE,
) -> None:
    """Serve `queues` with so many threads until `asked` is set, then stop within about `grace` seconds."""
    broker = make_broker(settings, patience=WORK_PATIENCE)
    database.write_in_turns()
    stopping = Stopping()
    run = partial(
        execute,
        database,
        settings,
        owner=owner_name(),
        handlers=handlers,
        clock=clock,
        stopping=stopping,
        length=length,
        in_a_row=IN_A_ROW,
    )
    actors.declare(broker, queues, run)
    worker = Worker(broker, queues=set(queues), worker_threads=threads, worker_timeout=POLL_MS)
    worker.start()
    sweeper = Sweeper(
        database, settings, make_broker(settings), clock=clock, stopwatch=time.monotonic
    )
    sweeping = threading.Thread(target=sweeper.run, args=(asked,), name="sweeper", daemon=True)
    if sweeps:
        sweeping.start()
    logger.info("worker.ready", queues=list(queues), threads=threads, process=os.getpid())
    while not asked.wait(3600):
        pass
    stopping.claims.set()
    giving_up = threading.Timer(grace / 2, stopping.work.set)
    giving_up.start()
    worker.stop(timeout=int(grace * 1000))
    giving_up.cancel()
    if sweeps:
        sweeping.join(2.0)
    left = [thread.name for thread in worker.workers if thread.is_alive()]
    logger.info("worker.stopped", still_busy=len(left))
    broker.close()
    database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workers", description="One worker process of Gridcrew.")
    parser.add_argument(
        "--queues", nargs="+", choices=QUEUES, default=["default", "messages", "webhooks"]
    )
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--grace", type=float, default=20.0, help="seconds to finish after SIGTERM")
    parser.add_argument("--no-sweeper", action="store_true", help="leave sweeping to others")
    parser.add_argument(
        "--prepared", action="store_true", help="the caller has migrated and recovered already"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
