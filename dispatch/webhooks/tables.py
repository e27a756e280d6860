"""Webhooks: who outside is told of what happens, and what became of each telling."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, document, instant


class WebhookStatus(StrEnum):
    """Whether a subscriber is told."""

    ACTIVE = "active"
    DISABLED = "disabled"


class DeliveryStatus(StrEnum):
    """Where one delivery is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Webhook(Versioned, table=True):
    """A subscriber: events of `event_types` in `territories` (empty: everywhere) are sent to `url`.

    `position` is the last event looked at. The secret is made from the installation's key, the id and
    `secret_number`; none of it stands in the database.
    """

    id: str = Field(primary_key=True, max_length=32)
    url: str = Field(max_length=500)
    description: str = Field(default="", max_length=200)
    event_types: list[str] = document(list)
    territories: list[str] = document(list)
    status: WebhookStatus = choice(WebhookStatus, WebhookStatus.ACTIVE)
    reason: str = Field(default="", max_length=32, description="why it is disabled")
    secret_number: int = 1
    old_secret_until: datetime | None = instant(nullable=True)
    position: int = 0
    failing_since: datetime | None = instant(nullable=True)
    failures: int = Field(default=0, description="attempts that failed since the last success")
    rests_until: datetime | None = instant(nullable=True)
    created_by: str = Field(max_length=64)
    created_at: datetime = instant()


class WebhookDelivery(Row, table=True):
    """One event for one subscriber; `message_id` is the same at every attempt and replay.

    `event_id` is empty for a test. The body is made from the event, which never changes, at each attempt.
    """

    __table_args__ = (
        sa.UniqueConstraint("webhook_id", "message_id"),
        sa.Index("ix_webhook_delivery_status", "webhook_id", "status", "id"),
        sa.Index("ix_webhook_delivery_created", "created_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    webhook_id: str = Field(foreign_key="webhook.id", max_length=32)
    event_id: int | None = Field(default=None, foreign_key="event.id")
    message_id: str = Field(max_length=64)
    type: str = Field(max_length=80)
    status: DeliveryStatus = choice(DeliveryStatus, DeliveryStatus.WAITING)
    attempts: int = 0
    replays: int = 0
    response_code: int | None = None
    error: str = Field(default="", max_length=200)
    created_at: datetime = instant()
    attempted_at: datetime | None = instant(nullable=True)
    delivered_at: datetime | None = instant(nullable=True)
