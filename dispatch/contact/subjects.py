"""What written messages are about, as it is now; for any number of them in a fixed number of statements."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from dispatch.contact.channels import Person
from dispatch.contact.concerned import load_outages
from dispatch.contact.facts import About, load, load_calls, load_customers, load_requests
from dispatch.contact.history import ON_ITS_WAY
from dispatch.contact.kinds import KINDS, Said
from dispatch.contact.tables import Message, MessageStatus, OutageNotice, SubjectKind, Telling
from dispatch.desk.tables import Request

_FAMILIES = (("booked", "changed"),)
"""Templates of which a later one takes the place of an earlier one."""
_CALL = "follow_up_call"

Written = tuple[Message, Sequence[About]]
"""A message, and what it is about."""
Found = Mapping[int, Sequence[About]]


def load_for(session: Session, message: Message) -> Sequence[About]:
    """The facts of a message's subject, or of each visit that it lists, in its order; empty when it is gone."""
    return load_all(session, [message])[0][1]


def load_all(session: Session, messages: Sequence[Message]) -> list[Written]:
    """Each of a territory's messages with what `load_for` gives for it."""
    found: dict[int, Sequence[About]] = {}
    for kind, look in _LOOK.items():
        if some := [message for message in messages if message.subject_kind is kind]:
            found.update(look(session, some))
    return [(message, found[_number(message)]) for message in messages]


def visits_of(message: Message) -> list[str]:
    """The visits that the message lists, in its order."""
    listed: list[dict[str, Any]] = message.details.get("visits", [])
    return [visit["id"] for visit in listed] or [message.subject_id]


def call_version(work_order_id: str, day: date) -> str:
    """Which announcement of a call it is that names this day, to which the call was put off."""
    return f"{work_order_id}@{day:%y%m%d}"


def _call_of(message: Message) -> str:
    """The work order of the call that a message announces."""
    return message.subject_version.partition("@")[0]


def reader_of(message: Message, about: About) -> Person | None:
    """Who the message goes to, as they are known now; None when nobody is named any more."""
    return next((one for one in about.people() if one.is_nominee == message.to_nominee), None)


def still_true(session: Session, message: Message, abouts: Sequence[About]) -> list[About]:
    """Those of the message's subjects of which it is true and not told anew."""
    return still_true_of_all(session, [(message, abouts)])[0]


def still_true_of_all(session: Session, written: Sequence[Written]) -> list[list[About]]:
    """For each message what `still_true` gives for it."""
    said = _said(session, [message for message, _ in written])
    anew = _told_anew(session, [message for message, _ in written])

    def holds(message: Message, about: About) -> bool:
        key = (_number(message), about.subject.id)
        told = said.get(key, message)
        return KINDS[message.template].is_current(told, about) and key not in anew

    return [[about for about in abouts if holds(message, about)] for message, abouts in written]


def _number(message: Message) -> int:
    assert message.id is not None, "it has been written"
    return message.id


def _visits(session: Session, messages: Sequence[Message]) -> Found:
    ids = {visit_id for message in messages for visit_id in visits_of(message)}
    known = {one.visit.id: one for one in load(session, ids)}
    return {
        _number(message): [known[visit] for visit in visits_of(message) if visit in known]
        for message in messages
    }


def _requests(session: Session, messages: Sequence[Message]) -> Found:
    ids = {message.subject_id for message in messages}
    known = {one.request.id: one for one in load_requests(session, ids)}
    return {_number(message): _one(known.get(message.subject_id)) for message in messages}


def _outages(session: Session, messages: Sequence[Message]) -> Found:
    ids = {message.subject_id for message in messages}
    notices = session.exec(select(OutageNotice).where(col(OutageNotice.id).in_(ids))).all()
    customers = {message.customer_id for message in messages}
    known = {
        (one.notice.id, one.customer.id): one
        for one in load_outages(session, notices, customer_ids=customers)
    }
    return {
        _number(message): _one(known.get((message.subject_id, message.customer_id)))
        for message in messages
    }


