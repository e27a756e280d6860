"""The console: the dispatcher's one page."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.deps import Now, Reading, TheSettings, Who, requires
from api.pages.built import built_page
from dispatch.core.calendar import local_day, zone_named
from dispatch.registry import queries, territories
from dispatch.registry.tables import Role, Territory

router = APIRouter(include_in_schema=False)


@router.get("/console", dependencies=[requires("self:read")])
def console(
    request: Request, session: Reading, caller: Who, moment: Now, settings: TheSettings
) -> Response:
    """The console, told the territories and their next days of work; a crew is sent to its own day."""
    if caller.account.role is Role.CREW:
        return RedirectResponse("/crew", status_code=303)
    return built_page(
        request,
        "console",
        caller=caller,
        settings=settings,
        now=moment.isoformat(),
        territories=[_territory(session, row, moment) for row in territories.listed(session)],
    )


def _territory(session: Session, row: Territory, moment: datetime) -> dict[str, str]:
    today = local_day(moment, zone_named(row.zone))
    day = queries.next_day_of_work(session, territory_id=row.id, today=today)
    return {"id": row.id, "name_zh": row.name_zh, "name_en": row.name_en, "day": day.isoformat()}
