"""What providers tell later: what became of a message, and what a customer wrote back; each once."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact import replies
from dispatch.contact.channels import BUILT_IN
from dispatch.contact.messages import report
from dispatch.contact.tables import Inbox, Message, MessageStatus
from dispatch.core.db import lock_for
from dispatch.core.upserts import insert_into

KEPT = timedelta(days=90)
"""How long it is known which callbacks were worked on."""

_OPEN = (MessageStatus.SENT, MessageStatus.UNKNOWN)


class Fate(StrEnum):
    """What a provider says of a message. They only go up: queued, sent, then delivered or failed for good."""

    QUEUED = "queued"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


class Outcome(StrEnum):
    """What came of a callback."""

    APPLIED = "applied"
    NO_NEWS = "no_news"
    REPEATED = "repeated"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Report:
    """A provider's word on the message that it gave the number `provider_id`."""

    event_id: str
    provider_id: str
    fate: Fate


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody wrote back, from the telephone number `sender`."""

    event_id: str
    sender: str
    text: str


def take(
    session: Session,
    *,
    provider: str,
    callback: Report | Reply,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> Outcome:
    """Work on one callback, once: the second time it is told it changes nothing.

    After a bounce the next of `channels`, those of the installation, is tried.

    A report on a message that nobody knows is kept: a fast provider reports before its answer to the sending has
    been written down, and `catch_up` finds it then.
    """
    subject = callback.provider_id if isinstance(callback, Report) else ""
    if subject:
        lock_for(session, f"callback:{provider}:{subject}")
    row = {
        "provider": provider, "event_id": callback.event_id[:160], "subject": subject[:120],
        "status": callback.fate.value if isinstance(callback, Report) else "reply",
        "outcome": Outcome.NO_NEWS, "received_at": now,
    }  # fmt: skip
    added = (
        insert_into(session, Inbox)
        .values(row)
        .on_conflict_do_nothing()
        .returning(col(Inbox.event_id))
    )
    if session.execute(added).scalar_one_or_none() is None:
        return Outcome.REPEATED
    if isinstance(callback, Report):
        outcome = _apply(session, provider, subject, callback.fate, channels, now)
    else:
        outcome = _heed(session, provider, callback, channels, now)
    kept = session.get_one(Inbox, (provider, row["event_id"]))
    kept.outcome = outcome.value
    session.flush()
    return outcome


def catch_up(
    session: Session,
    *,
    provider: str,
    provider_id: str,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> None:
    """Apply what was reported of a message before its number was known here."""
    if not provider_id:
        return
    lock_for(session, f"callback:{provider}:{provider_id}")
    early = session.exec(
        select(Inbox)
        .where(
            Inbox.provider == provider,
            Inbox.subject == provider_id,
            Inbox.outcome == Outcome.UNKNOWN.value,
        )
        .order_by(col(Inbox.received_at))
    ).all()
    for row in early:
        fate = Fate(row.status)
        row.outcome = _apply(session, provider, provider_id, fate, channels, now).value
    if early:
        session.flush()


def forget(session: Session, *, now: datetime) -> int:
    """Forget callbacks after `KEPT`: by then their messages have their fate for good; how many."""
    old = sa.delete(Inbox).where(col(Inbox.received_at) < now - KEPT)
    return int(session.execute(old).rowcount)  # type: ignore[attr-defined]


def _apply(
    session: Session,
    provider: str,
    provider_id: str,
    fate: Fate,
    channels: Collection[str],
    now: datetime,
) -> Outcome:
    message = session.exec(
        select(Message).where(Message.provider == provider, Message.provider_id == provider_id)
    ).first()
    if message is None or message.id is None:
        return Outcome.UNKNOWN
    if fate not in (Fate.DELIVERED, Fate.FAILED) or message.status not in _OPEN:
        return Outcome.NO_NEWS
    report(
        session, message_id=message.id, delivered=fate is Fate.DELIVERED, channels=channels, now=now
    )
    return Outcome.APPLIED


def _heed(
    session: Session, provider: str, reply: Reply, channels: Collection[str], now: datetime
) -> Outcome:
    word = replies.word_of(reply.text)
    if word is None:
        return Outcome.NO_NEWS
    if not replies.heed(
        session, word, sender=reply.sender, channel=provider, channels=channels, now=now
    ):
        return Outcome.UNKNOWN
    return Outcome.STOPPED if word.stops else Outcome.RESUMED
