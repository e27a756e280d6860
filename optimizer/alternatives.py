"""Why this crew: a served visit's place against the best places on other crews."""

from collections.abc import Mapping
from dataclasses import dataclass

from optimizer.partners import Partner, partners_of, place_of
from optimizer.search.insertion import spots_on
from optimizer.search.state import State
from optimizer.seating import Seat, Seating
from optimizer.standing import Standing


@dataclass(frozen=True, slots=True)
class Alternative:
    """The visit on another crew, everything else left as it is.

    `driving`, `late` and `overtime` are seconds, `cost` points: what the plan has more of then,
    negative where it has less. `together` are the places of those that begin together with it: they
    go to its second, in their own places where that is possible.
    """

    crew: str
    shift: str
    position: int
    start: int
    driving: int
    late: int
    overtime: int
    cost: int
    together: tuple[Partner, ...] = ()


def alternatives(standing: Standing, v: int, k: int = 3) -> list[Alternative]:
    """The `k` other crews on which the visit costs least, each at its best place.

    Visits that follow it keep their times. Empty where no other crew can take it, and where its
    own route does not hold without it.
    """
    instance, here = standing.instance, standing.state.where[v]
    places = Places.of(standing.state, v)
    if here < 0 or places is None:
        return []
    best: dict[int, Alternative] = {}
    for s in instance.candidates[v]:
        crew = instance.crew_of[s]
        if crew == instance.crew_of[here]:
            continue
        found = places.best_on(s, standing.state)
        if found is not None and (crew not in best or found.cost < best[crew].cost):
            best[crew] = found
    return sorted(best.values(), key=lambda one: (one.cost, one.crew))[:k]


class Places:
    """Where a visit could be, those that begin together with it included."""

    def __init__(self, rest: State, v: int, homes: Mapping[int, tuple[int, int]]) -> None:
        self.rest = rest
        """The state without the visit and those that begin together with it."""
        self.v = v
        self.group = rest.instance.groups[v]
        self.homes = homes
        """The shift, and the number of stops before it there, of each of them that has a place."""
        self._seating = Seating(rest, self.group) if len(self.group) > 1 else None

    @classmethod
    def of(cls, before: State, v: int) -> "Places | None":
        """Those of a visit, served or not; None where a route does not hold without it."""
        rest, group = before.copy(), before.instance.groups[v]
        homes = {
            u: (before.where[u], before.order(before.where[u]).index(u))
            for u in group
            if before.where[u] >= 0
        }
        for s, _ in homes.values():
            if not rest.place(s, tuple(u for u in rest.order(s) if u not in group)):
                return None
        return cls(rest, v, homes)

    def best_on(self, s: int, before: State) -> Alternative | None:
        """The visit's best place on the shift, if it has one, with what changes against `before`."""
        made = self.made_on(s)
        return None if made is None else self._told(made, before)

    def made_on(self, s: int, position: int | None = None) -> State | None:
        """The state with the visit at its best place on the shift, or at the position there."""
        if self._seating is not None:
            return self._shared(self._seating, s, position)
        rest, v = self.rest, self.v
        for spot in sorted(spots_on(rest, v, s)):
            made, order = rest.copy(), rest.order(s)
            if position in (None, spot.position) and made.place(
                s, (*order[: spot.position], v, *order[spot.position :])
            ):
                return made
        return None

    def _shared(self, seating: Seating, s: int, position: int | None) -> State | None:
        """The same for those that begin together: the others where they are, else where they can."""

        def there(u: int, seat: Seat) -> bool:
            return u != self.v or (seat.shift == s and position in (None, seat.position))

        def stays(u: int, seat: Seat) -> bool:
            if u == self.v or u not in self.homes:
                return there(u, seat)
            return (seat.shift, seat.position) == self.homes[u]

        found = seating.best(allowed=stays) or seating.best(allowed=there)
        return None if found is None else found.state

    def _told(self, made: State, before: State) -> Alternative:
        problem = before.instance.problem
        touched = {each.where[u] for each in (before, made) for u in self.group} - {-1}
        driving, late, overtime = (
            sum(after) - sum(now)
            for after, now in zip(_figures(made, touched), _figures(before, touched), strict=True)
        )
        place = place_of(problem, made, self.v)
        return Alternative(
            crew=problem.shifts[made.where[self.v]].crew,
            shift=place.shift,
            position=place.position,
            start=place.start,
            driving=driving,
            late=late,
            overtime=overtime,
            cost=made.cost() - before.cost(),
            together=partners_of(problem, made, self.v),
        )


def _figures(state: State, shifts: set[int]) -> tuple[list[int], list[int], list[int]]:
    """Seconds driven, late and of overtime on each of the shifts."""
    routes = [route for s in shifts if (route := state.routes[s]) is not None]
    late = [
        sum(
            max(0, stop.begin - service.due)
            for stop, service in zip(route.timing.stops, route.services, strict=True)
            if service.late_cost
        )
        for route in routes
    ]
    overtime = [max(0, route.timing.returns - route.lane.end) for route in routes]
    return [route.travel for route in routes], late, overtime
