"""Deliveries: one event for one subscriber, sent by a durable task, never forgotten.

A task begins by `begin`, which commits the attempt; then the network is touched; then `succeed` or `fail` says what
came of it. Whatever breaks between is sent again under the same `message_id`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import tasks
from dispatch.core.errors import InvalidError, NotFoundError
from dispatch.core.events import SYSTEM, Actor, record
from dispatch.core.tables import Event, TaskClass
from dispatch.webhooks import cloud_events, subscribers
from dispatch.webhooks.lifecycle import DELIVERIES
from dispatch.webhooks.secrets import headers
from dispatch.webhooks.tables import DeliveryStatus, Webhook, WebhookDelivery, WebhookStatus

TASK = "webhook.deliver"
MOST_ATTEMPTS = len(tasks.RETRY_AFTER) + 1
"""The first attempt, and one after each pause of the ladder."""
MOST_REPLAYED = 1000
KEPT = timedelta(days=90)


class NoSuchDelivery(NotFoundError):
    """The webhook has no delivery of this number."""

    code = "no_such_delivery"


class BadReplay(InvalidError):
    """It is not said which deliveries to replay, or there are too many."""

    code = "bad_replay"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What to post now."""

    delivery_id: int
    url: str
    body: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Resting:
    """The subscriber is left alone until `until`; the attempt does not count."""

    until: datetime


def begin(
    session: Session, *, delivery_id: int, key: bytes, source: str, now: datetime
) -> Outgoing | Resting | None:
    """Count an attempt and say what to post, None when there is nothing to do any more; commit before posting."""
    delivery = session.get(WebhookDelivery, delivery_id)
    if delivery is None or delivery.status is not DeliveryStatus.WAITING:
        return None
    webhook = subscribers.get(session, delivery.webhook_id)
    if webhook.status is not WebhookStatus.ACTIVE and delivery.event_id is not None:
        move(delivery, "give_up", actor=SYSTEM)
        delivery.error = f"disabled: {webhook.reason}"
        return None
    if delivery.event_id and webhook.rests_until is not None and webhook.rests_until > now:
        return Resting(webhook.rests_until)
    delivery.attempts, delivery.attempted_at = delivery.attempts + 1, now
    if delivery.event_id is None:
        made = delivery.created_at
        body = cloud_events.test_body(source=source, id=delivery.message_id, at=made)
    else:
        body = cloud_events.body_of(session.get_one(Event, delivery.event_id), source=source)
    signed = headers(key, webhook, message_id=delivery.message_id, body=body, now=now)
    session.flush()
    return Outgoing(
        delivery_id, webhook.url, body, {"content-type": cloud_events.CONTENT_TYPE, **signed}
    )


def succeed(session: Session, *, delivery_id: int, code: int, now: datetime) -> None:
    """The subscriber took it."""
    delivery = session.get(WebhookDelivery, delivery_id)
    if delivery is None or delivery.status is not DeliveryStatus.WAITING:
        return
    move(delivery, "deliver", actor=SYSTEM)
    delivery.response_code, delivery.error, delivery.delivered_at = code, "", now
    session.flush()
    subscribers.note_success(session, delivery.webhook_id)


def fail(
    session: Session,
    *,
    delivery_id: int,
    code: int | None,
    error: str,
    final: bool,
    pause: timedelta | None = None,
    now: datetime,
) -> DeliveryStatus | None:
    """The subscriber did not take it; `final` is the last attempt. What became of the delivery, None if it is gone.

    `code` is its answer, None without one; 410 means that it wants no more and is disabled at once. `pause` is how
    long it asked to be left alone.
    """
    delivery = session.get(WebhookDelivery, delivery_id)
    if delivery is None or delivery.status is not DeliveryStatus.WAITING:
        return None if delivery is None else delivery.status
    delivery.response_code, delivery.error = code, error[:200]
    if final:
        move(delivery, "give_up", actor=SYSTEM)
    session.flush()
    webhook = session.get_one(Webhook, delivery.webhook_id, populate_existing=True)
    if code == 410 and webhook.status is WebhookStatus.ACTIVE:
        subscribers.disable(session, webhook, reason="gone", actor=SYSTEM, now=now)
        session.refresh(delivery)
    else:
        away = code is None or code == 429 or code >= 500
        subscribers.note_failure(session, webhook, is_away=away, pause=pause, now=now)
        session.refresh(delivery)
    return delivery.status


def enqueue(session: Session, delivery: WebhookDelivery, *, now: datetime) -> None:
    """Add the task that sends the delivery; each replay is a task of its own."""
    tasks.enqueue(
        session,
        TASK,
        key=f"{TASK}:{delivery.webhook_id}:{delivery.message_id}:{delivery.replays}",
        payload={"delivery_id": delivery.id, "webhook_id": delivery.webhook_id},
        task_class=TaskClass.COURTESY,
        max_attempts=MOST_ATTEMPTS,
        now=now,
    )


