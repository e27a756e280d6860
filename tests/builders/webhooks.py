"""Subscribers for tests, and events that they are told of."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from dispatch.core import events
from dispatch.core.db import Database, transaction
from dispatch.core.events import SYSTEM, record
from dispatch.core.tables import Event
from dispatch.webhooks import addresses, fanning, subscribers
from dispatch.webhooks.tables import Webhook, WebhookDelivery
from tests.builders.registry import ADMIN
from tests.instants import NOW

KEY = b"k" * 40
LOOPBACK = addresses.networks("127.0.0.0/8")


def make_webhook(
    session: Session,
    *,
    url: str = "https://example.com/hooks",
    event_types: tuple[str, ...] = ("visit.*",),
    now: datetime = NOW,
    **values: Any,
) -> Webhook:
    """A subscriber to what happens to visits."""
    return subscribers.create(
        session, url=url, event_types=event_types, allowed=LOOPBACK, actor=ADMIN, now=now, **values
    )


def happen(
    session: Session, *types: str, now: datetime = NOW, territory_id: str | None = None
) -> list[Event]:
    """Events of these types about a thing that no reaction looks for."""
    return [
        record(
            session, type, entity="visit", entity_id=f"V-{number}", actor=SYSTEM, now=now,
            territory_id=territory_id,
        )
        for number, type in enumerate(types)
    ]  # fmt: skip


def tell(database: Database, *, now: datetime = NOW) -> int:
    """What the sweeper does: seal, and make the deliveries; how many."""
    events.seal(database, KEY)
    with transaction(database) as session:
        return fanning.fan_out(session, fanning.behind(session), now=now)


def deliveries_of(session: Session, webhook_id: str) -> list[WebhookDelivery]:
    """A subscriber's deliveries, the first one first."""
    statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    return list(session.exec(statement.order_by(WebhookDelivery.id)))  # type: ignore[arg-type]
