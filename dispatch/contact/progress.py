"""A message's status: the one place that writes it."""

from datetime import datetime, timedelta

from sqlmodel import Session

from dispatch.contact.channels import Channel
from dispatch.contact.classes import CLASSES
from dispatch.contact.lifecycle import MESSAGES
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core import tasks
from dispatch.core.errors import NotFoundError
from dispatch.core.events import SYSTEM, Actor, record
from dispatch.core.tables import TaskClass

WAITING = (MessageStatus.PENDING, MessageStatus.DEFERRED)
URGENT_BEFORE = timedelta(days=1)
"""A letter that still waits so shortly before what it tells of is urgent."""


class NoSuchMessage(NotFoundError):
    """No message has this number."""

    code = "no_such_message"


def get(session: Session, message_id: int) -> Message:
    """The message; raises NoSuchMessage."""
    message = session.get(Message, message_id)
    if message is None:
        raise NoSuchMessage(f"There is no message {message_id}.", message_id=message_id)
    return message


def move(
    session: Session,
    message: Message,
    action: str,
    *,
    now: datetime,
    reason: str = "",
    actor: Actor = SYSTEM,
) -> Message:
    """Change the status by one move of the life cycle, with its event; raises IllegalMove, MoveNotYours."""
    before = message.status
    message.status = MESSAGES.target(before, action, role=actor.role, subject=str(message.id))
    message.reason = reason
    session.flush()
    tell(session, message, before, actor=actor, now=now)
    return message


def tell(
    session: Session,
    message: Message,
    before: MessageStatus | None,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Record that the message has its status now; nothing of its text or its recipient."""
    about = {
        "template": message.template,
        "channel": message.channel,
        f"{message.subject_kind.value}_id": message.subject_id,
        "reason": message.reason,
    }
    record(
        session,
        f"message.{message.status.value}",
        entity="message",
        entity_id=str(message.id),
        actor=actor,
        now=now,
        from_status=before.value if before else None,
        to_status=message.status.value,
        territory_id=message.territory_id,
        data=about,
    )


def queue(session: Session, message: Message, *, now: datetime) -> None:
    """Add the task that sends the message at its `send_after`; safety messages wait in a queue of their own.

    A letter waits for somebody to print the list of them; its task looks whether that was done in time.
    """
    run_at = message.send_after
    if message.channel == Channel.PRINT:
        run_at = max(run_at, (message.told_start_at or message.expires_at) - URGENT_BEFORE)
    safety = message.task_class is TaskClass.SAFETY
    tasks.enqueue(
        session,
        "message.send_safety" if safety else "message.send",
        key=f"{task_keys(message)}{message.sends}",
        payload={"message_id": message.id},
        run_at=run_at,
        task_class=message.task_class,
        max_attempts=CLASSES[message.message_class].attempts,
        now=now,
    )


def task_keys(message: Message) -> str:
    """What the dedupe keys of the message's tasks begin with."""
    return f"message.send:{message.id}:"
