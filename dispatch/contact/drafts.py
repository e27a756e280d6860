"""Writing messages: each telling once, and nobody passed over silently."""

import hashlib
from datetime import datetime

from sqlmodel import Session, col, select

from dispatch.contact import texts
from dispatch.contact.facts import Facts
from dispatch.contact.kinds import KINDS, class_of
from dispatch.contact.progress import WAITING, queue, tell
from dispatch.contact.quiet import quiet_until
from dispatch.contact.tables import Message, MessageStatus
from dispatch.contact.windows import Told
from dispatch.core.events import SYSTEM


def compose(
    session: Session,
    facts: Facts,
    *,
    template: str,
    version: str,
    told: Told | None,
    values: dict[str, object],
    expires_at: datetime,
    now: datetime,
    obstacle: str = "",
) -> Message | None:
    """Write a message and the task that sends it; None when this telling (`version`) was written before.

    A message that cannot or shall not go out (no address, no consent, `obstacle`) is written as suppressed, with
    the reason. In quiet hours it is deferred to their end, or expired when it would be stale by then.
    """
    if _is_written(session, facts, template, version):
        return None
    text = texts.render(template, facts.language, {**facts.values(), **values})
    message = Message(
        customer_id=facts.customer.id,
        recipient=facts.recipient,
        template=template,
        language=facts.language,
        subject_id=facts.visit.id,
        subject_version=version,
        told_start_at=told.start_at if told else None,
        told_end_at=told.end_at if told else None,
        message_class=class_of(template, facts.order.priority),
        subject=text.subject,
        body=text.body,
        message_id=_mail_id(facts, template, version, now),
        send_after=now,
        expires_at=expires_at,
        created_at=now,
    )
    _settle(message, facts, obstacle=obstacle or facts.obstacle, now=now)
    session.add(message)
    session.flush()
    tell(session, message, None, actor=SYSTEM, territory_id=facts.territory.id, now=now)
    if message.status in WAITING:
        queue(session, message, now=now)
    return message


def _settle(message: Message, facts: Facts, *, obstacle: str, now: datetime) -> None:
    """Decide the status that a new message begins with."""
    resume = None if KINDS[message.template].any_hour else quiet_until(now, facts.zone)
    if obstacle:
        message.status, message.reason = MessageStatus.SUPPRESSED, obstacle
    elif (resume or now) >= message.expires_at:
        message.status, message.reason = MessageStatus.EXPIRED, "stale"
    elif resume is not None:
        message.status, message.reason = MessageStatus.DEFERRED, "quiet_hours"
        message.send_after = resume


def _is_written(session: Session, facts: Facts, template: str, version: str) -> bool:
    # Whatever the address was then: a visit has one customer, who is told once.
    statement = select(Message.id).where(
        col(Message.template) == template,
        col(Message.subject_id) == facts.visit.id,
        col(Message.subject_version) == version,
    )
    return session.exec(statement).first() is not None


def _mail_id(facts: Facts, template: str, version: str, now: datetime) -> str:
    """The Message-ID: fixed for good, and of another installation's messages never the same."""
    content = (facts.recipient, template, facts.visit.id, version, now.isoformat())
    return f"<{hashlib.sha256('|'.join(content).encode()).hexdigest()[:32]}@gridcrew>"
