"""Messages that need a person: what they tell still matters, and it is not known to have reached anybody."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from dispatch.contact.kinds import KINDS, OUTAGE_TIMES
from dispatch.contact.outages import standing
from dispatch.contact.progress import get
from dispatch.contact.tables import (
    Message,
    MessageClass,
    MessageStatus,
    OutageNotice,
    SubjectKind,
    Telling,
)
from dispatch.core import alerts
from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor, record
from dispatch.core.tables import Event
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.tables import Request
from dispatch.work.lifecycle import WAITING
from dispatch.work.tables import Visit, VisitStatus

_S = MessageStatus
LISTED_FOR = timedelta(days=14)
"""How long a message stays in the list when nobody sees to it."""
SEEN_TO = "message.seen_to"
ALERTS = ("message.failed", "message.unknown")
"""The alerts that stand for the list."""

_DID_NOT_ARRIVE = (_S.UNKNOWN, _S.FAILED, _S.BOUNCED)
NO_WAY = ("no_address", "bad_address", "no_mobile", "no_channel")
"""Why a message was not even tried."""
_COMING = (VisitStatus.PLANNED, *WAITING, VisitStatus.EN_ROUTE)
_AFTERWARDS = ("cancelled", "could_not", "done")
"""What is told of a visit that does not come any more."""
_NOBODY_WAITS_FOR = (MessageClass.SURVEY, MessageClass.MARKETING)
_REPLIES = [name for name, kind in KINDS.items() if kind.is_reply]


class NeedsNobody(ConflictError):
    """The message arrived, is on its way, or has been seen to."""

    code = "message_needs_nobody"


def unreached(now: datetime) -> sa.ColumnElement[bool]:
    """Whether a message needs a person at `now`.

    It failed, came back, has an unknown fate, or had no way to go; no other channel was tried instead; what it
    tells still matters; and nobody has seen to it. Of a visit that is to come only the newest telling counts.
    """
    return sa.and_(
        _without_effect(Message),
        col(Message.created_at) > now - LISTED_FOR,
        col(Message.message_class).not_in(_NOBODY_WAITS_FOR),
        col(Message.template).not_in(_REPLIES),
        ~_is_replaced(),
        ~_is_seen_to(),
        sa.or_(
            sa.and_(
                col(Message.subject_kind) == SubjectKind.VISIT,
                sa.or_(col(Message.template).in_(_AFTERWARDS), _is_newest_of_a_coming_visit()),
            ),
            sa.and_(col(Message.subject_kind) == SubjectKind.REQUEST, _about_open_request()),
            sa.and_(
                col(Message.subject_kind) == SubjectKind.OUTAGE,
                sa.or_(col(Message.template).not_in(OUTAGE_TIMES), _about_announced_outage()),
            ),
            sa.and_(
                col(Message.subject_kind) == SubjectKind.CUSTOMER, col(Message.expires_at) > now
            ),
        ),
    )


def need_a_person(
    session: Session, *, territory_id: str, now: datetime, templates: Collection[str] | None = None
) -> list[Message]:
    """A territory's messages that need a person, of these templates or of all, the newest first."""
    statement = (
        select(Message)
        .where(Message.territory_id == territory_id, unreached(now))
        .order_by(col(Message.id).desc())
    )
    if templates is not None:
        statement = statement.where(col(Message.template).in_(templates))
    return list(session.exec(statement))


def counted(session: Session, *, territory_id: str, now: datetime) -> dict[str, int]:
    """How many of a territory's messages need a person, by template."""
    statement = (
        select(Message.template, sa.func.count())
        .where(Message.territory_id == territory_id, unreached(now))
        .group_by(col(Message.template))
        .order_by(col(Message.template))
    )
    return dict(session.exec(statement).all())


def needs_a_person(session: Session, message: Message, *, now: datetime) -> bool:
    """Whether this message needs a person."""
    statement = select(Message.id).where(Message.id == message.id, unreached(now))
    return session.exec(statement).first() is not None


def see_to(session: Session, *, message_id: int, actor: Actor, now: datetime) -> Message:
    """Note that somebody has told the customer in another way, or that nobody needs to: it leaves the list.

    Raises NoSuchMessage and NeedsNobody.
    """
    message = get(session, message_id)
    if not needs_a_person(session, message, now=now):
        raise NeedsNobody(
            f"Message {message_id} is {message.status.value} and needs nobody any more.",
            message_id=message_id,
        )
    record(
        session, SEEN_TO, entity="message", entity_id=str(message.id), actor=actor, now=now,
        territory_id=message.territory_id, data={"template": message.template, "reason": message.reason},
    )  # fmt: skip
    session.flush()
    settle_alerts(session, now=now)
    return message


def settle_alerts(session: Session, *, now: datetime) -> None:
    """Close the alerts that stand for the list when it is empty everywhere."""
    if session.exec(select(Message.id).where(unreached(now)).limit(1)).first() is None:
        for key in ALERTS:
            alerts.resolve(session, key, now=now)


def _without_effect(message: Any) -> sa.ColumnElement[bool]:
    return sa.or_(
        col(message.status).in_(_DID_NOT_ARRIVE),
        sa.and_(col(message.status) == _S.SUPPRESSED, col(message.reason).in_(NO_WAY)),
    )


def _is_replaced() -> sa.ColumnElement[bool]:
    """Another message went over another channel instead: that one's fate is what counts."""
    other = aliased(Message)
    return sa.exists().where(col(other.fallback_of) == col(Message.id))


def _is_seen_to() -> sa.ColumnElement[bool]:
    """The last that happened to the message is that somebody saw to it; sent again, it may need somebody again."""
    seen, later = aliased(Event), aliased(Event)
    since = sa.exists().where(
        col(later.entity) == "message",
        col(later.entity_id) == col(seen.entity_id),
        col(later.id) > col(seen.id),
    )
    return sa.exists().where(
        col(seen.entity) == "message",
        col(seen.entity_id) == sa.cast(col(Message.id), sa.String),
        col(seen.type) == SEEN_TO,
        ~since,
    )


def _is_newest_of_a_coming_visit() -> sa.ColumnElement[bool]:
    """It tells of a visit that is to come, of which nothing else was told to the same person since."""
    later, told_later = aliased(Message), aliased(Telling)
    since = (
        sa.exists()
        .where(
            col(told_later.visit_id) == col(Telling.visit_id),
            col(told_later.message_id) > col(Message.id),
            col(later.id) == col(told_later.message_id),
            col(later.to_nominee) == col(Message.to_nominee),
            sa.or_(col(later.status).in_((_S.SENT, _S.DELIVERED)), _without_effect(later)),
        )
        .correlate(Telling, Message)
    )
    return sa.exists().where(
        col(Telling.message_id) == col(Message.id),
        col(Visit.id) == col(Telling.visit_id),
        col(Visit.status).in_(_COMING),
        ~since,
    )


def _about_open_request() -> sa.ColumnElement[bool]:
    """The request is open, or the one that it was merged into."""
    other = aliased(Request)
    goes_on = sa.exists().where(
        col(other.id) == col(Request.merged_into), col(other.status).in_(OPEN)
    )
    return sa.exists().where(
        col(Request.id) == col(Message.subject_id),
        sa.or_(
            col(Request.status).in_(OPEN),
            (col(Message.template) == "report_merged") & goes_on,
        ),
    )


def _about_announced_outage() -> sa.ColumnElement[bool]:
    return sa.exists().where(col(OutageNotice.id) == col(Message.subject_id), standing())
