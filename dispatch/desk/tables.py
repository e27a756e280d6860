"""The service centre: counters and what customers ask."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, document, instant


class RequestStatus(StrEnum):
    """Where a request is."""

    RECEIVED = "received"
    TRIAGED = "triaged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CONFIRMED = "confirmed"
    CLOSED = "closed"
    WAITING_CUSTOMER = "waiting_customer"
    REFERRED = "referred"
    MERGED = "merged"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


class RequestKind(StrEnum):
    """What a request is about; it decides the counter that owns it."""

    FAULT = "fault"
    BILLING = "billing"
    METERING = "metering"
    CONNECTION = "connection"
    COMPLAINT = "complaint"
    CONSULTATION = "consultation"


class Counter(Row, table=True):
    """An intake queue (窗口) that owns the requests of its kinds."""

    id: str = Field(primary_key=True, max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    name_zh: str = Field(max_length=80)
    name_en: str = Field(max_length=80)
    kinds: list[str] = document(list)


class Request(Versioned, table=True):
    """What a customer asked for. It always has an owner, a counter or a person.

    `merged_into` is the request that goes on in its stead, never one that was merged itself; `outage_id` the outage
    notice that it belongs to.
    """

    id: str = Field(primary_key=True, max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    counter_id: str = Field(foreign_key="counter.id", max_length=32, index=True)
    owner: str = Field(max_length=32)
    kind: RequestKind = choice(RequestKind)
    status: RequestStatus = choice(RequestStatus, RequestStatus.RECEIVED, index=True)
    customer_id: str = Field(foreign_key="customer.id", max_length=32, index=True)
    premises_id: str | None = Field(default=None, foreign_key="premises.id", max_length=32)
    channel: str = Field(default="phone", max_length=16)
    subject: str = Field(max_length=200)
    text: str = Field(default="", max_length=4000)
    answer: str = Field(default="", max_length=4000)
    received_at: datetime = instant(index=True)
    answered_at: datetime | None = instant(nullable=True)
    resolved_at: datetime | None = instant(nullable=True)
    merged_into: str | None = Field(
        default=None, foreign_key="request.id", max_length=32, index=True
    )
    outage_id: str | None = Field(default=None, max_length=32, index=True)


class RequestPhoto(Row, table=True):
    """A photograph that came with a request. The content is a file named by its SHA-256."""

    request_id: str = Field(primary_key=True, foreign_key="request.id", max_length=32)
    number: int = Field(primary_key=True)
    media_type: str = Field(max_length=32)
    width: int
    height: int
    size: int
    kept: str = Field(max_length=64, description="SHA-256 of what is kept: the picture alone")
    created_at: datetime = instant()
