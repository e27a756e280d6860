"""Road services by HTTP: OSRM's table and Valhalla's matrix, in their own words.

Sources: project-osrm.org/docs (table service) and valhalla.github.io (matrix service, `sources_to_targets`).
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from dispatch.core.config import Settings
from dispatch.geo.roads import NO_WAY, UNKNOWN, Grid, Point
from workers.outside import Answer, ServiceAway, ask

LONGEST = 2_000_000_000


class TooMany(ServiceAway):
    """The service takes fewer coordinates in one question."""

    code = "too_many_coordinates"


class Block(NamedTuple):
    """Seconds and metres from some points (rows) to some (columns); UNKNOWN or NO_WAY where there is no number."""

    seconds: Grid
    metres: Grid


class RoadService(Protocol):
    """Knows the drives of a road network."""

    name: str

    def block(self, sources: Sequence[Point], targets: Sequence[Point]) -> Block:
        """The drives from each source to each target; raises ServiceAway and TooMany."""
        ...


def configured(settings: Settings) -> RoadService | None:
    """The installation's road service; None when it estimates."""
    if settings.roads == "osrm":
        return Osrm(settings.roads_url, settings.roads_profile, settings.roads_timeout)
    if settings.roads == "valhalla":
        return Valhalla(settings.roads_url, settings.roads_profile, settings.roads_timeout)
    return None


class Osrm:
    """An OSRM server's table service."""

    def __init__(self, url: str, profile: str, timeout: float) -> None:
        self._url, self._profile = url.rstrip("/"), profile or "driving"
        self._timeout = timeout
        self.name = f"osrm {self._url} {self._profile}"

    def block(self, sources: Sequence[Point], targets: Sequence[Point]) -> Block:
        """One table; see RoadService."""
        points = list(dict.fromkeys((*sources, *targets)))
        where = {point: str(number) for number, point in enumerate(points)}
        answer = ask(
            "GET",
            f"{self._url}/table/v1/{self._profile}/"
            + ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in points)
            + f"?sources={';'.join(where[point] for point in sources)}"
            + f"&destinations={';'.join(where[point] for point in targets)}"
            + "&annotations=duration,distance",
            timeout=self._timeout,
        )
        document = _document(answer, too_many=lambda said: said.get("code") == "TooBig")
        if document.get("code") != "Ok":
            raise ServiceAway(f"OSRM refuses: {_said(document)}.")
        shape = len(sources), len(targets)
        seconds = _grid(document.get("durations"), shape, no_way=NO_WAY)
        distances = document.get("distances")  # older servers give none
        metres = np.full(shape, UNKNOWN, dtype=np.int32)
        return Block(
            seconds, metres if distances is None else _grid(distances, shape, no_way=UNKNOWN)
        )


class Valhalla:
    """A Valhalla server's matrix service."""

    def __init__(self, url: str, profile: str, timeout: float) -> None:
        self._url, self._profile = url.rstrip("/"), profile or "auto"
        self._timeout = timeout
        self.name = f"valhalla {self._url} {self._profile}"

    def block(self, sources: Sequence[Point], targets: Sequence[Point]) -> Block:
        """One matrix; see RoadService."""
        answer = ask(
            "POST",
            f"{self._url}/sources_to_targets",
            timeout=self._timeout,
            content={
                "sources": [{"lat": lat, "lon": lon} for lat, lon in sources],
                "targets": [{"lat": lat, "lon": lon} for lat, lon in targets],
                "costing": self._profile,
                "units": "kilometers",
            },
        )
        # 150: more locations than the server takes; 1xx: a location or the costing is wrong.
        document = _document(answer, too_many=lambda said: said.get("error_code") == 150)
        rows = document.get("sources_to_targets")
        if isinstance(rows, dict):  # the answer's short form
            seconds, kilometres = rows.get("durations"), rows.get("distances")
        else:
            seconds, kilometres = _picked(rows, "time"), _picked(rows, "distance")
        shape = len(sources), len(targets)
        return Block(
            _grid(seconds, shape, no_way=NO_WAY),
            _grid(kilometres, shape, no_way=UNKNOWN, scale=1000.0),
        )


def _document(answer: Answer, *, too_many: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    if answer.status in (413, 414):
        raise TooMany("The question is too long for the server.")
    if answer.status >= 500:
        raise ServiceAway(f"The server answers {answer.status}.")
    document = answer.document()
    if not isinstance(document, dict):
        raise ServiceAway("The server answers with something else than a table.")
    if too_many(document):
        raise TooMany(f"The server takes fewer coordinates: {_said(document)}.")
    if answer.status != 200:
        raise ServiceAway(f"The server answers {answer.status}: {_said(document)}.")
    return document


def _said(document: dict[str, Any]) -> str:
    words = document.get("message") or document.get("error") or document.get("code") or "no reason"
    return str(words)[:200]


def _picked(rows: Any, key: str) -> Any:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ServiceAway("The server's answer holds no table.")
    return [[cell.get(key) if isinstance(cell, dict) else "" for cell in row] for row in rows]


def _grid(rows: Any, shape: tuple[int, int], *, no_way: int, scale: float = 1.0) -> Grid:
    """The numbers of a table; null becomes `no_way`. Anything else that is no table of this shape is refused."""
    if not isinstance(rows, list) or len(rows) != shape[0]:
        raise ServiceAway("The server's table has not as many rows as were asked for.")
    grid = np.empty(shape, dtype=np.int32)
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != shape[1]:
            raise ServiceAway("The server's table has not as many columns as were asked for.")
        for j, cell in enumerate(row):
            grid[i, j] = no_way if cell is None else _number(cell, scale)
    return grid


def _number(cell: Any, scale: float) -> int:
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not math.isfinite(cell):
        raise ServiceAway(f"The server's table holds {str(cell)[:40]!r}, which is no number.")
    if cell < 0:
        raise ServiceAway(f"The server's table holds {cell}: no drive is shorter than nothing.")
    return round(min(cell * scale, LONGEST))
