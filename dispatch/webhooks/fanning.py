"""From the trail to the subscribers: which event is told to whom.

The sealed trail is followed by position, so that nothing that was committed late is missed. A subscriber that does
not take what waits gets no more: the rest waits in the trail.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.tables import Event
from dispatch.webhooks import subscribers
from dispatch.webhooks.deliveries import enqueue
from dispatch.webhooks.tables import DeliveryStatus, Webhook, WebhookDelivery, WebhookStatus

MOST_WAITING = 50
"""Deliveries of one subscriber that wait at a time."""
LOOKED_AT = 500
"""Events looked at for a subscriber in one go."""


def behind(session: Session) -> list[str]:
    """The active webhooks that have not been told all, and have room for more."""
    top = sa.select(sa.func.max(Event.position)).scalar_subquery()
    waiting = (
        sa.select(sa.func.count())
        .where(
            col(WebhookDelivery.webhook_id) == col(Webhook.id),
            col(WebhookDelivery.status) == DeliveryStatus.WAITING,
        )
        .correlate(Webhook)
        .scalar_subquery()
    )
    statement = select(Webhook.id).where(
        col(Webhook.status) == WebhookStatus.ACTIVE,
        col(Webhook.position) < top,
        waiting < MOST_WAITING,
    )
    return list(session.exec(statement.order_by(Webhook.id)))


def fan_out(session: Session, webhook_ids: Sequence[str], *, now: datetime) -> int:
    """Make the deliveries of what was sealed since these webhooks were last looked at, as far as there is room."""
    made = 0
    for webhook in session.exec(
        select(Webhook)
        .where(col(Webhook.id).in_(webhook_ids), col(Webhook.status) == WebhookStatus.ACTIVE)
        .order_by(Webhook.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all():
        made += _fan_out_to(session, webhook, now=now)
    return made


def _fan_out_to(session: Session, webhook: Webhook, *, now: datetime) -> int:
    waiting = session.exec(
        select(sa.func.count()).where(
            col(WebhookDelivery.webhook_id) == webhook.id,
            col(WebhookDelivery.status) == DeliveryStatus.WAITING,
        )
    ).one()
    room, last = MOST_WAITING - waiting, webhook.position
    made: list[WebhookDelivery] = []
    for event in session.exec(
        select(Event)
        .where(col(Event.position) > webhook.position)
        .order_by(col(Event.position))
        .limit(LOOKED_AT)
    ):
        if subscribers.matches(webhook, event):
            if len(made) >= room:
                break
            made.append(
                WebhookDelivery(
                    webhook_id=webhook.id,
                    event_id=event.id,
                    message_id=f"event-{event.id}",
                    type=event.type,
                    created_at=now,
                )
            )
        last = event.position or last
    session.add_all(made)
    session.flush()
    for delivery in made:
        enqueue(session, delivery, now=now)
    subscribers.note_position(session, webhook.id, last)
    return len(made)
