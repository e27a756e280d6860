"""The roads that maps are drawn with: the installation's own lines, read from GeoJSON, so that no map asks anybody.

They are for the eye alone; driving times come from a road service or are estimated (`roads`).
"""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlmodel import Session

from dispatch.core import events
from dispatch.core.errors import InvalidError
from dispatch.core.events import Actor
from dispatch.geo.tables import RoadMap
from dispatch.registry import territories

MOST_POINTS = 500_000
"""Points of a territory's roads: some 10 MB as JSON, a few MB as the page loads it."""
AROUND = 0.05
"""Degrees around the territory's outline within which roads are kept."""
DIGITS = 5
"""Digits of a degree that are kept: a metre."""

Size = Literal["large", "middle", "small"]
Line = list[list[float]]

SIZES: dict[str, Size] = {
    **dict.fromkeys(("motorway", "trunk", "primary", "motorway_link", "trunk_link"), "large"),
    **dict.fromkeys(("secondary", "tertiary", "primary_link", "secondary_link"), "middle"),
}
"""How large a road is drawn, by OpenStreetMap's `highway`; every other is small."""
NO_ROAD = frozenset(
    {"footway", "path", "steps", "cycleway", "pedestrian", "bridleway", "corridor", "proposed", "construction"}
)  # fmt: skip
"""Ways that no crew drives on."""


class BadRoads(InvalidError):
    """The document is no GeoJSON of lines; `details["field"]` says where."""

    code = "bad_roads"


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many lines of how many points are kept, and how many lines lie elsewhere or are no roads."""

    lines: int
    points: int
    left_out: int


def load(
    session: Session,
    *,
    territory_id: str,
    document: Any,
    attribution: str = "",
    actor: Actor,
    now: datetime,
) -> Loaded:
    """Draw the territory's maps with these lines from now on, in place of those before.

    `document` is a GeoJSON FeatureCollection of LineStrings and MultiLineStrings in WGS 84; `properties.highway`
    says how large each is. The map shows `attribution`: whose data it is. Raises NoSuchTerritory, BadRoads.
    """
    boundary = territories.get(session, territory_id).boundary
    inside = _around(boundary)
    kept: dict[Size, list[Line]] = {"large": [], "middle": [], "small": []}
    left_out = points = 0
    for highway, line in _lines(document):
        if highway in NO_ROAD or not any(_holds(inside, lon, lat) for lon, lat in line):
            left_out += 1
            continue
        points += len(line)
        kept[SIZES.get(highway, "small")].append(line)
    if not points:
        raise BadRoads(
            f"None of the {left_out} lines is a road near the territory.", field="features"
        )
    if points > MOST_POINTS:
        raise BadRoads(
            f"The roads have {points:,} points; {MOST_POINTS:,} are the most. Leave the smallest out.",
            field="features",
        )
    packed = zlib.compress(json.dumps(kept, separators=(",", ":")).encode())
    row = RoadMap(
        territory_id=territory_id, lines=packed, attribution=attribution[:200], loaded_at=now
    )
    session.merge(row)
    lines = sum(map(len, kept.values()))
    events.record(
        session, "territory.roads_loaded", entity="territory", entity_id=territory_id, actor=actor, now=now,
        territory_id=territory_id, data={"lines": lines, "points": points},
    )  # fmt: skip
    session.flush()
    return Loaded(lines, points, left_out)


def features(session: Session, *, territory_id: str) -> tuple[list[dict[str, Any]], str]:
    """The roads as GeoJSON features, one for each `size`, and whose data they are; nothing where none are loaded.

    Raises NoSuchTerritory.
    """
    territories.get(session, territory_id)
    row = session.get(RoadMap, territory_id)
    if row is None:
        return [], ""
    kept: dict[str, list[Line]] = json.loads(zlib.decompress(row.lines))
    return [
        {
            "type": "Feature",
            "id": f"road:{size}",
            "geometry": {"type": "MultiLineString", "coordinates": lines},
            "properties": {"kind": "road", "id": size, "size": size},
        }
        for size, lines in kept.items()
        if lines
    ], row.attribution


def _lines(document: Any) -> Iterator[tuple[str, Line]]:
    """Every line with its `highway`, "" where it has none; raises BadRoads."""
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise BadRoads("The document is no GeoJSON FeatureCollection.", field="type")
    features = document.get("features")
    if not isinstance(features, list):
        raise BadRoads("The collection has no list of features.", field="features")
    for number, feature in enumerate(features):
        where = f"features[{number}]"
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if not isinstance(geometry, dict):
            raise BadRoads(f"{where} has no geometry.", field=where)
        kind, coordinates = geometry.get("type"), geometry.get("coordinates")
        if kind not in ("LineString", "MultiLineString"):
            continue  # exports of roads have crossings and squares in them
        properties = feature.get("properties")
        highway = properties.get("highway") if isinstance(properties, dict) else None
        where = f"{where}.geometry.coordinates"
        lines = [coordinates] if kind == "LineString" else coordinates
        if not isinstance(lines, list):
            raise BadRoads(f"{where} is no list of lines.", field=where)
        for line in lines:
            yield str(highway or ""), _line(line, where)


def _line(line: Any, where: str) -> Line:
    try:
        points = [
            [round(float(point[0]), DIGITS), round(float(point[1]), DIGITS)] for point in line
        ]
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise BadRoads(f"{where} is no list of [lon, lat].", field=where) from error
    if len(points) < 2 or not all(abs(lon) <= 180 and abs(lat) <= 90 for lon, lat in points):
        raise BadRoads(f"{where} is no line of two or more points in degrees.", field=where)
    return points


Box = tuple[float, float, float, float]


def _around(boundary: dict[str, Any]) -> Box:
    """West, south, east and north of the outline, with what lies around it."""
    polygons = boundary["coordinates"]
    if boundary["type"] == "Polygon":
        polygons = [polygons]
    lons, lats = zip(*((p[0], p[1]) for polygon in polygons for p in polygon[0]), strict=True)
    return min(lons) - AROUND, min(lats) - AROUND, max(lons) + AROUND, max(lats) + AROUND


def _holds(box: Box, lon: float, lat: float) -> bool:
    return box[0] <= lon <= box[2] and box[1] <= lat <= box[3]
