"""What the board's page is made of: crews with their stops, and visits that wait."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.planning.tables import Assignment
from dispatch.registry.tables import (
    Crew,
    Customer,
    CustomerClass,
    Depot,
    Premises,
    Shift,
    ShiftStatus,
)
from dispatch.work.lifecycle import UNDER_WAY
from dispatch.work.tables import Priority, Visit, VisitStatus, WorkOrder, WorkType


@dataclass(frozen=True, slots=True)
class VisitRow:
    """A visit with what a dispatcher wants to see of it."""

    id: str
    status: VisitStatus
    version: int
    work_order_id: str
    earliest_day: date
    duration_s: int
    due_at: datetime | None
    window_start_at: datetime | None
    window_end_at: datetime | None
    locked_crew: bool
    locked_start_at: datetime | None
    crew_id: str | None
    shift_id: str | None
    planned_arrive_at: datetime | None
    planned_start_at: datetime | None
    planned_end_at: datetime | None
    travel_s: int | None
    arrived_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    reason: str
    priority: Priority
    customer_id: str
    customer_name: str
    customer_class: CustomerClass
    premises_id: str
    address: str
    district: str
    lat: float | None
    lon: float | None
    work_type: str
    name_zh: str
    name_en: str

    @property
    def has_begun(self) -> bool:
        """Whether its crew is on the way or at it, or it is over."""
        return self.status in (*UNDER_WAY, VisitStatus.DONE, VisitStatus.NOT_DONE)


@dataclass(frozen=True, slots=True)
class StopRow:
    """A visit on a crew's day. Times are the plan's, or what happened where the plan shown does not have it.

    `late_s` is how far the begin lies behind the deadline, 0 when it does not. `projected_*` is what is expected
    from what the crew has done so far (see `projecting`), as likely sooner as later; the arrival lies between
    `arrive_early_at` and `arrive_late_at` in 8 of 10 cases. `spare_s` is what is left until the latest begin that
    keeps the promise and the deadline, negative when it is missed; `late_probability` is that of missing it, 0 to
    1, and `break_probability` that of the crew coming after the promised window.
    """

    visit: VisitRow
    arrive_at: datetime | None
    start_at: datetime | None
    end_at: datetime | None
    travel_s: int
    on_plan: bool
    late_s: int
    arrive_early_at: datetime | None = None
    projected_arrive_at: datetime | None = None
    arrive_late_at: datetime | None = None
    projected_start_at: datetime | None = None
    projected_end_at: datetime | None = None
    spare_s: int | None = None
    late_probability: float | None = None
    break_probability: float | None = None
    risk: Literal["none", "risk", "late"] = "none"

    @classmethod
    def planned(cls, visit: VisitRow, stop: Assignment) -> "StopRow":
        """The stop of the plan shown."""
        late = _late(visit, stop.start_at)
        return cls(visit, stop.arrive_at, stop.start_at, stop.end_at, stop.travel_s, True, late)

    @classmethod
    def as_it_was(cls, visit: VisitRow) -> "StopRow":
        """A visit that was begun before the plan shown was made."""
        start = visit.started_at or visit.planned_start_at
        end = visit.finished_at or visit.planned_end_at
        arrive = visit.arrived_at or visit.planned_arrive_at
        return cls(visit, arrive, start, end, visit.travel_s or 0, False, _late(visit, start))

    @property
    def order(self) -> tuple[bool, float]:
        """Where it stands on the crew's day: by time."""
        return self.start_at is None, self.start_at.timestamp() if self.start_at else 0.0


@dataclass(frozen=True, slots=True)
class CrewRow:
    """A crew's day; the fields from `shift_id` on are empty for a crew without a shift."""

    crew_id: str
    name_zh: str
    name_en: str
    phone: str | None
    depot_id: str
    lat: float
    lon: float
    shift_id: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    max_overtime_s: int | None
    status: ShiftStatus | None
    absent: bool | None
    stops: tuple[StopRow, ...] = ()
    breaks: tuple[tuple[datetime, datetime], ...] = ()
    departs_at: datetime | None = None
    returns_at: datetime | None = None
    travel_s: int = 0
    overtime_s: int = 0

    def filled(
        self, stops: Sequence[StopRow], route: Mapping[str, Any] | None, opens_at: datetime
    ) -> "CrewRow":
        """The row with its stops, and with what the plan's route says."""
        if route is None:
            return replace(self, stops=tuple(stops))

        def instant(seconds: int) -> datetime:
            return opens_at + timedelta(seconds=seconds)

        return replace(
            self,
            stops=tuple(stops),
            breaks=tuple((instant(b["start"]), instant(b["end"])) for b in route["breaks"]),
            departs_at=instant(route["departs"]),
            returns_at=instant(route["returns"]),
            travel_s=route["travel_seconds"],
            overtime_s=route["overtime"],
        )


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A visit on no route of the plan shown: the reason, what would help, and how many shifts had which reason.

    Besides the planning format's reasons and those of `demand.REASONS`: `put_back` by a person, `returned`
    by its crew or withdrawn, `new` since the plan was made, `unplanned` where there is no plan.
    """

    visit: VisitRow
    reason: str
    hint: str
    shifts: Mapping[str, int]

    @property
    def urgency(self) -> tuple[str, bool, float, str]:
        """By priority class, then by deadline."""
        due = self.visit.due_at
        return (
            self.visit.priority.value,
            due is None,
            due.timestamp() if due else 0.0,
            self.visit.id,
        )


def shift_rows(
    session: Session, *, territory_id: str, day: date, crew_ids: Collection[str] | None = None
) -> list[CrewRow]:
    """Every crew of the territory (or these), once for each shift that day or once without."""
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
    if crew_ids is not None:
        statement = statement.where(col(Crew.id).in_(crew_ids))
    return [CrewRow(*row) for row in session.execute(statement)]


def visit_rows(
    session: Session, conditions: Sequence[sa.ColumnElement[bool]]
) -> dict[str, VisitRow]:
    """The visits that meet any of the conditions, one statement each and one for the work types."""
    types = {
        code: (zh, en)
        for code, zh, en in session.exec(select(WorkType.code, WorkType.name_zh, WorkType.name_en))
    }
    found: dict[str, VisitRow] = {}
    for condition in conditions:
        for row in session.execute(_columns().where(condition)):
            found[row[0]] = VisitRow(*(*row, *types[row[-1]]))
    return found


def _columns() -> Any:
    return (
        sa.select(
            col(Visit.id), col(Visit.status), col(Visit.version), col(Visit.work_order_id),
            col(Visit.earliest_day), col(Visit.duration_s),
            sa.func.coalesce(col(Visit.due_at), col(WorkOrder.due_at)),
            col(Visit.window_start_at), col(Visit.window_end_at), col(Visit.locked_crew),
            col(Visit.locked_start_at), col(Visit.crew_id), col(Visit.shift_id),
            col(Visit.planned_arrive_at), col(Visit.planned_start_at), col(Visit.planned_end_at),
            col(Visit.travel_s), col(Visit.arrived_at), col(Visit.started_at), col(Visit.finished_at),
            col(Visit.reason), col(WorkOrder.priority), col(Customer.id), col(Customer.name),
            col(Customer.customer_class),
            col(Premises.id), col(Premises.address), col(Premises.district), col(Premises.lat),
            col(Premises.lon), col(WorkOrder.work_type),
        )
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(Premises, col(Premises.id) == col(WorkOrder.premises_id))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
    )  # fmt: skip


def _late(visit: VisitRow, start: datetime | None) -> int:
    if start is None or visit.due_at is None:
        return 0
    return max(0, round((start - visit.due_at).total_seconds()))
