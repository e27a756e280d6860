"""Interruptions of supply as a page: give notice of one, see who was told, move, withdraw or end it."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.deps import Now, Reading, Who, requires
from api.pages.ground import MAP_WIDTH, MARGIN, dots_of, ground_of
from api.pages.messages_page import TONES
from api.pages.rendering import render, words_for
from dispatch.contact import extent, incidents, outages, queries
from dispatch.contact.tables import MessageStatus, OutageNotice
from dispatch.core.calendar import zone_named
from dispatch.registry import territories

router = APIRouter(include_in_schema=False)

STATES = {"planned": "window", "off": "warn", "over": "bad", "restored": "good", "withdrawn": ""}
"""How far an interruption is, and the colour of it; `over` is one of which nobody has said that supply is back."""
OPEN = ("planned", "off", "over")


@router.get("/console/outages", dependencies=[requires("message:read")])
def outages_page(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    territory: Annotated[str, Query(max_length=32)],
    notice: Annotated[str | None, Query(max_length=32)] = None,
) -> HTMLResponse:
    """The territory's interruptions, planned or faults, the latest first; with `notice`, that one opened."""
    chosen = territories.get(session, territory)
    listed = outages.listing(session, territory_id=chosen.id)
    opened = _opened(session, chosen.id, notice)
    shown = [*listed, *([opened] if opened else [])]
    may_write = caller.may("outage:write")
    ground = ground_of(chosen.boundary) if may_write else None
    return render(
        request,
        "outages.html",
        words_for(request, caller.account.language, zone_named(chosen.zone)),
        caller=caller,
        territory=chosen,
        notices=listed,
        opened=opened,
        told=queries.counts_of_subjects(session, {one.id for one in shown}),
        reports=incidents.counted(session, {one.id for one in shown}),
        feeders=extent.feeders(session, territory_id=chosen.id) if may_write and not opened else {},
        states={one.id: _state(one, moment) for one in shown},
        colours=STATES,
        tones={status.value: tone for status, tone in TONES.items()},
        statuses=[status.value for status in MessageStatus],
        open=OPEN,
        ground=ground,
        width=MAP_WIDTH,
        margin=MARGIN,
        dots=dots_of(session, chosen.id, ground),
        may_write=may_write,
        may_board=caller.may("board:read"),
    )


def _opened(session: Session, territory_id: str, number: str | None) -> OutageNotice | None:
    """The notice that is asked for; raises NoSuchOutage for none of this territory's."""
    if number is None:
        return None
    found = outages.get(session, number)
    if found.territory_id != territory_id:
        raise outages.NoSuchOutage(f"There is no outage notice {number} here.", field="notice")
    return found


def _state(notice: OutageNotice, now: datetime) -> str:
    if notice.withdrawn_at is not None:
        return "withdrawn"
    if notice.restored_at is not None:
        return "restored"
    if now < notice.starts_at:
        return "planned"
    return "off" if now < notice.ends_at else "over"
