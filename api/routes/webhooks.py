"""Webhooks: who outside is told of what happens, what became of each delivery, and sending it again."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import IfMatch, Now, Pages, Reading, TheSettings, Who, Writing, requires
from api.pagination import read_cursor, write_cursor
from api.repeats import Route, secret_answer
from api.schemas.forms import PageOf, PathId
from api.schemas.webhooks import (
    DeliveryOut,
    EnableIn,
    ReplayedOut,
    ReplayIn,
    WebhookChange,
    WebhookIn,
    WebhookOut,
    WebhookSecretOut,
)
from dispatch.core.config import Settings
from dispatch.webhooks import addresses, deliveries, subscribers
from dispatch.webhooks.secrets import secret_of
from dispatch.webhooks.tables import DeliveryStatus, Webhook

router = APIRouter(route_class=Route, prefix="/webhooks", tags=["webhooks"])

READ, WRITE = requires("webhook:read"), requires("webhook:write")


@router.get("", dependencies=[READ])
def list_webhooks(session: Reading) -> list[WebhookOut]:
    """Every webhook, by number."""
    return WebhookOut.all_of(subscribers.listed(session))


@router.post("", status_code=status.HTTP_201_CREATED, dependencies=[WRITE, secret_answer])
def create(
    body: WebhookIn, session: Writing, settings: TheSettings, caller: Who, moment: Now
) -> WebhookSecretOut:
    """Tell an address of what happens from now on. The secret that it verifies with is shown this once."""
    made = subscribers.create(
        session,
        **body.model_dump(),
        allowed=addresses.networks(settings.webhook_networks),
        actor=caller.actor,
        now=moment,
    )
    return _with_secret(made, settings)


@router.get("/{webhook_id}", dependencies=[READ])
def get(webhook_id: PathId, session: Reading) -> WebhookOut:
    """One webhook."""
    return WebhookOut.of(subscribers.get(session, webhook_id))


@router.patch("/{webhook_id}", dependencies=[WRITE])
def change(
    webhook_id: PathId,
    body: WebhookChange,
    session: Writing,
    settings: TheSettings,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> WebhookOut:
    """Change some of a webhook; what is left out stays."""
    webhook = subscribers.get(session, webhook_id)
    webhook.expect(if_match.of(body.version))
    changed = subscribers.change(
        session,
        webhook,
        values=body.model_dump(exclude_unset=True, exclude={"version"}),
        allowed=addresses.networks(settings.webhook_networks),
        actor=caller.actor,
        now=moment,
    )
    return WebhookOut.of(changed)


@router.delete("/{webhook_id}", status_code=status.HTTP_204_NO_CONTENT, dependencies=[WRITE])
def remove(
    webhook_id: PathId, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> None:
    """Forget a webhook and its deliveries."""
    webhook = subscribers.get(session, webhook_id)
    webhook.expect(if_match.of())
    subscribers.remove(session, webhook, actor=caller.actor, now=moment)


@router.post("/{webhook_id}/secret", dependencies=[WRITE, secret_answer])
def renew_secret(
    webhook_id: PathId,
    session: Writing,
    settings: TheSettings,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> WebhookSecretOut:
    """Make a new secret, shown this once; for a day what is sent is signed with the old one too."""
    webhook = subscribers.get(session, webhook_id)
    webhook.expect(if_match.of())
    renewed = subscribers.renew_secret(session, webhook, actor=caller.actor, now=moment)
    return _with_secret(renewed, settings)


@router.post("/{webhook_id}/disable", dependencies=[WRITE])
def disable(
    webhook_id: PathId, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> WebhookOut:
    """Tell it nothing more; what waits is given up and can be replayed."""
    webhook = subscribers.get(session, webhook_id)
    webhook.expect(if_match.of())
    done = subscribers.disable(session, webhook, reason="by_hand", actor=caller.actor, now=moment)
    return WebhookOut.of(done)


@router.post("/{webhook_id}/enable", dependencies=[WRITE])
def enable(
    webhook_id: PathId,
    body: EnableIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> WebhookOut:
    """Tell it again, of what happened meanwhile too unless that is skipped."""
    webhook = subscribers.get(session, webhook_id)
    webhook.expect(if_match.of())
    done = subscribers.enable(
        session, webhook, skip_missed=body.skip_missed, actor=caller.actor, now=moment
    )
    return WebhookOut.of(done)


@router.post("/{webhook_id}/test", status_code=status.HTTP_202_ACCEPTED, dependencies=[WRITE])
def send_test(webhook_id: PathId, session: Writing, caller: Who, moment: Now) -> DeliveryOut:
    """Send an event that says nothing; its delivery tells what was answered."""
    webhook = subscribers.get(session, webhook_id)
    return DeliveryOut.of(deliveries.send_test(session, webhook, actor=caller.actor, now=moment))


@router.get("/{webhook_id}/deliveries", dependencies=[READ])
def list_deliveries(
    webhook_id: PathId,
    session: Reading,
    paging: Pages,
    status: Annotated[DeliveryStatus | None, Query()] = None,
) -> PageOf[DeliveryOut]:
    """What was sent or waits, the newest first, with attempts and the last answer."""
    subscribers.get(session, webhook_id)
    rows, before = deliveries.listing(
        session,
        webhook_id=webhook_id,
        status=status,
        before=read_cursor(paging.cursor),
        limit=paging.limit,
    )
    return PageOf(items=DeliveryOut.all_of(rows), next=write_cursor(before))


@router.post("/{webhook_id}/replay", status_code=status.HTTP_202_ACCEPTED, dependencies=[WRITE])
def replay(
    webhook_id: PathId, body: ReplayIn, session: Writing, caller: Who, moment: Now
) -> ReplayedOut:
    """Send one delivery again, or those of a span of time, each with its old `webhook-id`."""
    webhook = subscribers.get(session, webhook_id)
    found = deliveries.replay(session, webhook, **body.model_dump(), actor=caller.actor, now=moment)
    return ReplayedOut(replayed=len(found))


def _with_secret(webhook: Webhook, settings: Settings) -> WebhookSecretOut:
    secret = secret_of(settings.key, webhook.id, webhook.secret_number)
    shown = WebhookOut.of(webhook).model_dump()
    return WebhookSecretOut(**shown, secret=secret)
