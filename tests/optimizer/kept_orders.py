"""The cheapest plan that keeps every route's visits and their order and serves some more, proven.

The model of `brute_force` with the order of the routes held fast: what a question about a plan that
stands may answer, found without the code that answers it.
"""

from collections.abc import Collection, Mapping, Sequence

from optimizer.plan import Plan
from optimizer.problem import Problem
from tests.optimizer.brute_force import Model
from tests.optimizer.routes_model import DEPOT


def orders_of(plan: Plan) -> dict[str, list[str]]:
    """The visits of each shift that a plan uses, in order."""
    return {route.shift: [stop.visit for stop in route.stops] for route in plan.routes}


def cheapest_with(
    problem: Problem, orders: Mapping[str, Sequence[str]], more: Collection[str]
) -> Plan | None:
    """The cheapest plan with these orders and `more` visits anywhere in them; None if there is none."""
    model = Model(problem)
    nodes = {stop.visit.id: node for node, stop in model.stops.items()}
    kept = {name for order in orders.values() for name in order}
    for name, node in nodes.items():
        model.model.add(model.stops[node].served == (name in kept or name in more))
    for day in model.days:
        order = [nodes[name] for name in orders.get(day.shift.id, ())]
        for node in order:
            if node not in day.serves:
                return None
            model.model.add(day.serves[node] == 1)
        following = list(zip([DEPOT, *order], [*order, DEPOT], strict=True))
        for arc, taken in day.arcs.items():
            if {*arc} <= {DEPOT, *order} and arc not in following:
                model.model.add(taken == 0)
    return model.solved()
