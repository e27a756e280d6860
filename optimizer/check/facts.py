"""A problem as the checker looks things up in it: by id, and the way between two places."""

from functools import lru_cache

from geographiclib.geodesic import Geodesic

from optimizer.problem import Crew, Estimate, Matrix, Problem, Profiles, Shift, Visit
from optimizer.values import round_half_up


class Facts:
    """The problem's crews, shifts and visits by id, and travel leg by leg.

    Distances come from Karney's algorithm, one leg at a time: the search computes them in another
    way, so that one judges the other.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.crews = {crew.id: crew for crew in problem.crews}
        self.shifts = {shift.id: shift for shift in problem.shifts}
        self.visits = {visit.id: visit for visit in problem.visits}
        self._index = {place.id: index for index, place in enumerate(problem.places)}

    def crew_of(self, shift: Shift) -> Crew:
        """The crew that works in a shift."""
        return self.crews[shift.crew]

    def seconds(self, crew: Crew, origin: str, target: str) -> int:
        """Whole seconds that a crew drives from one place id to another."""
        way, i, j = self._way(crew), self._index[origin], self._index[target]
        if isinstance(way, Matrix):
            seconds = way.seconds[i][j]
        elif i == j:
            seconds = 0
        else:
            driven = self._distance(i, j) * way.detour
            seconds = round_half_up(driven / (way.speed_kmh / 3.6) + way.overhead)
        return round_half_up(seconds * crew.travel_factor)

    def metres(self, crew: Crew, origin: str, target: str) -> int | None:
        """Whole metres that a crew drives from one place id to another, None when unknown."""
        way, i, j = self._way(crew), self._index[origin], self._index[target]
        if isinstance(way, Matrix):
            return None if way.metres is None else way.metres[i][j]
        return 0 if i == j else round_half_up(self._distance(i, j) * way.detour)

    def service(self, crew: Crew, visit: Visit, *, setup: bool) -> int:
        """Whole seconds that a crew serves a visit, with its setup or without."""
        seconds = visit.duration + (visit.setup if setup else 0)
        return round_half_up(seconds * crew.service_factor)

    def _way(self, crew: Crew) -> Matrix | Estimate:
        travel = self.problem.travel
        return travel.profiles[crew.profile or ""] if isinstance(travel, Profiles) else travel

    def _distance(self, i: int, j: int) -> float:
        a, b = self.problem.places[min(i, j)], self.problem.places[max(i, j)]
        return _distance(a.lat, a.lon, b.lat, b.lon)


@lru_cache(maxsize=1 << 16)
def _distance(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Metres between two points of WGS 84. Most legs of an edited plan are those of the plan before."""
    line = Geodesic.WGS84.Inverse(lat, lon, other_lat, other_lon, Geodesic.DISTANCE)
    return float(line["s12"])
