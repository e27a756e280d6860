"""Reading messages."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact.tables import Message, MessageStatus, Telling
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.registry.tables import Territory


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some messages, the newest first; `before` continues the list, None at its end."""

    items: list[Message]
    before: int | None


def list_messages(
    session: Session,
    *,
    territory_id: str,
    statuses: Collection[MessageStatus] = (),
    template: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> MessagePage:
    """A territory's messages, the newest first, `limit` (1 to 200) at a time."""
    statement = (
        select(Message)
        .where(Message.territory_id == territory_id)
        .order_by(col(Message.id).desc())
        .limit(min(max(limit, 1), 200) + 1)
    )
    if statuses:
        statement = statement.where(col(Message.status).in_(statuses))
    if template is not None:
        statement = statement.where(col(Message.template) == template)
    if before is not None:
        statement = statement.where(col(Message.id) < before)
    rows = list(session.exec(statement))
    items = rows[: min(max(limit, 1), 200)]
    return MessagePage(items, items[-1].id if len(rows) > len(items) else None)


def of_visit(session: Session, *, visit_id: str) -> list[Message]:
    """Every message about a visit, the oldest first."""
    statement = (
        select(Message)
        .join(Telling, col(Telling.message_id) == col(Message.id))
        .where(Telling.visit_id == visit_id)
        .order_by(col(Message.id))
    )
    return list(session.exec(statement))


def counts_of_day(session: Session, *, territory_id: str, day: date) -> dict[str, dict[str, int]]:
    """Messages written on a local day, by template and then by status."""
    territory = session.get(Territory, territory_id)
    if territory is None:
        return {}
    begin, end = day_bounds(day, zone_named(territory.zone))
    return counts_between(session, territory_id=territory_id, begin=begin, end=end)


def counts_between(
    session: Session, *, territory_id: str, begin: datetime, end: datetime
) -> dict[str, dict[str, int]]:
    """Messages written in [begin, end), by template and then by status."""
    statement = (
        select(Message.template, Message.status, sa.func.count())
        .where(
            Message.territory_id == territory_id,
            col(Message.created_at) >= begin,
            col(Message.created_at) < end,
        )
        .group_by(col(Message.template), col(Message.status))
        .order_by(col(Message.template), col(Message.status))
    )
    found: dict[str, dict[str, int]] = {}
    for template, status, count in session.exec(statement):
        found.setdefault(template, {})[MessageStatus(status).value] = count
    return found


def counts_of_subjects(
    session: Session, subject_ids: Collection[str]
) -> dict[str, dict[str, dict[str, int]]]:
    """The messages about each of these subjects, by template and then by status; in one statement."""
    columns = (col(Message.subject_id), col(Message.template), col(Message.status))
    statement = (
        select(*columns, sa.func.count())
        .where(col(Message.subject_id).in_(subject_ids))
        .group_by(*columns)
        .order_by(*columns)
    )
    found: dict[str, dict[str, dict[str, int]]] = {subject: {} for subject in subject_ids}
    for subject, template, status, count in session.exec(statement):
        found[subject].setdefault(template, {})[MessageStatus(status).value] = count
    return found
