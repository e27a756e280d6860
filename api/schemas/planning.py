"""Plans: requested, proposed, published, compared."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.forms import Day, FirstVersion, Id, Input, Instant, Output, Version
from dispatch.planning.tables import PlanStatus


class PlanOptions(Input):
    """How to plan: the engine and its limits; what is left out is the installation's own."""

    engine: Literal["search", "routing", "naive"] | None = None
    seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    iterations: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    workers: Annotated[int, Field(ge=1, le=64)] | None = None


class PlanningRuleIn(Input):
    """New numbers of a rule of planning, by name; `version` is the one you saw, 0 when nobody had edited it."""

    version: FirstVersion
    values: Annotated[dict[Id, int | float], Field(min_length=1, max_length=20)]


class PlanningRuleOut(Output):
    """A rule of planning with its numbers; version 0 when nobody has edited it."""

    name: str
    version: int
    values: dict[str, int | float]


class AffectedOut(Output):
    """A visit that the plan gives another crew or time than the plan in force did when it was made."""

    visit_id: str
    customer_id: str
    change: Literal["new", "moved", "retimed", "withdrawn"]
    crew_id: str | None
    start_at: datetime | None
    was_crew_id: str | None
    was_start_at: datetime | None


class PlanOut(Output):
    """A day's plan: where it is, how far its run has come, and its figures once it has an answer."""

    id: int
    version: int
    territory_id: str
    day: date
    number: int
    status: PlanStatus
    origin: str
    branch: str | None
    options: dict[str, Any]
    progress: dict[str, Any]
    figures: dict[str, Any]
    affected: list[AffectedOut]
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
    customer: str = Field(description="the customer's name")
    is_reached: bool = Field(description="whether a message goes out to the customer")
    obstacle: str = Field(
        description="why none does: no_consent, stopped, do_not_contact, no_address, bad_address, "
        "no_mobile, no_channel, unannounced"
    )


class MessagesGo(Output):
    """How emails leave: by a mail server, a gateway, or as files in `folder` while neither is configured."""

    by: Literal["smtp", "gateway", "files"]
    folder: str | None


class Publication(Output):
    """The plan in force, who is told what, and where the messages go."""

    plan: PlanOut
    told: list[ToldOut]
    superseded: list[int]
    messages: MessagesGo


class DayClosing(Input):
    """Close the day despite the crews named."""

    despite: Annotated[list[Id], Field(max_length=200, default_factory=list)]


class DisplacedOut(Output):
    """A visit that an insertion delays, or puts out of the plan (`start_at` is then null)."""

    visit_id: str
    was_start_at: datetime
    start_at: datetime | None


class MovedOut(Output):
    """Where another visit goes: to make room, or because it begins together with the one that is asked about."""

    visit_id: str
    crew_id: str
    shift_id: str
    start_at: datetime


class PlaceOut(Output):
    """A place for a visit; `cost` in points is what the plan's total changes by."""

    visit_id: str
    crew_id: str
    shift_id: str
    position: int
    arrive_at: datetime
    start_at: datetime
    end_at: datetime
    cost: int
    displaced: list[DisplacedOut]
    instead_of: str | None
    together: list[MovedOut]


class WindowIn(Input):
    """A window `[start_at, end_at)` for the begin of work."""

    start_at: Instant
    end_at: Instant


class OffersIn(Input):
    """Which windows to ask about, beside which plan; left out: today, the day's plan."""

    windows: Annotated[list[WindowIn], Field(min_length=1, max_length=60)]
    day: Day | None = None
    plan_id: Annotated[int, Field(ge=1, le=2**53)] | None = None


class OfferOut(Output):
    """A window that the customer may choose, with the crew and its cost, points; or why it cannot be offered."""

    start_at: datetime
    end_at: datetime
    cost: int | None
    recommended: bool
    crew_id: str | None
    shift_id: str | None
    begins_at: datetime | None
    reason: str | None
    together: list[MovedOut]


class ShiftReasonOut(Output):
    """The first rule that keeps the visit from a shift."""

    shift_id: str
    crew_id: str
    reason: str


