"""What is kept how long: finished tasks and occurrences of periodic jobs, never less than 90 days."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core.tables import Occurrence, Task, TaskState

KEPT = timedelta(days=90)


def archive_tasks(session: Session, *, now: datetime, limit: int = 10_000) -> int:
    """Remove tasks done and occurrences started more than `KEPT` ago, the oldest first; how many rows.

    Dead tasks stay until a person has dealt with them. What a task did is in the events, which are never removed.
    """
    before = now - KEPT
    done = sa.and_(col(Task.state) == TaskState.DONE, col(Task.finished_at) < before)
    started = col(Occurrence.created_at) < before
    return _remove(session, Task, col(Task.id), done, limit) + _remove(
        session, Occurrence, col(Occurrence.id), started, limit
    )


def _remove(
    session: Session,
    table: type[Task] | type[Occurrence],
    id: Any,
    old: sa.ColumnElement[bool],
    limit: int,
) -> int:
    oldest = sa.select(id).where(old).order_by(id).limit(limit)
    statement = sa.delete(table).where(id.in_(oldest.scalar_subquery()))
    result = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]
