"""Sending messages with their fate on record.

The order of a sending: `begin` commits the row as `sending`; only then the network is touched; then `complete`,
`fail` or `unknown` commits what came of it. Whatever breaks in between is found at the next `begin` of the row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact import links, texts
from dispatch.contact.facts import Facts, load
from dispatch.contact.kinds import KINDS
from dispatch.contact.progress import WAITING, get, move, queue, task_keys
from dispatch.contact.quiet import quiet_until
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.alerts import raise_alert
from dispatch.core.events import Actor
from dispatch.core.tables import Task, TaskClass, TaskState
from dispatch.field.door import check_number

FATE_UNKNOWN = "fate_unknown"
"""Reason of a waiting message whose last attempt may have arrived."""

_ORPHANED_AFTER = timedelta(minutes=2)
_AGAIN = {"zh-CN": "（重发）", "en": "(repeated) "}
_DIED = "its worker died during the sending"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to hand to the channel now. `mail_id` and `key`, the provider's, are the same at every attempt.

    `calendar` is the text of its iCalendar attachment, empty when it has none.
    """

    message_id: int
    mail_id: str
    recipient: str
    subject: str
    body: str
    language: str
    message_class: TaskClass
    channel: str = "email"
    key: str = ""
    calendar: str = ""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The last sending has no known end: ask the provider whether it has the message, and send it if not."""

    outgoing: Outgoing


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the provider makes possible when a sending has no known end.

    `keys_last`: for how long it takes the same key again without sending twice. `can_look_up`: it can be asked
    first. With neither the message's class decides.
    """

    keys_last: timedelta = timedelta(0)
    can_look_up: bool = False

    def covers(self, begun_at: datetime | None, now: datetime) -> bool:
        """Whether a message that was first handed over at `begun_at` can still go on without arriving twice."""
        return self.can_look_up or begun_at is None or now - begun_at < self.keys_last


BY_CLASS = Recovery()


@dataclass(frozen=True, slots=True)
class Held:
    """Not yet: quiet hours. Try again at `until`; the attempt does not count."""

    until: datetime


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
    recovery: Recovery = BY_CLASS,
) -> Outgoing | InDoubt | Held | Settled:
    """Take a message for sending; commit before touching the network.

    Checks consent, address, expiry, quiet hours and whether the message is still true. A row found `sending` was
    left by a worker that died. What follows is the provider's to make possible (`recovery`): the same key again, or
    asking it first. Otherwise a safety message goes out again, marked as a repetition; any other becomes `unknown`
    and is listed. `base_url` begins the customer's link, `key` signs it. Raises NoSuchMessage.
    """
    message = get(session, message_id)
    facts = load(session, [message.subject_id])[0]
    territory_id = facts.territory.id
    repeated = message.status is MessageStatus.SENDING or message.reason == FATE_UNKNOWN
    covered = recovery.covers(message.begun_at, now)
    if message.status is MessageStatus.SENDING:
        if message.message_class is not TaskClass.SAFETY and not covered:
            _lose(session, message, _DIED, now=now, territory_id=territory_id)
            return Settled(message.status)
        move(session, message, "repeat", territory_id=territory_id, now=now)
    elif message.status in WAITING:
        held = _check(session, message, facts, now=now)
        if held is not None:
            return held
        if message.status not in WAITING:
            return Settled(message.status)
        message.recipient = facts.recipient
        move(session, message, "begin", territory_id=territory_id, now=now)
    else:
        return Settled(message.status)
    doubtful = repeated and message.begun_at is not None
    if doubtful and message.message_class is not TaskClass.SAFETY and not covered:
        _lose(session, message, message.error, now=now, territory_id=territory_id)
        return Settled(message.status)
    message.sends += 1
    message.begun_at = message.begun_at if doubtful else now
    session.flush()
    outgoing = _outgoing(
        message, facts, base_url=base_url, key=key, repeated=repeated and not (doubtful and covered)
    )
    return InDoubt(outgoing) if doubtful and recovery.can_look_up else outgoing


def as_sent(session: Session, *, message_id: int, base_url: str, key: bytes) -> Outgoing:
    """What the message says if it goes out now, with its link; nothing is changed. Raises NoSuchMessage."""
    message = get(session, message_id)
    facts = load(session, [message.subject_id])[0]
    return _outgoing(message, facts, base_url=base_url, key=key, repeated=False)


