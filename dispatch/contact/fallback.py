"""When one channel does not lead to a customer, the next one is tried."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session

from dispatch.contact.channels import first_way
from dispatch.contact.drafts import again, may_be_told, order_of
from dispatch.contact.facts import About
from dispatch.contact.subjects import load_for, reader_of, still_true
from dispatch.contact.tables import Message


def next_channel(
    session: Session,
    message: Message,
    *,
    channels: Collection[str],
    now: datetime,
    abouts: Sequence[About] | None = None,
) -> Message | None:
    """Write the message anew for the next channel of the customer's order; None when there is no further one.

    What must be told ends as a letter where there is time for one, a legal notice always. What is stale or no
    longer true is not told over another channel either.
    """
    abouts = load_for(session, message) if abouts is None else abouts
    if not abouts or now >= message.expires_at:
        return None
    if len(may_be_told(message, abouts)) < len(abouts):
        return None
    if not message.details:  # of an earlier release, which kept nothing to write it anew from
        return None
    person = reader_of(message, abouts[0])
    if person is None or len(still_true(session, message, abouts)) < len(abouts):
        return None
    tried = _tried(session, message)
    due_at = message.told_start_at or message.expires_at
    order = order_of(abouts[0], message.template, due_at=due_at, now=now)
    left = [name for name in order if name not in tried]
    way = first_way(person, left, installed=channels)
    return again(session, message, person, way, now=now) if way.address else None


def _tried(session: Session, message: Message) -> set[str]:
    tried, earlier = {message.channel}, message.fallback_of
    while earlier is not None:
        before = session.get_one(Message, earlier)
        tried.add(before.channel)
        earlier = before.fallback_of
    return tried
