"""Messages: what customers are told, once each; and the links that open their pages."""

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


class LinkKey(Row, table=True):
    """A key that customers' links are made with: it is derived from the installation's secret and its number.

    Links of a retired key open nothing. The newest one that is not retired makes new links.
    """

    id: int | None = Field(default=None, primary_key=True)
    created_at: datetime = instant()
    retired_at: datetime | None = instant(nullable=True)


class Link(Row, table=True):
    """What a customer's link opens; of its token only a SHA-256 is kept, and a seal that no other row fits.

    `purpose` says what may be done with it, `subject_id` is the visit or request. It holds for one version of its
    subject: a new appointment, or no wish to be written to any more, ends it.
    """

    id: int | None = Field(default=None, primary_key=True)
    hash: str = Field(max_length=64, unique=True)
    seal: str = Field(max_length=64)
    key_id: int = Field(foreign_key="link_key.id", index=True)
    purpose: str = Field(max_length=16)
    subject_id: str = Field(max_length=40, index=True)
    subject_version: str = Field(max_length=40)
    customer_id: str | None = Field(
        default=None, foreign_key="customer.id", max_length=32, index=True
    )
    issued_at: datetime = instant()
    expires_at: datetime = instant(index=True)
    revoked_at: datetime | None = instant(nullable=True)
