"""Durable tasks: rows that survive any crash, executed by whoever holds the lease.

A task is `due` until somebody claims it (`leased`); the claim is a compare-and-set that counts the attempt and
hands out a fencing token before any work begins. A result is accepted only with the current token.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.alerts import raise_alert, resolve
from dispatch.core.claiming import ADD, ANY, DONE, HELD, NEXT, ROWS, THIS
from dispatch.core.errors import ConflictError, NotFoundError
from dispatch.core.tables import Task, TaskClass, TaskState

LEASE = timedelta(seconds=30)
RETRY_AFTER = (5, 30, 300, 1800, 7200, 18000)
"""Seconds before each further attempt; +/-20 % of chance keep a crowd from returning at once."""
LONGEST_LEASE = timedelta(minutes=10)
"""A lease that ends later than this was counted on a clock that has been set back since."""
MAX_RECOVERIES = 3
APART = timedelta(seconds=5)
"""Between the tasks of a dead worker that had lost its predecessor too: time for each to run alone."""

QUEUES = ("default", "messages", "safety", "solve", "webhooks")
_QUEUE_OF = {
    "plan.solve": "solve",
    "outlook.look": "solve",
    "import.run": "default",  # a plan need not wait for an import
    "geocoding.run": "default",
    "message.send": "messages",
    "template.test": "messages",
    "message.send_safety": "safety",
    "survey.ask": "messages",
    "webhook.deliver": "webhooks",
}


class LostLease(ConflictError):
    """The lease ran out and somebody else has the task; this result is discarded."""

    code = "lost_lease"


class NoSuchTask(NotFoundError):
    """No task has this number."""

    code = "no_such_task"


class TaskNotDead(ConflictError):
    """Only a dead task is put back by hand."""

    code = "task_not_dead"


@dataclass(frozen=True, slots=True)
class Lease:
    """A claimed task: what to do, and the token that proves the right to finish it."""

    task_id: int
    token: int
    kind: str
    payload: dict[str, Any]
    attempt: int
    task_class: TaskClass


def queue_of(kind: str) -> str:
    """The queue a kind of task waits in."""
    return _QUEUE_OF.get(kind, "default")


def enqueue(
    session: Session,
    kind: str,
    *,
    key: str,
    now: datetime,
    payload: dict[str, Any] | None = None,
    run_at: datetime | None = None,
    task_class: TaskClass = TaskClass.NORMAL,
    max_attempts: int = 6,
) -> int | None:
    """Add a task unless one with this `key` was ever added; its id, or None when it was.

    The bell rings for it after the commit when it is due at once.
    """
    row = {
        "kind": kind, "queue": queue_of(kind), "dedupe_key": key, "payload": payload or {},
        "task_class": task_class, "state": TaskState.DUE, "run_at": run_at or now, "attempts": 0,
        "recoveries": 0, "max_attempts": max_attempts, "lease_token": 0, "created_at": now,
    }  # fmt: skip
    task_id = session.execute(ADD.on(session), row).scalar_one_or_none()
    if task_id is not None and (run_at is None or run_at <= now):
        session.info.setdefault("rings", []).append((row["queue"], task_id))
    return task_id


def claim(
    session: Session, task_id: int, *, owner: str, now: datetime, lease: timedelta = LEASE
) -> Lease | None:
    """Take the task if it is due; None when it is not, or somebody else was faster."""
    return next(iter(_claim(session, THIS, owner, now, lease, subject=task_id)), None)


def claim_next(
    session: Session, task_id: int, *, owner: str, now: datetime, lease: timedelta = LEASE
) -> Lease | None:
    """Take what has been due longest in the queue that this task is or was in; None when nothing is."""
    return next(iter(_claim(session, NEXT, owner, now, lease, subject=task_id)), None)


def claim_due(
    session: Session, *, owner: str, now: datetime, limit: int, lease: timedelta = LEASE
) -> list[Lease]:
    """Take up to `limit` due tasks, the longest due first."""
    return _claim(session, ANY, owner, now, lease, limit)


def _claim(
    session: Session,
    statement: sa.Update,
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int = 1,
    **which: int,
) -> list[Lease]:
    given = {"moment": now, "most": limit, "holder": owner, "until": now + lease, **which}
    rows = sorted(session.execute(statement, given).all(), key=lambda row: (row[6], row[0]))
    return [Lease(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]


def renew(session: Session, lease: Lease, *, now: datetime, by: timedelta = LEASE) -> bool:
    """Hold the lease longer; False when it is lost."""
    return _fenced(session, lease, lease_until=now + by)


def finish(session: Session, lease: Lease, *, now: datetime) -> None:
    """Mark the task done; raises LostLease, so that the caller's transaction leaves no trace."""
    given = {"subject": lease.task_id, "token": lease.token, "moment": now}
    if not session.execute(DONE, given).rowcount:  # type: ignore[attr-defined]
        raise LostLease(
            f"Task {lease.task_id} was taken over by another worker.", task=lease.task_id
        )


def hand_back(session: Session, lease: Lease, *, now: datetime) -> bool:
    """Return a task that was claimed but not begun: the attempt does not count."""
    return postpone(session, lease, until=now)


def postpone(session: Session, lease: Lease, *, until: datetime) -> bool:
    """Put the task off to `until` without counting the attempt: it is not its turn yet."""
    return _fenced(
        session,
        lease,
        state=TaskState.DUE,
        run_at=until,
        lease_until=None,
        attempts=ROWS.c.attempts - 1,
    )


