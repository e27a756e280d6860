"""The board: everything a day's plan is made from, as rows that know no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dispatch.geo.roads import Roads
from dispatch.planning.rules import Rules
from dispatch.registry.skills import CrewSkills
from dispatch.registry.tables import (
    CustomerClass,
    ShiftStatus,
)
from dispatch.work.lifecycle import UNDER_WAY, WAITING
from dispatch.work.tables import (
    Priority,
    VisitStatus,
    WorkOrderStatus,
)


@dataclass(frozen=True, slots=True)
class BoardVisit:
    """A visit with what its order, type, premises and customer say about planning it."""

    id: str
    status: VisitStatus
    earliest_day: date
    duration_s: int
    setup_s: int
    due_at: datetime | None
    window_start_at: datetime | None
    window_end_at: datetime | None
    allowed_crews: list[str] | None
    forbidden_crews: list[str]
    preferred_crews: list[str]
    locked_crew: bool
    locked_crew_id: str | None
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
    order_status: WorkOrderStatus
    priority: Priority
    order_due_at: datetime | None
    customer_id: str
    customer_class: CustomerClass
    premises_id: str
    lat: float | None
    lon: float | None
    work_type: str
    skills: Mapping[str, int]
    parts: Mapping[str, int]
    members: int

    @property
    def due(self) -> datetime | None:
        """When service should have begun: the visit's own deadline, else its order's."""
        return self.due_at or self.order_due_at

    @property
    def locked_to(self) -> str | None:
        """The crew that a person gave it to for good, if one did."""
        return (self.locked_crew_id or self.crew_id) if self.locked_crew else None

    @property
    def is_given(self) -> bool:
        """Whether a crew has it on a published plan and has not set out."""
        return self.status in WAITING

    @property
    def is_under_way(self) -> bool:
        """Whether its crew is on the way to it or at it."""
        return self.status in UNDER_WAY


@dataclass(frozen=True, slots=True)
class BoardBreak:
    """A break of a shift; `duration_s` seconds, begun between the two instants."""

    id: str
    earliest_at: datetime
    latest_at: datetime
    duration_s: int


@dataclass(frozen=True, slots=True)
class BoardShift:
    """A shift with its crew's depot, its breaks and what its members can do."""

    id: str
    crew_id: str
    starts_at: datetime
    ends_at: datetime
    max_overtime_s: int
    status: ShiftStatus
    absent: bool
    depot_id: str
    lat: float
    lon: float
    breaks: tuple[BoardBreak, ...]
    skills: CrewSkills

    @property
    def works(self) -> bool:
        """Whether visits can be given to it: somebody is on it, has not called off and has not gone home."""
        return (
            not self.absent and self.status is not ShiftStatus.OFF_DUTY and self.skills.members > 0
        )


@dataclass(frozen=True, slots=True)
class Tie:
    """A relation between visits, as stored."""

    id: int
    type: str
    visits: tuple[str, ...]
    min_gap_s: int
    max_gap_s: int | None


@dataclass(frozen=True, slots=True)
class Partner:
    """A visit that a relation names: where it stands, whoever's day it is on."""

    id: str
    status: VisitStatus
    crew_id: str | None
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Board:
    """A territory's day. `visits` are the open ones, `under_way` and `finished` those the crews have begun.

    `in_force` is the number of the published plan, `planned_breaks` when it has each break of its shifts: None
    for a break that was over when it was made, nothing for shifts that it did not know. `roads` are the drives that
    a road service knows; None: they are estimated.
    """

    territory_id: str
    day: date
    zone: ZoneInfo
    opens_at: datetime
    closes_at: datetime
    visits: tuple[BoardVisit, ...]
    under_way: tuple[BoardVisit, ...]
    finished: tuple[BoardVisit, ...]
    shifts: tuple[BoardShift, ...]
    stock: Mapping[str, Mapping[str, int]]
    ties: tuple[Tie, ...]
    partners: Mapping[str, Partner]
    departed: Mapping[str, datetime]
    rules: Rules
    in_force: int | None
    planned_breaks: Mapping[str, tuple[datetime, datetime] | None]
    roads: Roads | None = None

    @property
    def has_begun(self) -> bool:
        """Whether a crew has begun a visit of this day."""
        return bool(self.under_way or self.finished)
