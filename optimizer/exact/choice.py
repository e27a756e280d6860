"""CP-SAT chooses a plan from routes that were met: each visit once at most, each shift once.

The set partitioning model with visits that may be left out and with the relations. GLOP solves its
relaxation first: a route whose reduced cost is more than what separates the plan in hand from the
relaxation is in no better plan, so CP-SAT sees only those that can matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from optimizer.exact.relations import Relations, Span, relate
from optimizer.search.searcher import Met

MOST_CHOSEN_FROM = 1_500
"""Routes that CP-SAT sees, those of least reduced cost."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The routes chosen, the begins that tied visits are to have, and how many CP-SAT saw."""

    routes: list[Met]
    begins: Mapping[int, int] = field(default_factory=dict)
    seen: int = 0
    optimal: bool = False


def choose(
    candidates: Sequence[Met],
    drop_cost: Sequence[int],
    chosen: Mapping[int, tuple[int, ...]],
    *,
    seed: int,
    effort: float,
    relations: Relations | None = None,
) -> Choice | None:
    """The cheapest set of routes found, None when there is none.

    `drop_cost` is what leaving a visit out costs, points; `chosen` are the routes of a known plan,
    by shift, to begin from. `effort` is CP-SAT's deterministic time, about seconds: the answer
    does not depend on the clock. With `relations` the cost of a route is what it was when met; the
    begins of tied visits are the model's, and whoever asks times the plan anew.
    """
    net = [each.cost - sum(drop_cost[v] for v in each.order) for each in candidates]
    # A route dearer than leaving its visits out is in no cheapest plan, unless others need it.
    keep = [i for i, points in enumerate(net) if points <= 0 or relations is not None]
    known = {(s, order) for s, order in chosen.items() if order}
    keep = _promising([candidates[i] for i in keep], [net[i] for i in keep], keep, known)
    spans: dict[int, Mapping[int, Span]] = {}
    if relations is not None:
        for i in keep:
            own = relations.spans(candidates[i].shift, candidates[i].order)
            if own is not None:
                spans[i] = own
        keep = list(spans)
    shown, prices = [candidates[i] for i in keep], [net[i] for i in keep]
    model = cp_model.CpModel()
    taken = [model.new_bool_var(f"r{i}") for i in range(len(shown))]
    by_shift: dict[int, list[int]] = {}
    by_visit: dict[int, list[int]] = {}
    for i, candidate in enumerate(shown):
        by_shift.setdefault(candidate.shift, []).append(i)
        for v in candidate.order:
            by_visit.setdefault(v, []).append(i)
        model.add_hint(taken[i], (candidate.shift, candidate.order) in known)
    for routes in (*by_shift.values(), *by_visit.values()):
        if len(routes) > 1:
            model.add_at_most_one(taken[i] for i in routes)
    begins = (
        {}
        if relations is None
        else relate(model, relations, shown, list(spans.values()), taken, by_visit)
    )
    # A visit left out costs: what the routes cost beyond what their visits save is minimised.
    model.minimize(cp_model.LinearExpr.weighted_sum(taken, prices))
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
    picked = [each for i, each in enumerate(shown) if solver.boolean_value(taken[i])]
    served = {v for each in picked for v in each.order}
    return Choice(
        picked,
        {v: solver.value(begin) for v, begin in begins.items() if v in served},
        len(shown),
        status == cp_model.OPTIMAL,
    )


def _promising(
    candidates: Sequence[Met],
    net: Sequence[int],
    index: Sequence[int],
    known: set[tuple[int, tuple[int, ...]]],
) -> list[int]:
    """The indexes of the candidates that can be in a better plan than the known one, by GLOP's duals."""
    if len(candidates) < 2:
        return list(index)
    solver = pywraplp.Solver.CreateSolver("GLOP")
    infinity = solver.infinity()
    rows: dict[tuple[str, int], pywraplp.Constraint] = {}
    objective = solver.Objective()
    variables = []
    for candidate, points in zip(candidates, net, strict=True):
        variable = solver.NumVar(0.0, infinity, "")
        objective.SetCoefficient(variable, float(points))
        keys = [("shift", candidate.shift), *(("visit", v) for v in candidate.order)]
        for key in keys:
            if key not in rows:
                rows[key] = solver.Constraint(-infinity, 1.0)
            rows[key].SetCoefficient(variable, 1.0)
        variables.append(variable)
    objective.SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return list(index)[-MOST_CHOSEN_FROM:]
    reduced = np.array([variable.ReducedCost() for variable in variables])
    in_hand = [(each.shift, each.order) in known for each in candidates]
    slack = sum(p for p, held in zip(net, in_hand, strict=True) if held) - objective.Value()
    order = np.lexsort((np.arange(len(reduced)), reduced))[:MOST_CHOSEN_FROM]
    # Rounding in the relaxation must not cost a route: half a point of room.
    fits = {int(i) for i in order if reduced[i] <= max(0.0, slack) + 0.5}
    fits.update(i for i, held in enumerate(in_hand) if held)
    return [index[i] for i in sorted(fits)]
