"""Travel between all places, as each crew drives it: seconds and metres in integer matrices."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from optimizer.problem import Crew, Estimate, Matrix, Place, Problem, Profiles
from optimizer.values import UNREACHABLE

Grid = npt.NDArray[np.int64]

WORTH_KEEPING = 200
"""Places from which the estimate between them is remembered: for fewer it takes milliseconds."""


class TravelModel(Protocol):
    """Knows the travel between places: a road network, a service on the web, a formula.

    What it answers goes into a problem as its `travel` (or as one of its profiles), so a plan can
    be checked without asking again.
    """

    def matrix(self, places: Sequence[Place]) -> Matrix:
        """Seconds and metres from each place to each, in their order."""
        ...


class GeodesicTravel:
    """The TravelModel that needs no roads: the format's estimate, written out as a matrix."""

    def __init__(self, estimate: Estimate) -> None:
        self.estimate = estimate

    def matrix(self, places: Sequence[Place]) -> Matrix:
        """Seconds and metres by the estimate; every place needs lat and lon."""
        seconds, metres = _estimated(self.estimate, _points(places))
        return Matrix(_rows(seconds), _rows(metres))


class CrewTravel(NamedTuple):
    """Travel as one crew drives it, by place index: shapes (places, places), read only.

    `seconds` are int64 with the crew's travel factor in them, at most UNREACHABLE; `metres` are
    int64, or None when unknown.
    """

    seconds: Grid
    metres: Grid | None


def compile_travel(problem: Problem) -> tuple[CrewTravel, ...]:
    """The travel of each crew, in the order of `problem.crews`; equal ones share their arrays."""
    bases: dict[str | None, tuple[npt.NDArray[np.float64], Grid | None]] = {}
    made: dict[tuple[str | None, float], CrewTravel] = {}
    for crew in problem.crews:
        if crew.profile not in bases:
            bases[crew.profile] = _base(problem, crew)
        way = (crew.profile, crew.travel_factor)
        if way not in made:
            made[way] = _scaled(*bases[crew.profile], crew.travel_factor)
    return tuple(made[crew.profile, crew.travel_factor] for crew in problem.crews)


def _base(problem: Problem, crew: Crew) -> tuple[npt.NDArray[np.float64], Grid | None]:
    """Whole seconds before the crew's factor, as doubles, and metres."""
    travel = problem.travel
    way = travel.profiles[crew.profile or ""] if isinstance(travel, Profiles) else travel
    if isinstance(way, Estimate):
        points = _points(problem.places)
        return (_remembered if len(points) >= WORTH_KEEPING else _estimated)(way, points)
    shape = (len(problem.places), len(problem.places))
    seconds = np.array(way.seconds, dtype=np.float64).reshape(shape)
    if way.metres is None:
        return seconds, None
    return seconds, np.array(way.metres, dtype=np.int64).reshape(shape)


Points = tuple[tuple[float | None, float | None], ...]


@lru_cache(maxsize=2)
def _remembered(estimate: Estimate, points: Points) -> tuple[npt.NDArray[np.float64], Grid]:
    """The estimate between these points, read only.

    Whoever asks about one board after another asks about the same points, and a thousand of them
    take a fifth of a second.
    """
    seconds, metres = _estimated(estimate, points)
    seconds.flags.writeable = metres.flags.writeable = False
    return seconds, metres


def _points(places: Sequence[Place]) -> Points:
    return tuple((place.lat, place.lon) for place in places)


def _estimated(estimate: Estimate, points: Points) -> tuple[npt.NDArray[np.float64], Grid]:
    # Loading compiled code takes most of a second, and most processes never estimate a distance.
    from optimizer.geodesic import distances

    metres = distances(
        np.array([lat for lat, _ in points], dtype=np.float64),
        np.array([lon for _, lon in points], dtype=np.float64),
    )
    with np.errstate(over="ignore"):
        driven = metres * estimate.detour
        seconds = _rounded(driven / (estimate.speed_kmh / 3.6) + estimate.overhead)
    np.fill_diagonal(seconds, 0)
    return seconds, _rounded(driven).astype(np.int64)


def _scaled(seconds: npt.NDArray[np.float64], metres: Grid | None, factor: float) -> CrewTravel:
    with np.errstate(over="ignore"):
        whole = np.minimum(_rounded(seconds * factor), UNREACHABLE).astype(np.int64)
    whole.flags.writeable = False
    if metres is not None:
        metres.flags.writeable = False
    return CrewTravel(whole, metres)


def _rounded(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`floor(x + 0.5)`; beyond 1e15 lies nothing that a plan could hold."""
    rounded: npt.NDArray[np.float64] = np.floor(np.minimum(values, 1e15) + 0.5)
    return rounded


def _rows(grid: npt.NDArray[np.float64] | Grid) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in grid.astype(np.int64).tolist())
