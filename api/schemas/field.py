"""A crew's day and what it does there."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.forms import Id, Input, Instant, Latitude, Longitude, Output
from dispatch.field.tables import AttachmentKind
from dispatch.registry.tables import ShiftStatus
from dispatch.work.points import PointKind
from dispatch.work.tables import VisitStatus


class NamedOut(Output):
    """A code and what it is called."""

    code: str
    zh: str
    en: str


class PointOut(Output):
    """A point of a checklist; a reading is in `unit` and plausible from `low` to `high`."""

    code: str
    kind: PointKind
    zh: str
    en: str
    unit: str
    low: float | None
    high: float | None


class CheckInOut(Output):
    """Somebody works here alone and checks in every `every_s` seconds, next by `due_at`."""

    every_s: int
    due_at: datetime
    missed_at: datetime | None


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
    gcj02: tuple[float, float] | None
    accuracy_m: float | None
    access_notes: str
    description: str
    photos: list[int]
    needs: list[NamedOut]
    permit: str
    permit_zh: str
    parts: dict[str, int]
    checklist: list[str]
    points: list[PointOut]
    closing_codes: list[str]
    closing: list[NamedOut]
    allowed: list[str]
    next: str | None
    reason: str
    note: str
    late_s: int
    check_number: str
    check_in_s: int
    check_in: CheckInOut | None


class CrewReasons(Output):
    """What may be given as a reason, by what it is a reason of."""

    decline: list[NamedOut]
    not_done: list[NamedOut]
    without: list[NamedOut]


class CrewDayOut(Output):
    """A crew's day in the order of the plan; `moves` says where each action leads from each state.

    `gcj02` of a stop is latitude and longitude as AMap counts them.
    """

    crew_id: str
    name_zh: str
    name_en: str
    vehicle: str
    phone: str | None
    zone: str
    day: date
    shifts: list[CrewShiftOut]
    stops: list[StopOut]
    next_visit_id: str | None
    parts_to_take: dict[str, int]
    stock: dict[str, int]
    part_names: list[NamedOut]
    reasons: CrewReasons
    moves: dict[str, dict[str, str]]


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
        "check_in",
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


class AttachmentOut(Output):
    """A picture of a visit; its content is at `.../attachments/{id}`."""

    id: str
    visit_id: str
    crew_id: str
    kind: AttachmentKind
    media_type: str
    width: int
    height: int
    size: int
    created_at: datetime


class ShiftReport(Input):
    """The crew comes on duty or goes off duty."""

    action: Literal["report_on_duty", "report_off_duty"]
