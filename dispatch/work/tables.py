"""Work: types, orders, visits, promises and the series that bring follow-ups about."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, document, instant


class Priority(StrEnum):
    """Priority class; see the points table."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"


class Mode(StrEnum):
    """How work is done: by a crew at the premises, or by telephone."""

    VISIT = "visit"
    PHONE = "phone"


class WorkOrderStatus(StrEnum):
    """Where a work order is."""

    DRAFT = "draft"
    READY = "ready"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    VERIFIED = "verified"
    CLOSED = "closed"
    ON_HOLD = "on_hold"
    CANCELLED = "cancelled"


class HoldReason(StrEnum):
    """Why a work order waits."""

    MATERIAL = "material"
    PERMIT = "permit"
    OUTAGE_WINDOW = "outage_window"
    WEATHER = "weather"
    CUSTOMER = "customer"
    OTHER_DEPARTMENT = "other_department"


class VisitStatus(StrEnum):
    """Where a visit is. `planned` means ready to be planned or replanned: it is on no published plan."""

    PLANNED = "planned"
    PUBLISHED = "published"
    DISPATCHED = "dispatched"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    WORKING = "working"
    PAUSED = "paused"
    DONE = "done"
    NOT_DONE = "not_done"
    CANCELLED = "cancelled"


class PromiseStatus(StrEnum):
    """Where a promise is."""

    OFFERED = "offered"
    HELD = "held"
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    KEPT = "kept"
    MISSED = "missed"
    RESCHEDULED = "rescheduled"
    CANCELLED = "cancelled"


class SeriesStatus(StrEnum):
    """Where a series is."""

    DRAFT = "draft"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class Points(Versioned, table=True):
    """What a priority class means to the optimizer, in points (one point is one second of driving)."""

    priority: Priority = Field(
        sa_column=sa.Column(
            sa.Enum(
                Priority, native_enum=False, length=32, name="priority", create_constraint=True
            ),
            primary_key=True,
        )
    )
    meaning_zh: str = Field(max_length=80)
    meaning_en: str = Field(max_length=80)
    unserved: int
    late_per_second: int


class WorkType(Versioned, table=True):
    """A template of work. Minutes are on site; `members` is the smallest crew.

    Somebody who works alone checks in every `check_in_minutes`; 0 asks for nothing.
    """

    code: str = Field(primary_key=True, max_length=16)
    name_zh: str = Field(max_length=80)
    name_en: str = Field(max_length=80)
    mode: Mode = choice(Mode, Mode.VISIT)
    priority: Priority = choice(Priority, Priority.P4)
    p50_minutes: int
    p90_minutes: int
    setup_minutes: int = 0
    members: int = 1
    skills: dict[str, int] = document()
    parts: dict[str, int] = document()
    clocks: dict[str, str] = document()
    permit: str = Field(default="", max_length=200)
    checklist: list[str] = document(list)
    closing_codes: list[str] = document(list)
    check_in_minutes: int = 0
    active: bool = True


