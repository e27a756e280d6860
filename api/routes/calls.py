"""Calls to customers: the day's list, taking one, and saying what came of it."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.follow_ups import AttemptOut, CallReport, FollowUpCallOut
from api.schemas.forms import PathId, QueryDay
from dispatch.calls import call_list, reporting, taking
from dispatch.calls.reporting import Wanted
from dispatch.core.calendar import local_day, zone_named
from dispatch.registry import territories

router = APIRouter(route_class=Route, tags=["calls"])


@router.get("/territories/{territory_id}/calls", dependencies=[requires("order:read")])
def list_calls(
    territory_id: PathId,
    session: Reading,
    caller: Who,
    moment: Now,
    day: Annotated[QueryDay | None, Query(description="empty: today")] = None,
) -> list[FollowUpCallOut]:
    """The calls to be made by a day: who waits to be called again, then by urgency, customer class and age."""
    zone = zone_named(territories.get(session, territory_id).zone)
    found = call_list.calls_of_day(
        session,
        territory_id=territory_id,
        day=day or local_day(moment, zone),
        reader=caller.account.id,
        now=moment,
    )
    return [FollowUpCallOut.of_call(call) for call in found]


@router.get("/calls/{work_order_id}", dependencies=[requires("order:read")])
def get_call(work_order_id: PathId, session: Reading, caller: Who, moment: Now) -> FollowUpCallOut:
    """One call with its script and the customer's last calls."""
    found = call_list.call(
        session, work_order_id=work_order_id, reader=caller.account.id, now=moment
    )
    return FollowUpCallOut.of_call(found)


@router.post("/calls/{work_order_id}/claim", dependencies=[requires("order:call")])
def take(work_order_id: PathId, session: Writing, caller: Who, moment: Now) -> FollowUpCallOut:
    """Take a call for a quarter of an hour, or hold it longer: the number is shown, and nobody else is given it."""
    taking.take(session, work_order_id=work_order_id, actor=caller.actor, now=moment)
    return get_call(work_order_id, session, caller, moment)


@router.delete(
    "/calls/{work_order_id}/claim",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[requires("order:call")],
)
def give_back(work_order_id: PathId, session: Writing, caller: Who) -> None:
    """Let others have the call."""
    taking.give_back(session, work_order_id=work_order_id, actor=caller.actor)


@router.post(
    "/calls/{work_order_id}/attempts",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("order:call")],
)
def report(
    work_order_id: PathId, body: CallReport, session: Writing, caller: Who, moment: Now
) -> AttemptOut:
    """Say what came of a call that you have taken."""
    attempt = reporting.report(
        session,
        work_order_id=work_order_id,
        outcome=body.outcome,
        answers=body.answers,
        note=body.note,
        call_back_at=body.call_back_at,
        wanted=Wanted(**body.request.model_dump()) if body.request else None,
        actor=caller.actor,
        now=moment,
    )
    return AttemptOut.of(attempt)
