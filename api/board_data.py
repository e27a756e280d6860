"""What the board shows, read in a fixed number of statements however large the day is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from dispatch.core.alerts import open_alerts
from dispatch.core.tables import Alert
from dispatch.desk import queries as desk
from dispatch.desk.queries import Queue
from dispatch.planning.lifecycle import IN_FORCE, WAITING
from dispatch.planning.tables import Assignment, LeftOut, Plan, PlanStatus
from dispatch.registry import queries as registry
from dispatch.registry import territories
from dispatch.registry.queries import CrewDay
from dispatch.registry.tables import Customer, Depot, Premises, Shift, Territory
from dispatch.sla import clocks
from dispatch.sla.tables import Clock
from dispatch.work import queries as work
from dispatch.work.tables import Priority, Visit, VisitStatus, WorkOrder, WorkType


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit with a crew and a time, on the plan shown or as its crew has carried it out."""

    visit_id: str
    status: VisitStatus
    shift_id: str
    begins_at: datetime
    ends_at: datetime
    arrive_at: datetime
    travel_s: int
    window_start_at: datetime | None
    window_end_at: datetime | None
    due_at: datetime | None
    finished_at: datetime | None
    locked: bool
    priority: Priority
    work_type: str
    name_zh: str
    name_en: str
    customer: str
    address: str
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True)
class Without:
    """A visit without a crew: left out with its `reason`, or come in since (`reason` empty)."""

    visit_id: str
    reason: str
    hint: str
    priority: str
    name_zh: str
    name_en: str
    address: str
    due_at: datetime | None
    lat: float | None
    lon: float | None


@dataclass(frozen=True, slots=True)
class BoardData:
    """A territory's day. `shown` is the plan whose stops these are, `waiting` one that is being made."""

    territory: Territory
    depots: Sequence[Depot]
    day: date
    crews: Sequence[CrewDay]
    shown: Plan | None
    in_force: Plan | None
    waiting: Plan | None
    failed: Plan | None
    stops: Sequence[Stop]
    without: Sequence[Without]
    calls: int
    queues: Sequence[Queue]
    clocks: Sequence[Clock]
    alerts: Sequence[Alert]


def read(
    session: Session, *, territory_id: str, day: date, show_in_force: bool = False
) -> BoardData:
    """The board of a local day: a proposed plan when there is one, else the plan in force.

    Raises NoSuchTerritory.
    """
    territory = territories.get(session, territory_id)
    plans = _plans(session, territory_id, day)
    in_force = next((plan for plan in plans if plan.status in IN_FORCE), None)
    proposed = next((plan for plan in plans if plan.status is PlanStatus.PROPOSED), None)
    if in_force and proposed and (show_in_force or proposed.number < in_force.number):
        proposed = None
    shown = proposed or in_force or _closed(plans)
    stops = _of_plan(session, proposed) if proposed else _carried_out(session, territory_id, day)
    newest = plans[0] if plans else None
    return BoardData(
        territory=territory,
        depots=territories.depots(session, territory_id=territory_id),
        day=day,
        crews=registry.crews_of_day(session, territory_id=territory_id, day=day),
        shown=shown,
        in_force=in_force,
        waiting=newest if newest and newest.status in WAITING else None,
        failed=newest if newest and newest.status is PlanStatus.CLOSED and newest.error else None,
        stops=stops,
        without=_without(session, shown, {stop.visit_id for stop in stops}, territory_id, day),
        calls=len(work.call_list(session, territory_id=territory_id, day=day)),
        queues=desk.counters(session, territory_id=territory_id),
        clocks=clocks.running(session, territory_id=territory_id, limit=12),
        alerts=open_alerts(session, limit=12),
    )


def _plans(session: Session, territory_id: str, day: date) -> list[Plan]:
    statement = (
        select(Plan)
        .where(Plan.territory_id == territory_id, Plan.day == day)
        .options(defer(Plan.problem), defer(Plan.board_parts))  # type: ignore[arg-type]
        .order_by(col(Plan.number).desc())
        .limit(20)
    )
    return list(session.exec(statement))


def _closed(plans: Sequence[Plan]) -> Plan | None:
    return next(
        (plan for plan in plans if plan.status is PlanStatus.CLOSED and plan.published_at), None
    )


def _columns(*times: Any) -> sa.Select[Any]:
    return (
        sa.select(
            col(Visit.id), col(Visit.status), *times, col(Visit.window_start_at), col(Visit.window_end_at),
            col(Visit.due_at), col(Visit.finished_at), col(Visit.locked_crew), col(WorkOrder.priority),
            col(WorkType.code), col(WorkType.name_zh), col(WorkType.name_en), col(Customer.name),
            col(Premises.address), col(Premises.lat), col(Premises.lon),
        )
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .join(Premises, col(Premises.id) == col(WorkOrder.premises_id))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
    )  # fmt: skip


def _of_plan(session: Session, plan: Plan) -> list[Stop]:
    """The stops that a proposed plan would publish."""
    statement = (
        _columns(
            col(Assignment.shift_id), col(Assignment.start_at), col(Assignment.end_at),
            col(Assignment.arrive_at), col(Assignment.travel_s),
        )
        .join(Assignment, col(Assignment.visit_id) == col(Visit.id))
        .where(col(Assignment.plan_id) == plan.id)
        .order_by(col(Assignment.shift_id), col(Assignment.position))
    )  # fmt: skip
    return [Stop(*row) for row in session.execute(statement)]


def _carried_out(session: Session, territory_id: str, day: date) -> list[Stop]:
    """The visits that the day's shifts have, as planned or, where it has come to that, as done."""
    begins = sa.func.coalesce(col(Visit.started_at), col(Visit.planned_start_at))
    ends = sa.func.coalesce(col(Visit.finished_at), col(Visit.planned_end_at))
    arrives = sa.func.coalesce(col(Visit.arrived_at), col(Visit.planned_arrive_at))
    statement = (
        _columns(
            col(Visit.shift_id), begins, ends, arrives, sa.func.coalesce(col(Visit.travel_s), 0)
        )
        .join(Shift, col(Shift.id) == col(Visit.shift_id))
        .where(
            col(Visit.territory_id) == territory_id,
            col(Shift.day) == day,
            col(Visit.status) != VisitStatus.PLANNED,
            col(Visit.planned_start_at).is_not(None),
        )
        .order_by(col(Visit.shift_id), begins, col(Visit.id))
    )
    return [Stop(*row) for row in session.execute(statement)]


def _without(
    session: Session, plan: Plan | None, placed: set[str], territory_id: str, day: date
) -> list[Without]:
    reasons: dict[str, tuple[str, str]] = {}
    if plan is not None:
        rows = session.exec(select(LeftOut).where(LeftOut.plan_id == plan.id))
        reasons = {row.visit_id: (row.reason, row.hint) for row in rows}
        reasons |= {row["visit_id"]: _unplaceable(row) for row in plan.unplaceable}
    found = []
    for job in work.pool(session, territory_id=territory_id, day=day):
        if job.visit.id in placed:
            continue
        reason, hint = reasons.get(job.visit.id, ("", ""))
        found.append(
            Without(
                visit_id=job.visit.id,
                reason=reason,
                hint=hint,
                priority=job.priority.value,
                name_zh=job.work_type.name_zh,
                name_en=job.work_type.name_en,
                address=job.premises.address,
                due_at=job.visit.due_at,
                lat=job.premises.lat,
                lon=job.premises.lon,
            )
        )
    return found


def _unplaceable(row: Mapping[str, str]) -> tuple[str, str]:
    return row["reason"], row.get("text", row.get("hint", ""))
