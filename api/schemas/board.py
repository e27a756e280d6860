"""The board of a day."""

from datetime import date, datetime

from api.schemas.desk import CounterOut
from api.schemas.forms import Output
from api.schemas.planning import PlanOut
from api.schemas.registry import ShiftDayOut
from api.schemas.watch import AlertOut, ClockOut
from dispatch.work.tables import Priority, VisitStatus


class BoardStop(Output):
    """A visit with a crew and a time, as planned or, where it has come to that, as done."""

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
    address: str
    lat: float | None
    lon: float | None


class BoardWithout(Output):
    """A visit without a crew; `reason` is empty for one that came in since the plan was made."""

    visit_id: str
    reason: str
    hint: str
    priority: Priority
    name_zh: str
    name_en: str
    address: str
    due_at: datetime | None
    lat: float | None
    lon: float | None


class BoardOut(Output):
    """Everything a dispatcher sees of a day; `plan` is the one whose stops these are."""

    territory_id: str
    day: date
    plan: PlanOut | None
    in_force: PlanOut | None
    waiting: PlanOut | None
    shifts: list[ShiftDayOut]
    stops: list[BoardStop]
    without: list[BoardWithout]
    calls: int
    counters: list[CounterOut]
    clocks: list[ClockOut]
    alerts: list[AlertOut]