class ChangeOut(Output):
    """One change with which the visit fits; `amount` and `detail` say how much of what."""

    kind: Literal["window", "overtime", "skill", "members", "allow", "unpin", "parts", "instead"]
    shift_id: str
    crew_id: str
    start_at: datetime
    cost: int
    amount: int | None
    detail: str | None
    to_shift_id: str | None
    to_crew_id: str | None


class OtherCrewOut(Output):
    """The visit on another crew: what the plan has more of then, seconds and points; negative for less."""

    crew_id: str
    shift_id: str
    position: int
    start_at: datetime
    driving_s: int
    late_s: int
    overtime_s: int
    cost: int


class ExplanationOut(Output):
    """Why a visit is on no route of a plan and what would help; or why it is where it is."""

    visit_id: str
    verdict: Literal["served", "fits", "impossible", "displaced", "not_worth_it", "tied"]
    crew_id: str | None
    shift_id: str | None
    start_at: datetime | None
    cost: int | None
    leaving_out: int
    pushed_out: list[str]
    moved: list[MovedOut]
    reasons: list[ShiftReasonOut]
    changes: list[ChangeOut]
    alternatives: list[OtherCrewOut]


class TrialOut(Output):
    """The visit at its best place on a shift, and what the plan has more of then; or why it cannot be there."""

    shift_id: str
    crew_id: str
    reason: str | None
    position: int | None
    start_at: datetime | None
    driving_s: int | None
    late_s: int | None
    overtime_s: int | None
    cost: int | None
    together: list[MovedOut]


class TermOut(Output):
    """A term of the cost in the other plan (a) and in this one (b), points."""

    name: str
    a: int
    b: int
    difference: int


class CrewFiguresOut(Output):
    """A crew's day in a plan: seconds, and metres where they are known."""

    visits: int
    driving: int
    working: int
    overtime: int
    late: int
    metres: int | None


class CrewChangeOut(Output):
    """A crew's day in both plans."""

    crew: str
    a: CrewFiguresOut
    b: CrewFiguresOut


class VisitChangeOut(Output):
    """A visit that the plans treat differently, and whose it is."""

    visit_id: str
    customer_id: str
    customer: str
    what: Literal["added", "left_out", "crew", "shift", "time"]
    was_crew_id: str | None
    was_start_at: datetime | None
    crew_id: str | None
    start_at: datetime | None
    moved_s: int | None


class CustomerFiguresOut(Output):
    """What a customer has of a plan: visits that it serves, and seconds by which they begin late."""

    visits: int
    late: int


class CustomerChangeOut(Output):
    """A customer with `changed` visits that the plans treat differently, moved by `moved_s` seconds at most."""

    customer_id: str
    customer: str
    changed: int
    moved_s: int
    a: CustomerFiguresOut
    b: CustomerFiguresOut


class ComparisonOut(Output):
    """A plan (b) against another of its day (a); `affected` are the crews whose day differs."""

    plan_id: int
    with_plan_id: int
    same_board: bool
    terms: list[TermOut]
    crews: list[CrewChangeOut]
    customers: list[CustomerChangeOut]
    visits: list[VisitChangeOut]
    affected: list[str]


class InsertionIn(Input):
    """Where to insert: a day or a plan, and a shift; left out: today, the plan in force, the cheapest place."""

    day: Day | None = None
    plan_id: Annotated[int, Field(ge=1, le=2**53)] | None = None
    shift_id: Id | None = None


class MoveIn(Input):
    """Give the visit to this shift, at this place in its order, at this time; and lock it there."""

    visit_id: Id
    shift_id: Id
    position: Annotated[int, Field(ge=0, le=1000)] | None = None
    start_at: Instant | None = None
    version: Version


class PutBackIn(Input):
    """Take the visit off the plan; it waits again."""

    visit_id: Id
    version: Version


class LockIn(Input):
    """What to keep of the visit's place: its crew, its time, or both."""

    crew: bool = True
    time: bool = False


class ReplanIn(Input):
    """The crew cannot come, or cannot go on: plan without it."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]
    options: PlanOptions | None = None