def complete(
    session: Session, *, message_id: int, now: datetime, provider: str = "", provider_id: str = ""
) -> Message:
    """`provider` took the message; its own number of it is `provider_id`."""
    message = get(session, message_id)
    message.sent_at, message.error = now, ""
    message.provider, message.provider_id = provider, provider_id
    return move(session, message, "complete", now=now)


def fail(
    session: Session, *, message_id: int, error: str, final: bool, now: datetime
) -> MessageStatus:
    """The server refused it: `failed` with an alert when that is `final`, else `pending` for the next attempt.

    Final is a permanent refusal (5xx), and the last attempt of the task.
    """
    message = get(session, message_id)
    message.error = error[:500]
    move(session, message, "fail" if final else "retry", now=now)
    if final:
        raise_alert(
            session,
            "message.failed",
            "Messages to customers were not delivered. The list of messages that need a person names them.",
            now=now,
        )
    return message.status


def unknown(
    session: Session,
    *,
    message_id: int,
    error: str,
    now: datetime,
    recovery: Recovery = BY_CLASS,
    last: bool = False,
) -> MessageStatus:
    """The connection broke before the answer: `pending` again, or `unknown`.

    It is tried again when the provider sees to it that nothing arrives twice (`recovery`), and when it is a safety
    message; not after the `last` attempt.
    """
    message = get(session, message_id)
    safe = message.message_class is TaskClass.SAFETY or recovery.covers(message.begun_at, now)
    if safe and not last:
        message.error = error[:500]
        move(session, message, "retry", reason=FATE_UNKNOWN, now=now)
    else:
        _lose(session, message, error, now=now)
    return message.status


def report(session: Session, *, message_id: int, delivered: bool, now: datetime) -> Message:
    """The provider told later what became of a message that was sent."""
    message = get(session, message_id)
    return move(session, message, "deliver" if delivered else "bounce", now=now)


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


def _check(session: Session, message: Message, facts: Facts, *, now: datetime) -> Held | None:
    """Settle a waiting message that must not go out; Held when it is only too early."""
    kind, territory_id = KINDS[message.template], facts.territory.id
    stale = not kind.is_current(message, facts.visit) or _newer_exists(session, message)
    reason = facts.obstacle or ("superseded" if stale else "")
    if reason:
        move(session, message, "suppress", reason=reason, territory_id=territory_id, now=now)
        return None
    resume = None if kind.any_hour else quiet_until(now, facts.zone)
    if (resume or now) >= message.expires_at:
        move(session, message, "expire", reason="stale", territory_id=territory_id, now=now)
        return None
    if resume is None:
        return None
    message.send_after = resume
    move(session, message, "defer", reason="quiet_hours", territory_id=territory_id, now=now)
    return Held(resume)


def _outgoing(
    message: Message, facts: Facts, *, base_url: str, key: bytes, repeated: bool
) -> Outgoing:
    assert message.id is not None, "a message that is sent has been written"
    visit = facts.visit
    end = visit.finished_at or visit.planned_end_at or message.told_end_at or message.expires_at
    token = links.sign(key, visit_id=visit.id, expires_at=end + links.VALID_AFTER_END)
    body = message.body.replace(texts.CODE, check_number(key, visit.id))
    return Outgoing(
        message_id=message.id,
        mail_id=message.message_id,
        recipient=message.recipient,
        subject=(_AGAIN[message.language] if repeated else "") + message.subject,
        body=body.replace(texts.LINK, f"{base_url.rstrip('/')}/v/{token}"),
        language=message.language,
        message_class=message.message_class,
        channel=message.channel,
        key=f"gridcrew-{message.id}",
    )


def _lose(
    session: Session,
    message: Message,
    error: str,
    *,
    now: datetime,
    territory_id: str | None = None,
) -> None:
    message.error = error[:500]
    move(session, message, "lose", territory_id=territory_id, now=now)
    raise_alert(
        session,
        "message.unknown",
        "Some messages to customers may or may not have gone out. The list of messages that need a person "
        "names them.",
        now=now,
    )


def _has_task(session: Session, message: Message) -> bool:
    statement = select(Task.id).where(
        col(Task.dedupe_key).startswith(task_keys(message), autoescape=True),
        col(Task.state).in_([TaskState.DUE, TaskState.LEASED]),
    )
    return session.exec(statement.limit(1)).first() is not None


def _newer_exists(session: Session, message: Message) -> bool:
    statement = select(sa.func.count()).where(
        col(Message.subject_id) == message.subject_id,
        col(Message.template) == message.template,
        col(Message.id) > message.id,
        col(Message.status) != MessageStatus.SUPPRESSED,
    )
    return bool(session.exec(statement).one())
