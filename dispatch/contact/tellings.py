"""What is told before the day: the rules by which a visit's state becomes messages.

Nothing is told before the visit is on a published plan. `booked` tells the promised window or, without one, the
expected time (`windows.told_window`); `changed` follows only when what was told no longer holds. What one household
is told at once is one message. Every function may run again: a telling is written once.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.contact import texts
from dispatch.contact.channels import BUILT_IN
from dispatch.contact.drafts import MOST_VISITS, Part, compose, why_not
from dispatch.contact.facts import ON_PLAN, Facts, load
from dispatch.contact.history import TELL_TIMES, Earlier, earlier_tellings, next_version
from dispatch.contact.households import households
from dispatch.contact.tables import Message
from dispatch.contact.windows import Told, told_window
from dispatch.core.calendar import day_bounds, local_day, zone_named
from dispatch.core.db import lock_for
from dispatch.registry.tables import Territory
from dispatch.work.tables import Visit

JUST_TOLD = timedelta(hours=4)
"""A reminder so soon after the booking would only repeat it."""


def tell_booked(
    session: Session,
    *,
    visit_ids: Collection[str],
    now: datetime,
    channels: Collection[str] = BUILT_IN,
) -> list[Message]:
    """Tell the customers of these visits when we come, those on a published plan who do not know it yet."""
    facts = locked(session, visit_ids)
    earlier = earlier_tellings(session, [one.visit.id for one in facts])
    parts: dict[str, list[Part]] = {"booked": [], "changed": []}
    for one in facts:
        told = told_window(one.visit)
        history = earlier.get(one.visit.id, [])
        heard = [telling for telling in history if not telling.is_dropped]
        if one.visit.status not in ON_PLAN or told is None:
            continue
        if heard and heard[-1].still_tells(one.visit):
            continue
        template = "changed" if any(telling.is_known for telling in history) else "booked"
        parts[template].append(Part(one, next_version(history), told, when(one, told)))
    return [
        message
        for template, some in parts.items()
        for message in write(session, template, some, now=now, channels=channels)
    ]


def tell_day_before(
    session: Session,
    *,
    territory_id: str,
    day: date,
    now: datetime,
    channels: Collection[str] = BUILT_IN,
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
    facts = locked(session, planned)
    earlier = earlier_tellings(session, planned)
    fresh: list[Part] = []
    parts: list[Part] = []
    for one in facts:
        history = [row for row in earlier.get(one.visit.id, []) if row.template in TELL_TIMES]
        told = _as_told(one.visit, history)
        if told is not None:
            just = any(now - row.written_at < JUST_TOLD and row.is_on_its_way for row in history)
            part = Part(one, day.isoformat(), told, when(one, told))
            (fresh if just else parts).append(part)
    return [
        *write(session, "day_before", fresh, now=now, channels=channels, expires_at=begin, obstacle="just_told"),
        *write(session, "day_before", parts, now=now, channels=channels, expires_at=begin),
    ]  # fmt: skip


def next_local_day(scheduled: datetime, zone_name: str) -> date:
    """The local day after the one of `scheduled`: what a reminder of that evening is about."""
    return local_day(scheduled, zone_named(zone_name)) + timedelta(days=1)


def locked(session: Session, visit_ids: Collection[str]) -> list[Facts]:
    """The facts of these visits, while nobody else writes messages about their territory."""
    facts = load(session, visit_ids)
    for territory_id in sorted({one.territory.id for one in facts}):
        lock_for(session, f"message:{territory_id}")
    return facts


def when(facts: Facts, told: Told) -> dict[str, object]:
    """A told span in the reader's words."""
    zone, language = facts.zone, facts.language
    return {
        "day": texts.day_text(told.start_at, zone, language),
        "span": texts.span_text(told.start_at, told.end_at, zone, language),
        "promised": told.promised,
    }


def write(
    session: Session,
    template: str,
    parts: Sequence[Part],
    *,
    now: datetime,
    channels: Collection[str],
    expires_at: datetime | None = None,
    stale_after: timedelta = timedelta(0),
    obstacle: str = "",
) -> list[Message]:
    """One message for each household; stale at `expires_at`, or `stale_after` the end of the last span it tells."""
    by_visit = {part.facts.subject.id: part for part in parts}
    facts = [part.facts for part in parts if isinstance(part.facts, Facts)]
    written = []
    for group in households(facts, alone=lambda one: bool(why_not(one, template))):
        own = sorted((by_visit[one.visit.id] for one in group), key=_begins)
        for start in range(0, len(own), MOST_VISITS):
            first, *also = own[start : start + MOST_VISITS]
            last = max(part.told.end_at for part in (first, *also) if part.told)
            message = compose(
                session,
                first.facts,
                template=template,
                version=first.version,
                told=first.told,
                values=first.values,
                also=also,
                expires_at=expires_at or last + stale_after,
                obstacle=obstacle,
                channels=channels,
                now=now,
            )
            written += [message] if message else []
    return written


def _begins(part: Part) -> tuple[datetime, str]:
    assert part.told is not None, "these messages tell a span of time"
    return part.told.start_at, part.facts.subject.id


def _as_told(visit: Visit, history: Sequence[Earlier]) -> Told | None:
    """The window as it was told while that holds, so that a reminder does not name another one."""
    last = history[-1] if history else None
    if last and last.told_start_at and last.told_end_at and last.still_tells(visit):
        promised = visit.window_start_at is not None
        return Told(last.told_start_at, last.told_end_at, promised=promised)
    return told_window(visit)
