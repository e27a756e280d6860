"""How far a plan may be from the cheapest one: what is proven, and what no plan can avoid."""

from optimizer.plan import Plan
from optimizer.problem import Problem

BESIDE_OTHERS = frozenset({"relation", "capacity", "cost"})
"""Reasons that speak of other visits or of points: an empty shift could serve the visit."""


def gap(problem: Problem, plan: Plan) -> float | None:
    """The share of the plan's total by which a cheaper plan may undercut it; None when nothing is proven.

    What no plan can avoid does not count: the points of visits that no shift could serve.
    """
    if plan.bound is None:
        return None
    avoidable = plan.cost.total - unavoidable(problem, plan)
    return (plan.cost.total - plan.bound) / avoidable if avoidable else 0.0


def unavoidable(problem: Problem, plan: Plan) -> int:
    """Points of visits that no shift could serve even when empty."""
    worth = {visit.id: visit.unserved_cost for visit in problem.visits}
    return sum(
        worth.get(entry.visit, 0) for entry in plan.unserved if entry.reason not in BESIDE_OTHERS
    )
