"""A territory as the ground of a map: its outline, and where a position lies in the units of the drawing."""

import math
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.registry.tables import Premises

MAP_WIDTH = 1000
MARGIN = 30
MOST_DOTS = 3000
"""Premises drawn on a map; they are there to recognise the town by."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Plate carrée with true lengths at the middle latitude: good enough for a town.

    `scale` is units a degree of latitude, `narrow` what a degree of longitude is of that.
    """

    west: float
    north: float
    narrow: float
    scale: float
    height: int
    land: str

    def __call__(self, lat: float, lon: float) -> tuple[float, float]:
        """Where the position lies in the drawing."""
        return (
            round((lon - self.west) * self.narrow * self.scale + MARGIN, 1),
            round((self.north - lat) * self.scale + MARGIN, 1),
        )


def ground_of(boundary: dict[str, Any]) -> Ground | None:
    """The ground of a GeoJSON boundary; None when it has no outline."""
    kind, content = boundary.get("type"), boundary.get("coordinates", [])
    polygons = [content] if kind == "Polygon" else content if kind == "MultiPolygon" else []
    rings = [[(point[0], point[1]) for point in ring] for polygon in polygons for ring in polygon]
    if not rings:
        return None
    lons = [lon for ring in rings for lon, _ in ring]
    lats = [lat for ring in rings for _, lat in ring]
    west, east, south, north = min(lons), max(lons), min(lats), max(lats)
    narrow = math.cos(math.radians((south + north) / 2))
    scale = (MAP_WIDTH - 2 * MARGIN) / max((east - west) * narrow, 1e-6)
    height = round((north - south) * scale + 2 * MARGIN)
    ground = Ground(west, north, narrow, scale, height, "")
    land = " ".join(
        "M" + " ".join(f"{x:.0f},{y:.0f}" for x, y in (ground(lat, lon) for lon, lat in r)) + "Z"
        for r in rings
    )
    return Ground(west, north, narrow, scale, height, land)


def dots_of(
    session: Session, territory_id: str, ground: Ground | None
) -> list[tuple[float, float]]:
    """Where the territory's premises lie in the drawing, `MOST_DOTS` at most."""
    if ground is None:
        return []
    rows = session.execute(
        sa.select(col(Premises.lat), col(Premises.lon))
        .where(col(Premises.territory_id) == territory_id, col(Premises.lat).is_not(None))
        .order_by(col(Premises.id))
        .limit(MOST_DOTS)
    )
    return list(dict.fromkeys(ground(lat, lon) for lat, lon in rows))
