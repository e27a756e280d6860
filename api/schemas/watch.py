"""Clocks, alerts, messages, tasks and the trail of events."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from api.schemas.forms import Input, Output
from dispatch.contact.tables import MessageClass, MessageStatus, SubjectKind
from dispatch.core.tables import TaskState
from dispatch.insight.matters import Action, Kind
from dispatch.sla.tables import ClockKind, ClockStatus


class ClockOut(Output):
    """One limit being watched; `warned` is the highest warning given, in percent of the time."""

    id: int
    kind: ClockKind
    subject: str
    subject_id: str
    territory_id: str
    policy: str
    status: ClockStatus
    started_at: datetime
    due_at: datetime
    warned: int
    stopped_at: datetime | None


class AlertOut(Output):
    """What needs a person, once per cause; in a flood one row for `causes` whose keys begin alike."""

    key: str
    text: str
    count: int
    first_at: datetime
    last_at: datetime
    causes: int


class SettledAlert(Input):
    """An alert by its key."""

    key: Annotated[str, Field(min_length=1, max_length=160)]


class WatchItem(Output):
    """One matter that needs a person, and the action that solves it.

    `about` is the time that matters: an expected begin or end, a limit, a planned departure, since when a crew does
    not move; `since` the limit of what will be late, and otherwise when the matter began. `code` says what of its
    kind it is. Of messages that did not arrive `template` is named; where there are many, one matter stands for
    `count` of them.
    """

    kind: Kind
    action: Action
    is_urgent: bool
    visit_id: str | None
    work_order_id: str | None
    request_id: str | None
    crew_id: str | None
    message_id: int | None
    template: str
    code: str
    text: str
    count: int
    about: datetime | None
    since: datetime | None


class WatchList(Output):
    """Everything that needs a person, nothing twice, the most pressing first: `items`.

    `clocks` are the running clocks, the next to break first; `alerts` the open alerts, 50 rows at most that count
    all of them.
    """

    items: list[WatchItem]
    clocks: list[ClockOut]
    alerts: list[AlertOut]


class MessageOut(Output):
    """One notification to one person, the customer or whom they named.

    `template_version` is the text that it was written from, 0 the one that Gridcrew comes with; `fallback_of` the
    message in whose stead it goes, over another channel.
    """

    id: int
    customer_id: str
    recipient: str
    to_nominee: bool
    channel: str
    template: str
    template_version: int
    message_class: MessageClass
    language: str
    subject_kind: SubjectKind
    subject_id: str
    status: MessageStatus
    reason: str
    subject: str
    body: str
    fallback_of: int | None
    send_after: datetime
    created_at: datetime
    sent_at: datetime | None
    error: str


class TaskOut(Output):
    """A durable unit of background work."""

    id: int
    kind: str
    queue: str
    state: TaskState
    run_at: datetime
    attempts: int
    recoveries: int
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


class EventOut(Output):
    """Something that happened; `position` is empty until the event is sealed."""

    id: int
    position: int | None
    type: str
    entity: str
    entity_id: str
    from_status: str | None
    to_status: str | None
    actor: str
    role: str
    happened_at: datetime
    recorded_at: datetime
    data: dict[str, Any]


class FeedEvent(Output):
    """What a message of a feed tells: something happened to `subject` `id`, of which no more is said.

    `version` is its version now: who has shown that one, or a later one, need not load it again.
    """

    subject: str
    id: str
    kind: str
    status: str | None
    version: int | None
    day: date | None
    crews: list[str]
    at: datetime
