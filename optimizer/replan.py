"""A new plan for the rest of a day: what has begun is kept, the rest moves only where that pays."""

from collections.abc import Callable
from dataclasses import replace

from optimizer.concluding import Replanned, concluded
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.rest import rest_of_day
from optimizer.solve import Limits, Progress, solve


def replan(
    problem: Problem,
    plan: Plan,
    now: int,
    limits: Limits,
    *,
    seed: int = 0,
    workers: int = 1,
    change: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Replanned:
    """The best plan found for the rest of the day at `now`, seconds after the problem's start.

    `problem` is the whole day as it is known now, with new visits in it and without those called
    off; `plan` is the one in force. A visit that goes to another shift, or out of the plan, costs
    `change` points, the problem's `weights.change` unless given. Raise ProblemError when it is no
    cost; otherwise as `solve` does.
    """
    if change is not None:
        problem = replace(problem, weights=replace(problem.weights, change=change))
    rest = rest_of_day(problem, plan, now)
    found = solve(rest, limits, seed=seed, workers=workers, progress=progress, stop=stop)
    return concluded(rest, plan, found)