def fail(
    session: Session,
    lease: Lease,
    error: str,
    *,
    now: datetime,
    final: bool = False,
    chance: float | None = None,
) -> TaskState | None:
    """Record a failed attempt: due again later, or dead with an alert; None when the lease was lost.

    `chance` in 0..1 replaces the random part of the delay.
    """
    task = session.get(Task, lease.task_id, populate_existing=True)
    if task is None or task.lease_token != lease.token or task.state != TaskState.LEASED:
        return None
    if final or task.attempts >= task.max_attempts:
        _bury(session, task, error, now=now)
        return TaskState.DEAD
    seconds = RETRY_AFTER[min(task.attempts, len(RETRY_AFTER)) - 1]
    spread = random.random() if chance is None else chance  # noqa: S311 - spreads load, guards nothing
    task.state, task.lease_until, task.last_error = TaskState.DUE, None, error[:2000]
    task.run_at = now + timedelta(seconds=seconds * (0.8 + 0.4 * spread))
    session.flush()
    return TaskState.DUE


def recover_expired(session: Session, *, now: datetime, limit: int = 100) -> int:
    """Make tasks due again whose holder died; the third time a task is dead, with an alert.

    What was lost twice comes back one by one: the task that kills its workers then takes no other with it.
    A lease from before the clock was set back ends a lease from now: its holder renews it, if it lives.
    """
    session.execute(
        sa.update(Task)
        .where(col(Task.state) == TaskState.LEASED, col(Task.lease_until) > now + LONGEST_LEASE)
        .values(lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    statement = (
        select(Task)
        .where(col(Task.state) == TaskState.LEASED, col(Task.lease_until) < now)
        .order_by(col(Task.lease_until))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    expired = session.exec(statement).all()
    suspects = 0
    for task in expired:
        task.recoveries += 1
        task.lease_token += 1  # whoever still works on it has lost it
        task.lease_until = None
        if task.recoveries >= MAX_RECOVERIES or task.attempts >= task.max_attempts:
            _bury(session, task, f"its worker died {task.recoveries} times during it", now=now)
        elif task.recoveries > 1:
            task.state, task.run_at = TaskState.DUE, now + suspects * APART
            suspects += 1
        else:
            task.state, task.run_at = TaskState.DUE, now
            session.info.setdefault("rings", []).append((task.queue, task.id))
    session.flush()
    return len(expired)


def due(session: Session, *, now: datetime, limit: int = 500) -> list[tuple[str, int]]:
    """(queue, id) of what is due and not claimed, the longest due first: what the sweeper rings again."""
    statement = (
        select(Task.queue, Task.id)
        .where(col(Task.state) == TaskState.DUE, col(Task.run_at) <= now)
        .order_by(col(Task.run_at))
        .limit(limit)
    )
    return [(queue, task_id) for queue, task_id in session.exec(statement) if task_id is not None]


def dead(session: Session, *, limit: int = 100) -> list[Task]:
    """The dead tasks, newest first."""
    statement = (
        select(Task).where(col(Task.state) == TaskState.DEAD).order_by(col(Task.finished_at).desc())
    )
    return list(session.exec(statement.limit(limit)))


def requeue(session: Session, task_id: int, *, now: datetime) -> Task:
    """Give a dead task all its attempts again; the last of its kind closes their alert.

    Raises NoSuchTask and TaskNotDead.
    """
    task = session.get(Task, task_id)
    if task is None:
        raise NoSuchTask(f"There is no task {task_id}.", task=task_id)
    if task.state != TaskState.DEAD:
        raise TaskNotDead(
            f"Task {task_id} is {task.state.value}; only a dead task is put back.", task=task_id
        )
    task.state, task.attempts, task.recoveries = TaskState.DUE, 0, 0
    task.run_at, task.finished_at = now, None
    session.info.setdefault("rings", []).append((task.queue, task.id))
    session.flush()
    others = select(Task.id).where(Task.kind == task.kind, col(Task.state) == TaskState.DEAD)
    if session.exec(others.limit(1)).first() is None:
        resolve(session, _alert_key(task.kind), now=now)
    return task


def oldest_due_seconds(session: Session, *, now: datetime) -> float:
    """Age of the oldest due task in seconds, 0 when none is: the one sign of too much work."""
    oldest = session.exec(
        select(Task.run_at)
        .where(col(Task.state) == TaskState.DUE)
        .order_by(col(Task.run_at))
        .limit(1)
    ).first()
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def counts(session: Session) -> dict[str, int]:
    """How many tasks are in each state."""
    rows = session.exec(select(Task.state, sa.func.count()).group_by(col(Task.state)))
    return {str(state): count for state, count in rows}


def _fenced(session: Session, lease: Lease, **values: Any) -> bool:
    given = {"subject": lease.task_id, "token": lease.token}
    statement = sa.update(ROWS).where(*HELD).values(**values)
    return bool(session.execute(statement, given).rowcount)  # type: ignore[attr-defined]


def _alert_key(kind: str) -> str:
    return f"task.dead:{kind}"


def _bury(session: Session, task: Task, error: str, *, now: datetime) -> None:
    task.state, task.finished_at, task.lease_until, task.last_error = (
        TaskState.DEAD,
        now,
        None,
        error[:2000],
    )
    raise_alert(
        session,
        _alert_key(task.kind),
        f"A {task.kind} task (number {task.id}) gave up after {task.attempts} attempts: {error}. "
        "See `gridcrew doctor`, then put it back with `gridcrew tasks requeue`.",
        now=now,
    )
