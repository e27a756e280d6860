"""How far work is behind: the one sign of too much of it, by which what can wait is made to wait."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.core.errors import DispatchError
from dispatch.core.tables import Task, TaskState

BULK_WAITS_BEHIND = timedelta(seconds=120)
"""When work has been due for longer than this, nobody may bring more of it by the thousand."""
BULK_PAUSE_S = 60


class TooBusy(DispatchError):
    """Work that people wait for is behind; what can wait is asked to come back."""

    code = "too_busy"
    status = 503


def behind(session: Session, *, now: datetime) -> timedelta:
    """For how long the work that people wait for has been due: courtesy messages and plans may wait themselves."""
    oldest = [
        session.exec(
            select(Task.run_at)
            .where(col(Task.state) == TaskState.DUE, col(Task.queue) == queue)
            .order_by(col(Task.run_at))
            .limit(1)
        ).first()
        for queue in ("default", "safety")
    ]
    return max((now - run_at for run_at in oldest if run_at is not None), default=timedelta(0))


def refuse_bulk_when_behind(session: Session, *, now: datetime) -> None:
    """Raise TooBusy while work is so far behind that an import would make it worse."""
    late = behind(session, now=now)
    if late > BULK_WAITS_BEHIND:
        raise TooBusy(
            f"Work has been waiting for {late.total_seconds():.0f} s; an import would make it wait longer. "
            f"Try again in {BULK_PAUSE_S} s, and see `gridcrew doctor`.",
            retry_after=BULK_PAUSE_S,
        )
