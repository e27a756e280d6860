"""Plans: requested, proposed, published, compared."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.forms import Id, Input, Output, Version
from dispatch.planning.tables import PlanStatus


class PlanOptions(Input):
    """How to plan: the engine and its limits; what is left out is the installation's own."""

    engine: Literal["search", "routing", "naive"] | None = None
    seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    iterations: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None


class PlanOut(Output):
    """A day's plan: where it is, how far its run has come, and its figures once it has an answer."""

    id: int
    version: int
    territory_id: str
    day: date
    number: int
    status: PlanStatus
    origin: str
    options: dict[str, Any]
    progress: dict[str, Any]
    figures: dict[str, Any]
    error: str
    created_by: str
    created_at: datetime
    published_at: datetime | None
    published_by: str | None


class AssignmentOut(Output):
    """One stop of a plan's route."""

    visit_id: str
    crew_id: str
    shift_id: str
    position: int
    arrive_at: datetime
    start_at: datetime
    end_at: datetime
    travel_s: int


class LeftOutOut(Output):
    """A visit that the plan leaves out, and why: `shifts` counts the reasons over all shifts."""

    visit_id: str
    reason: str
    shifts: dict[str, int]
    hint: str


class UnplaceableOut(Output):
    """A visit that no plan can hold until somebody mends what is missing."""

    visit_id: str
    reason: str


class PlanContent(Output):
    """Everything a plan says."""

    plan: PlanOut
    stops: list[AssignmentOut]
    left_out: list[LeftOutOut]
    unplaceable: list[UnplaceableOut]


class PlanDocument(Output):
    """The problem and the answer in the public planning format."""

    problem: dict[str, Any] | None
    answer: dict[str, Any] | None


class PlanVersion(Input):
    """The version of the plan that you saw."""

    version: Version


class ToldOut(Output):
    """One visit whose crew or time changes by publishing."""

    visit_id: str
    customer_id: str
    change: Literal["new", "moved", "retimed", "withdrawn"]
    crew_id: str | None
    start_at: datetime | None
    was_crew_id: str | None
    was_start_at: datetime | None


class MessagesGo(Output):
    """How messages leave: by a mail server, or as files in `folder` while none is configured."""

    by: Literal["smtp", "files"]
    folder: str | None


class Publication(Output):
    """The plan in force, who is told what, and where the messages go."""

    plan: PlanOut
    told: list[ToldOut]
    superseded: list[int]
    messages: MessagesGo


class PlanRef(Input):
    """Insert a visit into a plan, at one of the places that were offered."""

    visit_id: Id


class DayClosing(Input):
    """Close the day despite the crews named."""

    despite: Annotated[list[Id], Field(max_length=200, default_factory=list)]
