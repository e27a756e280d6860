"""Messages: what customers are told, once each."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, instant
from dispatch.core.tables import TaskClass


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
        sa.Index("ix_message_provider", "provider", "provider_id"),
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
    """Since when it may be out: the first sending after which nothing certain is known."""
    sent_at: datetime | None = instant(nullable=True)
    provider: str = Field(default="", max_length=32, description="who took it")
    provider_id: str = Field(default="", max_length=120, description="that provider's number of it")
    error: str = Field(default="", max_length=500)


class Inbox(Row, table=True):
    """A provider's callback that was worked on: told again, it changes nothing.

    `subject` is the provider's number of a message; `outcome` says what came of it. No text, no telephone.
    """

    __table_args__ = (sa.Index("ix_inbox_subject", "provider", "subject"),)

    provider: str = Field(primary_key=True, max_length=32)
    event_id: str = Field(primary_key=True, max_length=160)
    subject: str = Field(default="", max_length=120)
    status: str = Field(max_length=16)
    outcome: str = Field(max_length=16)
    received_at: datetime = instant()
