"""What is told of a visit that leaves the plan: nobody who counts on a time is left to wait.

A visit that is back in the pool may be planned again within minutes; then its customer is told the other time, or
nothing when the one that was told still holds. So `put_off` waits until that is not to be expected: a plan of the
day is published without the visit, the day closes, its order is held, or nothing was found in time (`say_at`). A
crew that turns back on its way is told of at once, since it is awaited at the door. `cancelled` is told when the
visit is called off, by the customer too: whom the customer named, and their calendars, do not know of it yet.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta

from sqlmodel import Session, col, or_, select

from dispatch.contact.channels import BUILT_IN
from dispatch.contact.drafts import Part
from dispatch.contact.facts import Facts, load
from dispatch.contact.history import (
    REPEAT_TIMES,
    TAKE_BACK,
    TELL_TIMES,
    Earlier,
    earlier_tellings,
    next_version,
)
from dispatch.contact.tables import Message, Telling
from dispatch.contact.tellings import locked, when, write
from dispatch.contact.windows import Told
from dispatch.core.calendar import at_local, day_bounds, local_day, zone_named
from dispatch.registry.tables import Territory
from dispatch.work.tables import Visit, VisitStatus

PATIENCE = timedelta(minutes=15)
"""How long a dispatcher has to find another time before anybody is told."""
AHEAD = timedelta(hours=2)
"""So long before the told time at the latest, nobody being found, the customer hears of it."""
MORNING, EVENING = time(12), time(18)
"""What was to begin before noon is put off in the evening before: on the day it would be too late."""
NEWS_FOR = timedelta(hours=12)
"""How long after the told time it is worth saying that nobody comes."""


def tell_put_off(
    session: Session,
    *,
    visit_ids: Collection[str],
    now: datetime,
    before: datetime | None = None,
    channels: Collection[str] = BUILT_IN,
) -> list[Message]:
    """Tell those who count on these visits, back in the pool, not to wait; with `before`, on an earlier time."""
    facts = [
        one
        for one in locked(session, visit_ids)
        if one.visit.status is VisitStatus.PLANNED and not one.is_called_off
    ]
    return _take_back(session, "put_off", facts, before=before, channels=channels, now=now)


def tell_cancelled(
    session: Session,
    *,
    visit_ids: Collection[str],
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> list[Message]:
    """Tell those who count on these visits, called off by the office or by the customer, not to wait."""
    facts = [
        one
        for one in locked(session, visit_ids)
        if one.visit.status is VisitStatus.CANCELLED
        or (one.visit.status is VisitStatus.PLANNED and one.is_called_off)
    ]
    return _take_back(session, "cancelled", facts, channels=channels, now=now)


def tell_left_over(
    session: Session,
    *,
    territory_id: str,
    day: date,
    but: Collection[str] = (),
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> list[Message]:
    """Tell those who count on a time of this local day, and whose visit is in the pool, all `but` these visits'."""
    begin, end = day_bounds(day, zone_named(session.get_one(Territory, territory_id).zone))
    told = select(Telling.visit_id).where(
        col(Telling.visit_id) == col(Visit.id),
        col(Telling.told_start_at) >= begin,
        col(Telling.told_start_at) < end,
    )
    promised = (col(Visit.window_start_at) >= begin) & (col(Visit.window_start_at) < end)
    left = session.exec(
        select(Visit.id).where(
            col(Visit.territory_id) == territory_id,
            col(Visit.status) == VisitStatus.PLANNED,
            or_(promised, told.exists()),
        )
    )
    left_ids = set(left) - set(but)
    return tell_put_off(session, visit_ids=left_ids, before=end, channels=channels, now=now)


def tell_held(
    session: Session,
    *,
    work_order_id: str,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> list[Message]:
    """Tell those who count on a visit of this order, which is held, or which the customer called off."""
    visit_ids = session.exec(select(Visit.id).where(Visit.work_order_id == work_order_id)).all()
    return [
        *tell_put_off(session, visit_ids=visit_ids, channels=channels, now=now),
        *tell_cancelled(session, visit_ids=visit_ids, channels=channels, now=now),
    ]


def tell_off_plan(
    session: Session,
    *,
    visit_id: str,
    left_at: datetime,
    was_coming: bool,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> datetime | None:
    """Tell who counts on a visit that left the plan at `left_at`, or when to look again; None when that is settled.

    `was_coming`: its crew was on its way.
    """
    facts = load(session, [visit_id])
    if not facts or facts[0].visit.status is not VisitStatus.PLANNED:
        return None
    history = history_of(session, [visit_id]).get(visit_id, [])
    told = counted_on(facts[0].visit, history, "put_off")
    if told is None:
        return None
    moment = left_at if was_coming else max(left_at + PATIENCE, say_at(told, facts[0]))
    if now < moment:
        return moment
    tell_put_off(session, visit_ids=[visit_id], channels=channels, now=now)
    return None


def is_put_off(session: Session, visit: Visit) -> bool:
    """Whether the visit's customer was told last, or is being told, not to wait in its promised window."""
    told = [one for one in history_of(session, [visit.id]).get(visit.id, []) if not one.is_dropped]
    window = _span(visit.window_start_at, visit.window_end_at)
    return (
        bool(told)
        and told[-1].template == "put_off"
        and _span(told[-1].told_start_at, told[-1].told_end_at) == window
    )


def say_at(told: Told, one: Facts) -> datetime:
    """When it is too late to look for somebody who comes at the told time."""
    day = local_day(told.start_at, one.zone)
    if told.start_at < at_local(day, MORNING, one.zone):
        return at_local(day - timedelta(days=1), EVENING, one.zone)
    return told.start_at - AHEAD


def _take_back(
    session: Session,
    template: str,
    facts: Sequence[Facts],
    *,
    before: datetime | None = None,
    now: datetime,
    channels: Collection[str],
) -> list[Message]:
    earlier = history_of(session, [one.visit.id for one in facts])
    parts = []
    for one in facts:
        history = earlier.get(one.visit.id, [])
        told = counted_on(one.visit, history, template)
        if told is not None and (before is None or told.start_at < before):
            parts.append(Part(one, next_version(history), told, when(one, told)))
    return write(session, template, parts, now=now, channels=channels, stale_after=NEWS_FOR)


def history_of(session: Session, visit_ids: Collection[str]) -> dict[str, list[Earlier]]:
    """All that was told of these visits' times, by visit, the oldest first."""
    return earlier_tellings(session, visit_ids, of=(*TELL_TIMES, *REPEAT_TIMES, *TAKE_BACK))


def counted_on(visit: Visit, history: Sequence[Earlier], template: str) -> Told | None:
    """The time at which somebody waits for the visit; None when nobody does, or the template has told them already.

    A time that still waits to be sent is passed over: it will be dropped, since the visit is on no plan. To whoever
    was told of the visit its promise is known, because it was agreed with them.
    """
    window = _span(visit.window_start_at, visit.window_end_at)
    for one in reversed(history):
        span = _span(one.told_start_at, one.told_end_at)
        says_so = one.is_known or (one.template == template and not one.is_dropped)
        if one.template in TAKE_BACK and says_so:
            return window if window != span else None
        if one.is_known and span is not None:
            return window or span
    return None


def _span(start_at: datetime | None, end_at: datetime | None) -> Told | None:
    if start_at is None or end_at is None:
        return None
    return Told(start_at, end_at, promised=False)
