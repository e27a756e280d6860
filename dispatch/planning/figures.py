"""A plan's figures: what a dispatcher compares, computed from the problem and the plan alone."""

from collections import Counter
from typing import Any

from dispatch.planning.drives import ESTIMATE
from optimizer.gap import gap
from optimizer.plan import Plan
from optimizer.problem import Problem


def figures(problem: Problem, plan: Plan) -> dict[str, Any]:
    """The figures of a plan, plain JSON values.

    Minutes and km have one decimal. `deadlines_kept` counts planned visits whose service begins by their own
    deadline; `deadlines` counts those that have one, planned or not. `km` is None when distances are unknown.
    `travel_times` says what the driving times rest on (see `drives.between`). `bound` is what no plan can cost less
    than, `gap` by which share of its cost another may be cheaper at most; None where nothing is proven.
    """
    due = problem.meta.get("due", {})
    begins = {stop.visit: stop.start for route in plan.routes for stop in route.stops}
    incumbent = problem.incumbent.shift_of() if problem.incumbent else {}
    shift_of = {stop.visit: route.shift for route in plan.routes for stop in route.stops}
    travel = sum(route.travel_seconds for route in plan.routes)
    metres = [route.metres for route in plan.routes]
    known = {visit.id for visit in problem.visits}
    promised = {visit.id for visit in problem.visits if visit.windows}
    return {
        "visits": len(begins),
        "pool": len(problem.visits),
        "left_out": dict(sorted(Counter(entry.reason for entry in plan.unserved).items())),
        "left_out_total": len(plan.unserved),
        "crews": len(plan.routes),
        "travel_minutes": _minutes(travel),
        "travel_minutes_per_visit": round(travel / 60 / len(begins), 1) if begins else 0.0,
        "km": None if None in metres else round(sum(m or 0 for m in metres) / 1000, 1),
        "overtime_minutes": _minutes(sum(route.overtime for route in plan.routes)),
        "deadlines": sum(1 for visit in due if visit in known),
        "deadlines_kept": sum(1 for visit, at in due.items() if begins.get(visit, at + 1) <= at),
        "promises": len(promised),
        "promises_planned": len(promised & begins.keys()),
        "moved": sum(
            1 for v, shift in incumbent.items() if v in known and shift_of.get(v) != shift
        ),
        "travel_times": problem.meta.get("travel", {"source": ESTIMATE}),
        "cost": plan.cost.total,
        "bound": plan.bound,
        "gap": gap(problem, plan),
        "cost_parts": {
            name: getattr(plan.cost, name) for name in plan.cost.__slots__ if name != "total"
        },
    }


def _minutes(seconds: int) -> float:
    return round(seconds / 60, 1)
