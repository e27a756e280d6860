"""Work types, work orders, visits and promises."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.forms import Change, Day, Id, Input, Instant, Output, Version
from dispatch.work.tables import (
    HoldReason,
    Mode,
    Priority,
    PromiseStatus,
    VisitStatus,
    WorkOrderStatus,
)

Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
Minutes = Annotated[int, Field(ge=0, le=1440)]
TypeName = Annotated[str, Field(min_length=1, max_length=80)]
Codes = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=50)]
Crews = Annotated[list[Id], Field(max_length=200)]


class WorkTypeOut(Output):
    """A template of work; minutes are on site."""

    code: str
    version: int
    name_zh: str
    name_en: str
    mode: Mode
    priority: Priority
    p50_minutes: int
    p90_minutes: int
    setup_minutes: int
    members: int
    skills: dict[str, int]
    parts: dict[str, int]
    clocks: dict[str, str]
    permit: str
    checklist: list[str]
    closing_codes: list[str]
    check_in_minutes: int
    active: bool


class WorkTypeChange(Change):
    """What changes of a work type; what is left out stays."""

    name_zh: TypeName | None = None
    name_en: TypeName | None = None
    priority: Priority | None = None
    p50_minutes: Minutes | None = None
    p90_minutes: Minutes | None = None
    setup_minutes: Minutes | None = None
    members: Annotated[int, Field(ge=1, le=20)] | None = None
    skills: dict[str, int] | None = None
    parts: dict[str, int] | None = None
    clocks: dict[str, str] | None = None
    permit: Annotated[str, Field(max_length=200)] | None = None
    checklist: Codes | None = None
    closing_codes: Codes | None = None
    check_in_minutes: Annotated[int, Field(ge=0, le=1440)] | None = None
    active: bool | None = None
    version: Version


class PointsOut(Output):
    """What a priority class means to the optimizer; one point is one second of driving."""

    priority: Priority
    meaning_zh: str
    meaning_en: str
    version: int
    unserved: int
    late_per_second: int


class PointsIn(Input):
    """New figures of a priority class."""

    unserved: Count
    late_per_second: Count
    version: Version


class Window(Input):
    """A span [start, end) in which work begins."""

    start_at: Instant
    end_at: Instant


class OrderIn(Input):
    """New work at a customer's premises; its owner is whoever makes it unless named."""

    territory_id: Id
    work_type: Id
    customer_id: Id
    premises_id: Id
    owner: Id | None = None
    priority: Priority | None = None
    description: Annotated[str, Field(max_length=1000)] = ""
    earliest_day: Day | None = None
    due_at: Instant | None = None
    window: Window | None = None
    preferred_crews: Annotated[Crews, Field(default_factory=list)]
    forbidden_crews: Annotated[Crews, Field(default_factory=list)]
    allowed_crews: Crews | None = None


class OrderOut(Output):
    """Work to be done at a premises."""

    id: str
    version: int
    territory_id: str
    work_type: str
    customer_id: str
    premises_id: str
    request_id: str | None
    series_id: str | None
    priority: Priority
    status: WorkOrderStatus
    hold_reason: HoldReason | None
    owner: str
    description: str
    earliest_day: date
    due_at: datetime | None
    outcome: str
    created_at: datetime


class VisitOut(Output):
    """One trip of one crew: the promised window, the planned times, and what happened."""

    id: str
    version: int
    work_order_id: str
    number: int
    territory_id: str
    status: VisitStatus
    earliest_day: date
    duration_s: int
    setup_s: int
    skills: dict[str, int] | None
    due_at: datetime | None
    window_start_at: datetime | None
    window_end_at: datetime | None
    allowed_crews: list[str] | None
    forbidden_crews: list[str]
    preferred_crews: list[str]
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
    note: str


class PartIn(Input):
    """A part of a visit: minutes on site, and the skills it needs; left out, those of the work type."""

    minutes: Annotated[int, Field(ge=1, le=1440)]
    skills: dict[Id, int] | None = None


class SplitIn(Input):
    """The parts of a visit, and whether each waits for the one before it."""

    parts: Annotated[list[PartIn], Field(min_length=2, max_length=6)]
    in_order: bool = True
    version: Version


class OrderDetail(OrderOut):
    """An order with its visits."""

    visits: list[VisitOut]


class OrderMove(Input):
    """One move of an order. `hold` needs `reason`, `complete_call` needs `outcome`, `call_again` needs `day`."""

    action: Literal["hold", "release", "cancel", "complete_call", "call_again", "verify", "close"]
    reason: Annotated[str, Field(max_length=200)] = ""
    outcome: Annotated[str, Field(max_length=500)] = ""
    day: Day | None = None
    version: Version


class CallOut(Output):
    """A call to be made: whom, and about what."""

    order: OrderOut
    work_type: WorkTypeOut
    customer_name: str
    phone: str | None
    address: str


class VisitMove(Input):
    """What the office does with a visit: take it off the plan, call it off, or open it again."""

    action: Literal["withdraw", "cancel", "reopen"]
    reason: Annotated[str, Field(max_length=64)] = ""
    note: Annotated[str, Field(max_length=500)] = ""
    version: Version


class PromiseOut(Output):
    """The window a customer was told, [start, end)."""

    id: int
    version: int
    visit_id: str
    number: int
    status: PromiseStatus
    start_at: datetime
    end_at: datetime
    by: str
    created_at: datetime


class NewWindow(Window):
    """Another window, on whose wish."""

    by: Literal["company", "customer"] = "company"
