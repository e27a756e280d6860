"""The board: the dispatcher's one page."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api import board_data
from api.deps import Caller, Now, Reading, TheSettings, Who, requires
from api.pages.board_view import axis_of, done_of, lanes_of, map_of
from api.pages.errors import UTC_ZONE
from api.pages.rendering import render, words_for
from api.routes.plans import messages_go
from api.schemas.forms import PathId, QueryDay
from dispatch.contact import facts, links
from dispatch.core.calendar import local_day, zone_named
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.tables import PlanStatus
from dispatch.registry import queries, territories
from dispatch.registry.tables import Role
from dispatch.work.visits import NoSuchVisit
from optimizer.plan import REASONS

router = APIRouter(include_in_schema=False)

EXPLAINABLE = frozenset({*REASONS, "new", "put_back", "returned"})
"""Reasons in the queue behind which there is more to tell; the others say what to mend."""


@router.get("/", dependencies=[requires("self:read")])
def board(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    settings: TheSettings,
    territory: Annotated[str | None, Query(max_length=32)] = None,
    day: QueryDay | None = None,
    show: Annotated[Literal["in_force", "proposed"] | None, Query()] = None,
) -> Response:
    """The board of a day; a crew's people are sent to their own day."""
    if caller.account.role is Role.CREW:
        return RedirectResponse("/crew", status_code=303)
    known = territories.listed(session)
    if not known:
        words = words_for(request, caller.account.language, UTC_ZONE)
        return render(
            request,
            "problem.html",
            words,
            caller=caller,
            message=words("board.no_territory"),
            number="",
            back=False,
        )
    chosen = next((row for row in known if row.id == territory), known[0])
    zone = zone_named(chosen.zone)
    today = local_day(moment, zone)
    at_day = day or queries.next_day_of_work(session, territory_id=chosen.id, today=today)
    data = board_data.read(
        session, territory_id=chosen.id, day=at_day, show_in_force=show == "in_force"
    )
    words = words_for(request, caller.account.language, zone)
    axis = axis_of(data, now=moment)
    values: dict[str, Any] = {
        "data": data,
        "territories": known,
        "today": today,
        "before": (at_day - timedelta(days=1)).isoformat(),
        "after": (at_day + timedelta(days=1)).isoformat(),
        "axis": axis,
        "lanes": lanes_of(data, axis, now=moment),
        "map": map_of(data),
        "live": done_of(data),
        "figures": data.shown.figures if data.shown else {},
        "naive": (data.shown.figures.get("naive") or {}) if data.shown else {},
        "state": _state(data),
        "may": _may(caller),
        "messages": messages_go(settings),
        "explainable": EXPLAINABLE,
        "unplaced": queries.count_unplaced(session, territory_id=chosen.id),
        "at": moment,
        "day_ended": _has_ended(data, moment),
    }
    return render(request, "board.html", words, caller=caller, **values)


@router.get("/customer-page/{visit_id}", dependencies=[requires("board:read")])
def customer_page(
    visit_id: PathId, session: Reading, moment: Now, settings: TheSettings
) -> Response:
    """The page that the visit's customer sees, opened from the board for an hour."""
    if not facts.load(session, [visit_id]):
        raise NoSuchVisit(f"There is no visit {visit_id}.", field="visit_id")
    token = links.sign(settings.key, visit_id=visit_id, expires_at=moment + timedelta(hours=1))
    return RedirectResponse(f"/v/{token}", status_code=303)


def _state(data: board_data.BoardData) -> str:
    """Which face the plan's panel shows."""
    if data.waiting is not None:
        return "making"
    if data.shown is not None and data.shown.status is PlanStatus.PROPOSED:
        return "proposed"
    if data.shown is not None and data.shown.status in IN_FORCE:
        return "in_force"
    if data.failed is not None:
        return "failed"
    return "closed" if data.shown is not None else "none"


def _may(caller: Caller) -> dict[str, bool]:
    return {
        "plan": caller.may("plan:write"),
        "publish": caller.may("plan:publish"),
        "outlook": caller.may("plan:read"),
        "import": caller.may("data:import"),
        "places": caller.may("registry:read"),
        "close": caller.may("day:close"),
        "crew": caller.may("crew_day:read"),
        "watch": caller.may("clock:read"),
    }


def _has_ended(data: board_data.BoardData, moment: Any) -> bool:
    return bool(data.crews) and all(row.ends_at and row.ends_at <= moment for row in data.crews)
