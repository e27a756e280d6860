"""The log of messages: what a customer was told, whether it arrived, and what the customer did then."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact import texts
from dispatch.contact.tables import Message, MessageStatus, SubjectKind, Survey, Telling
from dispatch.contact.unreached import unreached
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.core.errors import InvalidError
from dispatch.core.pages import MAX_PAGE, BadPageSize
from dispatch.registry import territories
from dispatch.registry.tables import Customer
from dispatch.work.promises import CUSTOMER
from dispatch.work.tables import Promise, PromiseStatus, Visit, WorkOrder

CLASSES: tuple[str, ...] = tuple(Message.__table__.c.message_class.type.enums)  # type: ignore[attr-defined]
"""The classes a message may have."""
_DEEDS: Mapping[PromiseStatus, str] = {
    PromiseStatus.CONFIRMED: "confirmed",
    PromiseStatus.RESCHEDULED: "rescheduled",
    PromiseStatus.CANCELLED: "cancelled",
}
"""What a promise's state says that the customer did."""


class NoSuchClass(InvalidError):
    """No message has this class."""

    code = "no_such_class"


@dataclass(frozen=True, slots=True)
class Line:
    """A message with whom it told about what.

    `did` is what the customer has done about the visit since: confirmed, rescheduled, cancelled, answered (the
    survey, with `score`); empty when nothing is known.
    """

    message: Message
    customer_name: str
    visit_id: str | None
    work_order_id: str | None
    request_id: str | None
    did: str
    score: int | None

    def text(self, link: str, code: str) -> str:
        """The text as it was sent, with these in the place of the customer's links and door numbers."""
        return texts.filled(self.message.body, link=link, code=code)


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines, the newest first; `before` continues the list, None at its end."""

    lines: list[Line]
    before: int | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages; what is left out does not matter. `unreached_at`: those that need a person at that moment."""

    territory_id: str | None = None
    customer_id: str | None = None
    visit_id: str | None = None
    work_order_id: str | None = None
    request_id: str | None = None
    outage_id: str | None = None
    statuses: Collection[MessageStatus] = ()
    template: str | None = None
    message_class: str | None = None
    day: date | None = None
    unreached_at: datetime | None = None


def search(
    session: Session, wanted: Wanted, *, before: int | None = None, limit: int = 50
) -> LogPage:
    """The messages that are wanted, the newest first. A `day` is local to the territory, which it needs.

    Raises NoSuchTerritory, NoSuchClass and BadPageSize.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise BadPageSize(f"A page holds 1 to {MAX_PAGE} rows, not {limit}.", field="limit")
    statement = _lines().order_by(col(Message.id).desc()).limit(limit + 1)
    for condition in _conditions(session, wanted):
        statement = statement.where(condition)
    if before is not None:
        statement = statement.where(col(Message.id) < before)
    rows = [tuple(row) for row in session.execute(statement)]
    lines = _with_deeds(session, rows[:limit])
    return LogPage(lines, lines[-1].message.id if len(rows) > limit else None)


def line(session: Session, message: Message) -> Line:
    """One message as `search` gives it."""
    row = session.execute(_lines().where(col(Message.id) == message.id)).one()
    return _with_deeds(session, [tuple(row)])[0]


def _lines() -> sa.Select[Any, Any, Any, Any, Any]:
    return (
        sa.select(
            Message,
            col(Customer.name),
            col(Visit.id),
            col(WorkOrder.id),
            col(WorkOrder.request_id),
        )
        .join(Customer, col(Customer.id) == col(Message.customer_id))
        .join(
            Visit,
            sa.and_(
                col(Visit.id) == col(Message.subject_id),
                col(Message.subject_kind) == SubjectKind.VISIT,
            ),
            isouter=True,
        )
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id), isouter=True)
    )


def _conditions(session: Session, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    if wanted.message_class is not None and wanted.message_class not in CLASSES:
        raise NoSuchClass(
            f"{wanted.message_class!r} is not one of {', '.join(CLASSES)}.", field="message_class"
        )
    equal: tuple[tuple[Any, Any], ...] = (
        (Message.subject_id, wanted.outage_id),
        (Message.template, wanted.template),
        (sa.type_coerce(col(Message.message_class), sa.String), wanted.message_class),
    )
    found = [column == value for column, value in equal if value is not None]
    if wanted.customer_id is not None:
        own = col(Message.customer_id) == wanted.customer_id
        found.append(sa.or_(own, _told_of(col(WorkOrder.customer_id) == wanted.customer_id)))
    if wanted.visit_id is not None:
        found.append(_told_of(col(Telling.visit_id) == wanted.visit_id))
    if wanted.work_order_id is not None:
        found.append(_told_of(col(Visit.work_order_id) == wanted.work_order_id))
    if wanted.request_id is not None:
        about = sa.and_(
            col(Message.subject_kind) == SubjectKind.REQUEST,
            col(Message.subject_id) == wanted.request_id,
        )
        found.append(sa.or_(about, _told_of(col(WorkOrder.request_id) == wanted.request_id)))
    if wanted.statuses:
        found.append(col(Message.status).in_(wanted.statuses))
    if wanted.unreached_at is not None:
        found.append(unreached(wanted.unreached_at))
    if wanted.territory_id is None:
        return found
    territory = territories.get(session, wanted.territory_id)
    found.append(col(Message.territory_id) == territory.id)
    if wanted.day is not None:
        begin, end = day_bounds(wanted.day, zone_named(territory.zone))
        found += [col(Message.created_at) >= begin, col(Message.created_at) < end]
    return found


def _told_of(visits: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Whether a message tells of such visits; a household's tells of several."""
    numbers = (
        sa.select(col(Telling.message_id))
        .join(Visit, col(Visit.id) == col(Telling.visit_id))
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .where(visits)
    )
    return col(Message.id).in_(numbers)


def _with_deeds(session: Session, rows: list[tuple[Any, ...]]) -> list[Line]:
    """The rows with what their customers did since, in one statement for promises and one for surveys."""
    visits = {visit_id for _, _, visit_id, _, _ in rows if visit_id is not None}
    rows = [(*row[:4], _request_of(*row)) for row in rows]
    promises: dict[str, Promise] = {}
    for promise in session.exec(
        select(Promise).where(col(Promise.visit_id).in_(visits)).order_by(col(Promise.number))
    ):
        promises[promise.visit_id] = promise
    scores = dict(
        session.exec(
            select(Survey.visit_id, Survey.score).where(
                col(Survey.visit_id).in_(visits), col(Survey.answered_at).is_not(None)
            )
        ).all()
    )
    return [
        Line(
            message,
            name,
            visit_id,
            order_id,
            request_id,
            *_deed(message, visit_id, promises, scores),
        )
        for message, name, visit_id, order_id, request_id in rows
    ]


def _request_of(
    message: Message, _name: str, _visit: str | None, _order: str | None, request_id: str | None
) -> str | None:
    """The request that a message is about, itself or by the visit it led to."""
    return message.subject_id if message.subject_kind is SubjectKind.REQUEST else request_id


def _deed(
    message: Message,
    visit_id: str | None,
    promises: Mapping[str, Promise],
    scores: Mapping[str, int | None],
) -> tuple[str, int | None]:
    if message.template == "survey":
        answered = visit_id is not None and visit_id in scores
        return ("answered", scores[visit_id or ""]) if answered else ("", None)
    promise = promises.get(visit_id or "")
    if promise is None:
        return "", None
    if promise.status is PromiseStatus.RESCHEDULED and promise.by != CUSTOMER:
        return "", None
    return _DEEDS.get(promise.status, ""), None
