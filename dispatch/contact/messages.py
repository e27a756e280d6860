"""Sending messages with their fate on record.

The order of a sending: `begin` commits the row as `sending`; only then the network is touched; then `complete`,
`fail` or `unknown` commits what came of it. Whatever breaks in between is found at the next `begin` of the row.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.contact.channels import BUILT_IN
from dispatch.contact.checking import Held, check
from dispatch.contact.facts import About
from dispatch.contact.fallback import next_channel
from dispatch.contact.kinds import KINDS
from dispatch.contact.outgoing import Outgoing, make
from dispatch.contact.progress import WAITING, get, move, queue, task_keys
from dispatch.contact.recovery import BY_CLASS, InDoubt, Recovery
from dispatch.contact.subjects import load_for
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.alerts import raise_alert
from dispatch.core.events import Actor
from dispatch.core.tables import Task, TaskClass, TaskState

__all__ = [
    "BY_CLASS", "Held", "InDoubt", "Outgoing", "Recovery", "Settled", "begin", "complete", "fail", "recover",
    "report", "resend", "unknown",
]  # fmt: skip

FATE_UNKNOWN = "fate_unknown"
"""Reason of a waiting message whose last attempt may have arrived."""

_ORPHANED_AFTER = timedelta(minutes=2)
_DIED = "its worker died during the sending"


@dataclass(frozen=True, slots=True)
class Settled:
    """Nothing to send any more; the message has this status."""

    status: MessageStatus


def begin(
    session: Session,
    *,
    message_id: int,
    base_url: str,
    key: bytes,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
    sender: str = "",
    recovery: Recovery = BY_CLASS,
) -> Outgoing | InDoubt | Held | Settled:
    """Take a message for sending; commit before touching the network.

    Checks consent, address, expiry, hours and whether the message is still true. A row found `sending` was left by
    a worker that died. What follows is the provider's to make possible (`recovery`): the same key again, or asking
    it first. Otherwise a safety message goes out again, marked as a repetition; any other becomes `unknown` and is
    listed. `base_url` begins the customer's link, `key` signs it; `channels` are those of the installation;
    `sender` is whom its mail comes from, who invites to the visit in calendars. Raises NoSuchMessage.
    """
    message = get(session, message_id)
    abouts: Sequence[About] = load_for(session, message)
    repeated = message.status is MessageStatus.SENDING or message.reason == FATE_UNKNOWN
    covered = recovery.covers(message.begun_at, now)
    if message.status is MessageStatus.SENDING:
        if message.task_class is not TaskClass.SAFETY and not covered:
            _lose(session, message, _DIED, channels=channels, now=now)
            return Settled(message.status)
        move(session, message, "repeat", now=now)
    elif message.status in WAITING:
        if not abouts:
            move(session, message, "suppress", reason="superseded", now=now)
            return Settled(message.status)
        checked = check(session, message, abouts, channels=channels, now=now)
        if isinstance(checked, Held):
            return checked
        if checked is None:
            return Settled(message.status)
        abouts = checked
        move(session, message, "begin", now=now)
    else:
        return Settled(message.status)
    doubtful = repeated and message.begun_at is not None
    if doubtful and message.task_class is not TaskClass.SAFETY and not covered:
        _lose(session, message, message.error, channels=channels, now=now)
        return Settled(message.status)
    message.sends += 1
    message.begun_at = message.begun_at if doubtful else now
    session.flush()
    outgoing = make(
        session, message, abouts, base_url=base_url, key=key, sender=sender,
        repeated=repeated and not (doubtful and covered), now=now,
    )  # fmt: skip
    return InDoubt(outgoing) if doubtful and recovery.can_look_up else outgoing


def complete(
    session: Session, *, message_id: int, now: datetime, provider: str = "", provider_id: str = ""
) -> Message:
    """`provider` took the message; `provider_id` is its own name for it, by which it may report."""
    message = get(session, message_id)
    message.sent_at, message.error = now, ""
    message.provider, message.provider_id = provider, provider_id
    return move(session, message, "complete", now=now)


def fail(
    session: Session,
    *,
    message_id: int,
    error: str,
    final: bool,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> MessageStatus:
    """The server refused it: `failed` when that is `final`, else `pending` for the next attempt.

    Final is a permanent refusal (5xx), and the last attempt of the task. Then the customer's next channel is tried;
    when there is none, an alert says so.
    """
    message = get(session, message_id)
    message.error = error[:500]
    move(session, message, "fail" if final else "retry", now=now)
    if final:
        _go_on(session, message, channels=channels, now=now)
    return message.status


def unknown(
    session: Session,
    *,
    message_id: int,
    error: str,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
    recovery: Recovery = BY_CLASS,
    last: bool = False,
) -> MessageStatus:
    """The connection broke before the answer: `pending` again, or `unknown`.

    It is tried again when the provider sees to it that nothing arrives twice (`recovery`), and when it is a safety
    message; not after the `last` attempt.
    """
    message = get(session, message_id)
    safe = message.task_class is TaskClass.SAFETY or recovery.covers(message.begun_at, now)
    if safe and not last:
        message.error = error[:500]
        move(session, message, "retry", reason=FATE_UNKNOWN, now=now)
    else:
        _lose(session, message, error, channels=channels, now=now)
    return message.status


def report(
    session: Session,
    *,
    message_id: int,
    delivered: bool,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> Message:
    """The provider told later what became of a message that was sent; after a bounce the next channel is tried."""
    message = get(session, message_id)
    move(session, message, "deliver" if delivered else "bounce", now=now)
    if not delivered:
        next_channel(session, message, channels=channels, now=now)
    return message


def resend(session: Session, *, message_id: int, actor: Actor, now: datetime) -> Message:
    """Send a failed, bounced or unknown message again by hand; `begin` still drops it when it is stale."""
    message = get(session, message_id)
    reason = FATE_UNKNOWN if message.status is MessageStatus.UNKNOWN else ""
    message.send_after = now
    message.begun_at = None  # a person has decided: it goes out, whatever became of the one before
    move(session, message, "resend", actor=actor, reason=reason, now=now)
    queue(session, message, now=now)
    return message


def recover(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Settle messages left in `sending` that no task will look at again: they become `unknown`; how many.

    For the start of a worker. Those whose task is still due or leased are left to `begin`.
    """
    rows = session.exec(
        select(Message)
        .where(
            col(Message.status) == MessageStatus.SENDING,
            col(Message.begun_at) < now - _ORPHANED_AFTER,
        )
        .order_by(col(Message.id))
        .limit(limit)
    ).all()
    orphans = [message for message in rows if not _has_task(session, message)]
    for message in orphans:
        _lose(session, message, _DIED, now=now)
    return len(orphans)


