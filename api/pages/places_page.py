"""Places as a page: what has no position, what the geocoder says of it, and a map to place it on."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.deps import Reading, TheSettings, Who, requires
from api.pages.ground import MAP_WIDTH, MARGIN, dots_of, ground_of
from api.pages.rendering import render, words_for
from dispatch.core.calendar import zone_named
from dispatch.geo import geocoding
from dispatch.geo.datum import Datum
from dispatch.geo.lifecycle import UNDER_WAY
from dispatch.planning.unplaced import unplaced
from dispatch.registry import territories

router = APIRouter(include_in_schema=False)


@router.get("/places", dependencies=[requires("registry:read")])
def places(
    request: Request,
    session: Reading,
    caller: Who,
    settings: TheSettings,
    territory: Annotated[str, Query(max_length=32)],
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """The territory's premises without a position, and the map."""
    chosen = territories.get(session, territory)
    runs = geocoding.RUNS.listed(session, territory_id=chosen.id)
    ground = ground_of(chosen.boundary)
    return render(
        request,
        "places.html",
        words_for(request, caller.account.language, zone_named(chosen.zone)),
        caller=caller,
        territory=chosen,
        found=unplaced(
            session,
            territory_id=chosen.id,
            provider=settings.geocoder,
            good_enough_m=settings.geocoder_accuracy_m,
            cursor=cursor,
        ),
        cursor=cursor,
        geocoder=settings.geocoder,
        run=next((run for run in runs if run.status in UNDER_WAY), None),
        last=runs[0] if runs else None,
        ground=ground,
        width=MAP_WIDTH,
        margin=MARGIN,
        dots=dots_of(session, chosen.id, ground),
        depots=[
            (depot, *ground(depot.lat, depot.lon))
            for depot in territories.depots(session, territory_id=chosen.id)
            if ground is not None
        ],
        datums=list(Datum),
        may_place=caller.may("customer:write"),
        may_board=caller.may("board:read"),
    )
