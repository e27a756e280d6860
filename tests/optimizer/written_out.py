"""A plan in the format's words from bare times: sums, costs and reasons made from the problem."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from optimizer.check import check
from optimizer.check.facts import Facts
from optimizer.check.reasons import failing
from optimizer.plan import REASONS, Plan, Route, Stop, TakenBreak, Unserved
from optimizer.problem import Break, Shift, Visit
from tests.optimizer.builders import FREE


@dataclass(frozen=True)
class Times:
    """The times of one shift's route: stops are (visit, arrive, start, end), breaks begin."""

    shift: Shift
    departs: int
    returns: int
    stops: Sequence[tuple[Visit, int, int, int]]
    breaks: Sequence[tuple[Break, int]]


def written_out(facts: Facts, days: Sequence[Times]) -> Plan:
    """The plan of these times; what it leaves out is told for `cost` where it could be served."""
    routes = tuple(_route(facts, day) for day in days if day.stops)
    served = {stop.visit for route in routes for stop in route.stops}
    left = [visit for visit in facts.problem.visits if visit.id not in served]
    draft = Plan(routes, tuple(_unserved(facts, visit) for visit in left), FREE)
    return replace(draft, cost=check(facts.problem, draft).cost)


def _route(facts: Facts, day: Times) -> Route:
    crew, shift = facts.crew_of(day.shift), day.shift
    points = [shift.from_, *(visit.place for visit, *_ in day.stops)]
    points += [] if shift.to is None else [shift.to]
    ways = list(pairwise(points))
    metres = [facts.metres(crew, a, b) for a, b in ways]
    known = [length for length in metres if length is not None]
    return Route(
        shift=shift.id,
        departs=day.departs,
        returns=day.returns,
        stops=tuple(Stop(visit.id, *times) for visit, *times in day.stops),
        breaks=tuple(
            TakenBreak(pause.id, begin, begin + pause.duration) for pause, begin in day.breaks
        ),
        travel_seconds=sum(facts.seconds(crew, a, b) for a, b in ways),
        metres=sum(known) if len(known) == len(metres) else None,
        overtime=max(0, day.returns - shift.end),
    )


def _unserved(facts: Facts, visit: Visit) -> Unserved:
    reasons = [failing(facts, shift, visit) or "cost" for shift in facts.problem.shifts]
    reason = max(reasons, key=REASONS.index, default="shift_hours")
    return Unserved(visit.id, reason, {name: reasons.count(name) for name in set(reasons)})
