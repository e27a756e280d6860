"""Reads of planning: everything the board's page shows, and crews' days as they are expected to go on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import trail
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.planning import answers, learning
from dispatch.planning.differences import changed_shifts
from dispatch.planning.heads import PlanHead, chosen, current, plans_of
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.projecting import Known, Seen, project
from dispatch.planning.reading import departures
from dispatch.planning.tables import Assignment, LeftOut, Plan
from dispatch.planning.tiles import CrewRow, QueueRow, StopRow, VisitRow, shift_rows, visit_rows
from dispatch.registry import territories
from dispatch.work.lifecycle import READY_ORDERS
from dispatch.work.tables import Visit, VisitStatus, WorkOrder


@dataclass(frozen=True, slots=True)
class BoardPage:
    """A day as a dispatcher sees it.

    `plan` is the plan shown, `in_force` the one that crews work by, `plans` all of the day's, the newest first.
    `queue` holds what is on no route of the plan shown, the most urgent first, each with its reason. What happened
    after the event at `position` may be missing.
    """

    territory_id: str
    day: date
    zone: str
    opens_at: datetime
    closes_at: datetime
    position: int
    plan: PlanHead | None
    in_force: PlanHead | None
    plans: tuple[PlanHead, ...]
    crews: tuple[CrewRow, ...]
    queue: tuple[QueueRow, ...]
    call_list: int
    at_counters: int


def board(
    session: Session,
    *,
    territory_id: str,
    day: date,
    plan_id: int | None = None,
    draft: bool = False,
    now: datetime | None = None,
    seen: Mapping[str, Seen] | None = None,
    crew_ids: Collection[str] | None = None,
    than: int | None = None,
) -> BoardPage:
    """The board of a territory's local day, in a fixed number of statements; with `now`, what is expected then.

    `seen` is where crews were last (`field.tracking.board` looks it up). Without `plan_id` it shows the plan in
    force, else the newest proposed; with `draft` the newest proposed when it was made after the one in force.
    Given `crew_ids` or `than`, it has only the days of these crews, and those that are others than on that plan.
    Raises NoSuchTerritory, NoSuchPlan.
    """
    territory = territories.get(session, territory_id)
    zone = zone_named(territory.zone)
    opens_at, closes_at = day_bounds(day, zone)
    heads = plans_of(session, territory_id=territory_id, day=day)
    in_force = current(heads)
    shown = chosen(heads, plan_id, draft=draft)
    shifts = shift_rows(session, territory_id=territory_id, day=day)
    stops = _stops(session, shown)
    visits = _visits(session, territory_id, day, stops, shifts, (opens_at, closes_at))
    stops, detail = _standing(session, shown, stops, visits)
    asked = _asked(session, shifts, shown, crew_ids, than)
    crews = _crew_rows(asked, stops, visits, detail, opens_at)
    if now is not None:
        crews = _projected(session, territory_id, zone, crews, seen, now)
    return BoardPage(
        territory_id=territory_id,
        day=day,
        zone=territory.zone,
        opens_at=opens_at,
        closes_at=closes_at,
        position=trail.top(session),
        plan=shown,
        in_force=in_force,
        plans=tuple(heads),
        crews=tuple(crews),
        queue=tuple(_queue(session, shown, stops, visits, detail)),
        **answers.counts(session, territory_id=territory_id, day=day),
    )


def live_days(
    session: Session,
    *,
    territory_id: str,
    day: date,
    crew_ids: Collection[str],
    now: datetime,
    seen: Mapping[str, Seen] | None = None,
) -> list[CrewRow]:
    """The days of these crews by the plan in force with what is expected now, as the board has them.

    Raises NoSuchTerritory.
    """
    zone = zone_named(territories.get(session, territory_id).zone)
    span = day_bounds(day, zone)
    heads = plans_of(session, territory_id=territory_id, day=day)
    in_force = current(heads)
    shifts = shift_rows(session, territory_id=territory_id, day=day, crew_ids=crew_ids)
    stops = _stops(session, in_force, [row.shift_id for row in shifts])
    visits = _visits(session, territory_id, day, stops, shifts, span, theirs_alone=True)
    stops, detail = _standing(session, in_force, stops, visits)
    crews = _crew_rows(shifts, stops, visits, detail, span[0])
    return _projected(session, territory_id, zone, crews, seen, now)


def _projected(
    session: Session,
    territory_id: str,
    zone: ZoneInfo,
    crews: Sequence[CrewRow],
    seen: Mapping[str, Seen] | None,
    now: datetime,
) -> list[CrewRow]:
    on_the_way = [
        stop.visit.id
        for crew in crews
        for stop in crew.stops
        if stop.visit.status is VisitStatus.EN_ROUTE
    ]
    known = Known(
        now,
        zone,
        learning.spreads_of(session, territory_id=territory_id),
        departures(session, on_the_way),
        seen or {},
    )
    return [project(crew, known) for crew in crews]


def _asked(
    session: Session,
    shifts: Sequence[CrewRow],
    plan: PlanHead | None,
    crew_ids: Collection[str] | None,
    than: int | None,
) -> Sequence[CrewRow]:
    """The shifts whose days were asked for: all, or those of these crews and those that are others on a plan."""
    changed: set[str] | None = None
    if plan is not None and than is not None:
        changed = changed_shifts(session, plan_id=plan.id, than=than)
    if crew_ids is None and changed is None:
        return shifts
    named, changed = crew_ids or (), changed or set()
    return [row for row in shifts if row.crew_id in named or row.shift_id in changed]


def _stops(
    session: Session, plan: PlanHead | None, shift_ids: Collection[str | None] | None = None
) -> list[Assignment]:
    """The plan's stops, or those of these shifts alone."""
    if plan is None:
        return []
    statement = select(Assignment).where(Assignment.plan_id == plan.id)
    if shift_ids is not None:
        statement = statement.where(col(Assignment.shift_id).in_(shift_ids))
    return list(
        session.exec(statement.order_by(col(Assignment.shift_id), col(Assignment.position)))
    )


