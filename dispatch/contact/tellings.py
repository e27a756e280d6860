"""What is told when: the rules by which a visit's state becomes messages.

Nothing is told before the visit is on a published plan. `booked` tells the promised window or, without one, the
expected time (`windows.told_window`); it is written again only when what was told no longer holds. `put_off`
follows when a visit that was told leaves the plan. Every function may run again: a telling is written once.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.contact import texts
from dispatch.contact.drafts import compose
from dispatch.contact.facts import ON_PLAN, Facts, load
from dispatch.contact.tables import Message, MessageStatus
from dispatch.contact.windows import Told, arrival_range, still_holds, told_window
from dispatch.core.calendar import day_bounds, local_day, zone_named
from dispatch.core.db import lock_for
from dispatch.field import tracking
from dispatch.registry.tables import Territory
from dispatch.work.tables import Visit, VisitStatus

JUST_TOLD = timedelta(hours=4)
"""A reminder so soon after the booking would only repeat it."""

_S = MessageStatus
_KNOWN = (_S.SENDING, _S.SENT, _S.DELIVERED, _S.UNKNOWN)
_ON_ITS_WAY = (_S.PENDING, _S.DEFERRED, *_KNOWN)


def tell_booked(session: Session, *, visit_ids: Collection[str], now: datetime) -> list[Message]:
    """Tell the customers of these visits when we come, those on a published plan who do not know it yet."""
    facts = _locked(session, visit_ids)
    earlier = _tellings(session, [one.visit.id for one in facts])
    written = []
    for one in facts:
        told = told_window(one.visit)
        if one.visit.status not in ON_PLAN or told is None:
            continue
        history = earlier.get(one.visit.id, [])
        last = history[-1] if history else None
        if last is not None and _still_tells(one.visit, last):
            continue
        again = any(row.status in _KNOWN for row in history)
        values = {**_when(one, told), "again": again}
        message = compose(
            session,
            one,
            template="booked",
            version=str(len(history) + 1),
            told=told,
            values=values,
            expires_at=told.end_at,
            now=now,
        )
        written += [message] if message else []
    return written


def tell_put_off(session: Session, *, visit_ids: Collection[str], now: datetime) -> list[Message]:
    """Tell the customers of these visits, back in the pool, not to wait, if they were told a time."""
    facts = _locked(session, visit_ids)
    earlier = _tellings(session, [one.visit.id for one in facts])
    written = []
    for one in facts:
        history = earlier.get(one.visit.id, [])
        last = history[-1] if history else None
        if one.visit.status is not VisitStatus.PLANNED or last is None:
            continue
        # One that still waits is dropped at its sending: the visit is on no plan.
        if last.template != "booked" or last.status not in _KNOWN or last.told_start_at is None:
            continue
        assert last.told_end_at is not None, "both ends of a window are told, or none"
        told = Told(last.told_start_at, last.told_end_at, promised=False)
        message = compose(
            session,
            one,
            template="put_off",
            version=str(len(history) + 1),
            told=told,
            values=_when(one, told),
            expires_at=told.end_at + timedelta(hours=12),
            now=now,
        )
        written += [message] if message else []
    return written


def tell_day_before(
    session: Session, *, territory_id: str, day: date, now: datetime
) -> list[Message]:
    """Remind the customers whose visits are planned on `day` (local); useless from that day's beginning on."""
    territory = session.get(Territory, territory_id)
    if territory is None:
        return []
    begin, end = day_bounds(day, zone_named(territory.zone))
    planned = session.exec(
        select(Visit.id).where(
            col(Visit.territory_id) == territory_id,
            col(Visit.status).in_(ON_PLAN),
            col(Visit.planned_start_at) >= begin,
            col(Visit.planned_start_at) < end,
        )
    ).all()
    facts = _locked(session, planned)
    earlier = _tellings(session, planned)
    written = []
    for one in facts:
        history = [row for row in earlier.get(one.visit.id, []) if row.template == "booked"]
        told = _as_told(one.visit, history)
        if told is None:
            continue
        fresh = any(
            now - row.created_at < JUST_TOLD and row.status in _ON_ITS_WAY for row in history
        )
        message = compose(
            session,
            one,
            template="day_before",
            version=day.isoformat(),
            told=told,
            values=_when(one, told),
            expires_at=begin,
            now=now,
            obstacle="just_told" if fresh else "",
        )
        written += [message] if message else []
    return written


