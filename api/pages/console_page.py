"""The console, the dispatcher's one page, and what it opens beside itself."""

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.customer_view import facts_of
from api.deps import Now, Reading, TheSettings, Who, requires
from api.pages.built import built_page
from api.pages.customers import page_of_visit
from api.schemas.forms import PathId, QueryDay
from dispatch.core.calendar import local_day, zone_named
from dispatch.registry import queries, territories
from dispatch.registry.tables import Role, Territory

router = APIRouter(include_in_schema=False)

QueryTerritory = Annotated[str | None, Query(max_length=32)]


@router.get("/", dependencies=[requires("self:read")])
def home(request: Request, caller: Who) -> Response:
    """Where everybody begins: crews with their own day, the office with the console."""
    if caller.account.role is Role.CREW:
        return RedirectResponse("/crew", status_code=303)
    asked = urlencode(request.query_params.multi_items())
    return RedirectResponse(f"/console?{asked}" if asked else "/console", status_code=303)


@router.get("/console", dependencies=[requires("self:read")])
def console(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    settings: TheSettings,
    territory: QueryTerritory = None,
    day: QueryDay | None = None,
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
        solve_seconds=settings.solve_seconds,
        asked={"territory": territory, "day": day.isoformat() if day else None},
        territories=[_territory(session, row, moment) for row in territories.listed(session)],
    )


@router.get("/customer-page/{visit_id}", dependencies=[requires("board:read")])
def customer_page(
    visit_id: PathId, request: Request, session: Reading, moment: Now, settings: TheSettings
) -> Response:
    """The page that the visit's customer sees, without its buttons: only the customer acts for the customer."""
    facts = facts_of(session, visit_id)
    return page_of_visit(request, session, facts, key=settings.key, now=moment)


def _territory(session: Session, row: Territory, moment: datetime) -> dict[str, str]:
    today = local_day(moment, zone_named(row.zone))
    day = queries.next_day_of_work(session, territory_id=row.id, today=today)
    return {
        "id": row.id,
        "name_zh": row.name_zh,
        "name_en": row.name_en,
        "day": day.isoformat(),
        "today": today.isoformat(),
    }
