"""The judge: recomputes a plan from its problem and reports whatever is wrong.

It is written from the planning format alone and shares no code with the search, so that a mistake
in one of them shows. It holds no state and needs neither OR-Tools nor compiled code.
"""

from dataclasses import fields

from optimizer.check.cost import recomputed_cost
from optimizer.check.facts import Facts
from optimizer.check.plan import (
    Served,
    check_crew,
    check_crew_routes,
    check_relation,
    check_routes_of_shifts,
    check_served_once,
)
from optimizer.check.reasons import check_unserved
from optimizer.check.report import Figure, Findings, Report, Violation
from optimizer.check.route import check_route
from optimizer.plan import Cost, Plan
from optimizer.problem import Problem

__all__ = ["Figure", "Report", "Violation", "check"]


def check(problem: Problem, plan: Plan) -> Report:
    """Judge a plan: every broken rule, every figure that differs, and the cost recomputed."""
    facts, found = Facts(problem), Findings()
    check_served_once(facts, plan, found)
    check_routes_of_shifts(facts, plan, found)
    routes = [
        (f"routes[{index}]", facts.shifts[route.shift], route)
        for index, route in enumerate(plan.routes)
        if route.shift in facts.shifts and all(stop.visit in facts.visits for stop in route.stops)
    ]
    served = Served(routes)
    for path, shift, route in routes:
        check_route(facts, shift, route, path, found)
        for index, stop in enumerate(route.stops):
            visit, at = facts.visits[stop.visit], f"{path}.stops[{index}].visit"
            check_crew(facts.crew_of(shift), shift, visit, at, found)
    check_crew_routes(routes, found)
    for relation in problem.relations:
        check_relation(relation, served, found)
    for index, entry in enumerate(plan.unserved):
        if entry.visit in facts.visits:
            check_unserved(facts, entry, f"unserved[{index}]", found)
    cost = recomputed_cost(facts, routes, served)
    for field in fields(Cost):
        path = f"cost.{field.name}"
        found.compare(path, getattr(plan.cost, field.name), getattr(cost, field.name))
    if plan.bound is not None and plan.bound > cost.total:
        found.broken("bound", "bound", f"is {plan.bound}, above the total {cost.total}")
    return Report(tuple(found.violations), tuple(found.figures), cost)
