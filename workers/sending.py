"""The task message.send: hand one message to its channel, with its fate on record at every step."""

from datetime import timedelta
from functools import lru_cache
from threading import Lock

import structlog
from sqlmodel import Session, select

from dispatch.contact import callbacks, messages, print_list
from dispatch.contact.channels import Channel as Way
from dispatch.contact.messages import Held, InDoubt, Outgoing
from dispatch.contact.progress import get
from dispatch.contact.tables import MessageStatus
from dispatch.core import backlog
from dispatch.core.config import Settings
from dispatch.core.crash import crashpoint
from dispatch.core.db import transaction
from dispatch.core.tables import Task, TaskClass
from dispatch.core.tasks import Lease
from workers.channels.delivery import Accepted, Channel, Refused, Unclear
from workers.channels.pacing import Breaker, Bucket, Pace
from workers.channels.registry import absent, channels_of, installed
from workers.execution import Postponed, TransientFailure, Work
from workers.redis_server import connect

logger = structlog.get_logger(__name__)

COURTESY_WAITS_BEHIND = timedelta(seconds=30)
"""When other work has been due for longer than this, courtesy messages wait."""
COURTESY_PAUSE = timedelta(seconds=30)
REDIS_PATIENCE_S = 0.5
_FIRST = Lock()
"""A cache lets two threads that come first make one each; a provider has one breaker in a process."""


@lru_cache(maxsize=32)
def pace_of(settings: Settings, provider: str, per_second: float) -> Pace:
    """How fast this process uses a provider, and whether it leaves it alone."""
    client = connect(settings.redis, patience=REDIS_PATIENCE_S) if per_second else None
    return Pace(Bucket(provider, per_second, client), Breaker())


def send_message(work: Work) -> None:
    """Send the message, or settle why not.

    The row is `sending` before the network is touched. A crash between is found at the next attempt: the provider
    is asked, or given the same key again, or else a safety message goes out again and any other becomes `unknown`.
    """
    message_id, settings = int(work.payload["message_id"]), work.settings
    with work.database.reading() as session:
        name = get(session, message_id).channel
        now = work.clock(session)
        urgent = work.lease.task_class is not TaskClass.COURTESY
        if not urgent and backlog.behind(session, now=now) > COURTESY_WAITS_BEHIND:
            raise Postponed(now + COURTESY_PAUSE)
    if name == Way.PRINT:
        return _wait_to_be_printed(work, message_id)
    channel = channels_of(settings).get(name) or absent(name)
    with _FIRST:
        pace = pace_of(settings, channel.provider, channel.per_second)
    rest = pace.wait(urgent=urgent)
    if rest:
        raise Postponed(now + timedelta(seconds=rest))
    with transaction(work.database) as session:
        step = messages.begin(
            session, message_id=message_id, base_url=settings.base_url, key=settings.key,
            channels=installed(settings), sender=settings.mail_from,
            now=work.clock(session), recovery=channel.recovery,
        )  # fmt: skip
        if not isinstance(step, Outgoing | InDoubt | Held):
            work.finish(session)
    if isinstance(step, Held):
        raise Postponed(step.until)
    if isinstance(step, Outgoing | InDoubt):
        crashpoint("message_sending")
        _hand_over(work, step, channel, pace.breaker)
    return None


def _wait_to_be_printed(work: Work, message_id: int) -> None:
    """It is on the list that a person prints, until it has been handed over or its time is over."""
    with transaction(work.database) as session:
        until = print_list.watch(session, message_id=message_id, now=work.clock(session))
        if until is None:
            work.finish(session)
    if until is not None:
        raise Postponed(until)


def _hand_over(work: Work, step: Outgoing | InDoubt, channel: Channel, breaker: Breaker) -> None:
    """Send, and record the fate; who lost the lease has no say in it, as each result begins by proving it."""
    number = (step.outgoing if isinstance(step, InDoubt) else step).message_id
    try:
        accepted = _delivered(step, channel)
    except Refused as refused:
        _tell(breaker, channel, refused)
        crashpoint("message_refused")
        _refuse(work, number, refused)
        return
    except Unclear as unclear:
        if breaker.broke():
            logger.warning("channel.left_alone", provider=channel.provider)
        _leave_open(work, number, channel, unclear)
        return
    breaker.worked()
    crashpoint("message_accepted")
    with transaction(work.database) as session:
        work.finish(
            session
        )  # first: who has lost the lease has no say in the message's fate either
        now = work.clock(session)
        messages.complete(
            session, message_id=number, provider=channel.provider,
            provider_id=accepted.provider_id, now=now,
        )  # fmt: skip
        callbacks.catch_up(
            session,
            provider=channel.provider,
            provider_id=accepted.provider_id,
            now=now,
            channels=installed(work.settings),
        )
    crashpoint("message_sent")


def _delivered(step: Outgoing | InDoubt, channel: Channel) -> Accepted:
    if isinstance(step, Outgoing):
        return channel.send(step)
    assert channel.look_up is not None, "only who can be asked leaves a message in doubt"
    try:
        found = channel.look_up(step.outgoing)
    except Refused as refused:  # it does not say: the doubt stays
        raise Unclear(f"the provider cannot be asked: {refused.reason}") from refused
    return found or channel.send(step.outgoing)


def _tell(breaker: Breaker, channel: Channel, refused: Refused) -> None:
    if refused.retry_after is not None:
        breaker.asked_to_wait(refused.retry_after)
    elif not refused.away:
        breaker.worked()
    elif breaker.broke():
        logger.warning("channel.left_alone", provider=channel.provider)


def _refuse(work: Work, number: int, refused: Refused) -> None:
    """Record a refusal. A try that the provider itself put off does not count."""
    put_off = refused.retry_after is not None and not refused.final
    with transaction(work.database) as session:
        work.hold(session)
        now = work.clock(session)
        last = refused.final or (not put_off and _is_last_attempt(session, work.lease))
        messages.fail(
            session, message_id=number, error=refused.reason, final=last, now=now,
            channels=installed(work.settings),
        )  # fmt: skip
        if last:
            work.finish(session)
    if put_off:
        raise Postponed(now + timedelta(seconds=refused.retry_after or 0.0)) from refused
    if not last:
        raise TransientFailure(refused.reason) from refused


def _leave_open(work: Work, number: int, channel: Channel, unclear: Unclear) -> None:
    """Record that nobody knows whether it is out."""
    with transaction(work.database) as session:
        work.hold(session)
        status = messages.unknown(
            session, message_id=number, error=str(unclear), recovery=channel.recovery,
            last=_is_last_attempt(session, work.lease), channels=installed(work.settings),
            now=work.clock(session),
        )  # fmt: skip
        if status is not MessageStatus.PENDING:
            work.finish(session)
    if status is MessageStatus.PENDING:
        raise TransientFailure(str(unclear)) from unclear


def _is_last_attempt(session: Session, lease: Lease) -> bool:
    limit = session.exec(select(Task.max_attempts).where(Task.id == lease.task_id)).one()
    return lease.attempt >= limit
