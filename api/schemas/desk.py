"""Requests, counters and series."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.forms import Day, Id, Input, Instant, Output, Version
from api.schemas.work import Window
from dispatch.desk.tables import RequestKind, RequestStatus
from dispatch.work.tables import Mode, Priority, SeriesStatus

LongText = Annotated[str, Field(max_length=4000)]


class CounterOut(Output):
    """An intake queue and its backlog; `oldest_at` is when the longest waiting request came in."""

    id: str
    name_zh: str
    name_en: str
    kinds: list[str]
    open: int
    unanswered: int
    oldest_at: datetime | None


class RequestIn(Input):
    """What a customer asks for."""

    kind: RequestKind
    customer_id: Id
    premises_id: Id | None = None
    territory_id: Id | None = None
    subject: Annotated[str, Field(min_length=1, max_length=200)]
    text: LongText = ""
    channel: Annotated[str, Field(min_length=1, max_length=16)] = "phone"
    received_at: Instant | None = None


class RequestOut(Output):
    """A request; it always has an owner, a counter or a person.

    `merged_into` goes on in its stead; `outage_id` is the outage notice that it belongs to.
    """

    id: str
    version: int
    territory_id: str
    counter_id: str
    owner: str
    kind: RequestKind
    status: RequestStatus
    customer_id: str
    premises_id: str | None
    channel: str
    subject: str
    text: str
    answer: str
    received_at: datetime
    answered_at: datetime | None
    resolved_at: datetime | None
    merged_into: str | None
    outage_id: str | None


class PhotoOut(Output):
    """A photograph that came with a request; its content is at `/requests/{request_id}/photos/{number}`."""

    request_id: str
    number: int
    media_type: str
    width: int
    height: int
    size: int
    created_at: datetime


class Triage(Input):
    """A corrected kind hands the request to that kind's counter; `owner` to a person."""

    kind: RequestKind | None = None
    owner: Id | None = None
    version: Version


class Answer(Input):
    """A substantive answer; by default it resolves the request."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]
    resolves: bool = True
    version: Version


class RequestMove(Input):
    """One move of a request's life cycle; `into` is the request that goes on when this one is merged or known."""

    action: Annotated[str, Field(min_length=1, max_length=32)]
    note: Annotated[str, Field(max_length=500)] = ""
    into: Id | None = None
    version: Version


class OrderFromRequest(Input):
    """The work that a request asks for."""

    work_type: Id
    priority: Priority | None = None
    description: Annotated[str, Field(max_length=1000)] = ""
    earliest_day: Day | None = None
    due_at: Instant | None = None
    window: Window | None = None
    preferred_crews: Annotated[list[Id], Field(max_length=200, default_factory=list)]
    version: Version


class SeriesIn(Input):
    """A recurring follow-up; without `rrule` the customer's class sets the cadence."""

    territory_id: Id
    customer_id: Id
    premises_id: Id
    work_type: Id | None = None
    mode: Mode | None = None
    rrule: Annotated[str, Field(max_length=200)] | None = None
    starts_on: Day | None = None
    tolerance_days: Annotated[int, Field(ge=0, le=366)] = 7
    owner: Id | None = None


class SeriesOut(Output):
    """A recurring follow-up of a customer."""

    id: str
    version: int
    territory_id: str
    customer_id: str
    premises_id: str
    work_type: str
    mode: Mode
    status: SeriesStatus
    rrule: str
    starts_on: date
    zone: str
    tolerance_days: int
    next_on: date | None


class SeriesMove(Input):
    """Suspend, resume or end a series."""

    action: Literal["suspend", "resume", "end"]
    version: Version


class OccurrenceOut(Output):
    """One due day of a series: the order it became, or why it was skipped."""

    due_on: date
    work_order_id: str | None
    skipped: str
