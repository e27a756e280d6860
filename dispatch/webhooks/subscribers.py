"""Subscribers: who is told of what, and how it stands with them."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import events, numbers
from dispatch.core.alerts import raise_alert, resolve
from dispatch.core.errors import InvalidError, NotFoundError
from dispatch.core.events import SYSTEM, Actor
from dispatch.core.tables import Event
from dispatch.registry import territories as places
from dispatch.webhooks import addresses
from dispatch.webhooks.addresses import Network
from dispatch.webhooks.lifecycle import DELIVERIES, WEBHOOKS
from dispatch.webhooks.tables import DeliveryStatus, Webhook, WebhookDelivery, WebhookStatus

ENTITY = "webhook"
OLD_SECRET_FOR = timedelta(hours=24)
"""How long the secret before is still signed with, after a new one was made."""
DISABLED_AFTER = timedelta(days=5)
"""Of failures without one success, before a subscriber is told no more."""
RESTS = (5, 30, 300)
"""Seconds that a subscriber is left alone after its first, second and every further failure in a row."""
MOST = 50
"""Filters a subscriber may have of each kind."""
_TYPE = re.compile(r"\*|[a-z_]{1,40}\.(\*|[a-z_]{1,40})")


class NoSuchWebhook(NotFoundError):
    """No webhook has this number."""

    code = "no_such_webhook"


class BadWebhook(InvalidError):
    """A filter is none, or there are too many."""

    code = "bad_webhook"


def get(session: Session, webhook_id: str) -> Webhook:
    """The webhook with this number; raises NoSuchWebhook."""
    webhook = session.get(Webhook, webhook_id)
    if webhook is None:
        raise NoSuchWebhook(f"There is no webhook {webhook_id}.", subject=webhook_id)
    return webhook


def listed(session: Session) -> Sequence[Webhook]:
    """Every webhook, by number."""
    return session.exec(select(Webhook).order_by(Webhook.id)).all()


def create(
    session: Session,
    *,
    url: str,
    event_types: Sequence[str],
    territories: Sequence[str] = (),
    description: str = "",
    allowed: Sequence[Network] = (),
    actor: Actor,
    now: datetime,
) -> Webhook:
    """Tell `url` of the events from now on whose type is one of `event_types`: `visit.done`, `visit.*` or `*`.

    With `territories`, only of what happens in them. `allowed` networks may be called besides public addresses.
    Raises BadUrl, BadWebhook and NoSuchTerritory.
    """
    webhook = Webhook(
        id=numbers.next_number(session, ENTITY, "H"),
        url=addresses.check(url, allowed),
        description=description.strip(),
        event_types=_types(event_types),
        territories=_territories(session, territories),
        position=session.exec(select(sa.func.max(Event.position))).one() or 0,
        created_by=actor.id,
        created_at=now,
    )
    session.add(webhook)
    _record(session, webhook, "created", actor=actor, now=now)
    return webhook


def change(
    session: Session,
    webhook: Webhook,
    *,
    values: dict[str, Any],
    allowed: Sequence[Network] = (),
    actor: Actor,
    now: datetime,
) -> Webhook:
    """Change some of url, event_types, territories and description; what waits goes to the new url.

    Raises BadUrl, BadWebhook and NoSuchTerritory.
    """
    checks: dict[str, Callable[[Any], Any]] = {
        "url": lambda value: addresses.check(value, allowed),
        "event_types": _types,
        "territories": lambda value: _territories(session, value),
        "description": str.strip,
    }
    for name, value in values.items():
        setattr(webhook, name, checks[name](value))
    _record(session, webhook, "changed", actor=actor, now=now, fields=sorted(values))
    return webhook


def renew_secret(session: Session, webhook: Webhook, *, actor: Actor, now: datetime) -> Webhook:
    """Make a new secret; for `OLD_SECRET_FOR` what is sent is signed with both."""
    webhook.secret_number += 1
    webhook.old_secret_until = now + OLD_SECRET_FOR
    _record(session, webhook, "secret_renewed", actor=actor, now=now)
    return webhook


def move(
    session: Session,
    webhook: Webhook,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> Webhook:
    """Change the status by one move of the life cycle, which nothing else does.

    Raises IllegalMove and MoveNotYours.
    """
    webhook.status = WEBHOOKS.target(webhook.status, action, role=actor.role, subject=webhook.id)
    webhook.reason = reason
    _record(session, webhook, webhook.status.value, actor=actor, now=now)
    return webhook


def disable(
    session: Session, webhook: Webhook, *, reason: str, actor: Actor, now: datetime
) -> Webhook:
    """Tell a subscriber nothing more; what waits is given up and can be replayed. Raises IllegalMove."""
    move(session, webhook, "disable", actor=actor, now=now, reason=reason)
    given_up = DELIVERIES.target(
        DeliveryStatus.WAITING, "give_up", role=SYSTEM.role, subject=webhook.id
    )
    session.execute(
        sa.update(WebhookDelivery)
        .where(
            col(WebhookDelivery.webhook_id) == webhook.id,
            col(WebhookDelivery.status) == DeliveryStatus.WAITING,
        )
        .values(status=given_up, error=f"disabled: {reason}")
    )
    if actor.role == SYSTEM.role:
        raise_alert(
            session,
            _alert_key(webhook),
            f"Webhook {webhook.id} is told nothing more ({reason}). See its deliveries, mend the receiver, then "
            "enable it; what it missed is sent then.",
            now=now,
        )
    return webhook


def enable(
    session: Session, webhook: Webhook, *, skip_missed: bool, actor: Actor, now: datetime
) -> Webhook:
    """Tell a subscriber again: of what happened meanwhile too, unless that is skipped. Raises IllegalMove."""
    move(session, webhook, "enable", actor=actor, now=now)
    webhook.failing_since, webhook.failures, webhook.rests_until = None, 0, None
    if skip_missed:
        webhook.position = session.exec(select(sa.func.max(Event.position))).one() or 0
    resolve(session, _alert_key(webhook), now=now)
    session.flush()
    return webhook


def remove(session: Session, webhook: Webhook, *, actor: Actor, now: datetime) -> None:
    """Forget a subscriber and its deliveries; that it was there stays in the trail."""
    _record(session, webhook, "removed", actor=actor, now=now)
    session.execute(sa.delete(WebhookDelivery).where(col(WebhookDelivery.webhook_id) == webhook.id))
    resolve(session, _alert_key(webhook), now=now)
    session.delete(webhook)
    session.flush()


def note_success(session: Session, webhook_id: str) -> None:
    """The subscriber took something: it is well."""
    _set(session, webhook_id, failing_since=None, failures=0, rests_until=None)


def note_failure(
    session: Session, webhook: Webhook, *, is_away: bool, pause: timedelta | None, now: datetime
) -> None:
    """The subscriber did not take something; disables it when that has been so for `DISABLED_AFTER`.

    When it `is_away` (no answer, an error of its own) it is left alone for a while: `pause`, or the next of
    `RESTS`. Deliveries that failed together count as one.
    """
    since = webhook.failing_since or now
    if now - since >= DISABLED_AFTER and webhook.status is WebhookStatus.ACTIVE:
        disable(session, webhook, reason="failing", actor=SYSTEM, now=now)
        return
    rests = webhook.rests_until is not None and webhook.rests_until > now
    if not is_away or rests:
        _set(session, webhook.id, failing_since=since)
        return
    rest = pause or timedelta(seconds=RESTS[min(webhook.failures, len(RESTS) - 1)])
    _set(
        session,
        webhook.id,
        failing_since=since,
        failures=webhook.failures + 1,
        rests_until=now + rest,
    )


def note_position(session: Session, webhook_id: str, position: int) -> None:
    """The subscriber's deliveries have been made up to this event."""
    _set(session, webhook_id, position=position)