def tell_on_the_way(
    session: Session, *, visit_id: str, departed_at: datetime, version: str, now: datetime
) -> Message | None:
    """Tell that the crew is coming, with its arrival as a range; stale as soon as it has arrived."""
    facts = _locked(session, [visit_id])
    if not facts or facts[0].visit.status is not VisitStatus.EN_ROUTE:
        return None
    coming = tracking.on_the_way(session, visit=facts[0].visit, departed_at=departed_at, now=now)
    told = arrival_range(early_at=coming.early_at, late_at=coming.late_at)
    return compose(
        session,
        facts[0],
        template="on_the_way",
        version=version,
        told=told,
        values=_when(facts[0], told),
        expires_at=told.end_at,
        now=now,
    )


def tell_done(
    session: Session, *, visit_id: str, closing_code: str, version: str, now: datetime
) -> Message | None:
    """Tell what was done, the closing code in words."""
    facts = _locked(session, [visit_id])
    if not facts or facts[0].visit.status is not VisitStatus.DONE:
        return None
    one, zone, language = facts[0], facts[0].zone, facts[0].language
    finished = one.visit.finished_at or now
    return compose(
        session,
        one,
        template="done",
        version=version,
        told=None,
        values={
            "day": texts.day_text(finished, zone, language),
            "clock": texts.clock_text(finished, zone, language),
            "outcome": texts.outcome(closing_code, language),
        },
        expires_at=finished + timedelta(hours=48),
        now=now,
    )


def next_local_day(scheduled: datetime, zone_name: str) -> date:
    """The local day after the one of `scheduled`: what a reminder of that evening is about."""
    return local_day(scheduled, zone_named(zone_name)) + timedelta(days=1)


def _locked(session: Session, visit_ids: Collection[str]) -> list[Facts]:
    """The facts of these visits, while nobody else writes messages about their territory."""
    facts = load(session, visit_ids)
    for territory_id in sorted({one.territory.id for one in facts}):
        lock_for(session, f"message:{territory_id}")
    return facts


def _tellings(session: Session, visit_ids: Iterable[str]) -> dict[str, list[Message]]:
    """The messages that told or took back a time, by visit, the oldest first."""
    statement = (
        select(Message)
        .where(
            col(Message.subject_id).in_(list(visit_ids)),
            col(Message.template).in_(["booked", "put_off"]),
        )
        .order_by(col(Message.id))
    )
    found: dict[str, list[Message]] = {}
    for message in session.exec(statement):
        found.setdefault(message.subject_id, []).append(message)
    return found


def _still_tells(visit: Visit, last: Message) -> bool:
    """Whether the last telling says what is so now; one that was dropped as superseded says nothing."""
    if last.template != "booked" or last.reason == "superseded":
        return False
    return still_holds(visit, last.told_start_at, last.told_end_at)


def _as_told(visit: Visit, history: list[Message]) -> Told | None:
    """The window as it was told while that holds, so that a reminder does not name another one."""
    last = history[-1] if history else None
    if last and last.told_start_at and last.told_end_at and _still_tells(visit, last):
        promised = visit.window_start_at is not None
        return Told(last.told_start_at, last.told_end_at, promised=promised)
    return told_window(visit)


def _when(facts: Facts, told: Told) -> dict[str, object]:
    zone, language = facts.zone, facts.language
    return {
        "day": texts.day_text(told.start_at, zone, language),
        "span": texts.span_text(told.start_at, told.end_at, zone, language),
        "promised": told.promised,
    }
