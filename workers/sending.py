"""The task message.send: hand one message to the mail server, with its fate on record at every step."""

from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact import messages
from dispatch.contact.channels import BUILT_IN
from dispatch.contact.messages import Held, Outgoing
from dispatch.contact.tables import MessageStatus
from dispatch.core.config import Settings
from dispatch.core.crash import crashpoint
from dispatch.core.db import transaction
from dispatch.core.tables import Task, TaskClass, TaskState
from dispatch.core.tasks import Lease
from workers.channels import files, smtp
from workers.channels.delivery import Channel, Refused, Unclear
from workers.execution import Postponed, TransientFailure, Work

COURTESY_WAITS_BEHIND = timedelta(seconds=30)
"""When other work has been due for longer than this, courtesy messages wait."""
COURTESY_PAUSE = timedelta(seconds=30)


def channel_of(settings: Settings) -> Channel:
    """Where this installation's messages go: its mail server, or files in its outbox."""
    if settings.smtp_url:
        return partial(smtp.send, url=settings.smtp_url, sender=settings.mail_from)
    return partial(files.send, folder=settings.outbox_dir, sender=settings.mail_from)


def installed(settings: Settings) -> frozenset[str]:  # noqa: ARG001 - what more there is, settings will say
    """The channels that this installation has."""
    return BUILT_IN


def send_message(work: Work) -> None:
    """Send the message, or settle why not.

    The row is `sending` before the network is touched. A crash between is found at the next attempt, where a
    safety message goes out again and any other becomes `unknown`.
    """
    message_id, settings = int(work.payload["message_id"]), work.settings
    with transaction(work.database) as session:
        now = work.clock(session)
        if work.lease.task_class is TaskClass.COURTESY and _is_overloaded(session, now):
            raise Postponed(now + COURTESY_PAUSE)
        step = messages.begin(
            session,
            message_id=message_id,
            base_url=settings.base_url,
            key=settings.key,
            channels=installed(settings),
            sender=settings.mail_from,
            now=now,
        )
        if not isinstance(step, Outgoing | Held):
            work.finish(session)
    if isinstance(step, Held):
        raise Postponed(step.until)
    if isinstance(step, Outgoing):
        crashpoint("message_sending")
        _hand_over(work, step)


def _hand_over(work: Work, outgoing: Outgoing) -> None:
    """Send, and record the fate; who lost the lease has no say in it, as each result begins by proving it."""
    number, channels = outgoing.message_id, installed(work.settings)
    try:
        channel_of(work.settings)(outgoing)
    except Refused as refused:
        crashpoint("message_refused")
        with transaction(work.database) as session:
            work.hold(session)
            now = work.clock(session)
            last = refused.final or _is_last_attempt(session, work.lease)
            messages.fail(
                session,
                message_id=number,
                error=refused.reason,
                final=last,
                channels=channels,
                now=now,
            )
            if last:
                work.finish(session)
        if not last:
            raise TransientFailure(refused.reason) from refused
        return
    except Unclear as unclear:
        with transaction(work.database) as session:
            work.hold(session)
            now = work.clock(session)
            status = messages.unknown(
                session, message_id=number, error=str(unclear), channels=channels, now=now
            )
            if status is not MessageStatus.PENDING:
                work.finish(session)
        if status is MessageStatus.PENDING:
            raise TransientFailure(str(unclear)) from unclear
        return
    crashpoint("message_accepted")
    with transaction(work.database) as session:
        work.finish(
            session
        )  # first: who has lost the lease has no say in the message's fate either
        messages.complete(session, message_id=number, now=work.clock(session))
    crashpoint("message_sent")


def _is_last_attempt(session: Session, lease: Lease) -> bool:
    limit = session.exec(select(Task.max_attempts).where(Task.id == lease.task_id)).one()
    return lease.attempt >= limit


def _is_overloaded(session: Session, now: datetime) -> bool:
    oldest = session.exec(
        select(sa.func.min(Task.run_at)).where(
            col(Task.state) == TaskState.DUE,
            col(Task.task_class) != TaskClass.COURTESY,
            col(Task.queue) != "solve",  # a plan may wait for another plan; customers need not
        )
    ).one()
    return oldest is not None and now - oldest > COURTESY_WAITS_BEHIND