class WorkOrder(Versioned, table=True):
    """Work to be done at a premises; its status follows its visits wherever it can."""

    id: str = Field(primary_key=True, max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    work_type: str = Field(foreign_key="work_type.code", max_length=16)
    customer_id: str = Field(foreign_key="customer.id", max_length=32, index=True)
    premises_id: str = Field(foreign_key="premises.id", max_length=32)
    request_id: str | None = Field(default=None, max_length=32, index=True)
    series_id: str | None = Field(default=None, max_length=32, index=True)
    priority: Priority = choice(Priority)
    status: WorkOrderStatus = choice(WorkOrderStatus, WorkOrderStatus.READY, index=True)
    hold_reason: HoldReason | None = choice(HoldReason, nullable=True)
    owner: str = Field(max_length=32, description="counter, crew or account that must act next")
    description: str = Field(default="", max_length=1000)
    earliest_day: date = Field(index=True)
    due_at: datetime | None = instant(nullable=True)
    outcome: str = Field(default="", max_length=500)
    created_at: datetime = instant()


class Visit(Versioned, table=True):
    """One trip of one crew to one work order.

    Three tenses of time: `window_*` is the promise that binds the begin of service, `planned_*` is what the
    published plan says, and `arrived_at`, `started_at`, `finished_at` are what happened.
    """

    __table_args__ = (
        sa.UniqueConstraint("work_order_id", "number"),
        sa.Index("ix_visit_pool", "territory_id", "status", "earliest_day"),
        sa.Index("ix_visit_crew_day", "crew_id", "planned_start_at"),
        sa.Index(  # a crew is in one place at a time, whatever two of its telephones say at once
            "uq_visit_crew_busy",
            "crew_id",
            unique=True,
            sqlite_where=sa.text("status IN ('en_route', 'arrived', 'working')"),
            postgresql_where=sa.text("status IN ('en_route', 'arrived', 'working')"),
        ),
    )

    id: str = Field(primary_key=True, max_length=40)
    work_order_id: str = Field(foreign_key="work_order.id", max_length=32)
    number: int = 1
    territory_id: str = Field(foreign_key="territory.id", max_length=32)
    status: VisitStatus = choice(VisitStatus, VisitStatus.PLANNED)
    earliest_day: date
    duration_s: int
    setup_s: int = 0
    skills: dict[str, int] | None = Field(
        default=None,
        sa_type=sa.JSON(none_as_null=True),
        description="empty: those of the work type",
    )
    due_at: datetime | None = instant(nullable=True)
    window_start_at: datetime | None = instant(nullable=True)
    window_end_at: datetime | None = instant(nullable=True)
    allowed_crews: list[str] | None = Field(default=None, sa_type=sa.JSON)
    forbidden_crews: list[str] = document(list)
    preferred_crews: list[str] = document(list)
    locked_crew: bool = False
    locked_crew_id: str | None = Field(
        default=None,
        foreign_key="crew.id",
        max_length=32,
        description="the crew that `locked_crew` means; empty: the one that has it",
    )
    locked_start_at: datetime | None = instant(nullable=True)
    crew_id: str | None = Field(default=None, foreign_key="crew.id", max_length=32)
    shift_id: str | None = Field(default=None, foreign_key="shift.id", max_length=48)
    planned_arrive_at: datetime | None = instant(nullable=True)
    planned_start_at: datetime | None = instant(nullable=True)
    planned_end_at: datetime | None = instant(nullable=True)
    travel_s: int | None = None
    arrived_at: datetime | None = instant(nullable=True)
    started_at: datetime | None = instant(nullable=True)
    finished_at: datetime | None = instant(nullable=True)
    reason: str = Field(
        default="", max_length=64, description="why not done, declined or cancelled"
    )
    note: str = Field(default="", max_length=500)
    access_note: str = Field(
        default="", max_length=500, description="how to get in, in the customer's own words"
    )


class VisitRelation(Row, table=True):
    """A tie between visits, with the meaning and keys of the planning format's relations."""

    id: int | None = Field(default=None, primary_key=True)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    type: str = Field(max_length=16)
    visits: list[str] = document(list)
    min_gap_s: int = 0
    max_gap_s: int | None = None


class Promise(Versioned, table=True):
    """The window a customer was told, [start, end); it is not the planned time and not the ETA."""

    __table_args__ = (sa.UniqueConstraint("visit_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    visit_id: str = Field(foreign_key="visit.id", max_length=40, index=True)
    number: int = 1
    status: PromiseStatus = choice(PromiseStatus, PromiseStatus.BOOKED)
    start_at: datetime = instant()
    end_at: datetime = instant()
    by: str = Field(default="", max_length=64, description="who rescheduled or missed it")
    held_until: datetime | None = instant(nullable=True)
    created_at: datetime = instant()


class Series(Versioned, table=True):
    """A recurring follow-up of a customer, by visit or by telephone.

    `rrule` is an RFC 5545 rule whose days are local to `zone`; `tolerance_days` is how late is still in time.
    """

    id: str = Field(primary_key=True, max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    customer_id: str = Field(foreign_key="customer.id", max_length=32, index=True)
    premises_id: str = Field(foreign_key="premises.id", max_length=32)
    work_type: str = Field(foreign_key="work_type.code", max_length=16)
    mode: Mode = choice(Mode)
    owner: str = Field(default="", max_length=32, description="whose its orders are")
    status: SeriesStatus = choice(SeriesStatus, SeriesStatus.ACTIVE)
    rrule: str = Field(max_length=200)
    starts_on: date
    zone: str = Field(max_length=64)
    tolerance_days: int = 7
    next_on: date | None = Field(default=None, index=True)


class PartUse(Row, table=True):
    """What a finished visit used of a part, 0 when its work type's was not needed.

    The vehicle's stock is less by `quantity` - `short`; `short` is what was used and not in the books.
    """

    visit_id: str = Field(primary_key=True, foreign_key="visit.id", max_length=40)
    part: str = Field(primary_key=True, max_length=32)
    crew_id: str = Field(foreign_key="crew.id", max_length=32)
    quantity: int
    short: int = 0


class SeriesOccurrence(Row, table=True):
    """One due date of a series and the work order it became."""

    series_id: str = Field(primary_key=True, foreign_key="series.id", max_length=32)
    due_on: date = Field(primary_key=True)
    work_order_id: str | None = Field(default=None, max_length=32)
    skipped: str = Field(default="", max_length=80)


class PlanningRule(Versioned, table=True):
    """Editable numbers of planning, such as the cost of moving a published visit."""

    name: str = Field(primary_key=True, max_length=48)
    value: dict[str, Any] = document()
