"""A crew's day and what it does there."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.forms import Id, Input, Instant, Latitude, Longitude, Output
from dispatch.registry.tables import ShiftStatus
from dispatch.work.tables import VisitStatus


class NeedOut(Output):
    """What the people or the site need; never why."""

    code: str
    zh: str
    en: str


class CrewBreakOut(Output):
    """A break that begins between two instants."""

    earliest_at: datetime
    latest_at: datetime
    duration_s: int


class CrewShiftOut(Output):
    """A working period of the day."""

    id: str
    starts_at: datetime
    ends_at: datetime
    status: ShiftStatus
    absent: bool
    members: list[str]
    breaks: list[CrewBreakOut]


class StopOut(Output):
    """One visit as the crew sees it; `allowed` are the actions possible now, `next` the step forward."""

    visit_id: str
    version: int
    work_order_id: str
    status: VisitStatus
    work_type: str
    name_zh: str
    name_en: str
    window_start_at: datetime | None
    window_end_at: datetime | None
    planned_arrive_at: datetime | None
    planned_start_at: datetime | None
    planned_end_at: datetime | None
    travel_s: int
    duration_s: int
    arrived_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    customer: str
    phone: str | None
    address: str
    district: str
    lat: float | None
    lon: float | None
    access_notes: str
    description: str
    needs: list[NeedOut]
    permit: str
    parts: dict[str, int]
    checklist: list[str]
    closing_codes: list[str]
    allowed: list[str]
    next: str | None
    reason: str
    note: str
    late_s: int
    check_number: str


class CrewDayOut(Output):
    """A crew's day in the order of the plan."""

    crew_id: str
    name_zh: str
    name_en: str
    vehicle: str
    zone: str
    day: date
    shifts: list[CrewShiftOut]
    stops: list[StopOut]
    next_visit_id: str | None
    parts_to_take: dict[str, int]
    stock: dict[str, int]


class CrewActionIn(Input):
    """One action of a crew; the same `op_id` twice is one action. `device_at` left out means now.

    With `version` it is refused when somebody else has changed the visit since; the crew's own actions are none.
    """

    op_id: Annotated[str, Field(min_length=8, max_length=64)]
    visit_id: Id
    action: Literal[
        "accept",
        "decline",
        "en_route",
        "arrived",
        "start",
        "pause",
        "resume",
        "done",
        "not_done",
    ]
    reason: Annotated[str, Field(max_length=64)] = ""
    note: Annotated[str, Field(max_length=500)] = ""
    data: Annotated[dict[str, Any], Field(max_length=50, default_factory=dict)]
    lat: Latitude | None = None
    lon: Longitude | None = None
    device_at: Instant | None = None
    version: Annotated[
        int | None,
        Field(ge=1, le=2**31, description="the visit's version that the crew saw"),
    ] = None


class ActionOut(Output):
    """The action is recorded; the visit is now in this state."""

    op_id: str
    visit_id: str
    status: VisitStatus
    version: int


class QueuedActions(Input):
    """What a device queued without a network."""

    actions: Annotated[list[CrewActionIn], Field(min_length=1, max_length=200)]


class OutcomeOut(Output):
    """What became of one queued action: the visit's state after it, or the refusal's code."""

    op_id: str
    visit_id: str
    status: str
    code: str | None
    detail: str | None


class ShiftReport(Input):
    """The crew comes on duty or goes off duty."""

    action: Literal["report_on_duty", "report_off_duty"]