def _standing(
    session: Session,
    plan: PlanHead | None,
    stops: Sequence[Assignment],
    visits: Mapping[str, VisitRow],
) -> tuple[list[Assignment], "_Detail"]:
    """The stops at visits that still are on the day, and what else the plan says."""
    if plan is None:
        return [], _Detail({}, {}, set())
    stops = [stop for stop in stops if stop.visit_id in visits]
    returned: set[str] = set()
    if plan.status in IN_FORCE:
        # What a crew has declined, or was withdrawn, waits again: it is in the queue, not on the day.
        returned = {s.visit_id for s in stops if visits[s.visit_id].status is VisitStatus.PLANNED}
        stops = [stop for stop in stops if stop.visit_id not in returned]
    return stops, _detail(session, plan, returned)


def _visits(
    session: Session,
    territory_id: str,
    day: date,
    stops: Sequence[Assignment],
    shifts: Sequence[CrewRow],
    span: tuple[datetime, datetime],
    *,
    theirs_alone: bool = False,
) -> dict[str, VisitRow]:
    """The visits of the stops shown, of the day's shifts, and of the pool; or without the pool."""
    opens_at, closes_at = span
    shift_ids = [row.shift_id for row in shifts if row.shift_id is not None]
    conditions = [
        sa.and_(
            col(Visit.crew_id).in_([row.crew_id for row in shifts]),
            col(Visit.planned_start_at).between(opens_at, closes_at + timedelta(days=1)),
            col(Visit.shift_id).in_(shift_ids),
            col(Visit.status) != VisitStatus.CANCELLED,
        )
    ]
    if not theirs_alone:
        pool = sa.and_(
            col(Visit.territory_id) == territory_id,
            col(Visit.status) == VisitStatus.PLANNED,
            col(Visit.earliest_day) <= day,
            col(WorkOrder.status).in_(READY_ORDERS),
        )
        conditions.insert(0, pool)
    found = visit_rows(session, conditions)
    # Nearly all stops are at visits of the day: the plan's others, cancelled or elsewhere since, are few.
    others = [stop.visit_id for stop in stops if stop.visit_id not in found]
    return found | visit_rows(session, [col(Visit.id).in_(others)]) if others else found


@dataclass(frozen=True, slots=True)
class _Detail:
    """What the plan shown says beside its stops."""

    routes: Mapping[str, Mapping[str, Any]]
    unplaceable: Mapping[str, Mapping[str, str]]
    returned: set[str]


def _detail(session: Session, plan: PlanHead, returned: set[str]) -> _Detail:
    row = session.execute(
        sa.select(col(Plan.answer), col(Plan.unplaceable)).where(col(Plan.id) == plan.id)
    ).one()
    routes = {route["shift"]: route for route in (row[0] or {}).get("routes", [])}
    return _Detail(routes, {entry["visit_id"]: entry for entry in row[1]}, returned)


def _crew_rows(
    shifts: Sequence[CrewRow],
    stops: Sequence[Assignment],
    visits: Mapping[str, VisitRow],
    detail: _Detail,
    opens_at: datetime,
) -> list[CrewRow]:
    by_shift: dict[str, list[StopRow]] = {}
    planned = set()
    for stop in stops:
        planned.add(stop.visit_id)
        row = StopRow.planned(visits[stop.visit_id], stop)
        by_shift.setdefault(stop.shift_id, []).append(row)
    for visit in visits.values():
        # What was finished before this plan was made, or is under way without it, is part of the day too.
        if visit.id not in planned and visit.shift_id is not None and visit.has_begun:
            by_shift.setdefault(visit.shift_id, []).append(StopRow.as_it_was(visit))
    return [
        row.filled(
            sorted(by_shift.get(row.shift_id or "", []), key=lambda stop: stop.order),
            detail.routes.get(row.shift_id or ""),
            opens_at,
        )
        for row in shifts
    ]


def _queue(
    session: Session,
    plan: PlanHead | None,
    stops: Sequence[Assignment],
    visits: Mapping[str, VisitRow],
    detail: _Detail,
) -> list[QueueRow]:
    left: dict[str, LeftOut] = {}
    if plan is not None:
        rows = session.exec(select(LeftOut).where(LeftOut.plan_id == plan.id))
        left = {row.visit_id: row for row in rows}
    planned = {stop.visit_id for stop in stops}
    queue = []
    for visit in visits.values():
        if visit.id in planned or visit.has_begun:
            continue
        if visit.id in left:
            entry = left[visit.id]
            queue.append(QueueRow(visit, entry.reason, entry.hint, dict(entry.shifts)))
        elif visit.id in detail.unplaceable:
            refusal = detail.unplaceable[visit.id]
            queue.append(QueueRow(visit, refusal["reason"], refusal["text"], {}))
        elif visit.id in detail.returned:
            queue.append(QueueRow(visit, "returned", visit.reason, {}))
        else:
            queue.append(QueueRow(visit, "new" if plan else "unplanned", "", {}))
    return sorted(queue, key=lambda row: row.urgency)
