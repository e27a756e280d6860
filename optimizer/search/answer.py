"""From a state of the search to the plan of the format."""

from collections.abc import Mapping
from typing import Any

from optimizer.plan import Cost, Plan, Route, Stop, TakenBreak
from optimizer.reasons import unserved
from optimizer.search.instance import Instance
from optimizer.search.route import Route as Walked
from optimizer.search.state import State
from optimizer.search.timing import Timing


def answer(state: State, search: Mapping[str, Any]) -> Plan:
    """The plan that a state stands for, with costs, and reasons for what it leaves out."""
    routes = tuple(
        written(state.instance, route) for route in state.routes if route is not None
    )
    return Plan(
        routes=routes, unserved=unserved(state), cost=priced(state), search=dict(search)
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


def priced(state: State) -> Cost:
    """The cost of a state by the format's terms, points."""
    instance, weights = state.instance, state.instance.problem.weights
    terms = dict.fromkeys(
        ("travel", "work", "overtime", "late", "unserved", "not_preferred", "change", "use"), 0
    )
    for s, route in enumerate(state.routes):
        if route is None:
            continue
        timing = route.timing
        terms["travel"] += route.travel * weights.travel
        terms["work"] += timing.work * weights.work
        terms["overtime"] += _overtime(route, timing) * weights.overtime
        terms["use"] += instance.problem.shifts[s].use_cost
        for stop in timing.stops:
            service = instance.services[s][stop.visit]
            terms["late"] += max(0, stop.begin - service.due) * service.late_cost
            terms["not_preferred"] += instance.dislike_cost[stop.visit][s]
            terms["change"] += instance.change_cost[stop.visit][s]
    for v, s in enumerate(state.where):
        if s < 0:
            terms["unserved"] += instance.problem.visits[v].unserved_cost
            terms["change"] += instance.drop_cost[v] - instance.problem.visits[v].unserved_cost
    return Cost(total=sum(terms.values()), **terms)
