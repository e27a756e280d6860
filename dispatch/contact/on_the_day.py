"""What is told on the day of a visit: the crew departs, arrives, has done it, or could not."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact import texts
from dispatch.contact.channels import BUILT_IN
from dispatch.contact.drafts import compose
from dispatch.contact.facts import Facts
from dispatch.contact.tables import Message
from dispatch.contact.tellings import locked, when
from dispatch.contact.windows import arrival_range
from dispatch.field import tracking
from dispatch.work.tables import Visit, VisitStatus

STALE_AFTER = timedelta(hours=48)
"""What was done, or could not be, is old news after this."""


def tell_on_the_way(
    session: Session,
    *,
    visit_id: str,
    departed_at: datetime,
    version: str,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> Message | None:
    """Tell that the crew is coming, with its arrival as a range; stale as soon as it has arrived."""
    one = _one(session, visit_id, VisitStatus.EN_ROUTE)
    if one is None:
        return None
    coming = tracking.on_the_way(session, visit=one.visit, departed_at=departed_at, now=now)
    told = arrival_range(early_at=coming.early_at, late_at=coming.late_at)
    return compose(
        session,
        one,
        template="on_the_way",
        version=version,
        told=told,
        values=when(one, told),
        expires_at=told.end_at,
        channels=channels,
        now=now,
    )


def tell_arrived(
    session: Session,
    *,
    visit_id: str,
    version: str,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> Message | None:
    """Tell whom the customer named that the crew is there: the customer sees it at the door."""
    one = _one(session, visit_id, VisitStatus.ARRIVED, VisitStatus.WORKING, VisitStatus.PAUSED)
    nominees = [person for person in one.people() if person.is_nominee] if one else []
    if one is None or not nominees:
        return None
    arrived = one.visit.arrived_at or now
    return compose(
        session,
        one,
        template="arrived",
        version=version,
        told=None,
        values=_moment(one, arrived),
        people=nominees,
        expires_at=arrived + timedelta(hours=2),
        channels=channels,
        now=now,
    )


def tell_done(
    session: Session,
    *,
    visit_id: str,
    closing_code: str,
    version: str,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> Message | None:
    """Tell what was done, the closing code in words."""
    one = _one(session, visit_id, VisitStatus.DONE)
    if one is None:
        return None
    finished = one.visit.finished_at or now
    return compose(
        session,
        one,
        template="done",
        version=version,
        told=None,
        values={**_moment(one, finished), "outcome": texts.outcome(closing_code, one.language)},
        expires_at=finished + STALE_AFTER,
        channels=channels,
        now=now,
    )


def tell_could_not(
    session: Session,
    *,
    visit_id: str,
    version: str,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> Message | None:
    """Tell that the crew could not do it, the reason in words, and whether another visit follows."""
    one = _one(session, visit_id, VisitStatus.NOT_DONE)
    if one is None:
        return None
    finished = one.visit.finished_at or now
    statement = select(sa.func.count()).where(
        Visit.work_order_id == one.order.id,
        col(Visit.number) > one.visit.number,
        Visit.status != VisitStatus.CANCELLED,
    )
    values = {
        **_moment(one, finished),
        "why": texts.why_not_done(one.visit.reason, one.language),
        "follows": bool(session.exec(statement).one()),
    }
    return compose(
        session,
        one,
        template="could_not",
        version=version,
        told=None,
        values=values,
        expires_at=finished + STALE_AFTER,
        channels=channels,
        now=now,
    )


def _one(session: Session, visit_id: str, *statuses: VisitStatus) -> Facts | None:
    facts = locked(session, [visit_id])
    return facts[0] if facts and facts[0].visit.status in statuses else None


def _moment(facts: Facts, moment: datetime) -> dict[str, Any]:
    zone, language = facts.zone, facts.language
    return {
        "day": texts.day_text(moment, zone, language),
        "clock": texts.clock_text(moment, zone, language),
    }