def _go_on(session: Session, message: Message, *, channels: Collection[str], now: datetime) -> None:
    """Try the next channel; with none left, say that a person is needed."""
    if next_channel(session, message, channels=channels, now=now) is not None:
        return
    if KINDS[message.template].is_reply:
        return
    raise_alert(
        session,
        "message.failed",
        "Messages to customers were not delivered; the page of messages lists those that need a person.",
        now=now,
    )


def _lose(
    session: Session,
    message: Message,
    error: str,
    *,
    channels: Collection[str] = BUILT_IN,
    now: datetime,
) -> None:
    """Its fate is unknown. What must arrive goes on to another channel: that it may be there proves nothing."""
    message.error = error[:500]
    move(session, message, "lose", now=now)
    must_arrive = KINDS[message.template].is_legal or message.task_class is TaskClass.SAFETY
    if must_arrive and next_channel(session, message, channels=channels, now=now):
        return
    raise_alert(
        session,
        "message.unknown",
        "Some messages to customers may or may not have gone out; the page of messages lists those that need a "
        "person.",
        now=now,
    )


def _has_task(session: Session, message: Message) -> bool:
    statement = select(Task.id).where(
        col(Task.dedupe_key).startswith(task_keys(message), autoescape=True),
        col(Task.state).in_([TaskState.DUE, TaskState.LEASED]),
    )
    return session.exec(statement.limit(1)).first() is not None
