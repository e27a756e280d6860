"""The sweeper: whatever was lost between the database and its workers is found here within seconds.

It executes nothing. It makes tasks due again whose worker died, rings for what is due, starts periodic jobs, seals
events and makes the webhooks' deliveries of them. Several may run at once, one in each worker process: everything
it does is safe to do twice.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dramatiq
import redis
import structlog
from sqlmodel import Session, col, select

from dispatch.core import events, tasks
from dispatch.core.alerts import raise_alert
from dispatch.core.config import Settings
from dispatch.core.crash import crashpoint
from dispatch.core.db import Database, database_now, transaction
from dispatch.core.tables import Event, Task, TaskState
from dispatch.core.tasks import LONGEST_LEASE
from dispatch.exchange import imports
from dispatch.planning.stranded import give_up_stranded, stranded
from dispatch.webhooks import fanning
from workers.broker import SWEEP_BUDGET, bell, waiting
from workers.execution import Clock, describe
from workers.identity import is_gone, machine
from workers.periodic import start_jobs

logger = structlog.get_logger(__name__)

PERIOD_S = 5.0
SEAL_EVERY_S = 1.0
MOST_STEP_S = 2.0
"""Seconds by which the database's clock may run otherwise than time does, from one round to the next."""
MOST_WAITING = 200
"""Rings that may wait in one queue; a longer backlog is rung for as it shrinks, not again and again."""


@dataclass(slots=True)
class Swept:
    """What one round did."""

    recovered: int = 0
    rung: int = 0
    started: int = 0


@dataclass(slots=True)
class Sweeper:
    """One sweeper; `broker` is rung and nothing else."""

    database: Database
    settings: Settings
    broker: dramatiq.Broker
    clock: Clock = database_now
    stopwatch: Callable[[], float] | None = None
    """Seconds that nobody can set, to notice when somebody sets the clock; without it nobody notices."""
    _seen: tuple[float, datetime] | None = None
    _known: dict[str, str] = field(default_factory=dict)
    _behind: bool = False

    def run(self, stop: threading.Event) -> None:
        """Sweep every `PERIOD_S` seconds, +/-20 %, and seal every second, until `stop`.

        After a round that could not ring for everything the next one comes within a second.
        """
        next_sweep = 0.0
        while not stop.is_set():
            if time.monotonic() >= next_sweep:
                self._guarded("sweep", self.sweep)
                spread = random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, guards nothing
                next_sweep = time.monotonic() + (0 if self._behind else PERIOD_S * spread)
            self._guarded("seal", self.seal)
            self._guarded("webhooks", self.tell_webhooks)
            stop.wait(SEAL_EVERY_S)

    def sweep(self) -> Swept:
        """One round: recover, end what nobody will, start periodic jobs, ring."""
        swept = Swept()
        asked_at = self.stopwatch() if self.stopwatch else None
        with self.database.reading() as session:
            now = self.clock(session)
            gone = owners_gone(session)
            expired = session.exec(
                select(Task.id)
                .where(
                    col(Task.state) == TaskState.LEASED,
                    (col(Task.lease_until) < now) | (col(Task.lease_until) > now + LONGEST_LEASE),
                )
                .limit(1)
            ).first()
        if asked_at is not None:
            self._watch_clock(now, asked_at)
        if gone or expired is not None:
            with transaction(self.database) as session:
                swept.recovered = recover(session, gone=gone, now=now)
            crashpoint("sweep_recovered")
        with self.database.reading() as session:
            left = any((*stranded(session), imports.stranded(session)))
        if left:
            with transaction(self.database) as session:
                give_up_stranded(session, now=now)
                imports.give_up_stranded(session, now=now)
        swept.started = start_jobs(self.database, now=now, known=self._known)
        crashpoint("sweep_started")
        swept.rung = self.ring(now)
        crashpoint("sweep_rung")
        if swept.recovered:
            logger.warning("sweep.recovered", tasks=swept.recovered)
        return swept

    def ring(self, now: datetime) -> int:
        """Ring for due tasks, as far as their queues are not full of rings already; how many."""
        with self.database.reading() as session:
            due = tasks.due(session, now=now, limit=4 * MOST_WAITING)
        try:
            room = {queue: MOST_WAITING - waiting(self.broker, queue) for queue, _ in due}
        except (redis.RedisError, OSError):
            return 0  # Redis is away: the tasks wait, the next round finds them
        rings = []
        for queue, task_id in due:
            if room[queue] > 0:
                room[queue] -= 1
                rings.append((queue, task_id))
        rung = bell(self.broker, budget=SWEEP_BUDGET).ring(rings)
        self._behind = 0 < rung < len(due)
        return rung

    def _watch_clock(self, now: datetime, asked_at: float) -> None:
        """Alert when the database's clock was set since the last round: times before and after do not compare."""
        assert self.stopwatch is not None, "only who has a stopwatch can tell"
        seen, self._seen = self._seen, (asked_at, now)
        if self.stopwatch() - asked_at > MOST_STEP_S / 2:
            self._seen = None  # the answer took too long to be compared
        elif seen is not None:
            step = (now - seen[1]).total_seconds() - (asked_at - seen[0])
            if abs(step) > MOST_STEP_S:
                with transaction(self.database) as session:
                    raise_alert(session, "clock.step", _stepped(step), now=now)

    def seal(self) -> int:
        """Number and chain what was committed since the last time; how many events."""
        with self.database.reading() as session:
            unsealed = session.exec(
                select(Event.id).where(col(Event.position).is_(None)).limit(1)
            ).first()
        return 0 if unsealed is None else events.seal(self.database, self.settings.key)

    def tell_webhooks(self) -> int:
        """Make the deliveries of what was sealed; how many."""
        with self.database.reading() as session:
            behind = fanning.behind(session)
        if not behind:
            return 0
        with transaction(self.database) as session:
            return fanning.fan_out(session, behind, now=self.clock(session))

    def _guarded(self, step: str, action: Callable[[], object]) -> None:
        """A round that fails is told and the next one comes: this thread is what finds lost work."""
        try:
            action()
        except Exception as error:
            logger.exception("sweep.failed", step=step, error=describe(error))


def recover(session: Session, *, gone: list[str], now: datetime) -> int:
    """Make tasks due again whose lease ran out, or whose holder was a process of this machine that is gone."""
    for task in session.exec(
        select(Task).where(col(Task.state) == TaskState.LEASED, col(Task.lease_owner).in_(gone))
    ):
        task.lease_until = now - timedelta(seconds=1)
    session.flush()
    recovered = 0
    while batch := tasks.recover_expired(session, now=now):
        recovered += batch
    return recovered


def owners_gone(session: Session) -> list[str]:
    """The holders of leases that were processes of this machine and no longer run."""
    owners = session.exec(
        select(Task.lease_owner)
        .where(col(Task.state) == TaskState.LEASED, col(Task.lease_owner).like(f"{machine()}:%"))
        .distinct()
    )
    return [owner for owner in owners if owner is not None and is_gone(owner)]


def _stepped(seconds: float) -> str:
    return (
        f"The clock was set {'forward' if seconds > 0 else 'back'} by {abs(seconds):.0f} s. Leases and periodic "
        "jobs go on; what waits for a time, and links, go by the new one. Have the machine follow a time server."
    )
