"""Driving times that a road service gave, kept in the database: a plan reads them and never waits for a server."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from sqlmodel import Session

from dispatch.geo.tables import RoadTable

UNKNOWN, NO_WAY = -1, -2
"""In place of seconds: nobody has said how long the drive is; there is none."""
FRESH = timedelta(days=30)
"""How long the times of a road network count as its present ones."""
MOST_POINTS = 2_000
"""Points of a territory whose drives are kept: four million of each, some 20 MB."""

Point = tuple[float, float]
Grid = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Roads:
    """Known drives: whole seconds and metres from each point to each, UNKNOWN or NO_WAY where there is none."""

    service: str
    index: Mapping[Point, int]
    seconds: Grid
    metres: Grid
    begun_at: datetime
    asked_at: datetime

    @classmethod
    def empty(cls, service: str, points: Sequence[Point], *, now: datetime) -> "Roads":
        """Nothing known between these points."""
        grid = np.full((len(points), len(points)), UNKNOWN, dtype=np.int32)
        return cls(service, {p: i for i, p in enumerate(points)}, grid, grid.copy(), now, now)

    def between(self, points: Sequence[Point]) -> tuple[Grid, Grid]:
        """Seconds and metres between these points, in their order; UNKNOWN for points never asked about."""
        where = [self.index.get(rounded(point), -1) for point in points]
        seconds = np.full((len(where), len(where)), UNKNOWN, dtype=np.int32)
        metres = seconds.copy()
        known = np.flatnonzero(np.array(where, dtype=np.int64) >= 0)
        at = np.array(where, dtype=np.int64)[known]
        seconds[np.ix_(known, known)] = self.seconds[np.ix_(at, at)]
        metres[np.ix_(known, known)] = self.metres[np.ix_(at, at)]
        return seconds, metres

    def over(self, points: Sequence[Point]) -> "Roads":
        """The same knowledge over these points."""
        kept = tuple(dict.fromkeys(rounded(point) for point in points))
        seconds, metres = self.between(kept)
        np.fill_diagonal(seconds, 0)
        np.fill_diagonal(metres, 0)
        index = {point: number for number, point in enumerate(kept)}
        return Roads(self.service, index, seconds, metres, self.begun_at, self.asked_at)


def rounded(point: Point) -> Point:
    """The point to a tenth of a metre, by which it is known again."""
    return round(point[0], 6), round(point[1], 6)


def known(session: Session, *, territory_id: str) -> Roads | None:
    """What is known of the territory's drives; None while no road service has said anything."""
    row = session.get(RoadTable, territory_id)
    if row is None:
        return None
    points = np.frombuffer(zlib.decompress(row.points), dtype="<f8").reshape(-1, 2).tolist()
    shape = (len(points), len(points))
    seconds, metres = (
        np.frombuffer(zlib.decompress(packed), dtype="<i4").reshape(shape).astype(np.int32)
        for packed in (row.seconds, row.metres)
    )
    index = {(lat, lon): number for number, (lat, lon) in enumerate(points)}
    return Roads(row.service, index, seconds, metres, row.begun_at, row.asked_at)


def keep(session: Session, roads: Roads, *, territory_id: str) -> None:
    """Store what is known, in place of what was stored before."""
    row = RoadTable(
        territory_id=territory_id,
        service=roads.service,
        points=_packed(np.array(list(roads.index), dtype="<f8").reshape(-1, 2)),
        seconds=_packed(roads.seconds.astype("<i4")),
        metres=_packed(roads.metres.astype("<i4")),
        begun_at=roads.begun_at,
        asked_at=roads.asked_at,
    )
    session.merge(row)
    session.flush()


def forget(session: Session, *, territory_id: str) -> None:
    """Drop what is known: the installation estimates, or asks another service."""
    row = session.get(RoadTable, territory_id)
    if row is not None:
        session.delete(row)
        session.flush()


def _packed(values: npt.NDArray[np.generic]) -> bytes:
    return zlib.compress(values.tobytes(), 1)
