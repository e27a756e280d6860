"""Points and boundaries: GeoJSON (RFC 7946) positions are [lon, lat] in WGS 84 degrees."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

from dispatch.core.errors import InvalidError

METRES_PER_DEGREE = 111_195.0
"""Mean length of a degree of latitude; good to 1 % for telling how far a point is off."""

Ring = list[list[float]]


class BadBoundary(InvalidError):
    """The document is no GeoJSON polygon on the globe."""

    code = "bad_boundary"


def check_boundary(boundary: Any) -> dict[str, Any]:
    """The boundary itself when it is a GeoJSON Polygon or MultiPolygon; raises BadBoundary."""
    if not isinstance(boundary, dict) or boundary.get("type") not in {"Polygon", "MultiPolygon"}:
        raise _bad("it is not of type Polygon or MultiPolygon")
    polygons = _polygons(boundary)
    if not polygons:
        raise _bad("it has no ring")
    for polygon in polygons:
        if not isinstance(polygon, list) or not polygon:
            raise _bad("a polygon has no ring")
        for ring in polygon:
            _check_ring(ring)
    return boundary


def contains(boundary: dict[str, Any], lat: float, lon: float) -> bool:
    """Whether the point lies inside: in an outer ring and in none of its holes."""
    return any(
        _in_ring(polygon[0], lat, lon) and not any(_in_ring(hole, lat, lon) for hole in polygon[1:])
        for polygon in _polygons(boundary)
    )


def distance_m(boundary: dict[str, Any], lat: float, lon: float) -> float:
    """How far the point is from the boundary's line, in metres, by plane geometry around the point."""
    shrink = math.cos(math.radians(lat))
    return METRES_PER_DEGREE * min(
        _to_segment((a[0] - lon) * shrink, a[1] - lat, (b[0] - lon) * shrink, b[1] - lat)
        for polygon in _polygons(boundary)
        for ring in polygon
        for a, b in _edges(ring)
    )


def metres_between(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """How far two points are apart, in metres, by plane geometry between them: good to 1 % over a territory."""
    shrink = math.cos(math.radians((lat + other_lat) / 2))
    return METRES_PER_DEGREE * math.hypot((other_lon - lon) * shrink, other_lat - lat)


def _polygons(boundary: dict[str, Any]) -> list[list[Ring]]:
    coordinates = boundary.get("coordinates")
    if not isinstance(coordinates, list):
        raise _bad("it has no coordinates")
    return [coordinates] if boundary["type"] == "Polygon" else coordinates


def _check_ring(ring: Any) -> None:
    if not isinstance(ring, list) or len(ring) < 4 or ring[0] != ring[-1]:
        raise _bad("a ring has at least four positions, the last equal to the first")
    for position in ring:
        if not isinstance(position, list) or len(position) < 2:
            raise _bad("a position is [lon, lat]")
        lon, lat = position[:2]
        for value, most in ((lon, 180), (lat, 90)):
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not abs(value) <= most
            ):
                raise _bad(f"{position} is not [lon, lat] in degrees")


def _edges(ring: Ring) -> Iterator[tuple[list[float], list[float]]]:
    return itertools.pairwise(ring)


def _in_ring(ring: Ring, lat: float, lon: float) -> bool:
    # Crossing number of a ray to the east (Shimrat 1962); each edge owns its lower end only.
    inside = False
    for (lon_a, lat_a, *_), (lon_b, lat_b, *_) in _edges(ring):
        if (lat_a > lat) != (lat_b > lat):
            at = lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a)
            inside ^= lon < at
    return inside


def _to_segment(ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of the origin from the segment a-b."""
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else max(0.0, min(1.0, -(ax * dx + ay * dy) / length))
    return math.hypot(ax + share * dx, ay + share * dy)


def _bad(why: str) -> BadBoundary:
    return BadBoundary(f"The boundary is no GeoJSON polygon: {why}.", field="boundary")
