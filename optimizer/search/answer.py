"""From a state of the search to the plan of the format."""

from collections.abc import Mapping, Sequence
from typing import Any

from optimizer.plan import Cost, Plan, Route, Stop, TakenBreak
from optimizer.reasons import unserved
from optimizer.search.instance import Instance
from optimizer.search.route import Route as Walked
from optimizer.search.state import State
from optimizer.search.timing import Timing


def answer(state: State, search: Mapping[str, Any]) -> Plan:
    """The plan that a state stands for, with costs, and reasons for what it leaves out."""
    routes = tuple(written(state.instance, route) for route in state.routes if route is not None)
    return Plan(
        routes=routes,
        unserved=unserved(state),
        cost=priced(state.instance, routes),
        search=dict(search),
    )


def written(instance: Instance, route: Walked) -> Route:
    """A route in the format's words."""
    timing, names = route.timing, instance.problem.visits
    breaks = {pause.id: pause for pause in instance.problem.shifts[route.shift].breaks}
    return Route(
        shift=instance.problem.shifts[route.shift].id,
        departs=timing.departs,
        returns=timing.returns,
        stops=tuple(
            Stop(visit=names[stop.visit].id, arrive=stop.arrive, start=stop.begin, end=stop.end)
            for stop in timing.stops
        ),
        breaks=tuple(
            TakenBreak(id=breaks[route.lane.names[pause]].id, start=begin, end=end)
            for pause, begin, end in timing.pauses
        ),
        travel_seconds=route.travel,
        metres=_metres(instance, route),
        overtime=_overtime(route, timing),
    )


def _overtime(route: Walked, timing: Timing) -> int:
    return max(0, timing.returns - route.lane.end)


def _metres(instance: Instance, route: Walked) -> int | None:
    metres = instance.metres[instance.crew_of[route.shift]]
    if metres is None:
        return None
    total, at = 0, route.lane.home
    for service in route.services:
        total += metres[at][service.place]
        at = service.place
    return total if route.lane.destination is None else total + metres[at][route.lane.destination]


def priced(instance: Instance, routes: Sequence[Route]) -> Cost:
    """The cost of routes and of leaving every other visit out, by the format's terms, points."""
    weights, problem = instance.problem.weights, instance.problem
    terms = dict.fromkeys(
        ("travel", "work", "overtime", "late", "unserved", "not_preferred", "change", "use"), 0
    )
    served: set[int] = set()
    for route in routes:
        s = instance.shift_index[route.shift]
        terms["travel"] += route.travel_seconds * weights.travel
        terms["work"] += _work(route) * weights.work
        terms["overtime"] += route.overtime * weights.overtime
        terms["use"] += problem.shifts[s].use_cost
        for stop in route.stops:
            v = instance.visit_index[stop.visit]
            served.add(v)
            service = instance.services[s][v]
            terms["late"] += max(0, stop.start - service.due) * service.late_cost
            terms["not_preferred"] += weights.not_preferred * instance.is_disliked(v, s)
            terms["change"] += weights.change * instance.is_changed(v, s)
    for v, visit in enumerate(problem.visits):
        if v not in served:
            terms["unserved"] += visit.unserved_cost
            terms["change"] += instance.drop_cost[v] - visit.unserved_cost
    return Cost(total=sum(terms.values()), **terms)


def _work(route: Route) -> int:
    """Working seconds: from departure to return without the breaks inside."""
    inside = (
        taken.end - taken.start
        for taken in route.breaks
        if route.departs <= taken.start and taken.end <= route.returns
    )
    return route.returns - route.departs - sum(inside)
