"""Incidents: the reports of one outage. In a storm many people report it, some of them again and again.

A report belongs to the outage that its premises are without supply by, whichever of the two came first. About one
incident a customer is sent one message of each step: that the report arrived, when supply is expected back (of
several that wait, the newest), and that it is back.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact.extent import line_of
from dispatch.contact.history import ON_ITS_WAY
from dispatch.contact.outages import LONGEST, standing
from dispatch.contact.tables import Message, OutageNotice
from dispatch.core.events import SYSTEM
from dispatch.desk import requests
from dispatch.desk.lifecycle import AT_THE_COUNTER, OPEN
from dispatch.desk.merging import MERGED, join_outage
from dispatch.desk.tables import Request, RequestKind
from dispatch.registry.tables import Premises

BEFORE = timedelta(hours=2)
"""So long before a fault is said to have begun it may have been reported: who notes its beginning guesses."""
AT_ONCE = 200
"""Reports that one transaction settles: others want to write meanwhile."""
SAME_MATTER = timedelta(hours=2)
"""A customer's reports within this time, from the same premises or others on one line, are about one matter."""


def join(session: Session, request: Request, *, now: datetime) -> OutageNotice | None:
    """The outage that a report of a fault belongs to, noted with it from now on; None when it is about none."""
    if request.outage_id is not None:
        return session.get(OutageNotice, request.outage_id)
    if request.kind is not RequestKind.FAULT or request.premises_id is None:
        return None
    candidates = select(OutageNotice).where(
        OutageNotice.territory_id == request.territory_id,
        standing(),
        col(OutageNotice.starts_at) > now - LONGEST,
        sa.or_(col(OutageNotice.unplanned), col(OutageNotice.ends_at) > now),
    )
    for notice in session.exec(candidates.order_by(col(OutageNotice.id).desc())):
        if request.received_at >= _since(notice) and request.premises_id in notice.premises:
            join_outage(session, request, notice.id, actor=SYSTEM, now=now)
            return notice
    return None


def gather(session: Session, notice: OutageNotice, *, now: datetime) -> int:
    """Let the open reports of faults at the notice's premises belong to it; how many are new."""
    if notice.starts_at > now:
        return 0
    waiting = select(Request).where(
        Request.territory_id == notice.territory_id,
        Request.kind == RequestKind.FAULT,
        col(Request.status).in_(OPEN),
        col(Request.outage_id).is_(None),
        col(Request.received_at) >= _since(notice),
    )
    concerned = set(notice.premises)
    found = [row for row in session.exec(waiting) if row.premises_id in concerned]
    for request in found:
        join_outage(session, request, notice.id, actor=SYSTEM, now=now)
    return len(found)


def settle(session: Session, notice: OutageNotice, *, now: datetime) -> list[str]:
    """Supply is back: resolve its next `AT_ONCE` reports that nobody has taken up on their own; their numbers.

    Whoever is still without supply reports it anew.
    """
    waiting = select(Request).where(
        Request.outage_id == notice.id, col(Request.status).in_(AT_THE_COUNTER)
    )
    rows = session.exec(waiting.order_by(Request.id).limit(AT_ONCE)).all()
    for request in rows:
        requests.move(session, request, "resolve", actor=SYSTEM, now=now)
    return [request.id for request in rows]


def reporters(session: Session, notice: OutageNotice) -> dict[str, list[str]]:
    """The numbers of the reports that belong to the outage, by customer."""
    found: dict[str, list[str]] = {}
    reports = select(Request.customer_id, Request.id).where(Request.outage_id == notice.id)
    for customer_id, number in session.exec(reports.order_by(Request.id)):
        found.setdefault(customer_id, []).append(number)
    return found


def counted(session: Session, numbers: Collection[str]) -> dict[str, int]:
    """How many reports belong to each of these outages."""
    statement = (
        select(Request.outage_id, sa.func.count())
        .where(col(Request.outage_id).in_(numbers))
        .group_by(col(Request.outage_id))
    )
    known = {str(number): count for number, count in session.exec(statement)}
    return {number: known.get(number, 0) for number in numbers}


def has_heard(session: Session, request: Request, template: str) -> bool:
    """Whether the customer was sent a message of this template about another report of the same incident."""
    is_merged = request.status in MERGED
    same: sa.ColumnElement[bool] = sa.false()
    if request.outage_id:
        same |= col(Request.outage_id) == request.outage_id
    if is_merged and request.merged_into:
        same |= col(Request.merged_into) == request.merged_into
    if request.premises_id and not is_merged:
        same |= (
            col(Request.premises_id).in_(_beside(session, request.customer_id, request.premises_id))
            & (col(Request.received_at) > request.received_at - SAME_MATTER)
            & col(Request.status).in_((*OPEN, *MERGED))
        )
    statement = (
        select(Message.id)
        .join(Request, col(Request.id) == col(Message.subject_id))
        .where(
            Message.template == template,
            Message.customer_id == request.customer_id,
            Message.subject_id != request.id,
            col(Message.status).in_(ON_ITS_WAY),
            same,
        )
    )
    return session.exec(statement.limit(1)).first() is not None


def _beside(session: Session, customer_id: str, premises_id: str) -> list[str]:
    """These premises, and the customer's others on the same line."""
    rows = session.exec(
        select(Premises.id, Premises.feeder).where(Premises.customer_id == customer_id)
    )
    lines = {number: line_of(feeder) for number, feeder in rows}
    own = lines.get(premises_id, "")
    return [premises_id, *(number for number, line in lines.items() if line and line == own)]


def _since(notice: OutageNotice) -> datetime:
    return notice.starts_at - BEFORE if notice.unplanned else notice.starts_at
