"""A small map of a crew on its way: the land, the home, about where the crew is, and nothing else."""

import math
from dataclasses import dataclass
from typing import Any

WIDTH, HEIGHT, MARGIN = 640, 300, 76
M_PER_DEGREE = 111_195.0
CLOSEST_M = 600.0
"""Metres that the map is across at least: a crew is not watched into the drive."""
BARS_M = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SmallMap:
    """A drawing of `WIDTH` x `HEIGHT`: an SVG path of the land, two places, a bar of `bar_m` metres.

    `away_m` is as the crow flies.
    """

    land: str
    home: Place
    crew: Place
    bar: float
    bar_m: int
    away_m: float


def small_map(home: Place | None, crew: Place | None, boundary: dict[str, Any]) -> SmallMap | None:
    """The map of a crew at `crew` on its way to `home`, both (lat, lon); None where either is not known."""
    if home is None or crew is None:
        return None
    lat, lon = (home[0] + crew[0]) / 2, (home[1] + crew[1]) / 2
    narrow = math.cos(math.radians(lat))
    north = abs(home[0] - crew[0]) * M_PER_DEGREE
    east = abs(home[1] - crew[1]) * M_PER_DEGREE * narrow
    scale = min(
        (WIDTH - 2 * MARGIN) / max(east, CLOSEST_M),
        (HEIGHT - 2 * MARGIN) / max(north, CLOSEST_M / 2),
    )

    def at(place: Place) -> Place:
        x = WIDTH / 2 + (place[1] - lon) * M_PER_DEGREE * narrow * scale
        y = HEIGHT / 2 - (place[0] - lat) * M_PER_DEGREE * scale
        return round(x, 1), round(y, 1)

    rings = (
        "M" + " ".join("{},{}".format(*at((point[1], point[0]))) for point in ring) + "Z"
        for ring in _rings(boundary)
    )
    bar_m = max((m for m in BARS_M if m * scale <= WIDTH / 4), default=BARS_M[0])
    return SmallMap(
        " ".join(rings), at(home), at(crew), round(bar_m * scale, 1), bar_m, math.hypot(north, east)
    )


def _rings(boundary: dict[str, Any]) -> list[list[list[float]]]:
    kind, content = boundary.get("type"), boundary.get("coordinates", [])
    polygons = [content] if kind == "Polygon" else content if kind == "MultiPolygon" else []
    return [ring for polygon in polygons for ring in polygon]
