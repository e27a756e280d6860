"""Reads of the service centre: each counter's queue, what lies untouched longest."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.pages import Page, page
from dispatch.core.tables import Event
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.requests import SUBJECT
from dispatch.desk.tables import Counter, Request, RequestKind, RequestStatus
from dispatch.registry.tables import Customer
from dispatch.sla.tables import Clock, ClockKind, ClockStatus

MOST_REPORTED = 1000
"""Requests that one answer lists where nobody signs in."""


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


@dataclass(frozen=True, slots=True)
class Owed:
    """An open request; `due_at` is by when we owe its answer, None when it was given or none is owed."""

    request: Request
    customer_name: str
    due_at: datetime | None


def owed(
    session: Session,
    *,
    territory_id: str,
    kind: RequestKind | None = None,
    skip: int = 0,
    limit: int = 50,
) -> list[Owed]:
    """The open requests after the first `skip`, whose answer is due next first, then those answered already."""
    statement = (
        select(Request, Customer.name, Clock.due_at)
        .join(Customer, col(Customer.id) == col(Request.customer_id))
        .join(
            Clock,
            sa.and_(
                col(Clock.subject) == SUBJECT,
                col(Clock.subject_id) == col(Request.id),
                col(Clock.kind) == ClockKind.ANSWER,
                col(Clock.status) == ClockStatus.RUNNING,
            ),
            isouter=True,
        )
        .where(Request.territory_id == territory_id, col(Request.status).in_(OPEN))
        .order_by(col(Clock.due_at).is_(None), col(Clock.due_at), col(Request.id))
        .offset(skip)
        .limit(limit)
    )
    if kind is not None:
        statement = statement.where(Request.kind == kind)
    return [Owed(*row) for row in session.exec(statement)]


def open_by_kind(session: Session, *, territory_id: str) -> dict[RequestKind, int]:
    """How many requests of each kind are open."""
    statement = (
        select(Request.kind, sa.func.count())
        .where(Request.territory_id == territory_id, col(Request.status).in_(OPEN))
        .group_by(col(Request.kind))
    )
    return {RequestKind(kind): count for kind, count in session.exec(statement)}


def requests_of_customer(session: Session, *, customer_id: str, limit: int = 10) -> list[Request]:
    """What the customer asked for, the newest first."""
    statement = select(Request).where(Request.customer_id == customer_id)
    return list(session.exec(statement.order_by(col(Request.id).desc()).limit(limit)))


def merged_into(session: Session, request_id: str) -> list[Request]:
    """The requests that this one stands for, the first received first."""
    statement = select(Request).where(Request.merged_into == request_id)
    return list(session.exec(statement.order_by(col(Request.received_at), col(Request.id))))


def oldest_open(session: Session, *, territory_id: str, limit: int = 20) -> list[Request]:
    """The open requests that wait longest, the oldest first."""
    statement = (
        select(Request)
        .where(Request.territory_id == territory_id, col(Request.status).in_(OPEN))
        .order_by(col(Request.received_at), col(Request.id))
        .limit(limit)
    )
    return list(session.exec(statement))


def reported(
    session: Session,
    *,
    territory_id: str,
    channel: str,
    numbers: Collection[str] = (),
    kinds: Collection[RequestKind] = (),
    statuses: Collection[RequestStatus] = (),
    span: tuple[datetime, datetime] | None = None,
) -> list[Request]:
    """The requests that came in by one channel, the newest first and `MOST_REPORTED` at most.

    What is empty does not matter; `span` is when they were received, both ends counted.
    """
    statement = select(Request).where(
        Request.territory_id == territory_id, Request.channel == channel
    )
    if numbers:
        statement = statement.where(col(Request.id).in_(numbers))
    if kinds:
        statement = statement.where(col(Request.kind).in_(kinds))
    if statuses:
        statement = statement.where(col(Request.status).in_(statuses))
    if span is not None:
        statement = statement.where(col(Request.received_at).between(*span))
    newest = (col(Request.received_at).desc(), col(Request.id).desc())
    return list(session.exec(statement.order_by(*newest).limit(MOST_REPORTED)))


def changed_at(session: Session, request_ids: Collection[str]) -> dict[str, datetime]:
    """When each of the requests last moved on in its life cycle."""
    statement = (
        select(Event.entity_id, sa.func.max(Event.happened_at))
        .where(Event.entity == SUBJECT, col(Event.entity_id).in_(request_ids))
        .group_by(col(Event.entity_id))
    )
    return dict(session.exec(statement).all())
