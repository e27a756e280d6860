"""A plan in the format's words from bare times: sums, costs and reasons made from the problem."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from optimizer.check import check
from optimizer.check.facts import Facts
from optimizer.check.reasons import failing
from optimizer.plan import REASONS, Plan, Route, Stop, TakenBreak, Unserved
from optimizer.problem import Break, Problem, Shift, Visit
from tests.optimizer.builders import FREE


@dataclass(frozen=True)
class Times:
    """The times of one shift's route: stops are (visit, arrive, start, end), breaks begin."""

    shift: Shift
    departs: int
    returns: int
    stops: Sequence[tuple[Visit, int, int, int]]
    breaks: Sequence[tuple[Break, int]]


def written_out(problem: Problem, days: Sequence[Times]) -> Plan:
    """The plan of these times; what it leaves out is told for `cost` where it could be served."""
    facts = Facts(problem)
    routes = tuple(_route(day) for day in days if day.stops)
    served = {stop.visit for route in routes for stop in route.stops}
    left = [visit for visit in problem.visits if visit.id not in served]
    return restated(problem, Plan(routes, tuple(told(facts, visit) for visit in left), FREE))


def restated(problem: Problem, plan: Plan) -> Plan:
    """The plan with every figure made anew from its stops, breaks and times, which stay."""
    facts = Facts(problem)
    routes = tuple(_with_sums(facts, route) for route in plan.routes)
    draft = replace(plan, routes=routes, cost=FREE)
    return replace(draft, cost=check(problem, draft).cost)


def told(facts: Facts, visit: Visit) -> Unserved:
    """A right entry for a visit that is left out, without a hint."""
    reasons = [failing(facts, shift, visit) or "cost" for shift in facts.problem.shifts]
    reason = max(reasons, key=REASONS.index, default="shift_hours")
    return Unserved(visit.id, reason, {name: reasons.count(name) for name in set(reasons)})


def legs(facts: Facts, route: Route) -> list[tuple[str, str]]:
    """The drives of a route, from place id to place id."""
    shift = facts.shifts[route.shift]
    points = [shift.from_, *(facts.visits[stop.visit].place for stop in route.stops)]
    points += [] if shift.to is None else [shift.to]
    return list(pairwise(points))


def _route(day: Times) -> Route:
    return Route(
        shift=day.shift.id,
        departs=day.departs,
        returns=day.returns,
        stops=tuple(Stop(visit.id, *times) for visit, *times in day.stops),
        breaks=tuple(
            TakenBreak(pause.id, begin, begin + pause.duration) for pause, begin in day.breaks
        ),
        travel_seconds=0,
        metres=None,
        overtime=0,
    )


def _with_sums(facts: Facts, route: Route) -> Route:
    shift = facts.shifts[route.shift]
    crew, ways = facts.crew_of(shift), legs(facts, route)
    metres = [facts.metres(crew, a, b) for a, b in ways]
    known = [length for length in metres if length is not None]
    return replace(
        route,
        travel_seconds=sum(facts.seconds(crew, a, b) for a, b in ways),
        metres=sum(known) if len(known) == len(metres) else None,
        overtime=max(0, route.returns - shift.end),
    )
