"""How customers want to be told, and notices of outages."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from api.schemas.forms import Id, Input, Instant, Output, Version

ChannelName = Literal["email", "sms", "voice", "chat", "print"]
Stoppable = Literal["service_urgent", "service", "survey", "marketing"]
Feeder = Annotated[str, Field(min_length=1, max_length=80)]
Reason = Annotated[str, Field(min_length=1, max_length=200)]


class ContactIn(Input):
    """All of a customer's wishes; what is left out is as if nobody had wished anything.

    `channels` is the order to try them in. `earliest_hour` and `latest_hour` are local.
    """

    channels: list[ChannelName] = Field(default=[], max_length=5)
    language: Literal["zh-CN", "en"] | None = None
    earliest_hour: int | None = Field(default=None, ge=0, le=23)
    latest_hour: int | None = Field(default=None, ge=1, le=24)
    nominee_name: str = Field(default="", max_length=120)
    nominee_phone: str | None = Field(default=None, max_length=32)
    nominee_email: str | None = Field(default=None, max_length=254)
    nominee_instead: bool = False
    stopped: list[Stoppable] = Field(default=[], max_length=4)
    wants_marketing: bool = False
    do_not_contact: str = Field(default="", max_length=200, description="why; empty: one may")
    version: Version


class ContactOut(Output):
    """A customer's wishes; version 0 when nobody has set any."""

    customer_id: str
    channels: list[str]
    language: str | None
    earliest_hour: int | None
    latest_hour: int | None
    nominee_name: str
    nominee_phone: str | None
    nominee_email: str | None
    nominee_instead: bool
    stopped: list[str]
    wants_marketing: bool
    do_not_contact: str
    version: int


class StopIn(Input):
    """Which class of messages the customer no longer wants, or wants again, and where they said so."""

    message_class: Literal["emergency", "service_urgent", "service", "survey", "marketing"] = (
        "service"
    )
    channel: ChannelName | Literal["phone", "counter"] = "phone"


class Stopped(ContactOut):
    """The wishes after it; `still_sent` is what goes out whatever is stopped."""

    still_sent: list[str]


class OutageIn(Input):
    """Notice of an interruption: for the premises named, on `feeders`, or inside `area` (GeoJSON, WGS 84).

    A line feeds all of its transformers. A fault (`unplanned`) has begun, and ends when supply is expected back.
    """

    territory_id: Id
    starts_at: Instant
    ends_at: Instant
    reason_zh: Reason
    reason_en: Reason
    premises: list[Id] = Field(default=[], max_length=20_000)
    feeders: list[Feeder] = Field(default=[], max_length=200)
    area: dict[str, Any] | None = None
    unplanned: bool = False


class WhomIn(Input):
    """The premises, the feeders or the area (GeoJSON, WGS 84) that a notice would be given for."""

    territory_id: Id
    premises: list[Id] = Field(default=[], max_length=20_000)
    feeders: list[Feeder] = Field(default=[], max_length=200)
    area: dict[str, Any] | None = None


class WhomOut(Output):
    """Whom that would concern; `addresses` are the first few."""

    premises: int
    customers: int
    addresses: list[str]


class OutageTimes(Input):
    """Other times; of an interruption that has begun the end alone can be another."""

    starts_at: Instant | None = None
    ends_at: Instant
    version: Version


class OutageEnd(Input):
    """Since when supply is back; now, unless given."""

    restored_at: Instant | None = None
    version: Version


class OutageVersion(Input):
    """Which version of the notice was seen."""

    version: Version


class OutageOut(Output):
    """An interruption; `premises` counts those concerned, `messages` what they were told, by status.

    `reports` counts the customers' reports that belong to it.
    """

    id: str
    territory_id: str
    starts_at: datetime
    ends_at: datetime
    reason_zh: str
    reason_en: str
    premises: int
    feeders: list[str]
    unplanned: bool
    restored_at: datetime | None
    withdrawn_at: datetime | None
    created_by: str
    created_at: datetime
    messages: dict[str, dict[str, int]]
    reports: int
    version: int


class FeederOut(Output):
    """A line, or a transformer of one (`line/transformer`), and how many premises it feeds."""

    feeder: str
    premises: int
