"""What a written message is about, as it is now."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact.channels import Person
from dispatch.contact.concerned import load_outage
from dispatch.contact.facts import About, load, load_customer, load_requests
from dispatch.contact.kinds import KINDS, Said
from dispatch.contact.tables import Message, MessageStatus, OutageNotice, SubjectKind, Telling

_FAMILIES = (("booked", "changed"),)
"""Templates of which a later one takes the place of an earlier one."""


def load_for(session: Session, message: Message) -> Sequence[About]:
    """The facts of a message's subject, or of each visit that it lists, in its order; empty when it is gone."""
    if message.subject_kind is SubjectKind.VISIT:
        found = {one.visit.id: one for one in load(session, visits_of(message))}
        return [found[visit_id] for visit_id in visits_of(message) if visit_id in found]
    if message.subject_kind is SubjectKind.REQUEST:
        return load_requests(session, [message.subject_id])
    if message.subject_kind is SubjectKind.OUTAGE:
        notice = session.get(OutageNotice, message.subject_id)
        return load_outage(session, notice, customer_id=message.customer_id) if notice else []
    about = load_customer(
        session, customer_id=message.customer_id, territory_id=message.territory_id
    )
    return [about] if about else []


def visits_of(message: Message) -> list[str]:
    """The visits that the message lists, in its order."""
    listed: list[dict[str, Any]] = message.details.get("visits", [])
    return [visit["id"] for visit in listed] or [message.subject_id]


def reader_of(message: Message, about: About) -> Person | None:
    """Who the message goes to, as they are known now; None when nobody is named any more."""
    return next((one for one in about.people() if one.is_nominee == message.to_nominee), None)


def still_true(session: Session, message: Message, abouts: Sequence[About]) -> list[About]:
    """Those of the message's subjects of which it is true and not told anew."""
    kind = KINDS[message.template]
    said = _said(session, message)
    return [
        about
        for about in abouts
        if kind.is_current(said.get(about.subject.id, message), about.subject)
        and not _is_told_anew(session, message, about)
    ]


def _said(session: Session, message: Message) -> dict[str, Said]:
    if message.subject_kind is not SubjectKind.VISIT:
        return {}
    rows = session.exec(select(Telling).where(Telling.message_id == message.id)).all()
    return {row.visit_id: row for row in rows}


def _is_told_anew(session: Session, message: Message, about: About) -> bool:
    family = next((one for one in _FAMILIES if message.template in one), (message.template,))
    statement = select(sa.func.count(col(Message.id))).where(
        col(Message.template).in_(family),
        col(Message.id) > message.id,
        col(Message.status) != MessageStatus.SUPPRESSED,
    )
    if message.subject_kind is SubjectKind.VISIT:
        own = select(Telling.version).where(
            col(Telling.message_id) == message.id, col(Telling.visit_id) == about.subject.id
        )
        statement = statement.join(Telling, col(Telling.message_id) == col(Message.id)).where(
            col(Telling.visit_id) == about.subject.id,
            col(Telling.version) != own.scalar_subquery(),
        )
    else:
        statement = statement.where(
            col(Message.subject_id) == message.subject_id,
            col(Message.customer_id) == message.customer_id,
            col(Message.subject_version) != message.subject_version,
        )
    return bool(session.exec(statement).one())