def _customers(session: Session, messages: Sequence[Message]) -> Found:
    """The customers, each with the call that the message announces, if it does: its version says which."""
    announced = {_call_of(message) for message in messages if message.template == _CALL}
    calls = {one.order.id: one for one in load_calls(session, announced)}
    ids = {message.customer_id for message in messages if message.template != _CALL}
    rows = load_customers(session, customer_ids=ids, territory_id=messages[0].territory_id)
    known = {one.customer.id: one for one in rows}
    return {
        _number(message): _one(
            calls.get(_call_of(message))
            if message.template == _CALL
            else known.get(message.customer_id)
        )
        for message in messages
    }


_LOOK: Mapping[SubjectKind, Callable[[Session, Sequence[Message]], Found]] = {
    SubjectKind.VISIT: _visits,
    SubjectKind.REQUEST: _requests,
    SubjectKind.OUTAGE: _outages,
    SubjectKind.CUSTOMER: _customers,
}


def _one(about: About | None) -> Sequence[About]:
    return [about] if about else []


def _said(session: Session, messages: Sequence[Message]) -> dict[tuple[int, str], Said]:
    """What each message tells of each of its visits."""
    numbers = _numbers(messages, of_visits=True)
    if not numbers:
        return {}
    rows = session.exec(select(Telling).where(col(Telling.message_id).in_(numbers))).all()
    return {(row.message_id, row.visit_id): row for row in rows}


def _told_anew(session: Session, messages: Sequence[Message]) -> set[tuple[int, str]]:
    """The messages, with their subjects, of which a later message tells something else in their place.

    One call to a customer does not take the place of another.
    """
    found: set[tuple[int, str]] = set()
    replaceable = [one for one in messages if one.template != _CALL]
    for of_visits in (True, False):
        if numbers := _numbers(replaceable, of_visits=of_visits):
            rows = session.execute(_replaced(of_visits=of_visits), {"numbers": numbers})
            found |= {(number, subject) for number, subject in rows}
    if reports := [_number(one) for one in messages if one.subject_kind is SubjectKind.REQUEST]:
        rows = session.execute(_told_by_outage(), {"numbers": reports})
        found |= {(number, subject) for number, subject in rows}
    return found


@cache
def _told_by_outage() -> Any:
    """The statement that finds those of the messages `numbers` that a later one about their outage says better.

    It names the customer's reports, and says when supply is expected back.
    """
    later = aliased(Message)
    return (
        sa.select(col(Message.id), col(Message.subject_id))
        .join(Request, col(Request.id) == col(Message.subject_id))
        .join(
            later,
            (col(later.subject_id) == col(Request.outage_id))
            & (col(later.customer_id) == col(Message.customer_id))
            & (col(later.to_nominee) == col(Message.to_nominee)),
        )
        .where(
            col(Message.id).in_(sa.bindparam("numbers", expanding=True)),
            col(Message.template) == "outage_report",
            col(later.template) == "unplanned_outage",
            col(later.id) > col(Message.id),
            col(later.status).in_(ON_ITS_WAY),
        )
    )


@cache
def _replaced(*, of_visits: bool) -> Any:
    """The statement that finds those of the messages `numbers`; composing it takes longer than running it."""
    later, own, other = aliased(Message), aliased(Telling), aliased(Telling)
    replaced = sa.select(col(Message.id)).where(
        col(Message.id).in_(sa.bindparam("numbers", expanding=True)),
        col(later.id) > col(Message.id),
        col(later.status) != MessageStatus.SUPPRESSED,
        sa.or_(
            col(later.template) == col(Message.template),
            *(
                col(later.template).in_(family) & col(Message.template).in_(family)
                for family in _FAMILIES
            ),
        ),
    )
    if of_visits:
        return (
            replaced.add_columns(col(own.visit_id))
            .join(own, col(own.message_id) == col(Message.id))
            .join(
                other,
                (col(other.visit_id) == col(own.visit_id))
                & (col(other.version) != col(own.version)),
            )
            .join(later, col(later.id) == col(other.message_id))
        )
    return replaced.add_columns(col(Message.subject_id)).join(
        later,
        (col(later.subject_id) == col(Message.subject_id))
        & (col(later.customer_id) == col(Message.customer_id))
        & (col(later.subject_version) != col(Message.subject_version)),
    )


def _numbers(messages: Sequence[Message], *, of_visits: bool) -> list[int]:
    return [
        _number(message)
        for message in messages
        if (message.subject_kind is SubjectKind.VISIT) is of_visits
    ]
