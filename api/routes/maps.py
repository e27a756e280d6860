"""The map of a day, and where crews are."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Now, OwnCrew, Reading, TheSettings, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId, QueryDay
from api.schemas.maps import FeatureOut, MapOut, PositionsIn, PositionsOut, RoadsOut, TilesOut
from dispatch.field import positions
from dispatch.field.positions import Position
from dispatch.geo import road_map
from dispatch.insight import day_map
from dispatch.insight.day_map import KINDS, Kind

router = APIRouter(route_class=Route, tags=["map"])


@router.get("/territories/{territory_id}/map", dependencies=[requires("board:read")])
def get_map(
    territory_id: PathId,
    day: QueryDay,
    session: Reading,
    caller: Who,
    moment: Now,
    settings: TheSettings,
    plan_id: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    kind: Annotated[
        list[Kind] | None, Query(max_length=5, description="only these; all when left out")
    ] = None,
) -> MapOut:
    """The territory, depots, the day's routes and visits, and where crews were last, for whoever may see crews."""
    kinds = set(kind or KINDS)
    if not caller.may("crew_day:read"):
        kinds.discard("crew")
    found = day_map.features(
        session,
        territory_id=territory_id,
        day=day,
        plan_id=plan_id,
        kinds=kinds,
        now=moment,
    )
    tiles = None
    if settings.tiles_url:
        tiles = TilesOut(url=settings.tiles_url, attribution=settings.tiles_attribution)
    return MapOut(
        type="FeatureCollection",
        features=[FeatureOut.model_construct(**feature) for feature in found],
        tiles=tiles,
    )


@router.get("/territories/{territory_id}/roads", dependencies=[requires("board:read")])
def get_roads(territory_id: PathId, session: Reading) -> RoadsOut:
    """The roads that the territory's maps are drawn with; none until `gridcrew places roads` has loaded some."""
    found, attribution = road_map.features(session, territory_id=territory_id)
    return RoadsOut(
        type="FeatureCollection",
        features=[FeatureOut.model_construct(**feature) for feature in found],
        attribution=attribution,
    )


@router.post("/crews/{crew_id}/positions", dependencies=[requires("crew_day:act")])
def report_positions(
    crew_id: OwnCrew, body: PositionsIn, session: Writing, moment: Now
) -> PositionsOut:
    """Report where the crew was, during its shift; kept for that day and the next. A repeat keeps nothing twice."""
    kept = positions.report(
        session,
        crew_id=crew_id,
        positions=[Position(**one.model_dump()) for one in body.positions],
        now=moment,
    )
    return PositionsOut(kept=kept)
