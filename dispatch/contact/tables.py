"""Messages: what customers are told, once each; and what customers say, in surveys and on the telephone."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, document, instant
from dispatch.core.tables import TaskClass
from dispatch.registry.tables import CustomerClass


class MessageStatus(StrEnum):
    """Where a message is. `unknown`: the connection broke before the server's answer."""

    PENDING = "pending"
    DEFERRED = "deferred"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"


class Message(Versioned, table=True):
    """One notification to one person over one channel; unique per subject and its version.

    `told_*` is the span of time that it tells, [start, end). `body` holds `[[link]]` and `[[code]]`, which are
    filled in at sending, so that no stored row opens a customer's page. `sending` is committed before the
    network is touched, and `message_id` is the same at every attempt.
    """

    __table_args__ = (
        sa.UniqueConstraint("recipient", "template", "subject_id", "subject_version"),
        sa.Index("ix_message_status", "status", "send_after"),
        sa.Index("ix_message_created", "created_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    customer_id: str = Field(foreign_key="customer.id", max_length=32, index=True)
    recipient: str = Field(max_length=254)
    channel: str = Field(default="email", max_length=16)
    template: str = Field(max_length=32)
    language: str = Field(max_length=8)
    subject_id: str = Field(max_length=40, description="the visit it is about", index=True)
    subject_version: str = Field(
        max_length=40, description="which telling of it: a number, a day or an event"
    )
    told_start_at: datetime | None = instant(nullable=True)
    told_end_at: datetime | None = instant(nullable=True)
    message_class: TaskClass = choice(TaskClass, TaskClass.COURTESY)
    status: MessageStatus = choice(MessageStatus, MessageStatus.PENDING)
    reason: str = Field(default="", max_length=80)
    subject: str = Field(max_length=200)
    body: str = Field(max_length=4000)
    message_id: str = Field(max_length=120, unique=True)
    send_after: datetime = instant()
    expires_at: datetime = instant()
    created_at: datetime = instant()
    sends: int = Field(default=0, description="how often sending was begun")
    begun_at: datetime | None = instant(nullable=True)
    sent_at: datetime | None = instant(nullable=True)
    error: str = Field(default="", max_length=500)


class Survey(Versioned, table=True):
    """What a customer thinks of a visit: asked once, answered once, changed within a week.

    The columns from `customer_id` to `customer_class` are as they were at the visit: figures are counted by them.
    """

    __table_args__ = (
        sa.Index("ix_survey_answered", "territory_id", "answered_at"),
        sa.Index("ix_survey_asked", "customer_id", "asked_at"),
    )

    visit_id: str = Field(primary_key=True, foreign_key="visit.id", max_length=40)
    territory_id: str = Field(foreign_key="territory.id", max_length=32)
    customer_id: str = Field(foreign_key="customer.id", max_length=32)
    crew_id: str | None = Field(default=None, foreign_key="crew.id", max_length=32)
    work_type: str = Field(foreign_key="work_type.code", max_length=16)
    customer_class: CustomerClass = choice(CustomerClass)
    asked_at: datetime | None = instant(nullable=True)
    answered_at: datetime | None = instant(nullable=True)
    changed_at: datetime | None = instant(nullable=True)
    score: int | None = Field(default=None, description="1 (bad) to 5 (very good)")
    solved: bool | None = None
    comment: str = Field(default="", max_length=500)
    request_id: str | None = Field(
        default=None,
        foreign_key="request.id",
        max_length=32,
        index=True,
        description="the request that makes good for a bad answer",
    )


class CallOutcome(StrEnum):
    """What came of one attempt to call."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    CALL_BACK = "call_back"
    REFUSED = "refused"
    WRONG_NUMBER = "wrong_number"


class CallAttempt(Row, table=True):
    """One attempt to reach a customer by telephone about a work order.

    `again_at` is when to try again; `requests` and `order_id`, the visit's, are what it brought about.
    """

    __table_args__ = (sa.Index("ix_call_attempt_customer", "customer_id", "made_at"),)

    id: int | None = Field(default=None, primary_key=True)
    work_order_id: str = Field(foreign_key="work_order.id", max_length=32, index=True)
    customer_id: str = Field(foreign_key="customer.id", max_length=32)
    made_by: str = Field(max_length=64)
    made_at: datetime = instant()
    outcome: CallOutcome = choice(CallOutcome)
    answers: dict[str, Any] = document()
    note: str = Field(default="", max_length=500)
    again_at: datetime | None = instant(nullable=True)
    requests: list[str] = document(list)
    order_id: str | None = Field(default=None, max_length=32)


class CallClaim(Row, table=True):
    """Who is calling about a work order now; nobody else is given the call until `expires_at`."""

    work_order_id: str = Field(primary_key=True, foreign_key="work_order.id", max_length=32)
    caller_id: str = Field(max_length=64)
    expires_at: datetime = instant()
