"""Calendar entries that go with emails: a visit is one entry, changed or cancelled by later messages (RFC 5546)."""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import date, datetime
from email.utils import parseaddr
from functools import lru_cache

import sqlalchemy as sa
from icalendar import Calendar, Event, Timezone, vCalAddress, vText
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from dispatch.contact import texts
from dispatch.contact.facts import Facts
from dispatch.contact.kinds import KINDS
from dispatch.contact.tables import Message, Telling

PRODUCT = "-//Gridcrew//Gridcrew//EN"


def entries(
    session: Session,
    message: Message,
    visits: Sequence[Facts],
    *,
    method: str,
    sender: str,
    key: bytes,
) -> list[str]:
    """The iCalendar objects for a message about these visits: one each, for a method is about one UID.

    `method` is REQUEST or CANCEL, `sender` whom our mail comes from. An entry's UID is the visit's for good, under
    the installation's `key`, and its SEQUENCE is higher than that of every earlier message about the visit, so that
    the newest one holds. A visit of which the message tells no span of time has none.
    """
    sequences = _sequences(session, message)
    tellings = session.exec(select(Telling).where(Telling.message_id == message.id))
    told = {telling.visit_id: telling for telling in tellings}
    return [
        _entry(message, one, start, end, sequences.get(one.visit.id, 0), method, sender, key)
        for one in visits
        if (start := told[one.visit.id].told_start_at) and (end := told[one.visit.id].told_end_at)
    ]


def _entry(
    message: Message,
    facts: Facts,
    start: datetime,
    end: datetime,
    sequence: int,
    method: str,
    sender: str,
    key: bytes,
) -> str:
    cancelled = method == "CANCEL"
    event = Event()
    event.add("uid", f"{facts.visit.id}.{_mark(key, facts.visit.id)}@gridcrew")
    event.add("sequence", sequence)
    event.add("dtstamp", message.created_at)
    event.add("dtstart", start.astimezone(facts.zone))
    event.add("dtend", end.astimezone(facts.zone))
    purpose = texts.purpose(facts.order.work_type, facts.language)
    event.add("summary", f"{facts.values()['company']}: {purpose}")
    event.add("location", facts.place)
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if cancelled else "OPAQUE")
    organizer = vCalAddress(f"mailto:{parseaddr(sender)[1]}")
    organizer.params["cn"] = vText(facts.values()["company"])
    event["organizer"] = organizer
    attendee = vCalAddress(f"mailto:{message.recipient}")
    attendee.params["rsvp"] = vText("FALSE")
    event.add("attendee", attendee, encode=False)
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(_zone(facts.territory.zone, start.year - 1, end.year + 1))
    calendar.add_component(event)
    text: bytes = calendar.to_ical()
    return text.decode()


@lru_cache(maxsize=64)
def _zone(name: str, first: int, last: int) -> Timezone:
    """The zone and its changes of clocks in these years; made once: it takes longer than all the rest."""
    return Timezone.from_tzid(name, first_date=date(first, 1, 1), last_date=date(last, 12, 31))


def _sequences(session: Session, message: Message) -> dict[str, int]:
    """How many messages with a calendar entry were written about each visit before this telling of it, if any."""
    with_entry = [name for name, kind in KINDS.items() if kind.calendar]
    own = aliased(Telling)
    statement = (
        select(Telling.visit_id, sa.func.count())
        .join(Message, col(Message.id) == col(Telling.message_id))
        .join(own, col(own.visit_id) == col(Telling.visit_id))
        .where(
            col(own.message_id) == message.id,
            col(Message.template).in_(with_entry),
            col(Message.id) < message.id,
            sa.or_(
                col(Message.template) != message.template, col(Telling.version) != col(own.version)
            ),
        )
        .group_by(col(Telling.visit_id))
    )
    return dict(session.exec(statement).all())


def _mark(key: bytes, visit_id: str) -> str:
    return hmac.new(key, f"gridcrew.calendar:{visit_id}".encode(), hashlib.sha256).hexdigest()[:16]
