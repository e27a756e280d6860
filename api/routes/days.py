"""Closing a day, and its report."""

from dataclasses import asdict
from datetime import date

from fastapi import APIRouter

from api.deps import Now, Who, Writing, requires
from api.schemas.days import ClosingOut
from api.schemas.forms import PathId
from api.schemas.planning import DayClosing
from dispatch.field.closing import close_day

router = APIRouter(tags=["days"])


@router.post("/territories/{territory_id}/days/{day}/closing", dependencies=[requires("day:close")])
def close(
    territory_id: PathId,
    day: date,
    body: DayClosing,
    session: Writing,
    caller: Who,
    moment: Now,
) -> ClosingOut:
    """Close the day: what was not begun returns to the pool, and what stays open has an owner."""
    closing = close_day(
        session,
        territory_id=territory_id,
        day=day,
        despite=body.despite,
        actor=caller.actor,
        now=moment,
    )
    return ClosingOut(**asdict(closing))
