"""What a problem asks for that a peer may have no word for."""

import time
from collections.abc import Sequence

from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.answer import answer
from optimizer.search.given import from_orders
from optimizer.search.instance import Instance


class CannotExpress(Exception):
    """The peer has no word for something the problem asks for; the message names it."""


def features(problem: Problem) -> set[str]:
    """The features of the format that the problem uses and that not every engine knows."""
    visits, shifts, weights = problem.visits, problem.shifts, problem.weights
    moved = problem.incumbent is not None and weights.change > 0
    used = {
        "relations": bool(problem.relations),
        "soft due times": any(v.due is not None and v.late_cost for v in visits),
        "breaks": any(shift.breaks for shift in shifts),
        "overtime": any(shift.max_overtime for shift in shifts),
        "a limit of travel": any(shift.max_travel is not None for shift in shifts),
        "negative times": any(shift.start < 0 for shift in shifts)
        or any(window.open < 0 for v in visits for window in v.begins),
        "the price of changes": moved,
    }
    return {name for name, here in used.items() if here}


def refuse(problem: Problem, unknown: Sequence[str]) -> None:
    """Raise CannotExpress when the problem uses one of these features; the first one is named."""
    used = features(problem)
    for name in unknown:
        if name in used:
            raise CannotExpress(name)


def timed(problem: Problem, orders: Sequence[Sequence[int]], engine: str, *, began: float) -> Plan:
    """The plan of these orders, by shift; what does not fit exactly is left out.

    `began` is when the engine began to search, by the monotonic clock: what is done here is none of its time.
    """
    seconds = round(time.monotonic() - began, 2)
    state = from_orders(Instance(problem), orders)
    return answer(state, {"engine": engine, "seconds": seconds})