def matches(webhook: Webhook, event: Event) -> bool:
    """Whether the subscriber wants to be told of the event."""
    if webhook.territories and event.territory_id not in webhook.territories:
        return False
    family = event.type.partition(".")[0]
    return any(wanted in ("*", event.type, f"{family}.*") for wanted in webhook.event_types)


def _set(session: Session, webhook_id: str, **values: Any) -> None:
    """Write how a subscriber is, beside its version: two deliveries at once are no conflict."""
    session.execute(
        sa.update(Webhook)
        .where(col(Webhook.id) == webhook_id)
        .values(**values)
        .execution_options(synchronize_session="evaluate")
    )


def _types(wanted: Sequence[str]) -> list[str]:
    if not 1 <= len(wanted) <= MOST:
        raise BadWebhook(f"Name 1 to {MOST} types of event.", field="event_types")
    for number, one in enumerate(wanted):
        if not _TYPE.fullmatch(one):
            raise BadWebhook(
                f"{one!r} is no type of event such as visit.done, visit.* or *.",
                field=f"event_types.{number}",
            )
    return list(dict.fromkeys(wanted))


def _territories(session: Session, wanted: Sequence[str]) -> list[str]:
    if len(wanted) > MOST:
        raise BadWebhook(f"Name {MOST} territories at most, or none for all.", field="territories")
    return [places.get(session, territory_id).id for territory_id in dict.fromkeys(wanted)]


def _alert_key(webhook: Webhook) -> str:
    return f"webhook.disabled:{webhook.id}"


def _record(
    session: Session, webhook: Webhook, what: str, *, actor: Actor, now: datetime, **data: Any
) -> None:
    session.flush()
    events.record(
        session,
        f"{ENTITY}.{what}",
        entity=ENTITY,
        entity_id=webhook.id,
        actor=actor,
        now=now,
        to_status=webhook.status.value,
        data={**data, **({"reason": webhook.reason} if webhook.reason else {})},
    )
    session.flush()