def send_test(
    session: Session, webhook: Webhook, *, actor: Actor, now: datetime
) -> WebhookDelivery:
    """Send the subscriber an event that says nothing, also when it is disabled."""
    number = session.exec(select(sa.func.max(WebhookDelivery.id))).one() or 0
    delivery = WebhookDelivery(
        webhook_id=webhook.id,
        message_id=f"test-{webhook.id}-{number + 1}-{int(now.timestamp())}",
        type=cloud_events.TEST,
        created_at=now,
    )
    session.add(delivery)
    session.flush()
    enqueue(session, delivery, now=now)
    record(session, "webhook.tested", entity="webhook", entity_id=webhook.id, actor=actor, now=now)
    session.flush()
    return delivery


def replay(
    session: Session,
    webhook: Webhook,
    *,
    delivery_id: int | None = None,
    begin_at: datetime | None = None,
    end_at: datetime | None = None,
    status: DeliveryStatus | None = None,
    actor: Actor,
    now: datetime,
) -> list[WebhookDelivery]:
    """Send one delivery again, or those made in [begin_at, end_at) (with `status`, only those), each as it was.

    What waits is left to wait. Raises NoSuchDelivery, BadReplay, and IllegalMove for one that waits.
    """
    if (delivery_id is None) == (begin_at is None or end_at is None):
        raise BadReplay(
            "Name one delivery, or the begin and the end of a span.", field="delivery_id"
        )
    statement = select(WebhookDelivery).where(col(WebhookDelivery.webhook_id) == webhook.id)
    if delivery_id is not None:
        statement = statement.where(col(WebhookDelivery.id) == delivery_id)
    else:
        statement = statement.where(
            col(WebhookDelivery.created_at) >= begin_at,
            col(WebhookDelivery.created_at) < end_at,
            col(WebhookDelivery.status) != DeliveryStatus.WAITING,
        )
    if status is not None:
        statement = statement.where(col(WebhookDelivery.status) == status)
    found = session.exec(statement.order_by(col(WebhookDelivery.id)).limit(MOST_REPLAYED + 1)).all()
    if delivery_id is not None and not found:
        raise NoSuchDelivery(
            f"Webhook {webhook.id} has no delivery {delivery_id}.", field="delivery_id"
        )
    if len(found) > MOST_REPLAYED:
        raise BadReplay(
            f"These are more than {MOST_REPLAYED}: name an earlier end.", field="end_at"
        )
    for delivery in found:
        move(delivery, "replay", actor=actor)
        delivery.replays, delivery.attempts = delivery.replays + 1, 0
        delivery.response_code, delivery.error, delivery.delivered_at = None, "", None
        session.flush()
        enqueue(session, delivery, now=now)
    record(
        session,
        "webhook.replayed",
        entity="webhook",
        entity_id=webhook.id,
        actor=actor,
        now=now,
        data={"deliveries": len(found)},
    )
    session.flush()
    return list(found)


def move(delivery: WebhookDelivery, action: str, *, actor: Actor) -> WebhookDelivery:
    """Change the status by one move of the life cycle: the one place that does; raises IllegalMove, MoveNotYours.

    It records no event: what is told of would never end.
    """
    delivery.status = DELIVERIES.target(
        delivery.status, action, role=actor.role, subject=str(delivery.id)
    )
    return delivery


def listing(
    session: Session,
    *,
    webhook_id: str,
    status: DeliveryStatus | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[list[WebhookDelivery], int | None]:
    """A webhook's deliveries, the newest first, and before which number the next page begins, None on the last."""
    statement = select(WebhookDelivery).where(col(WebhookDelivery.webhook_id) == webhook_id)
    if status is not None:
        statement = statement.where(col(WebhookDelivery.status) == status)
    if before is not None:
        statement = statement.where(col(WebhookDelivery.id) < before)
    rows = session.exec(statement.order_by(col(WebhookDelivery.id).desc()).limit(limit + 1)).all()
    return list(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None


def forget(session: Session, *, now: datetime, limit: int = 10_000) -> int:
    """Remove what was delivered or given up more than `KEPT` ago, the oldest first; how many rows."""
    old = (
        sa.select(col(WebhookDelivery.id))
        .where(
            col(WebhookDelivery.created_at) < now - KEPT,
            col(WebhookDelivery.status) != DeliveryStatus.WAITING,
        )
        .order_by(col(WebhookDelivery.created_at))
        .limit(limit)
    )
    statement = sa.delete(WebhookDelivery).where(col(WebhookDelivery.id).in_(old.scalar_subquery()))
    result = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]
