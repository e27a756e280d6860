"""Why this crew: a served visit's place against the best places on other crews."""

from dataclasses import dataclass

from optimizer.search.insertion import spots_on
from optimizer.search.state import State
from optimizer.standing import Standing


@dataclass(frozen=True, slots=True)
class Alternative:
    """The visit on another crew, everything else left as it is.

    `driving`, `late` and `overtime` are seconds, `cost` points: what the plan has more of then,
    negative where it has less.
    """

    crew: str
    shift: str
    position: int
    start: int
    driving: int
    late: int
    overtime: int
    cost: int


def alternatives(standing: Standing, v: int, k: int = 3) -> list[Alternative]:
    """The `k` other crews on which the visit costs least, each at its best place.

    Visits that follow it keep their times. Empty where no other crew can take it, and where its
    own route does not hold without it.
    """
    state, instance = standing.state, standing.instance
    here = state.where[v]
    rest = state.copy()
    if here < 0 or not rest.place(here, tuple(u for u in state.order(here) if u != v)):
        return []
    best: dict[int, Alternative] = {}
    for s in instance.candidates[v]:
        crew = instance.crew_of[s]
        if crew == instance.crew_of[here]:
            continue
        found = best_on(standing, rest, v, s)
        if found is not None and (crew not in best or found.cost < best[crew].cost):
            best[crew] = found
    return sorted(best.values(), key=lambda one: (one.cost, one.crew))[:k]


def best_on(standing: Standing, rest: State, v: int, s: int) -> Alternative | None:
    """The visit's best place on the shift, if it has one; `rest` is the standing's state without the visit."""
    shift = standing.problem.shifts[s]
    before = standing.state
    touched = {s, before.where[v]} - {-1}
    for spot in sorted(spots_on(rest, v, s)):
        made, order = rest.copy(), rest.order(s)
        if not made.place(s, (*order[: spot.position], v, *order[spot.position :])):
            continue
        route = made.routes[s]
        assert route is not None
        driving, late, overtime = (
            sum(after) - sum(now)
            for after, now in zip(_figures(made, touched), _figures(before, touched), strict=True)
        )
        return Alternative(
            crew=shift.crew,
            shift=shift.id,
            position=spot.position,
            start=route.timing.stops[spot.position].begin,
            driving=driving,
            late=late,
            overtime=overtime,
            cost=made.cost() - before.cost(),
        )
    return None


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
