"""Reads of planning: the day's plans, and everything the board's page shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import trail
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.planning import answers
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.projecting import project
from dispatch.planning.reading import departures
from dispatch.planning.states import NoSuchPlan
from dispatch.planning.tables import Assignment, LeftOut, Plan, PlanStatus
from dispatch.planning.tiles import CrewRow, QueueRow, StopRow, VisitRow, visit_rows
from dispatch.registry import territories
from dispatch.registry.tables import Crew, Depot, Shift
from dispatch.work.lifecycle import READY_ORDERS
from dispatch.work.tables import Visit, VisitStatus, WorkOrder


@dataclass(frozen=True, slots=True)
class PlanHead:
    """A plan without its stops."""

    id: int
    number: int
    day: date
    status: PlanStatus
    version: int
    origin: str
    branch: str | None
    created_by: str
    created_at: datetime
    published_at: datetime | None
    published_by: str | None
    error: str
    progress: Mapping[str, Any]
    figures: Mapping[str, Any]
    options: Mapping[str, Any]


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


def plans_of(session: Session, *, territory_id: str, day: date) -> list[PlanHead]:
    """The day's plans, the newest first, in one statement."""
    columns = [col(getattr(Plan, name)) for name in PlanHead.__slots__]
    statement = (
        sa.select(*columns)
        .where(col(Plan.territory_id) == territory_id, col(Plan.day) == day)
        .order_by(col(Plan.number).desc())
    )
    return [PlanHead(*row) for row in session.execute(statement)]


def head(session: Session, plan_id: int) -> PlanHead | None:
    """One plan as `plans_of` gives them."""
    columns = [col(getattr(Plan, name)) for name in PlanHead.__slots__]
    row = session.execute(sa.select(*columns).where(col(Plan.id) == plan_id)).first()
    return None if row is None else PlanHead(*row)


def board(
    session: Session,
    *,
    territory_id: str,
    day: date,
    plan_id: int | None = None,
    draft: bool = False,
    now: datetime | None = None,
) -> BoardPage:
    """The board of a territory's local day, in a fixed number of statements; with `now`, what is expected then.

    Without `plan_id` it shows the plan in force, else the newest proposed; with `draft` the newest proposed when it
    was made after the one in force. Raises NoSuchTerritory, NoSuchPlan.
    """
    territory = territories.get(session, territory_id)
    opens_at, closes_at = day_bounds(day, zone_named(territory.zone))
    heads = plans_of(session, territory_id=territory_id, day=day)
    in_force = next((h for h in heads if h.status in IN_FORCE), None)
    shown = _chosen(heads, in_force, plan_id, draft=draft)
    shifts = _shift_rows(session, territory_id, day)
    visits = _visits(session, territory_id, day, shown, shifts, opens_at, closes_at)
    stops, returned = _stops(session, shown), set[str]()
    if shown is not None and shown.status in IN_FORCE:
        # What a crew has declined, or was withdrawn, waits again: it is in the queue, not on the day.
        returned = {s.visit_id for s in stops if visits[s.visit_id].status is VisitStatus.PLANNED}
        stops = [stop for stop in stops if stop.visit_id not in returned]
    detail = _detail(session, shown, returned)
    crews = _crew_rows(shifts, stops, visits, detail, opens_at)
    if now is not None:
        on_the_way = [v.id for v in visits.values() if v.status is VisitStatus.EN_ROUTE]
        departed = departures(session, on_the_way)
        crews = [project(crew, departed, now=now) for crew in crews]
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


def compare_naive(session: Session, *, plan_id: int) -> dict[str, dict[str, Any]]:
    """The plan's figures beside those of the naive rule on the same problem; empty when it has none yet."""
    found = head(session, plan_id)
    if found is None or "naive" not in found.figures:
        return {}
    mine = {name: value for name, value in found.figures.items() if name != "naive"}
    return {"plan": mine, "naive": found.figures["naive"]}


def _chosen(
    heads: Sequence[PlanHead], in_force: PlanHead | None, plan_id: int | None, *, draft: bool
) -> PlanHead | None:
    if plan_id is not None:
        chosen = next((head for head in heads if head.id == plan_id), None)
        if chosen is None:
            raise NoSuchPlan(f"This day has no plan {plan_id}.", field="plan_id")
        return chosen
    drafts = (head for head in heads if head.status is PlanStatus.PROPOSED and head.branch is None)
    proposed = next(drafts, None)
    if draft and proposed and in_force and proposed.number > in_force.number:
        return proposed
    return in_force or proposed


def _shift_rows(session: Session, territory_id: str, day: date) -> list[CrewRow]:
    """Every crew of the territory, once for each shift that day or once without."""
    shift_of_day = sa.and_(col(Shift.crew_id) == col(Crew.id), col(Shift.day) == day)
    statement = (
        sa.select(
            col(Crew.id), col(Crew.name_zh), col(Crew.name_en), col(Crew.phone), col(Depot.id),
            col(Depot.lat), col(Depot.lon), col(Shift.id), col(Shift.starts_at), col(Shift.ends_at),
            col(Shift.max_overtime_s), col(Shift.status), col(Shift.absent),
        )
        .join(Depot, col(Depot.id) == col(Crew.depot_id))
        .join(Shift, shift_of_day, isouter=True)
        .where(col(Crew.territory_id) == territory_id)
        .order_by(col(Crew.id), col(Shift.starts_at))
    )  # fmt: skip
    return [CrewRow(*row) for row in session.execute(statement)]


def _stops(session: Session, plan: PlanHead | None) -> list[Assignment]:
    if plan is None:
        return []
    statement = (
        select(Assignment)
        .where(Assignment.plan_id == plan.id)
        .order_by(col(Assignment.shift_id), col(Assignment.position))
    )
    return list(session.exec(statement))


def _visits(
    session: Session,
    territory_id: str,
    day: date,
    plan: PlanHead | None,
    shifts: Sequence[CrewRow],
    opens_at: datetime,
    closes_at: datetime,
) -> dict[str, VisitRow]:
    """The visits of the plan shown, of the day's shifts, and of the pool."""
    pool = sa.and_(
        col(Visit.territory_id) == territory_id,
        col(Visit.status) == VisitStatus.PLANNED,
        col(Visit.earliest_day) <= day,
        col(WorkOrder.status).in_(READY_ORDERS),
    )
    on_the_day = sa.and_(
        col(Visit.crew_id).in_([row.crew_id for row in shifts]),
        col(Visit.planned_start_at).between(opens_at, closes_at + timedelta(days=1)),
        col(Visit.shift_id).in_([row.shift_id for row in shifts if row.shift_id is not None]),
        col(Visit.status) != VisitStatus.CANCELLED,
    )
    conditions = [pool, on_the_day]
    if plan is not None:
        ids = sa.select(col(Assignment.visit_id)).where(col(Assignment.plan_id) == plan.id)
        conditions.append(col(Visit.id).in_(ids))
    return visit_rows(session, conditions)


@dataclass(frozen=True, slots=True)
class _Detail:
    """What the plan shown says beside its stops."""

    routes: Mapping[str, Mapping[str, Any]]
    unplaceable: Mapping[str, Mapping[str, str]]
    returned: set[str]


def _detail(session: Session, plan: PlanHead | None, returned: set[str]) -> _Detail:
    if plan is None:
        return _Detail({}, {}, returned)
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
        if stop.visit_id in visits:
            planned.add(stop.visit_id)
            by_shift.setdefault(stop.shift_id, []).append(
                StopRow.planned(visits[stop.visit_id], stop)
            )
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
