"""CP-SAT chooses a plan from routes that were met: each visit once at most, each shift once.

The set partitioning model with visits that may be left out and with the relations. GLOP solves its
relaxation first: a route whose reduced cost is more than what separates the plan in hand from the
relaxation is in no better plan. Of the others CP-SAT is shown the few most promising ones, among
which it proves the best choice in a moment, and then, from what it found, twice as many.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model

from optimizer.exact.relations import Relations, Span, relate
from optimizer.search.searcher import Met

FIRST_SHOWN = 400
"""Routes that CP-SAT is shown first, those of least reduced cost."""
WORTH_A_TRY = 0.3
"""The least share of the effort with which it is shown more."""

Known = frozenset[tuple[int, frozenset[int]]]
"""A plan: the visits of each shift that has some."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The routes chosen, the begins that tied visits are to have, and how many CP-SAT saw."""

    routes: list[Met]
    begins: Mapping[int, int] = field(default_factory=dict)
    seen: int = 0


@dataclass(frozen=True, slots=True)
class _Answer:
    """What CP-SAT made of the routes shown, whether that is proven the best, and its effort."""

    choice: Choice | None
    proven: bool
    effort: float


def choose(
    candidates: Sequence[Met],
    drop_cost: Sequence[int],
    chosen: Mapping[int, tuple[int, ...]],
    *,
    seed: int,
    effort: float,
    begins: Mapping[int, int] | None = None,
    relations: Relations | None = None,
) -> Choice | None:
    """The cheapest set of routes found, None when there is none.

    `drop_cost` is what leaving a visit out costs, points; `chosen` are the routes of a known plan,
    by shift, to begin from, and `begins` when its tied visits begin. `effort` is CP-SAT's
    deterministic time, about seconds: the answer does not depend on the clock. With `relations` the
    cost of a route is what it was when met; the begins of tied visits are the model's, and whoever
    asks times the plan anew.
    """
    saved = [each.cost - sum(drop_cost[v] for v in each.order) for each in candidates]
    # A route dearer than leaving its visits out is in no cheapest plan, unless others need it.
    keep = [i for i, points in enumerate(saved) if points <= 0 or relations is not None]
    routes, net = [candidates[i] for i in keep], [saved[i] for i in keep]
    known = frozenset((s, frozenset(order)) for s, order in chosen.items() if order)
    ranked, count = _ranked(routes, net, known), FIRST_SHOWN
    found: Choice | None = None
    left = effort
    while True:
        shown = sorted({*ranked[:count], *_held(routes, known)})
        answer = _chosen(
            [routes[i] for i in shown], [net[i] for i in shown], known,
            seed=seed, effort=left, begins=begins or {}, relations=relations,
        )  # fmt: skip
        found = answer.choice or found
        left -= answer.effort
        if (
            not answer.proven
            or found is None
            or count >= len(ranked)
            or left < WORTH_A_TRY * effort
        ):
            return found
        known = frozenset((each.shift, frozenset(each.order)) for each in found.routes)
        begins = found.begins
        count *= 2


def _held(routes: Sequence[Met], known: Known) -> list[int]:
    """The indexes of the routes of a known plan."""
    return [i for i, each in enumerate(routes) if (each.shift, frozenset(each.order)) in known]


def _chosen(
    routes: Sequence[Met], net: Sequence[int], known: Known, *, seed: int, effort: float,
    begins: Mapping[int, int], relations: Relations | None,
) -> _Answer:  # fmt: skip
    """Let CP-SAT choose from a few routes; `net` is what each costs beyond what its visits save."""
    spans: list[Mapping[int, Span]] = []
    if relations is not None:
        own = [relations.spans(each.shift, each.order) for each in routes]
        keep = [i for i, each in enumerate(own) if each is not None]
        routes, net = [routes[i] for i in keep], [net[i] for i in keep]
        spans = [each for each in own if each is not None]
    model = cp_model.CpModel()
    taken = [model.new_bool_var(f"r{i}") for i in range(len(routes))]
    by_shift: dict[int, list[int]] = {}
    by_visit: dict[int, list[int]] = {}
    for i, route in enumerate(routes):
        by_shift.setdefault(route.shift, []).append(i)
        for v in route.order:
            by_visit.setdefault(v, []).append(i)
        model.add_hint(taken[i], (route.shift, frozenset(route.order)) in known)
    for rivals in (*by_shift.values(), *by_visit.values()):
        if len(rivals) > 1:
            model.add_at_most_one(taken[i] for i in rivals)
    tied: Mapping[int, cp_model.IntVar] = {}
    if relations is not None:
        tied = relate(model, relations, routes, spans, taken, by_visit)
    for v in tied.keys() & begins.keys():
        model.add_hint(tied[v], begins[v])
    # A visit left out costs: what the routes cost beyond what their visits save is minimised.
    model.minimize(cp_model.LinearExpr.weighted_sum(taken, net))
    solver = _solver(seed, effort)
    status = solver.solve(model)
    spent = float(solver.response_proto.deterministic_time)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return _Answer(None, False, spent)
    picked = [each for i, each in enumerate(routes) if solver.boolean_value(taken[i])]
    served = {v for each in picked for v in each.order}
    at = {v: solver.value(begin) for v, begin in tied.items() if v in served}
    return _Answer(Choice(picked, at, len(routes)), status == cp_model.OPTIMAL, spent)


def _solver(seed: int, effort: float) -> cp_model.CpSolver:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = seed % 2**31
    # Probing and symmetries eat the effort before the first solution on pools of thousands.
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    solver.parameters.max_deterministic_time = effort
    return solver


def _ranked(routes: Sequence[Met], net: Sequence[int], known: Known) -> list[int]:
    """The indexes of the routes that can be in a better plan than the known one, by GLOP's duals.

    The most promising first; the newest first where GLOP has no answer.
    """
    solver = pywraplp.Solver.CreateSolver("GLOP")
    infinity = solver.infinity()
    rows: dict[tuple[str, int], pywraplp.Constraint] = {}
    objective = solver.Objective()
    variables = []
    for route, points in zip(routes, net, strict=True):
        variable = solver.NumVar(0.0, infinity, "")
        objective.SetCoefficient(variable, float(points))
        for key in (("shift", route.shift), *(("visit", v) for v in route.order)):
            if key not in rows:
                rows[key] = solver.Constraint(-infinity, 1.0)
            rows[key].SetCoefficient(variable, 1.0)
        variables.append(variable)
    objective.SetMinimization()
    if solver.Solve() != pywraplp.Solver.OPTIMAL:
        return list(range(len(routes)))[::-1]
    reduced: npt.NDArray[np.float64] = np.array([each.ReducedCost() for each in variables])
    slack = sum(net[i] for i in _held(routes, known)) - objective.Value()
    order = np.argsort(reduced, kind="stable")
    # Rounding in the relaxation must not cost a route: half a point of room.
    return [int(i) for i in order if reduced[i] <= max(0.0, slack) + 0.5]
