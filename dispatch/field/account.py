"""The account of a closed day: what became of it, what stays open, and whose that is."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core.tables import Event
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.tables import Request
from dispatch.registry.queries import shifts_of_day
from dispatch.registry.tables import ShiftStatus, Territory
from dispatch.sla.tables import Clock, ClockStatus
from dispatch.work import queries
from dispatch.work.tables import VisitStatus


@dataclass(frozen=True, slots=True)
class Returned:
    """A visit that went back to the pool, the crew that did not come to it, and why."""

    visit_id: str
    crew_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Open:
    """What stays to be done, and who must do it."""

    id: str
    owner: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """A clock that ran past its limit and still runs."""

    kind: str
    subject: str
    subject_id: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of a day.

    `done`, `not_done` (visit, reason), `cancelled` and `returned` are the visits that were on the published plan;
    `left_out` those of the day's pool that were not. `calls` and `requests` stay with their owners, `missed` are
    the visits whose promised window nobody kept, `on_duty` the shifts whose crews have not reported off duty.
    """

    territory_id: str
    day: date
    plan_ids: tuple[int, ...]
    done: tuple[str, ...]
    not_done: tuple[tuple[str, str], ...]
    cancelled: tuple[str, ...]
    returned: tuple[Returned, ...]
    left_out: tuple[str, ...]
    missed: tuple[str, ...]
    calls: tuple[Open, ...]
    requests: tuple[Open, ...]
    overdue: tuple[Overdue, ...]
    on_duty: tuple[str, ...]


def closings_of(session: Session, territory_id: str, day: date) -> list[dict[str, Any]]:
    """What each closing of the day recorded, the first one first."""
    statement = (
        select(Event.data)
        .where(
            Event.entity == "day",
            Event.entity_id == f"{territory_id}:{day.isoformat()}",
            Event.type == "day.closed",
        )
        .order_by(col(Event.id))
    )
    return [dict(data) for data in session.exec(statement)]


def account_of(session: Session, territory: Territory, day: date, *, now: datetime) -> Closing:
    """The account of a day that was closed at least once; what stays open is as of `now`."""
    closings = closings_of(session, territory.id, day)
    returned = tuple(
        Returned(*row)
        for data in closings
        for row in zip(data["withdrawn"], data["crews"], data["reasons"], strict=True)
    )
    on_plan = [job.visit for job in queries.on_plan(session, territory_id=territory.id, day=day)]
    pool = queries.pool(session, territory_id=territory.id, day=day)
    shifts = shifts_of_day(session, territory_id=territory.id, day=day)
    back = {one.visit_id for one in returned}
    return Closing(
        territory_id=territory.id,
        day=day,
        plan_ids=tuple(number for data in closings for number in data["plans"]),
        done=tuple(v.id for v in on_plan if v.status is VisitStatus.DONE),
        not_done=tuple((v.id, v.reason) for v in on_plan if v.status is VisitStatus.NOT_DONE),
        cancelled=tuple(v.id for v in on_plan if v.status is VisitStatus.CANCELLED),
        returned=returned,
        left_out=tuple(job.visit.id for job in pool if job.visit.id not in back),
        missed=tuple(visit_id for data in closings for visit_id in data["missed"]),
        calls=tuple(
            Open(call.order.id, call.order.owner)
            for call in queries.call_list(session, territory_id=territory.id, day=day)
        ),
        requests=_unanswered(session, territory.id),
        overdue=_overdue(session, territory.id, now=now),
        on_duty=tuple(shift.id for shift in shifts if shift.status is ShiftStatus.ON_DUTY),
    )


def _unanswered(session: Session, territory_id: str) -> tuple[Open, ...]:
    statement = (
        select(Request.id, Request.owner)
        .where(
            Request.territory_id == territory_id,
            col(Request.answered_at).is_(None),
            col(Request.status).in_(OPEN),
        )
        .order_by(col(Request.received_at))
    )
    return tuple(Open(*row) for row in session.exec(statement))


def _overdue(session: Session, territory_id: str, *, now: datetime) -> tuple[Overdue, ...]:
    statement = (
        select(Clock)
        .where(
            Clock.territory_id == territory_id,
            col(Clock.status) == ClockStatus.RUNNING,
            col(Clock.due_at) < now,
        )
        .order_by(col(Clock.due_at))
    )
    return tuple(
        Overdue(clock.kind.value, clock.subject, clock.subject_id, clock.due_at)
        for clock in session.exec(statement)
    )
