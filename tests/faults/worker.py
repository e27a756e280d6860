"""A worker process for the fault tests: the product's own, on a clock that is shifted to the day that is played.

`python -m tests.faults.worker [options] QUEUE...`; see `main` for the options. Publishing is done by a process too.
"""

import argparse
import ctypes
import signal
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from dispatch.contact.messages import Outgoing
from dispatch.core import crash, tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, database_now, transaction
from dispatch.core.tables import Alert
from dispatch.planning.publishing import publish
from dispatch.webhooks import deliveries, subscribers
from optimizer.codec import read_problem, write_plan
from optimizer.naive import naive
from tests.builders.registry import DISPATCHER
from workers import logs, sending, sweeper, watching, webhooks
from workers.__main__ import work
from workers.broker import bell, make_broker
from workers.channels.delivery import Accepted, Channel, Refused
from workers.execution import (
    Handlers,
    Interrupted,
    Long,
    LostLease,
    Postponed,
    TransientFailure,
    Work,
)
from workers.handlers import HANDLERS


def count(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    """Leave one row for each time it is done; the row's number is the task's."""
    _count(session, f"effect:{payload['number']}", now)
    time.sleep(payload.get("takes", 0))


def _count(session: Session, key: str, now: datetime) -> None:
    known = session.get(Alert, key, with_for_update=True)
    if known is None:
        session.add(Alert(key=key, text="effect", first_at=now, last_at=now))
    else:
        known.count += 1


def more(session: Session, payload: dict[str, Any], /, *, now: datetime) -> None:
    """Have its effect, and bring about two further tasks."""
    count(session, payload, now=now)
    for which in (1, 2):
        further = {"number": f"{payload['number']}.{which}"}
        tasks.enqueue(session, "test.count", key=f"test.more:{further}", payload=further, now=now)


def poison(_session: Session, _payload: dict[str, Any], /, *, now: datetime) -> None:
    """Kill the whole process, as a bug in a compiled library does."""
    ctypes.string_at(0)


def slow(work: Work) -> None:
    """Take `takes` seconds over one effect; leave a row too when somebody else has the task by then."""
    try:
        time.sleep(work.payload["takes"])
        _finish(work)
    except LostLease:
        with transaction(work.database) as session:
            _count(session, f"refused:{work.payload['number']}", work.clock(session))
        raise


def patient(work: Work) -> None:
    """Take long, unless the worker stops."""
    for _ in range(100 if work.lease.attempt == 1 and work.payload.get("waits") else 0):
        time.sleep(0.05)
        if work.should_stop():
            raise Interrupted
    _finish(work)


def flaky(work: Work) -> None:
    """Fail the first time."""
    if work.lease.attempt == 1:
        raise TransientFailure("the world is not ready")
    _finish(work)


def later(work: Work) -> None:
    """Be put off once."""
    with work.database.reading() as session:
        now = work.clock(session)
    if work.lease.token == 1:
        raise Postponed(now + timedelta(seconds=0.5))
    _finish(work)


def _finish(work: Work) -> None:
    with transaction(work.database) as session:
        count(session, {"number": work.payload["number"]}, now=work.clock(session))
        work.finish(session)


def crash_once(settings: Settings, point: str, time: int) -> None:
    """Have this process die when it comes to a crash point for the n-th time."""
    marker = settings.data_dir / f"crashed-{point}"
    if point and not marker.exists():
        marker.touch()
        crash._chosen = _Nth(point, time)


class _Nth(str):
    """A crash point's name that is found equal only the n-th time."""

    left: int

    def __new__(cls, point: str, time: int) -> "_Nth":
        made = super().__new__(cls, point)
        made.left = time
        return made

    def __eq__(self, other: object) -> bool:
        self.left -= str(self) == other
        return self.left == 0 and str(self) == other

    __hash__ = str.__hash__


def refusing_once(settings: Settings, plain: Mapping[str, Channel]) -> Mapping[str, Channel]:
    """Channels that refuse each message the first time."""

    def send(outgoing: Outgoing) -> Accepted:
        marker = settings.data_dir / f"refused-{outgoing.message_id}"
        if not marker.exists():
            marker.touch()
            raise Refused("come again", final=False)
        return plain[outgoing.channel].send(outgoing)

    return {name: replace(channel, send=send) for name, channel in plain.items()}


def quick_plan(_settings: Settings, document: str, **_options: object) -> str:
    """A plan in no time: these tests are not about the search."""
    return write_plan(naive(read_problem(document)))


def post_last(work: Work) -> None:
    """Say that a webhook's delivery was taken, then post it: the control."""
    with transaction(work.database) as session:
        number, now = work.payload["delivery_id"], work.clock(session)
        settings = work.settings
        step = deliveries.begin(
            session, delivery_id=number, key=settings.key, source=settings.base_url, now=now
        )
        deliveries.succeed(session, delivery_id=number, code=204, now=now)
        work.finish(session)
    if isinstance(step, deliveries.Outgoing):
        webhooks.post(step, settings)


TEST_HANDLERS: Handlers = {
    **HANDLERS,
    "test.count": count,
    "test.more": more,
    "test.poison": poison,
    "test.slow": Long(slow),
    "test.patient": Long(patient),
    "test.flaky": Long(flaky),
    "test.later": Long(later),
}


def publishing(shift: float, plan_id: int, point: str) -> None:
    """Publish a plan, dying at a crash point."""
    settings = Settings()
    crash._chosen = point
    database = Database(settings.database, bell=bell(make_broker(settings)))
    with transaction(database) as session:
        now = database_now(session) + timedelta(seconds=shift)
        publish(session, plan_id=plan_id, actor=DISPATCHER, now=now)
    database.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Work until told to stop."""
    options = _parser().parse_args(argv)
    settings = Settings()
    if options.machine:
        socket.gethostname = lambda: options.machine
    crash_once(settings, options.crash_once, options.nth)
    logs.set_up("INFO", as_json=True)
    sweeper.PERIOD_S = options.sweep
    tasks.MAX_RECOVERIES = options.recoveries
    if options.back_off:
        tasks.RETRY_AFTER = (options.back_off,)  # type: ignore[assignment]
    if options.rest:
        subscribers.RESTS = (options.rest,)  # type: ignore[assignment]
    if options.no_fence:
        tasks.finish = lambda *_args, **_options: None
    if options.quick_plans:
        watching.run_solver = quick_plan
    if options.refuse_once:
        plain = sending.channels_of
        sending.channels_of = lambda settings: refusing_once(settings, plain(settings))  # type: ignore[assignment]
    database = Database(settings.database, bell=bell(make_broker(settings)))
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: asked.set())
    shift = timedelta(seconds=options.shift)
    work(
        settings, database, queues=options.queues, threads=options.threads, grace=options.grace,
        sweeps=not options.no_sweeper, asked=asked,
        handlers={**TEST_HANDLERS, **({"webhook.deliver": Long(post_last)} if options.post_last else {})},
        clock=lambda session: database_now(session) + shift,
        length=timedelta(seconds=options.lease),
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--shift", type=float, default=0.0, help="seconds of its clock")
    parser.add_argument("--no-sweeper", action="store_true")
    parser.add_argument("--sweep", type=float, default=sweeper.PERIOD_S, help="every so often, s")
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--grace", type=float, default=5.0)
    parser.add_argument("--lease", type=float, default=30.0)
    parser.add_argument("--back-off", type=float, default=0.0, help="seconds before each retry")
    parser.add_argument("--recoveries", type=int, default=tasks.MAX_RECOVERIES, help="the limit")
    parser.add_argument("--crash-once", default="", help="the crash point to die at")
    parser.add_argument("--nth", type=int, default=1, help="which time it comes there")
    parser.add_argument("--no-fence", action="store_true", help="finish what it has lost, too")
    parser.add_argument("--quick-plans", action="store_true", help="plan without a solver process")
    parser.add_argument("--refuse-once", action="store_true", help="refuse each message once")
    parser.add_argument(
        "--rest", type=float, default=0.0, help="seconds that subscribers are left alone"
    )
    parser.add_argument(
        "--post-last", action="store_true", help="post a webhook when it is settled"
    )
    parser.add_argument("--machine", default="", help="on which machine it believes to be")
    parser.add_argument("queues", nargs="+")
    return parser


if __name__ == "__main__":
    main()
