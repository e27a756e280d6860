"""Solve a legible problem and show what binds the plan: judged, at the proven least cost."""

from optimizer.check import check
from optimizer.plan import Plan, Route
from optimizer.problem import Problem
from optimizer.solve import Limits, solve
from tests.optimizer.brute_force import cheapest
from tests.optimizer.builders import shift

NEAR, AWAY = shift("S1", "C1", from_="near", to="near"), shift("S2", "C2")
"""A crew that is at "near" already, and one that has 600 s to drive there."""


def best(given: Problem) -> Plan:
    """The plan that solve finds, without fault and at the proven least cost."""
    result = solve(given, Limits(iterations=200))
    report = check(given, result)
    assert report.ok, [str(found) for found in (*report.violations, *report.figures)]
    least = cheapest(given).cost.total
    assert result.cost.total == least, f"costs {result.cost.total}, but {least} is possible"
    return result


def bound_by(given: Problem, freed: Problem) -> Plan:
    """The plan of the first problem; without the rule in question, the second, it is cheaper."""
    result = best(given)
    assert best(freed).cost.total < result.cost.total, "the rule binds nothing here"
    return result


def orders(result: Plan) -> dict[str, list[str]]:
    """The visits of each used shift, in order."""
    return {route.shift: [stop.visit for stop in route.stops] for route in result.routes}


def only(result: Plan) -> Route:
    """The one route of a plan."""
    (route,) = result.routes
    return route
