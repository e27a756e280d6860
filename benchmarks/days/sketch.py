"""A plan in force, as a person at a map would draw it: each visit where it is least of a detour.

It is made without the optimizer, so that it stays the same when the optimizer changes; that it is not quite
feasible is as in life.
"""

import math

from optimizer.problem import Crew, Incumbent, IncumbentRoute, Place, Problem, Shift, Visit

DEGREE = 111_000
"""Metres of a degree of latitude; of longitude at Humen 0.92 of that."""
METRES_PER_SECOND = 30 / 3.6 / 1.35
NEAREST = 12
"""Routes with room that are weighed for a visit, those that come nearest to it."""


def sketched(problem: Problem) -> Incumbent:
    """Cheapest insertion of the visits, costliest to leave out first, on straight lines."""
    places = {place.id: _metres(place) for place in problem.places}
    crews = {crew.id: crew for crew in problem.crews}
    routes = [_Drawn(shift, crews[shift.crew], places) for shift in problem.shifts]
    for visit in sorted(problem.visits, key=lambda visit: (-visit.unserved_cost, visit.id)):
        able = [route for route in routes if route.may(visit)]
        able.sort(key=lambda route: (route.nearness(visit), route.shift.id))
        tries: list[tuple[int, int, int]] = []
        feasible = 0
        for rank, route in enumerate(able):
            found = route.detours(visit)
            tries += [(detour, rank, position) for position, detour in found]
            feasible += bool(found)
            if feasible == NEAREST:
                break
        if tries:
            _, rank, position = min(tries)
            able[rank].visits.insert(position, visit)
    return Incumbent(
        tuple(
            IncumbentRoute(route.shift.id, tuple(visit.id for visit in route.visits))
            for route in routes
            if route.visits
        )
    )


def _metres(place: Place) -> tuple[float, float]:
    assert place.lat is not None
    assert place.lon is not None
    return DEGREE * place.lat, 0.92 * DEGREE * place.lon


class _Drawn:
    """A route on the map."""

    def __init__(self, shift: Shift, crew: Crew, places: dict[str, tuple[float, float]]) -> None:
        self.shift, self.crew, self.places = shift, crew, places
        self.visits: list[Visit] = []

    def may(self, visit: Visit) -> bool:
        """Whether the crew is able and has the parts left."""
        crew = self.crew
        return (
            all(crew.skills.get(skill, 0) >= level for skill, level in visit.skills.items())
            and crew.members >= visit.members
            and crew.id not in visit.forbidden_crews
            and all(
                sum(other.parts.get(part, 0) for other in self.visits) + count
                <= self.shift.stock.get(part, 0)
                for part, count in visit.parts.items()
            )
        )

    def nearness(self, visit: Visit) -> int:
        """Seconds from the visit to the nearest point of the route."""
        stops = [self.shift.from_, *(other.place for other in self.visits)]
        return min(self._drive(stop, visit.place) for stop in stops)

    def detours(self, visit: Visit) -> list[tuple[int, int]]:
        """Positions at which the route still holds, with the seconds of driving each adds."""
        stops = [self.shift.from_, *(other.place for other in self.visits), self.shift.from_]
        found = []
        for position in range(len(self.visits) + 1):
            before, after = stops[position], stops[position + 1]
            detour = self._drive(before, visit.place) + self._drive(visit.place, after)
            if self._holds([*self.visits[:position], visit, *self.visits[position:]]):
                found.append((position, detour - self._drive(before, after)))
        return found

    def _holds(self, visits: list[Visit]) -> bool:
        """Whether windows and the end of the shift are kept, lunch counted as time alone."""
        pauses = sum(pause.duration for pause in self.shift.breaks)
        at, time = self.shift.from_, self.shift.start
        for visit in visits:
            time += self._drive(at, visit.place)
            if visit.windows:
                begins = [max(time, opens) for opens, closes in visit.windows if time <= closes]
                if not begins:
                    return False
                time = min(begins)
            time += visit.duration + (visit.setup if visit.place != at else 0)
            at = visit.place
        return time + self._drive(at, self.shift.from_) + pauses <= self.shift.end

    def _drive(self, one: str, two: str) -> int:
        (x, y), (u, w) = self.places[one], self.places[two]
        straight = math.sqrt((x - u) * (x - u) + (y - w) * (y - w))
        return 0 if one == two else 60 + int(straight / METRES_PER_SECOND)
