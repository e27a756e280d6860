"""Where a visit fits into a route, and what that costs.

Most positions are rejected by two additions; the others are answered from the labels before the
position and the latest moments behind it, without walking the route.
"""

from typing import NamedTuple

from optimizer.search.instance import Instance
from optimizer.search.route import Route, build, fits_load
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY, Label, Service, endings, extend


class Spot(NamedTuple):
    """A feasible insertion: its cost in points, the shift and the number of stops before it."""

    cost: int
    shift: int
    position: int


def spot_on(state: State, v: int, s: int, ceiling: int = INFINITY) -> Spot | None:
    """The cheapest place for the visit on the shift that costs less than `ceiling`, or None."""
    found = spots_on(state, v, s, ceiling, best_only=True)
    return min(found) if found else None


def spots_on(
    state: State, v: int, s: int, ceiling: int = INFINITY, *, best_only: bool = False
) -> list[Spot]:
    """The places for an unserved visit on a shift that cost less than `ceiling` points.

    With `best_only` places dearer than one already found may be missing.
    """
    instance = state.instance
    if not instance.may_serve(v, s) or state.blocked(v, s):
        return []
    windows = state.windows(v, s)
    service = instance.services[s][v]
    if windows is not None:
        if not windows:
            return []
        service = service._replace(windows=windows)
    route = state.routes[s]
    if route is None:
        alone = build(instance, s, (v,), lane=state.lane(s), windows={v: service.windows})
        return [Spot(alone.cost, s, 0)] if alone is not None and alone.cost < ceiling else []
    if not fits_load(instance, s, (*route.order, v)):
        return []
    if not instance.free and any(instance.timed_pairs[other] for other in route.order):
        # Partners on other routes may have moved since this one was walked.
        route = state.built(s, route.order) or route
    if route.gapped or _ties(instance, v, route):
        return _by_building(state, v, s, route, ceiling)
    return _by_labels(instance, service, route, ceiling, best_only=best_only)


def _ties(instance: Instance, v: int, route: Route) -> bool:
    """Whether the visit and one already on the route are bound by an `after`."""
    if instance.free or not instance.gaps_of[v]:
        return False
    there = set(route.order)
    return any(gap.first in there or gap.second in there for gap in instance.gaps_of[v])


def _by_building(state: State, v: int, s: int, route: Route, ceiling: int) -> list[Spot]:
    found = []
    for position in range(len(route.order) + 1):
        order = (*route.order[:position], v, *route.order[position:])
        built = state.built(s, order)
        if built is not None and built.cost - route.cost < ceiling:
            found.append(Spot(built.cost - route.cost, s, position))
    return found


def _by_labels(
    instance: Instance, service: Service, route: Route, ceiling: int, *, best_only: bool
) -> list[Spot]:
    legs, place = route.lane.legs, service.place
    opens, closes = service.windows[0][0], service.windows[-1][1]
    rate = instance.problem.weights.travel
    most = instance.problem.shifts[route.shift].max_travel
    room = INFINITY if most is None else most - route.travel
    base = instance.serve_cost[service.visit][route.shift] - route.time_cost
    easy = _is_easy(route, service)
    found: list[Spot] = []
    before, count = route.lane.home, len(route.order)
    for position in range(count + 1):
        labels = route.labels[position]
        if labels[0][1] > closes:
            break
        after = route.services[position].place if position < count else route.lane.destination
        into, direct, out = legs[before][place], 0, 0
        if after is not None:
            direct, out = legs[before][after], legs[place][after]
        seconds = service.again if position and before == place else service.first
        before = -1 if after is None else after
        cost = base + (into + out - direct) * rate
        if into + out - direct > room or cost >= ceiling:
            continue
        begin = max(labels[0][1] + into, opens)
        if begin + seconds + out > route.reach[position] + direct and after != place:
            continue
        entered = extend(labels, into, service, seconds, route.lane)
        if not entered:
            continue
        time_cost = _time_cost(instance, route, service, position, entered, easy=easy)
        if time_cost is not None and cost + time_cost < ceiling:
            found.append(Spot(cost + time_cost, route.shift, position))
            ceiling = cost + time_cost if best_only else ceiling
    return found


def _is_easy(route: Route, service: Service) -> bool:
    """Whether times cannot cost anything on the route: no due times, overtime or work."""
    lane = route.lane
    return (
        not lane.work_rate
        and not service.late_cost
        and (lane.limit <= lane.end or not lane.overtime_rate)
        and not any(other.late_cost for other in route.services)
    )


def _time_cost(
    instance: Instance,
    route: Route,
    service: Service,
    position: int,
    labels: list[Label],
    *,
    easy: bool,
) -> int | None:
    """Points for lateness, overtime and work with the visit in; None when it does not fit.

    `labels` are those at the end of the inserted service.
    """
    lane, services = route.lane, route.services
    at = service.place
    for i in range(position, len(services)):
        following = services[i]
        if i > position and not easy and not lane.work_rate:
            # Once the times are as they were, the rest of the route costs what it did.
            old = route.labels[i]
            if len(old) == 1 == len(labels) and old[0][:2] == labels[0][:2]:
                return route.time_cost + labels[0][2] - old[0][2]
        seconds = following.again if at == following.place else following.first
        labels = extend(labels, lane.legs[at][following.place], following, seconds, lane)
        at = following.place
        if i == position:
            latest = route.latest[i + 1]
            if not any(label[1] <= latest[label[0]] for label in labels):
                return None
            if easy:
                return 0
    ends = endings(labels, at, lane) if labels else []
    if not ends:
        return None
    if not lane.work_rate:
        return min(ending.cost for ending in ends)
    order = (*route.order[:position], service.visit, *route.order[position:])
    windows = {each.visit: each.windows for each in (service, *services)}
    built = build(instance, route.shift, order, lane=lane, windows=windows)
    return None if built is None else built.time_cost
