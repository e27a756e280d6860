"""CP-SAT chooses a plan from routes that were met: each visit once at most, each shift once.

The set partitioning model with visits that may be left out. Only for problems in which no relation
ties a route to another and no crew's shifts can run into each other: then any choice is a plan.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ortools.sat.python import cp_model


class Candidate(NamedTuple):
    """A route that may be chosen; `cost` in points without what its visits save."""

    shift: int
    order: tuple[int, ...]
    cost: int


def choose(
    candidates: Sequence[Candidate],
    drop_cost: Sequence[int],
    chosen: Mapping[int, tuple[int, ...]],
    *,
    seed: int,
    effort: float,
) -> list[Candidate] | None:
    """The cheapest set of routes found, None when there is none.

    `drop_cost` is what leaving a visit out costs, points; `chosen` are the routes of a known plan,
    by shift, to begin from. `effort` is CP-SAT's deterministic time, about seconds: the answer
    does not depend on the clock.
    """
    # A route dearer than leaving its visits out is in no cheapest plan.
    net = [each.cost - sum(drop_cost[v] for v in each.order) for each in candidates]
    candidates = [each for each, points in zip(candidates, net, strict=True) if points <= 0]
    net = [points for points in net if points <= 0]
    model = cp_model.CpModel()
    taken = [model.new_bool_var(f"r{i}") for i in range(len(candidates))]
    by_shift: dict[int, list[int]] = {}
    by_visit: list[list[int]] = [[] for _ in drop_cost]
    for i, candidate in enumerate(candidates):
        by_shift.setdefault(candidate.shift, []).append(i)
        for v in candidate.order:
            by_visit[v].append(i)
        model.add_hint(taken[i], chosen.get(candidate.shift) == candidate.order)
    for routes in (*by_shift.values(), *by_visit):
        if len(routes) > 1:
            model.add_at_most_one(taken[i] for i in routes)
    # A visit left out costs: what the routes cost beyond what their visits save is minimised.
    model.minimize(cp_model.LinearExpr.weighted_sum(taken, net))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % 2**31
    # Probing and symmetries eat the effort before the first solution on pools of thousands.
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    solver.parameters.max_deterministic_time = effort
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return [each for i, each in enumerate(candidates) if solver.boolean_value(taken[i])]
