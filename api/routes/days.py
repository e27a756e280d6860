"""Closing a day, and its report."""

from dataclasses import asdict

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from api.deps import Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.days import ClosingOut
from api.schemas.forms import PathDay, PathId
from api.schemas.planning import DayClosing
from dispatch.field.closing import close_day
from dispatch.insight.report import DayReport, day_report
from dispatch.insight.sheet import csv_text

router = APIRouter(route_class=Route, tags=["days"])


@router.post("/territories/{territory_id}/days/{day}/closing", dependencies=[requires("day:close")])
def close(
    territory_id: PathId,
    day: PathDay,
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


@router.get("/territories/{territory_id}/days/{day}/report", dependencies=[requires("report:read")])
def report(territory_id: PathId, day: PathDay, session: Reading, moment: Now) -> DayReport:
    """The day's report; on a day under way, as far as it has come."""
    return day_report(session, territory_id=territory_id, day=day, now=moment)


@router.get(
    "/territories/{territory_id}/days/{day}/report.csv",
    dependencies=[requires("report:read")],
    response_class=PlainTextResponse,
)
def report_csv(
    territory_id: PathId, day: PathDay, session: Reading, moment: Now
) -> PlainTextResponse:
    """The day's report as CSV, for a spreadsheet."""
    found = day_report(session, territory_id=territory_id, day=day, now=moment)
    name = f"report-{territory_id}-{day.isoformat()}.csv"
    return PlainTextResponse(
        csv_text(found),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
