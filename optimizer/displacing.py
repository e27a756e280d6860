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
    waiting = sorted(ways_for(state, v, shifts, size, movable, ceiling))
    found: list[Exchange] = []
    worst: list[int] = []
    for bound, s, out in waiting:
        if len(worst) >= most and bound >= -worst[0]:
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


def ways_for(
    state: State, v: int, shifts: Iterable[int], size: int, movable: Movable, ceiling: int
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Every set of a shift's visits with a lower bound on what the exchange costs, if below `ceiling`."""
    drop = state.instance.drop_cost
    for s in shifts:
        route = state.routes[s]
        if route is None or not state.instance.may_serve(v, s):
            continue
        free = [other for other in route.order if movable(other)]
        for out in combinations(free, size):
            lost = sum(drop[other] for other in out) - drop[v] - route.cost
            if lost < ceiling:  # no route costs less than nothing
                bound = lost + _least(state, s, v, out)
                if bound < ceiling:
                    yield bound, s, out


def least_more(state: State, v: int, s: int) -> int:
    """A lower bound on what serving an unserved visit on the shift adds to the plan's total."""
    least = _least(state, s, v, ())
    return least - state.route_cost(s) - state.instance.drop_cost[v]


def _least(state: State, s: int, v: int, out: tuple[int, ...]) -> int:
    """The least that the shift can cost with `v` instead of these: its drives and fixed costs."""
    instance = state.instance
    lane, place, serve = instance.lanes[s], instance.place, instance.serve_cost
    legs, mine = lane.legs, instance.place[v]
    at, travel, detour = lane.home, 0, None
    kept = [other for other in state.order(s) if other not in out]
    fixed = instance.problem.shifts[s].use_cost + serve[v][s]
    fixed += sum(serve[other][s] for other in kept)
    following = [place[other] for other in kept]
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


def cleared(
    state: State, v: int, shifts: Iterable[int], movable: Movable, ceiling: int = INFINITY
) -> Exchange | None:
    """The cheapest exchange below `ceiling` that leaves out three of a shift or more, each needed.

    On every shift all that may go goes, and comes back where it still fits, the costliest to leave
    out first. For a visit that one or two others cannot make room for.
    """
    best: Exchange | None = None
    for bound, s, out in sorted(_emptied(state, v, shifts, movable)):
        if bound >= ceiling:
            break
        exchange = _cleared(state, v, s, out)
        if exchange is not None and exchange.out and exchange.cost < ceiling:
            best, ceiling = exchange, exchange.cost
    return best


def _emptied(
    state: State, v: int, shifts: Iterable[int], movable: Movable
) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """All that may go of each shift, with the least that any three of them cost."""
    drop = state.instance.drop_cost
    for s in shifts:
        route = state.routes[s]
        out = tuple(other for other in state.order(s) if movable(other))
        if route is None or not out or not state.instance.may_serve(v, s):
            continue
        least = sum(sorted(drop[other] for other in out)[:3])
        yield least + _least(state, s, v, out) - route.cost - drop[v], s, out


def _cleared(state: State, v: int, s: int, out: tuple[int, ...]) -> Exchange | None:
    """The exchange for so few of these that each of them is needed."""
    drop = state.instance.drop_cost
    best = exchanged(state, v, s, out)
    if best is None:
        return None
    for other in sorted(out, key=lambda other: -drop[other]):
        fewer = tuple(kept for kept in best.out if kept != other)
        again = exchanged(state, v, s, fewer)
        best = best if again is None else again
    return best
