"""The days ahead as a page: how full each crew is on each day, and what has a place on none of them."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from api.deps import Now, Reading, Who, requires
from api.pages.rendering import render, words_for
from dispatch.core.calendar import local_day, zone_named
from dispatch.planning import looking
from dispatch.planning.outlook import MOST_DAYS
from dispatch.planning.tables import OutlookRun
from dispatch.planning.tiles import visit_rows
from dispatch.registry import territories
from dispatch.registry.tables import Crew, Territory
from dispatch.work.tables import Visit

router = APIRouter(include_in_schema=False)

USUAL_DAYS = 5
TIGHT, FULL = 75, 95
"""Percent of a shift from which it is called tight, and full."""
MOST_LINES = 100
"""Visits listed as left out; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A crew's day: how many visits, what share of its shifts, and how that is called."""

    visits: int
    share: float
    overtime_s: int

    @property
    def percent(self) -> int:
        """The share as it is shown."""
        return round(100 * self.share)

    @property
    def tone(self) -> str:
        """The class that colours it."""
        return "full" if self.percent >= FULL else "tight" if self.percent >= TIGHT else "free"


@router.get("/outlook", dependencies=[requires("plan:read")])
def outlook(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    territory: Annotated[str, Query(max_length=32)],
) -> HTMLResponse:
    """The territory's last look at the days ahead, and the buttons to take another."""
    chosen = territories.get(session, territory)
    zone = zone_named(chosen.zone)
    runs = looking.RUNS.listed(session, territory_id=chosen.id)
    waiting = next((run for run in runs if run.status in looking.UNDER_WAY), None)
    shown = next((run for run in runs if run.found is not None), None)
    newest = runs[0] if runs else None
    return render(
        request,
        "outlook.html",
        words_for(request, caller.account.language, zone),
        caller=caller,
        territory=chosen,
        waiting=waiting,
        failed=newest if newest and newest.error else None,
        shown=shown,
        **_found(session, chosen, shown),
        choices=range(1, MOST_DAYS + 1),
        usual=shown.days if shown else USUAL_DAYS,
        today=local_day(moment, zone),
        may_ask=caller.may("plan:write"),
    )


def _found(session: Session, territory: Territory, shown: OutlookRun | None) -> dict[str, Any]:
    """The days, the rows of crews with a cell for each day (None: no shift), and the visits left out."""
    found: dict[str, Any] = (shown.found if shown else None) or {"days": [], "left_out": []}
    days = [(date.fromisoformat(day["day"]), day["visits"]) for day in found["days"]]
    cells: dict[str, list[Cell | None]] = {}
    for number, day in enumerate(found["days"]):
        for load in day["crews"]:
            row = cells.setdefault(load["crew_id"], [None] * len(days))
            row[number] = _together(row[number], load)
    crews = session.exec(select(Crew).where(Crew.territory_id == territory.id)).all()
    left = found["left_out"][:MOST_LINES]
    return {
        "days": days,
        "travel_times": found.get("travel_times"),
        "rows": [(crew, cells[crew.id]) for crew in crews if crew.id in cells],
        "left": left,
        "left_count": len(found["left_out"]),
        "visits": visit_rows(session, [col(Visit.id).in_([line["visit_id"] for line in left])]),
    }


def _together(known: Cell | None, load: dict[str, Any]) -> Cell:
    """A crew's shifts of a day as one; of several the fullest counts."""
    if known is None:
        return Cell(load["visits"], load["share"], load["overtime_s"])
    return Cell(
        known.visits + load["visits"],
        max(known.share, load["share"]),
        known.overtime_s + load["overtime_s"],
    )
