"""Webhooks and their deliveries."""

from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from api.schemas.forms import Change, Input, Instant, Output, Version
from dispatch.webhooks.tables import DeliveryStatus, WebhookStatus

Url = Annotated[str, Field(min_length=8, max_length=500)]
Types = Annotated[
    list[Annotated[str, Field(max_length=81)]],
    Field(min_length=1, max_length=50, description="visit.done, visit.* or *"),
]
Places = Annotated[
    list[Annotated[str, Field(max_length=32)]], Field(max_length=50, description="empty: all")
]
Description = Annotated[str, Field(max_length=200)]


class WebhookIn(Input):
    """Who is told of what."""

    url: Url
    event_types: Types
    territories: Places = Field(default_factory=list)
    description: Description = ""


class WebhookChange(Change):
    """What of a webhook changes."""

    may_be_null: ClassVar[frozenset[str]] = frozenset()

    url: Url = ""
    event_types: Types = Field(default_factory=list)
    territories: Places = Field(default_factory=list)
    description: Description = ""
    version: Version


class WebhookOut(Output):
    """A subscriber. `failing_since` is when its failures began, `rests_until` how long it is left alone.

    `position` is the last event looked at for it; until `old_secret_until` the secret before is signed with too.
    """

    id: str
    version: int
    url: str
    description: str
    event_types: list[str]
    territories: list[str]
    status: WebhookStatus
    reason: str
    position: int
    failing_since: datetime | None
    rests_until: datetime | None
    old_secret_until: datetime | None
    created_by: str
    created_at: datetime


class WebhookSecretOut(WebhookOut):
    """A subscriber with its secret, which is shown this once."""

    secret: str


class EnableIn(Input):
    """`skip_missed`: what happened meanwhile is not sent."""

    skip_missed: bool = False


class ReplayIn(Input):
    """One delivery, or those made from `begin_at` on and before `end_at`, all or those of one `status`."""

    delivery_id: Annotated[int | None, Field(ge=1, le=2**53)] = None
    begin_at: Instant | None = None
    end_at: Instant | None = None
    status: DeliveryStatus | None = None


class DeliveryOut(Output):
    """One event for one subscriber; `message_id` is its `webhook-id`, the same at every attempt and replay."""

    id: int
    message_id: str
    event_id: int | None
    type: str
    status: DeliveryStatus
    attempts: int
    replays: int
    response_code: int | None
    error: str
    created_at: datetime
    attempted_at: datetime | None
    delivered_at: datetime | None


class ReplayedOut(Output):
    """How many deliveries are sent again."""

    replayed: int
