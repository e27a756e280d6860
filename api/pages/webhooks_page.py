"""Webhooks as a page: who is told of what, what became of each delivery, and sending it again."""

from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.deps import Now, Reading, Who, requires
from api.pages.messages_page import NotChosen
from api.pages.rendering import render, words_for
from api.pagination import read_cursor, write_cursor
from dispatch.core.calendar import zone_named
from dispatch.registry import territories
from dispatch.webhooks import deliveries, subscribers
from dispatch.webhooks.tables import DeliveryStatus

router = APIRouter(include_in_schema=False)

ROWS = 50
TONES = {
    DeliveryStatus.DELIVERED: "good", DeliveryStatus.FAILED: "bad", DeliveryStatus.WAITING: "window",
}  # fmt: skip


@router.get("/console/webhooks", dependencies=[requires("webhook:read")])
def webhooks(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    webhook: Annotated[str | None, Query(max_length=32)] = None,
    status: Annotated[DeliveryStatus | None, NotChosen, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """Every subscriber; with `webhook`, that one with its deliveries, the newest first."""
    places = territories.listed(session)
    zone = zone_named(places[0].zone) if places else ZoneInfo("UTC")
    opened = subscribers.get(session, webhook) if webhook else None
    rows, before = (
        deliveries.listing(
            session,
            webhook_id=opened.id,
            status=status,
            before=read_cursor(cursor),
            limit=ROWS,
        )
        if opened
        else ([], None)
    )
    filters = {"webhook": webhook or "", "status": status.value if status else ""}
    here = f"/console/webhooks?{urlencode({key: value for key, value in filters.items() if value})}"
    return render(
        request,
        "webhooks.html",
        words_for(request, caller.account.language, zone),
        caller=caller,
        hooks=subscribers.listed(session),
        opened=opened,
        deliveries=rows,
        older=f"{here}&{urlencode({'cursor': write_cursor(before)})}" if before else None,
        fate=status,
        statuses=list(DeliveryStatus),
        tones=TONES,
        territories=places,
        now=moment,
        may_write=caller.may("webhook:write"),
    )
