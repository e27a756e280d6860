"""Our own engines, and the rule of thumb."""

import inspect
from typing import Any

from optimizer.naive import naive
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.solve import ENGINES, Limits, solve

ENGINE = "search" if "search" in ENGINES else ENGINES[0]


def searched(problem: Problem, seconds: float, seed: int, bound: float = 0.0) -> Plan:
    """The plan of `solve` on one core; `bound` seconds more go into proving one."""
    return _solved(problem, seconds, seed, workers=1, bound_seconds=bound)


def searched_by_two(problem: Problem, seconds: float, seed: int, bound: float = 0.0) -> Plan:
    """The plan of `solve` on two cores; `bound` seconds more go into proving one."""
    return _solved(problem, seconds, seed, workers=2, bound_seconds=bound)


def searched_without_choice(problem: Problem, seconds: float, seed: int) -> Plan:
    """The plan of `solve` on one core with CP-SAT's rounds switched off; raise ValueError where they cannot be."""
    if "choice" not in inspect.signature(solve).parameters:
        raise ValueError("this optimizer cannot switch CP-SAT's rounds off")
    return _solved(problem, seconds, seed, workers=1, choice=False)


def ruled(problem: Problem, _seconds: float, _seed: int) -> Plan:
    """The plan of the rule of thumb; it takes the time it takes."""
    return naive(problem)


def _solved(problem: Problem, seconds: float, seed: int, *, workers: int, **more: Any) -> Plan:
    limits = Limits(seconds=seconds)
    return solve(problem, limits, seed=seed, workers=workers, engine=ENGINE, **more)
