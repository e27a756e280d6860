"""Looks at the days ahead: asked for, followed, read."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from api.schemas.forms import Day, Input, Output
from dispatch.planning.outlook import MOST_DAYS
from dispatch.planning.tables import OutlookStatus


class OutlookIn(Input):
    """Which days to look at, and how long to search; left out: five days from today, the installation's limit."""

    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 5
    first: Day | None = None
    seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    iterations: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None

    def options(self) -> dict[str, Any]:
        """The options of the search that were given."""
        return self.model_dump(include={"seconds", "iterations", "seed"}, exclude_none=True)


class CrewLoadOut(Output):
    """A shift's work: seconds of driving, on site and overtime; `share` of the shift is filled."""

    crew_id: str
    shift_id: str
    visits: int
    driving_s: int
    on_site_s: int
    overtime_s: int
    share: float


class DayAheadOut(Output):
    """One day of the outlook."""

    day: date
    visits: int
    crews: list[CrewLoadOut]


class NotPlannedOut(Output):
    """A visit for which no day has a place, and why."""

    visit_id: str
    reason: str
    hint: str


class FoundOut(Output):
    """The days ahead, what is left out of all of them, and what driving times rest on, as a plan's figures say."""

    days: list[DayAheadOut]
    left_out: list[NotPlannedOut]
    travel_times: dict[str, Any] = Field(default_factory=dict)


class OutlookOut(Output):
    """A look at the days ahead: where it is, how far its search has come, and what it found."""

    id: int
    territory_id: str
    first: date
    days: int
    status: OutlookStatus
    options: dict[str, Any]
    progress: dict[str, Any]
    found: FoundOut | None
    stop_asked: bool
    error: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None
