"""A day on the map, as GeoJSON in WGS 84: the territory, depots, routes, visits, and where crews are."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Literal

from sqlmodel import Session

from dispatch.field import positions
from dispatch.planning import queries
from dispatch.planning.queries import BoardPage
from dispatch.planning.tiles import CrewRow, VisitRow
from dispatch.registry import territories

Feature = dict[str, Any]
Kind = Literal["territory", "depot", "route", "visit", "crew"]
KINDS: tuple[Kind, ...] = ("territory", "depot", "route", "visit", "crew")


def features(
    session: Session,
    *,
    territory_id: str,
    day: date,
    now: datetime,
    plan_id: int | None = None,
    kinds: Collection[Kind] = KINDS,
) -> list[Feature]:
    """What there is to draw of a day under a plan, each a GeoJSON feature whose `kind` says what it is.

    `territory`, `depot`, `route` (a crew's way as the crow flies), `visit` (without `crew_id`: it waits), `crew`
    (where it was last on the day). Only those `kinds`. Raises NoSuchTerritory and NoSuchPlan.
    """
    territory = territories.get(session, territory_id)
    board = queries.board(session, territory_id=territory_id, day=day, plan_id=plan_id)
    names = {"name_zh": territory.name_zh, "name_en": territory.name_en}
    found = [_feature("territory", territory.id, territory.boundary, **names)]
    for depot in territories.depots(session, territory_id=territory_id):
        place = _point(depot.lat, depot.lon)
        found.append(
            _feature("depot", depot.id, place, name_zh=depot.name_zh, name_en=depot.name_en)
        )
    found += _routes(board)
    found += _visits(board)
    if "crew" in kinds:
        found += _crews(session, board, now)
    return [feature for feature in found if feature["properties"]["kind"] in kinds]


def _routes(board: BoardPage) -> Iterator[Feature]:
    for crew in board.crews:
        places = [(s.visit.lat, s.visit.lon) for s in crew.stops if s.visit.lat is not None]
        if crew.shift_id is None or not places:
            continue
        line = [[lon, lat] for lat, lon in [(crew.lat, crew.lon), *places, (crew.lat, crew.lon)]]
        geometry = {"type": "LineString", "coordinates": line}
        yield _feature("route", crew.shift_id, geometry, crew_id=crew.crew_id)


def _visits(board: BoardPage) -> Iterator[Feature]:
    for crew in board.crews:
        for position, stop in enumerate(crew.stops, start=1):
            if stop.visit.lat is not None and stop.visit.lon is not None:
                yield _visit(
                    stop.visit,
                    crew_id=crew.crew_id,
                    position=position,
                    start_at=stop.start_at.isoformat() if stop.start_at else None,
                )
    for row in board.queue:
        if row.visit.lat is not None:
            yield _visit(row.visit, crew_id=None, position=None, start_at=None)


def _visit(visit: VisitRow, **where: Any) -> Feature:
    assert visit.lat is not None, "only what has a place is drawn"
    assert visit.lon is not None, "a place has both"
    return _feature(
        "visit",
        visit.id,
        _point(visit.lat, visit.lon),
        status=visit.status.value,
        priority=visit.priority.value,
        work_type=visit.work_type,
        **where,
    )


def _crews(session: Session, board: BoardPage, now: datetime) -> Iterator[Feature]:
    at_work: Sequence[CrewRow] = [crew for crew in board.crews if crew.shift_id is not None]
    seen = positions.last_seen(
        session,
        crew_ids={crew.crew_id for crew in at_work},
        since=board.opens_at,
        until=min(now, board.closes_at) if now > board.opens_at else board.opens_at,
    )
    for crew_id, where in seen.items():
        place = _point(where.lat, where.lon)
        yield _feature("crew", crew_id, place, at=where.at.isoformat(), by=where.by)


def _point(lat: float, lon: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [lon, lat]}


def _feature(kind: str, id: str, geometry: dict[str, Any], **properties: Any) -> Feature:
    return {
        "type": "Feature",
        "id": f"{kind}:{id}",
        "geometry": geometry,
        "properties": {"kind": kind, "id": id, **properties},
    }
