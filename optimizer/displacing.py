"""Room for a visit by leaving out others of one route: which, and what that costs.

A set of visits to leave out is judged first by a bound that needs no timeline: the drives of the
new route, with nothing late and no overtime. In the order of those bounds the routes are then
built exactly, until no set left can be cheaper.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import NamedTuple

from optimizer.search.insertion import spots_on
from optimizer.search.instance import Instance
from optimizer.search.route import Route
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY

Movable = Callable[[int], bool]


class Exchange(NamedTuple):
    """A visit on a shift instead of others; `cost` is what the plan's total changes by, points."""

    cost: int
    shift: int
    position: int
    out: tuple[int, ...]


def exchanges(
    state: State,
    v: int,
    *,
    shifts: Iterable[int],
    size: int,
    most: int,
    movable: Movable,
    ceiling: int = INFINITY,
) -> list[Exchange]:
    """The `most` cheapest ways to serve `v` instead of `size` visits of one of the shifts.

    Those that cost `ceiling` points or more do not count.
    Every shift and set gives its cheapest position. Visits that others depend on stay.
    """
    waiting = sorted(_bounded(state, v, shifts, size, movable))
    found: list[Exchange] = []
    worst: list[int] = []
    for bound, s, out in waiting:
        if bound >= ceiling or (len(worst) >= most and bound >= -worst[0]):
            break
        exchange = exchanged(state, v, s, out)
        if exchange is None or exchange.cost >= ceiling:
            continue
        found.append(exchange)
        heapq.heappush(worst, -exchange.cost)
        if len(worst) > most:
            heapq.heappop(worst)
    return sorted(found)[:most]


def exchanged(state: State, v: int, s: int, out: tuple[int, ...]) -> Exchange | None:
    """The cheapest place for `v` on the shift once these are out of it; None when it has none."""
    trial = without(state, out)
    if trial is None:
        return None
    spots = spots_on(trial, v, s)
    if not spots:
        return None
    best, drop = min(spots), state.instance.drop_cost
    route = trial.route_cost(s) - state.route_cost(s)
    return Exchange(
        best.cost + route + sum(drop[other] for other in out) - drop[v], s, best.position, out
    )


def without(state: State, out: tuple[int, ...]) -> State | None:
    """The state without these visits; None when more would have to go with them."""
    trial = state.copy()
    return trial if trial.remove(set(out)) == set(out) else None


def _bounded(
    state: State, v: int, shifts: Iterable[int], size: int, movable: Movable
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Every set of a shift's visits with a lower bound on what the exchange costs."""
    drop = state.instance.drop_cost
    for s in shifts:
        route = state.routes[s]
        if route is None or not state.instance.may_serve(v, s):
            continue
        free = [other for other in route.order if movable(other)]
        for out in combinations(free, size):
            bound = _least(state.instance, route, v, out) - route.cost
            yield bound + sum(drop[other] for other in out) - drop[v], s, out


def _least(instance: Instance, route: Route, v: int, out: tuple[int, ...]) -> int:
    """The least that the route can cost with `v` instead of these: its drives and fixed costs."""
    lane, place, serve = route.lane, instance.place, instance.serve_cost
    legs, mine = lane.legs, instance.place[v]
    at, travel, detour = lane.home, 0, None
    fixed = instance.problem.shifts[route.shift].use_cost + serve[v][route.shift]
    following = [place[other] for other in route.order if other not in out]
    fixed += sum(serve[other][route.shift] for other in route.order if other not in out)
    if lane.destination is not None:
        following.append(lane.destination)
    for then in following:
        direct = legs[at][then]
        travel += direct
        more = legs[at][mine] + legs[mine][then] - direct
        detour = more if detour is None or more < detour else detour
        at = then
    if lane.destination is None:
        more = legs[at][mine]
        detour = more if detour is None or more < detour else detour
    return fixed + (travel + (detour or 0)) * instance.problem.weights.travel


def cleared(state: State, v: int, shifts: Iterable[int], movable: Movable) -> Exchange | None:
    """The cheapest exchange that leaves out as many of a shift as it must, each of them needed.

    On every shift all that may go goes, and comes back where it still fits, the costliest to leave
    out first. For a visit that one or two others cannot make room for.
    """
    found = [
        exchange
        for s in shifts
        if (exchange := _cleared(state, v, s, movable)) is not None and exchange.out
    ]
    return min(found, default=None)


def _cleared(state: State, v: int, s: int, movable: Movable) -> Exchange | None:
    drop = state.instance.drop_cost
    out = tuple(other for other in state.order(s) if movable(other))
    best = exchanged(state, v, s, out)
    if best is None:
        return None
    for other in sorted(out, key=lambda other: -drop[other]):
        fewer = tuple(kept for kept in best.out if kept != other)
        again = exchanged(state, v, s, fewer)
        best = best if again is None else again
    return best
