"""Driving and overtime: what the day's plan meant, and what was driven and worked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core.tables import Event
from dispatch.insight.span import Span
from dispatch.planning.tables import Plan
from dispatch.registry.queries import shifts_of_day
from dispatch.work.tables import Visit


@dataclass(frozen=True, slots=True)
class DrivingFigures:
    """Minutes. The planned half is the day's plan: the last one published before the first shift began.

    `planned_per_visit` is the travel of its routes, out and home again, per visit on them. `driven_per_visit` is
    the mean of the drives that crews reported, from "on my way" to "arrived", over the `drives` that have both; it
    has no way home in it, so the two are not the same measure. `overtime_planned` is the plan's;
    `overtime_worked` is, over the day's shifts, how long after the shift's end its last visit ended.
    """

    planned_minutes: float | None
    planned_visits: int
    planned_per_visit: float | None
    drives: int
    driven_per_visit: float | None
    overtime_planned: float | None
    overtime_worked: float


def plan_of_day(session: Session, span: Span, plans: Sequence[Plan]) -> Plan | None:
    """The last plan published before the first shift began, else the first that was published at all."""
    shifts = shifts_of_day(session, territory_id=span.territory_id, day=span.day)
    begins = min((shift.starts_at for shift in shifts), default=span.begin)
    early = [plan for plan in plans if plan.published_at and plan.published_at <= begins]
    return early[-1] if early else next(iter(plans), None)


def driving_figures(session: Session, span: Span, plan: Plan | None) -> DrivingFigures:
    """Measure the day's driving and overtime; see `DrivingFigures` for what counts."""
    routes: list[dict[str, Any]] = plan.answer.get("routes", []) if plan and plan.answer else []
    stops = sum(len(route["stops"]) for route in routes)
    travel = sum(route["travel_seconds"] for route in routes) / 60
    drives = _drives(session, span)
    return DrivingFigures(
        planned_minutes=travel if plan else None,
        planned_visits=stops,
        planned_per_visit=travel / stops if stops else None,
        drives=len(drives),
        driven_per_visit=sum(drives) / len(drives) if drives else None,
        overtime_planned=sum(route["overtime"] for route in routes) / 60 if plan else None,
        overtime_worked=_overtime(session, span),
    )


def _drives(session: Session, span: Span) -> list[float]:
    """Minutes of each drive that ended on the day: from a visit's last departure to its arrival after it."""
    statement = (
        select(Event.entity_id, Event.type, Event.happened_at)
        .where(
            Event.entity == "visit",
            col(Event.type).in_(["visit.en_route", "visit.arrived"]),
            Event.territory_id == span.territory_id,
            col(Event.happened_at) >= span.begin,
            col(Event.happened_at) < span.end,
        )
        .order_by(col(Event.happened_at), col(Event.id))
    )
    departed: dict[str, datetime] = {}
    drives = []
    for visit_id, type, happened_at in session.exec(statement):
        if type == "visit.en_route":
            departed[visit_id] = happened_at
        elif visit_id in departed:
            drives.append((happened_at - departed.pop(visit_id)).total_seconds() / 60)
    return drives


def _overtime(session: Session, span: Span) -> float:
    shifts = shifts_of_day(session, territory_id=span.territory_id, day=span.day)
    statement = select(Visit.shift_id, Visit.finished_at).where(
        col(Visit.shift_id).in_([shift.id for shift in shifts]),
        col(Visit.finished_at).is_not(None),
    )
    last: dict[str, datetime] = {}
    for shift_id, finished_at in session.exec(statement):
        if shift_id is not None and finished_at is not None:
            last[shift_id] = max(finished_at, last.get(shift_id, finished_at))
    seconds = (
        (last[shift.id] - shift.ends_at).total_seconds() for shift in shifts if shift.id in last
    )
    return sum(max(0.0, over) for over in seconds) / 60
