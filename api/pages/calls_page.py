"""The callers' page: the day's calls, and the one that is being made with its script."""

from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from api.deps import Now, Reading, Who, requires
from api.pages.rendering import render, words_for
from api.schemas.forms import QueryDay
from dispatch.calls import call_list
from dispatch.calls.call_list import Call
from dispatch.calls.hours import CALL_FROM, CALL_UNTIL
from dispatch.calls.reporting import FURTHEST, MOST_NOTE
from dispatch.calls.tables import CallOutcome
from dispatch.core.calendar import local_day, zone_named
from dispatch.desk.tables import RequestKind
from dispatch.registry import territories
from dispatch.registry.tables import Account
from dispatch.work.tables import WorkOrderStatus

router = APIRouter(include_in_schema=False)


@router.get("/console/calls", dependencies=[requires("order:read")])
def calls(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    territory: Annotated[str, Query(max_length=32)],
    day: QueryDay | None = None,
    call: Annotated[str | None, Query(max_length=32)] = None,
) -> HTMLResponse:
    """The territory's calls of a day; with `call`, that one's script and form."""
    chosen = territories.get(session, territory)
    zone = zone_named(chosen.zone)
    today = local_day(moment, zone)
    listed = call_list.calls_of_day(
        session, territory_id=chosen.id, day=day or today, reader=caller.account.id, now=moment
    )
    shown = _shown(session, call, listed, reader=caller.account.id, now=moment)
    later = (
        None if listed else call_list.next_day(session, territory_id=chosen.id, after=day or today)
    )
    free = (one for one in listed if one.held_by is None and not _waits(one, moment))
    following = next((one for one in free if shown is None or one.order.id != shown.order.id), None)
    return render(
        request,
        "calls.html",
        words_for(request, caller.account.language, zone),
        caller=caller,
        territory=chosen,
        day=day or today,
        asked_day=day,
        calls=listed,
        later=later,
        shown=shown,
        following=following.order.id if following else None,
        mine=shown is not None and shown.held_by == caller.account.id,
        is_open=shown is not None and shown.order.status is WorkOrderStatus.READY,
        names=_names(session, listed, shown),
        outcomes=list(CallOutcome),
        kinds=list(RequestKind),
        earliest=f"{CALL_FROM:%H:%M}",
        latest=f"{CALL_UNTIL:%H:%M}",
        longest_note=MOST_NOTE,
        offsets=_offsets(zone, today),
        now=moment,
        may_call=caller.may("order:call"),
        may_board=caller.may("board:read"),
    )


def _shown(
    session: Session, wanted: str | None, listed: list[Call], *, reader: str, now: datetime
) -> Call | None:
    """The call that was asked for, else the one that the reader has."""
    if wanted is not None:
        return call_list.call(session, work_order_id=wanted, reader=reader, now=now)
    return next((one for one in listed if one.held_by == reader), None)


def _waits(call: Call, now: datetime) -> bool:
    return call.again_at is not None and call.again_at > now


def _names(session: Session, listed: list[Call], shown: Call | None) -> dict[str, str]:
    """The names of who has calls, and of who made the last ones to the customer that is shown."""
    ids = {call.held_by for call in listed if call.held_by}
    if shown is not None:
        ids |= {attempt.made_by for attempt in shown.last}
    rows = session.exec(select(Account.id, Account.name).where(col(Account.id).in_(ids)))
    return dict(rows.all())


def _offsets(zone: ZoneInfo, today: date) -> dict[str, str]:
    """What the zone is ahead of UTC on each day that can be chosen, as +08:00: a form knows wall times only."""
    found = {}
    for number in range(FURTHEST.days + 1):
        day = today + timedelta(days=number)
        text = f"{datetime.combine(day, CALL_FROM, tzinfo=zone):%z}"
        found[day.isoformat()] = f"{text[:3]}:{text[3:5]}"
    return found
