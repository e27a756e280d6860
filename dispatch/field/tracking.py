"""Crews followed while they work: when each visit is expected, with where its crew is, and who stands still."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.calendar import zone_named
from dispatch.field import positions
from dispatch.field.tables import CrewPosition
from dispatch.planning import learning, queries
from dispatch.planning.arrivals import Leg, along
from dispatch.planning.projecting import FRESH, Seen
from dispatch.planning.queries import BoardPage
from dispatch.planning.spread import ASSUMED_SERVICE
from dispatch.planning.tiles import CrewRow
from dispatch.registry import territories
from dispatch.registry.geometry import metres_between
from dispatch.registry.tables import Shift
from dispatch.work.tables import Visit, VisitStatus

STILL_FOR = timedelta(minutes=15)
"""How long a crew on its way may stay in one place before somebody is to call it."""
STILL_M = 200
"""Positions within so many metres of the newest are the same place."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """When the crew is expected at a visit: between `early_at` and `late_at` in 8 of 10 cases.

    `break_probability` is that of coming after the promised window, empty when none was promised.
    """

    visit_id: str
    early_at: datetime
    expected_at: datetime
    late_at: datetime
    break_probability: float | None


def board(
    session: Session,
    *,
    territory_id: str,
    day: date,
    now: datetime,
    plan_id: int | None = None,
    draft: bool = False,
    crew_ids: Collection[str] | None = None,
    than: int | None = None,
) -> BoardPage:
    """The day's board with what is expected now of its crews, from where they are; see `queries.board`."""
    return queries.board(
        session,
        territory_id=territory_id,
        day=day,
        plan_id=plan_id,
        draft=draft,
        now=now,
        seen=_seen(session, territory_id, now),
        crew_ids=crew_ids,
        than=than,
    )


def arrivals(session: Session, *, visit_ids: Collection[str], now: datetime) -> dict[str, Arrival]:
    """When crews are expected at these visits, those that a crew has on the plan in force and is not at yet."""
    rows = session.execute(
        sa.select(col(Visit.territory_id), col(Shift.day), col(Visit.crew_id))
        .join(Shift, col(Shift.id) == col(Visit.shift_id))
        .where(col(Visit.id).in_(visit_ids))
        .distinct()
    )
    crews: dict[tuple[str, date], set[str]] = {}
    for territory_id, day, crew_id in rows:
        crews.setdefault((territory_id, day), set()).add(crew_id)
    found: dict[str, Arrival] = {}
    for (territory_id, day), crew_ids in crews.items():
        days = queries.live_days(
            session,
            territory_id=territory_id,
            day=day,
            crew_ids=crew_ids,
            now=now,
            seen=_seen(session, territory_id, now, crew_ids),
        )
        found |= expected_on(days)
    return {visit_id: found[visit_id] for visit_id in visit_ids if visit_id in found}


def on_the_way(session: Session, *, visit: Visit, departed_at: datetime, now: datetime) -> Arrival:
    """When the crew that set out for this visit then is expected; of a visit on no plan, by its drive alone."""
    found = arrivals(session, visit_ids=[visit.id], now=now).get(visit.id)
    if found is not None:
        return found
    zone = zone_named(territories.get(session, visit.territory_id).zone)
    spreads = learning.spreads_of(session, territory_id=visit.territory_id)
    travel = spreads.travel(crew_id=visit.crew_id or "", hour=departed_at.astimezone(zone).hour)
    driven_s = max((now - departed_at).total_seconds(), 0.0)
    leg = Leg(visit.travel_s or 0, travel, 0.0, ASSUMED_SERVICE, driven_s=driven_s)
    (drive,) = along([leg])
    early, mid, late = (
        now + timedelta(seconds=seconds) for seconds in (drive.early_s, drive.mid_s, drive.late_s)
    )
    return Arrival(visit.id, early, mid, late, None)


def expected_on(crews: Collection[CrewRow]) -> dict[str, Arrival]:
    """The arrivals that projected days still expect, by visit."""
    return {
        stop.visit.id: Arrival(
            stop.visit.id,
            stop.arrive_early_at,
            stop.projected_arrive_at,
            stop.arrive_late_at,
            stop.break_probability,
        )
        for crew in crews
        for stop in crew.stops
        if stop.visit.arrived_at is None
        and stop.arrive_early_at is not None
        and stop.projected_arrive_at is not None
        and stop.arrive_late_at is not None
    }


def standing_still(
    session: Session, *, crew_ids: Collection[str], now: datetime
) -> dict[str, datetime]:
    """The crews whose telephones still report and that have not moved for `STILL_FOR`, and since when at least."""
    since = now - 2 * STILL_FOR
    statement = (
        select(CrewPosition)
        .where(col(CrewPosition.crew_id).in_(crew_ids), col(CrewPosition.device_at) > since)
        .order_by(col(CrewPosition.crew_id), col(CrewPosition.device_at).desc())
    )
    by_crew: dict[str, list[CrewPosition]] = {}
    for row in session.exec(statement):
        by_crew.setdefault(row.crew_id, []).append(row)
    still = {}
    for crew_id, rows in by_crew.items():
        began = _still_since(rows)
        if now - rows[0].device_at <= FRESH and now - began >= STILL_FOR:
            still[crew_id] = began
    return still


def _still_since(rows: list[CrewPosition]) -> datetime:
    """Since when the newest-first positions have been in one place."""
    newest = rows[0]
    began = newest.device_at
    for row in rows:
        if metres_between(newest.lat, newest.lon, row.lat, row.lon) > STILL_M:
            break
        began = row.device_at
    return began


def _seen(
    session: Session, territory_id: str, now: datetime, crew_ids: Collection[str] | None = None
) -> Mapping[str, Seen]:
    """Where crews that are on their way were last, while that is fresh."""
    driving = sa.select(col(Visit.crew_id)).where(
        col(Visit.territory_id) == territory_id,
        col(Visit.status) == VisitStatus.EN_ROUTE,
        col(Visit.crew_id).is_not(None),
    )
    if crew_ids is not None:
        driving = driving.where(col(Visit.crew_id).in_(crew_ids))
    on_the_way = [crew_id for crew_id in session.scalars(driving) if crew_id is not None]
    if not on_the_way:
        return {}
    found = positions.last_seen(session, crew_ids=on_the_way, since=now - FRESH, until=now)
    return {crew_id: Seen(one.lat, one.lon, one.at) for crew_id, one in found.items()}
