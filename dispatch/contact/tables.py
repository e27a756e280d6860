"""Messages: what customers are told, once each; and how each of them wants to be told."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, document, instant
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


class MessageClass(StrEnum):
    """How pressing a message is, and what it asks of its reader; `classes.CLASSES` says what follows from it."""

    EMERGENCY = "emergency"
    SERVICE_URGENT = "service_urgent"
    SERVICE = "service"
    SURVEY = "survey"
    MARKETING = "marketing"


class SubjectKind(StrEnum):
    """What a message is about."""

    VISIT = "visit"
    REQUEST = "request"
    OUTAGE = "outage"
    CUSTOMER = "customer"


class TextKind(StrEnum):
    """How much room a text has: a letter with a subject, or one or two SMS."""

    EMAIL = "email"
    SMS = "sms"


class Message(Versioned, table=True):
    """One notification to one person over one channel; unique per subject and its version.

    `told_*` is the span of time that it tells, [start, end); of a message about several visits, the first one's.
    `body` holds `[[link]]` and `[[code]]`, which are filled in at sending, so that no stored row opens a customer's
    page. `sending` is committed before the network is touched, and `message_id` is the same at every attempt.
    `details` are the values that it was written from, so that it can be written again for another channel.
    `message_class` says when it may go out and to whom, `task_class` what becomes of it when a worker dies.
    """

    __table_args__ = (
        sa.UniqueConstraint(
            "customer_id",
            "to_nominee",
            "recipient",
            "channel",
            "template",
            "subject_id",
            "subject_version",
            name="uq_message_telling",
        ),
        sa.Index("ix_message_status", "status", "send_after"),
        sa.Index("ix_message_provider", "provider", "provider_id"),
        sa.Index("ix_message_territory", "territory_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    territory_id: str = Field(foreign_key="territory.id", max_length=32)
    customer_id: str = Field(foreign_key="customer.id", max_length=32, index=True)
    to_nominee: bool = Field(default=False, description="goes to whom the customer named")
    recipient: str = Field(max_length=254)
    channel: str = Field(default="email", max_length=16)
    template: str = Field(max_length=32)
    template_version: int = Field(default=0, description="0: the text that Gridcrew comes with")
    language: str = Field(max_length=8)
    subject_kind: SubjectKind = choice(SubjectKind, SubjectKind.VISIT)
    subject_id: str = Field(max_length=40, description="the visit it is about", index=True)
    subject_version: str = Field(
        max_length=40, description="which telling of it: a number, a day or an event"
    )
    told_start_at: datetime | None = instant(nullable=True)
    told_end_at: datetime | None = instant(nullable=True)
    message_class: MessageClass = choice(MessageClass, MessageClass.SERVICE)
    task_class: TaskClass = choice(TaskClass, TaskClass.COURTESY)
    status: MessageStatus = choice(MessageStatus, MessageStatus.PENDING)
    reason: str = Field(default="", max_length=80)
    subject: str = Field(max_length=200)
    body: str = Field(max_length=4000)
    details: dict[str, Any] = document()
    message_id: str = Field(max_length=120, unique=True)
    fallback_of: int | None = Field(
        default=None,
        foreign_key="message.id",
        index=True,
        description="the message in whose stead it goes, over another channel",
    )
    provider: str = Field(default="", max_length=32)
    provider_id: str = Field(default="", max_length=120, description="the provider's name for it")
    send_after: datetime = instant()
    expires_at: datetime = instant()
    created_at: datetime = instant()
    sends: int = Field(default=0, description="how often sending was begun")
    begun_at: datetime | None = instant(nullable=True)
    sent_at: datetime | None = instant(nullable=True)
    error: str = Field(default="", max_length=500)


class Telling(Row, table=True):
    """What a message tells of one visit; a household's message tells of several."""

    message_id: int = Field(primary_key=True, foreign_key="message.id")
    visit_id: str = Field(primary_key=True, foreign_key="visit.id", max_length=40, index=True)
    version: str = Field(max_length=40)
    told_start_at: datetime | None = instant(nullable=True)
    told_end_at: datetime | None = instant(nullable=True)


class ContactPreference(Versioned, table=True):
    """How a customer wants to be told; who has set nothing has no row.

    `channels` is the order to try them in, empty: the message class's own. `earliest_hour` and `latest_hour` are
    local and narrow the class's hours. `stopped` are message classes.
    """

    customer_id: str = Field(primary_key=True, foreign_key="customer.id", max_length=32)
    channels: list[str] = document(list)
    language: str | None = Field(default=None, max_length=8)
    earliest_hour: int | None = None
    latest_hour: int | None = None
    nominee_name: str = Field(default="", max_length=120)
    nominee_phone: str | None = Field(default=None, max_length=32)
    nominee_email: str | None = Field(default=None, max_length=254)
    nominee_instead: bool = Field(default=False, description="told instead of the customer")
    stopped: list[str] = document(list)
    wants_marketing: bool = False
    do_not_contact: str = Field(default="", max_length=200, description="why not; empty: one may")


class TemplateText(Row, table=True):
    """A version of a template's text, as an administrator wrote it; version 0 is the file that Gridcrew comes with.

    At most one version of a name, kind and language is active; with none the file is used. A version that was never
    active is a draft; none is ever changed.
    """

    __table_args__ = (
        sa.UniqueConstraint("name", "kind", "language", "number", name="uq_template_text_number"),
    )

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(max_length=32)
    kind: TextKind = choice(TextKind)
    language: str = Field(max_length=8)
    number: int
    subject: str = Field(default="", max_length=300)
    body: str = Field(max_length=4000)
    is_active: bool = False
    activated_at: datetime | None = instant(nullable=True)
    created_by: str = Field(max_length=64)
    created_at: datetime = instant()


class OutageNotice(Versioned, table=True):
    """A planned interruption of supply that its customers are told of, and of its end.

    `premises` are the ids of all that are concerned, settled when the notice was given.
    """

    id: str = Field(primary_key=True, max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    reason_zh: str = Field(max_length=200)
    reason_en: str = Field(max_length=200)
    premises: list[Any] = document(list)
    restored_at: datetime | None = instant(nullable=True)
    withdrawn_at: datetime | None = instant(nullable=True)
    created_by: str = Field(max_length=64)
    created_at: datetime = instant()
