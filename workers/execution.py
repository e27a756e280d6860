"""Executing a task: claim it, do it, and let the mark `done` commit together with the effect.

A short task is one transaction: its handler's changes and the done-mark stand or fall together. A long one (a
solve, a message) gets a `Work` with a lease that a thread renews; what it commits carries its fencing token.
"""

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.crash import crashpoint
from dispatch.core.db import Database, StaleVersion, database_now, retrying, transaction
from dispatch.core.errors import DispatchError
from dispatch.core.tables import TaskState
from dispatch.core.tasks import LEASE, Lease, LostLease
from workers.logs import mask

logger = structlog.get_logger(__name__)

Clock = Callable[[Session], datetime]
"""The clock that leases are counted on: the database's own, or a virtual one."""


class Outcome(StrEnum):
    """What came of one attempt to execute a task."""

    NOT_DUE = "not_due"
    DONE = "done"
    RETRY = "retry"
    DEAD = "dead"
    POSTPONED = "postponed"
    HANDED_BACK = "handed_back"
    LOST = "lost"


class Short(Protocol):
    """A handler that runs inside the transaction that marks its task done."""

    def __call__(self, session: Session, payload: dict[str, Any], /, *, now: datetime) -> object:
        """Do the work; a DispatchError is a final refusal."""


@dataclass(frozen=True, slots=True)
class Long:
    """A handler with transactions of its own, around work that touches the world or takes its time."""

    run: "Callable[[Work], None]"


@dataclass(frozen=True, slots=True)
class Configured:
    """A short handler that is also given the installation's settings."""

    run: "Callable[[Session, dict[str, Any], datetime, Settings], object]"


Handlers = Mapping[str, "Short | Configured | Long"]


@dataclass(frozen=True, slots=True)
class Stopping:
    """How a worker is told to stop: first no new task, and when time is up, no going on either."""

    claims: threading.Event = field(default_factory=threading.Event)
    work: threading.Event = field(default_factory=threading.Event)


