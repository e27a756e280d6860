"""Looked at again before each sending: consent, truth, address, hours, and how much a person was sent already."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.contact import fallback
from dispatch.contact.channels import Channel, Way, way_to
from dispatch.contact.classes import CLASSES
from dispatch.contact.drafts import keep_only, may_be_told, quiet, why_not
from dispatch.contact.facts import About
from dispatch.contact.kinds import KINDS
from dispatch.contact.progress import move
from dispatch.contact.subjects import reader_of, still_true
from dispatch.contact.tables import Message, MessageStatus

_WENT_OUT = (
    MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.BOUNCED,
    MessageStatus.UNKNOWN,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """Not yet: quiet hours, or too many of late. Try again at `until`; the attempt does not count."""

    until: datetime


def check(
    session: Session,
    message: Message,
    abouts: Sequence[About],
    *,
    channels: Collection[str],
    now: datetime,
) -> Held | list[About] | None:
    """The subjects of a waiting message that may go out now; None when it is settled, Held when it is too early.

    Visits of a household's message that it is no longer true of, or whose customer may no longer be told, are left
    out of it. When its channel no longer leads to the customer, the next one takes its place.
    """
    told = may_be_told(message, abouts)
    true = still_true(session, message, told)
    if not true:
        reason = "superseded" if told else why_not(abouts[0], message.template)
        move(session, message, "suppress", reason=reason, now=now)
        return None
    person = reader_of(message, true[0])
    if person is not None and len(true) < len(abouts):
        keep_only(session, message, true, reader=person.name)
    way = way_to(person, message.channel) if person else Way(message.channel, "", "no_address")
    if message.channel not in channels:
        way = Way(message.channel, "", "no_channel")
    if way.obstacle:
        move(session, message, "suppress", reason=way.obstacle, now=now)
        fallback.next_channel(session, message, channels=channels, now=now, abouts=true)
        return None
    if held := _held(session, message, true[0], now=now):
        return held if isinstance(held, Held) else None
    message.recipient = way.address
    return true


def _held(
    session: Session, message: Message, about: About, *, now: datetime
) -> Held | MessageStatus | None:
    """Held, or the status of a message that is stale by the time it may go out; None when it may now."""
    resume = quiet(message, about, now=now)
    if (resume or now) >= message.expires_at:
        return move(session, message, "expire", reason="stale", now=now).status
    reason = "quiet_hours"
    if resume is None:
        resume, reason = _capped_until(session, message, now=now), "cap"
        if resume is not None and resume >= message.expires_at:
            return move(session, message, "suppress", reason=reason, now=now).status
    if resume is None:
        return None
    message.send_after = resume
    move(session, message, "defer", reason=reason, now=now)
    return Held(resume)


def _capped_until(session: Session, message: Message, *, now: datetime) -> datetime | None:
    """When the class's cap allows the customer another message; None when it does now."""
    cap = CLASSES[message.message_class].cap
    if cap is None or KINDS[message.template].is_legal or message.channel == Channel.PRINT:
        return None
    period = timedelta(days=cap.days)
    statement = (
        select(Message.begun_at)
        .where(
            Message.customer_id == message.customer_id,
            Message.to_nominee == message.to_nominee,
            Message.message_class == message.message_class,
            Message.id != message.id,
            col(Message.status).in_(_WENT_OUT),
            col(Message.begun_at) > now - period,
        )
        .order_by(col(Message.begun_at).desc())
        .limit(cap.messages)
    )
    begun = [moment for moment in session.exec(statement) if moment is not None]
    return begun[-1] + period if len(begun) >= cap.messages else None
