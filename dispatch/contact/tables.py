"""Messages: what customers are told, once each, and how each of them wants to be told; the links that open their
pages; and what customers say in surveys.
"""

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
        sa.Index("ix_message_created", "created_at"),
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
    """Since when it may be out: the first sending after which nothing certain is known."""
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
    """An interruption of supply that its customers are told of, and of its end: planned, or a fault.

    `premises` are the ids of all that are concerned, settled when the notice was given; `feeders` those by which
    they were chosen. Of a fault (`unplanned`) `ends_at` is when supply is expected back.
    """

    id: str = Field(primary_key=True, max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    reason_zh: str = Field(max_length=200)
    reason_en: str = Field(max_length=200)
    premises: list[Any] = document(list)
    feeders: list[str] = document(list)
    unplanned: bool = False
    restored_at: datetime | None = instant(nullable=True)
    withdrawn_at: datetime | None = instant(nullable=True)
    created_by: str = Field(max_length=64)
    created_at: datetime = instant()


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