class Postponed(Exception):
    """Raised by a long handler: do it at `until`; the attempt does not count."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class Interrupted(Exception):
    """Raised by a long handler that gave up because this worker stops; the task goes back untouched."""


class TransientFailure(Exception):
    """Raised by a handler whose world was not ready (a mail server said: later); the task is tried again."""


@dataclass(slots=True)
class Work:
    """A claimed long task: what its handler may use."""

    database: Database
    settings: Settings
    lease: Lease
    clock: Clock
    stopping: Stopping
    length: timedelta = LEASE
    """How long the lease lasts from each renewal."""
    lost: threading.Event = field(default_factory=threading.Event)
    """Set when somebody else has the task: whatever is made now is discarded."""
    goes_on_as: str = ""
    """Under which name another task of the queue is claimed when this one is done; empty: not at all."""
    following: Lease | None = None
    """The task that was claimed so."""

    @property
    def payload(self) -> dict[str, Any]:
        """What the task is about."""
        return self.lease.payload

    def should_stop(self) -> bool:
        """Whether to give up: the lease is lost, or this worker stops (then raise `Interrupted`)."""
        return self.lost.is_set() or self.stopping.work.is_set()

    def is_cut_short(self) -> bool:
        """Whether this worker stops while the task is its own: what it made so far is no answer."""
        return self.stopping.work.is_set() and not self.lost.is_set()

    def hold(self, session: Session) -> None:
        """Make sure in this transaction that the task is still ours; raises LostLease."""
        if not tasks.renew(session, self.lease, now=self.clock(session), by=self.length):
            raise LostLease(
                f"Task {self.lease.task_id} was taken over by another worker.",
                task=self.lease.task_id,
            )

    def finish(self, session: Session) -> None:
        """Mark the task done in this transaction; raises LostLease, so that nothing of it is kept.

        The transaction claims what follows it too, so that a backlog costs each task one transaction less.
        """
        now = self.clock(session)
        tasks.finish(session, self.lease, now=now)
        if not self.goes_on_as or self.stopping.claims.is_set():
            return
        following = tasks.claim_next(
            session, self.lease.task_id, owner=self.goes_on_as, now=now, lease=self.length
        )

        def keep(_session: object) -> None:
            self.following = following

        sa.event.listen(session, "after_commit", keep, once=True)  # it is ours only then


def execute(
    database: Database,
    settings: Settings,
    task_id: int,
    *,
    owner: str,
    handlers: Handlers,
    clock: Clock = database_now,
    stopping: Stopping | None = None,
    length: timedelta = LEASE,
    in_a_row: int = 1,
) -> Outcome:
    """Claim the task for `length` and do it; never raises for what a task may do. What came of it.

    With `in_a_row` above 1 others that are due in the task's queue follow, up to so many in all: one is claimed by
    the transaction that marks the one before as done. When the task itself is not due, the longest due takes its
    place: whoever is called on with nothing to do looks for work.

    Raises DatabaseAway when the database cannot be reached: the lease then runs out and the task is found again.
    """
    stopping = stopping or Stopping()
    if stopping.claims.is_set():
        return Outcome.NOT_DUE
    with transaction(database) as session:
        now = clock(session)
        lease = tasks.claim(session, task_id, owner=owner, now=now, lease=length)
        if lease is None and in_a_row > 1:
            lease = tasks.claim_next(session, task_id, owner=owner, now=now, lease=length)
    outcomes: list[Outcome] = []
    while lease is not None:
        crashpoint("task_claimed")
        more = owner if len(outcomes) + 1 < in_a_row else ""
        work = Work(database, settings, lease, clock, stopping, length, goes_on_as=more)
        outcomes.append(_perform(work, handlers))
        lease = work.following
    return outcomes[0] if outcomes else Outcome.NOT_DUE


def _perform(work: Work, handlers: Handlers) -> Outcome:
    lease = work.lease
    log = logger.bind(task=lease.task_id, kind=lease.kind, attempt=lease.attempt)
    handler = handlers.get(lease.kind)
    began = time.monotonic()
    if handler is None:  # perhaps a newer release's kind, which a newer worker will do
        return _record_failure(work, f"no handler for tasks of kind {lease.kind}")
    try:
        if work.stopping.claims.is_set():  # the worker was told to stop just now
            return _hand_back(work)
        if isinstance(handler, Long):
            _run_long(work, handler)
        else:
            _run_short(work, handler)
    except LostLease:
        log.warning("task.lost", after_s=round(time.monotonic() - began, 1))
        return Outcome.LOST
    except Interrupted:
        return _hand_back(work)
    except Postponed as later:
        with transaction(work.database) as session:
            tasks.postpone(session, lease, until=later.until)
        crashpoint("task_postponed")
        return Outcome.POSTPONED
    except DispatchError as refusal:
        final = refusal.code not in {"database_away", StaleVersion.code}
        log.warning("task.refused", code=refusal.code, message=refusal.message, final=final)
        return _record_failure(work, f"{refusal.code}: {refusal.message}", final=final)
    except TransientFailure as failure:
        log.warning("task.postponed_by_failure", error=str(failure))
        return _record_failure(work, str(failure))
    except Exception as error:
        log.exception("task.failed")
        return _record_failure(work, describe(error))
    crashpoint("task_done")
    log.debug("task.done", seconds=round(time.monotonic() - began, 3))
    return Outcome.DONE


def _run_short(work: Work, handler: Short | Configured) -> None:
    def both(session: Session) -> None:
        now = work.clock(session)
        if isinstance(handler, Configured):
            handler.run(session, work.lease.payload, now, work.settings)
        else:
            handler(session, work.lease.payload, now=now)
        crashpoint("task_handled")
        work.finish(session)

    retrying(work.database, both)


def _run_long(work: Work, handler: Long) -> None:
    ended = threading.Event()
    renewal = threading.Thread(
        target=_keep_renewing, args=(work, ended), name=f"lease-{work.lease.task_id}", daemon=True
    )
    renewal.start()
    try:
        handler.run(work)
    finally:
        ended.set()
        renewal.join()


def _keep_renewing(work: Work, ended: threading.Event) -> None:
    """Renew at a third of the lease; when the database is away too long, the lease is lost to us too."""
    period = work.length.total_seconds() / 3
    good_until = time.monotonic() + work.length.total_seconds()
    while not ended.wait(period):
        try:
            with transaction(work.database) as session:
                held = tasks.renew(session, work.lease, now=work.clock(session), by=work.length)
        except (DispatchError, DBAPIError) as error:
            logger.warning("lease.not_renewed", task=work.lease.task_id, error=describe(error))
            held = time.monotonic() < good_until
        else:
            good_until = time.monotonic() + work.length.total_seconds()
            crashpoint("lease_renewed")
        if not held:
            work.lost.set()
            return


def _hand_back(work: Work) -> Outcome:
    with transaction(work.database) as session:
        tasks.hand_back(session, work.lease, now=work.clock(session))
    crashpoint("task_handed_back")
    logger.info("task.handed_back", task=work.lease.task_id, kind=work.lease.kind)
    return Outcome.HANDED_BACK


def _record_failure(work: Work, error: str, *, final: bool = False) -> Outcome:
    crashpoint("task_failing")
    with transaction(work.database) as session:
        state = tasks.fail(session, work.lease, mask(error), now=work.clock(session), final=final)
    crashpoint("task_failed")
    if state is None:
        return Outcome.LOST
    return Outcome.DEAD if state is TaskState.DEAD else Outcome.RETRY


def describe(error: BaseException) -> str:
    """The last line of the traceback and where it comes from, without people's data or SQL parameters."""
    cause = getattr(error, "orig", None) or error
    first_line = (str(cause).splitlines() or [""])[0]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    return mask(f"{type(cause).__name__}: {first_line}{place}")[:500]


def drain(
    database: Database,
    settings: Settings,
    *,
    now: datetime,
    handlers: Handlers,
    limit: int = 100_000,
) -> dict[int, Outcome]:
    """Execute everything that is due at a virtual `now`, the longest due first, until nothing is; id -> outcome.

    What a task enqueues for `now` is executed too; what is due later waits for a later `now`.
    """
    outcomes: dict[int, Outcome] = {}

    def clock(_session: Session) -> datetime:
        return now

    while len(outcomes) < limit:
        with transaction(database) as session:
            lease = next(iter(tasks.claim_due(session, owner="drain", now=now, limit=1)), None)
        if lease is None:
            break
        work = Work(database, settings, lease, clock, Stopping())
        outcomes[lease.task_id] = _perform(work, handlers)
    return outcomes
