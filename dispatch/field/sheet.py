"""A crew's day as its page has it: shifts, visits in order, and the words for codes."""

from dataclasses import dataclass
from datetime import date, datetime

from dispatch.field import named, steps
from dispatch.field.named import Named
from dispatch.geo import datum
from dispatch.registry.tables import ShiftStatus
from dispatch.work import catalogue
from dispatch.work.points import Point, point
from dispatch.work.tables import VisitStatus


@dataclass(frozen=True, slots=True)
class Break:
    """A break of a shift: it begins between `earliest_at` and `latest_at` and lasts `duration_s` seconds."""

    earliest_at: datetime
    latest_at: datetime
    duration_s: int


@dataclass(frozen=True, slots=True)
class CrewShift:
    """A working period of the day, who works it and its breaks."""

    id: str
    starts_at: datetime
    ends_at: datetime
    status: ShiftStatus
    absent: bool
    members: tuple[str, ...]
    breaks: tuple[Break, ...]


@dataclass(frozen=True, slots=True)
class CheckIn:
    """Somebody works here alone and says every `every_s` seconds that all is well, next by `due_at`."""

    every_s: int
    due_at: datetime
    missed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit as the crew sees it. Times are instants, `travel_s`, `duration_s` and `late_s` seconds.

    `late_s` is how far the begin of work is behind the plan, 0 once it has begun. `allowed` are the actions that
    are possible now, `next` the step forward among them. `points` is the checklist with what each point asks for.
    `photos` are the numbers of the photographs that the customer sent with the request.
    `check_number` is what the customer asks for at the door, empty when no key was given. `check_in` is None unless
    somebody works there alone now; `check_in_s` is how often that would be asked of somebody alone.
    """

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
    accuracy_m: float | None
    access_notes: str
    description: str
    photos: tuple[int, ...]
    needs: tuple[Named, ...]
    permit: str
    parts: dict[str, int]
    checklist: tuple[str, ...]
    closing_codes: tuple[str, ...]
    allowed: tuple[str, ...]
    next: str | None
    reason: str
    note: str
    late_s: int
    check_number: str
    check_in_s: int
    check_in: CheckIn | None

    @property
    def points(self) -> tuple[Point, ...]:
        """The checklist's points with their names, kinds and plausible ranges."""
        return tuple(point(code) for code in self.checklist)

    @property
    def closing(self) -> tuple[Named, ...]:
        """The closing codes with their names."""
        return named.shown(self.closing_codes)

    @property
    def permit_zh(self) -> str:
        """The permit in Chinese; one that a branch wrote itself is as it was written."""
        return catalogue.label(self.permit, "zh-CN")

    @property
    def gcj02(self) -> tuple[float, float] | None:
        """Latitude and longitude as AMap counts them, degrees; None without a position."""
        if self.lat is None or self.lon is None:
            return None
        return datum.to_gcj02(self.lat, self.lon)


@dataclass(frozen=True, slots=True)
class CrewDay:
    """A crew's day. `next_visit_id` is the visit at hand; `parts_to_take` is what the visits still to come need."""

    crew_id: str
    name_zh: str
    name_en: str
    vehicle: str
    phone: str | None
    zone: str
    day: date
    shifts: tuple[CrewShift, ...]
    stops: tuple[Stop, ...]
    next_visit_id: str | None
    parts_to_take: dict[str, int]
    stock: dict[str, int]

    @property
    def part_names(self) -> tuple[Named, ...]:
        """What the parts on the vehicle and those needed are called."""
        return named.shown(sorted({*self.parts_to_take, *self.stock}))

    @property
    def reasons(self) -> dict[str, tuple[Named, ...]]:
        """The reasons that actions may need."""
        return named.reasons()

    @property
    def moves(self) -> dict[str, dict[str, str]]:
        """Every state's actions and where they lead, for a page without a network."""
        return steps.moves()
