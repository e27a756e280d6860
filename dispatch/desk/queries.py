"""Reads of the service centre: each counter's queue, what lies untouched longest."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.pages import Page, page
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.tables import Counter, Request, RequestKind, RequestStatus


@dataclass(frozen=True, slots=True)
class Queue:
    """A counter with its open requests; `oldest_at` is when the longest waiting came in."""

    counter: Counter
    open: int
    unanswered: int
    oldest_at: datetime | None


def counters(session: Session, *, territory_id: str) -> list[Queue]:
    """Every counter of the territory with its backlog, in one query."""
    is_open = col(Request.status).in_(OPEN)
    unanswered = sa.and_(is_open, col(Request.answered_at).is_(None))
    statement = (
        select(
            Counter,
            sa.func.count(sa.case((is_open, 1))),
            sa.func.count(sa.case((unanswered, 1))),
            sa.func.min(sa.case((is_open, Request.received_at))),
        )
        .join(Request, col(Request.counter_id) == col(Counter.id), isouter=True)
        .where(Counter.territory_id == territory_id)
        .group_by(Counter.id)
        .order_by(Counter.id)
    )
    return [Queue(*row) for row in session.exec(statement)]


def requests(
    session: Session,
    *,
    territory_id: str | None = None,
    counter_id: str | None = None,
    status: RequestStatus | None = None,
    kind: RequestKind | None = None,
    customer_id: str | None = None,
    open_only: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Request]:
    """Requests by number; raises BadCursor and BadPageSize."""
    statement = select(Request)
    for column, value in (
        (Request.territory_id, territory_id),
        (Request.counter_id, counter_id),
        (Request.status, status),
        (Request.kind, kind),
        (Request.customer_id, customer_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if open_only:
        statement = statement.where(col(Request.status).in_(OPEN))
    return page(
        session, statement, key=Request.id, key_of=lambda row: row.id, cursor=cursor, limit=limit
    )


def oldest_open(session: Session, *, territory_id: str, limit: int = 20) -> list[Request]:
    """The open requests that wait longest, the oldest first."""
    statement = (
        select(Request)
        .where(Request.territory_id == territory_id, col(Request.status).in_(OPEN))
        .order_by(col(Request.received_at), col(Request.id))
        .limit(limit)
    )
    return list(session.exec(statement))
