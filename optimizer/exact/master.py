"""The linear master problem of column generation, solved by OR-Tools' GLOP.

Each visit is on a route or left out at its price, each class of shifts has so many routes at most.
GLOP begins from its last basis and does not hold the interpreter's lock while it runs.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ortools.linear_solver import pywraplp

from optimizer.exact.cuts import Cuts, payments

WAYS = (
    # Presolve would throw the last basis away.
    "use_preprocessing: false",
    "use_preprocessing: true",
    "use_preprocessing: true use_dual_simplex: true",
    "use_preprocessing: true perturb_costs_in_dual_simplex: true use_dual_simplex: true",
)
"""How GLOP is told to go about it: from its last basis, and where it loses its way from none."""


class Duals(NamedTuple):
    """The value of the linear program with the routes so far, and the duals of its rows, points."""

    value: float
    visits: list[float]
    classes: list[float]
    cuts: dict[int, float]
    routes: dict[tuple[int, tuple[int, ...]], float]
    """Classes and visits of the routes in the solution, with their share of it."""


class Master:
    """Routes so far, as columns; `counts` are the shifts of each class.

    With `partition` a visit is on one route exactly, otherwise on one at least: as good where
    leaving out a stop never makes a route dearer, and easier to solve.

    Leaving a visit out costs at first no more than `caps` says: the duals are then no larger, and
    soon near the truth. The program is a relaxation until `raise_caps` finds none that matters.
    """

    def __init__(
        self,
        drop_cost: Sequence[int],
        caps: Sequence[int],
        counts: Sequence[int],
        *,
        partition: bool,
    ) -> None:
        self.solver: Any = pywraplp.Solver.CreateSolver("GLOP")
        infinity = self.solver.infinity()
        most = 1.0 if partition else infinity
        self.rows = [self.solver.Constraint(1.0, most) for _ in drop_cost]
        self.limits = [self.solver.Constraint(-infinity, float(count)) for count in counts]
        self.objective = self.solver.Objective()
        self.objective.SetMinimization()
        self.cuts = Cuts(len(drop_cost))
        self.cut_rows: dict[int, Any] = {}
        self.known: dict[tuple[int, tuple[int, ...]], Any] = {}
        self.drop_cost = list(drop_cost)
        self.caps = [min(cost, cap) for cost, cap in zip(drop_cost, caps, strict=True)]
        self.left_out = [self.solver.NumVar(0.0, infinity, "") for _ in drop_cost]
        for row, column, cap in zip(self.rows, self.left_out, self.caps, strict=True):
            row.SetCoefficient(column, 1.0)
            self.objective.SetCoefficient(column, float(cap))

    def add(self, kind: int, order: tuple[int, ...], cost: int) -> bool:
        """Add a route of a class that costs so many points; False when it is there, no dearer."""
        if (kind, order) in self.known:
            column = self.known[kind, order]
            if cost >= self.objective.GetCoefficient(column):
                return False
            self.objective.SetCoefficient(column, float(cost))
            return True
        column = self.solver.NumVar(0.0, self.solver.infinity(), "")
        self.known[kind, order] = column
        for v, times in Counter(order).items():
            self.rows[v].SetCoefficient(column, float(times))
        self.limits[kind].SetCoefficient(column, 1.0)
        for c, times in Counter(payments(order, self.cuts.rules)).items():
            self.cut_rows[c].SetCoefficient(column, float(times))
        self.objective.SetCoefficient(column, float(cost))
        return True

    def drop(self, kind: int, order: tuple[int, ...]) -> None:
        """Take a route out."""
        self.known[kind, order].SetUb(0.0)

    def cut(self, triple: tuple[int, int, int], memory: Iterable[int]) -> bool:
        """Add a subset-row cut, or to its memory; False when it is there or there is no room."""
        number = self.cuts.put(triple, memory)
        if number is None:
            return False
        row = self.cut_rows.get(number)
        if row is None:
            row = self.cut_rows[number] = self.solver.Constraint(-self.solver.infinity(), 1.0)
        row.Clear()
        for (_, order), column in self.known.items():
            times = self.cuts.times(number, order)
            if times:
                row.SetCoefficient(column, float(times))
        return True

    def uncut(self, number: int) -> None:
        """Drop a cut."""
        self.cut_rows[number].Clear()
        self.cuts.drop(number)

    def raise_caps(self) -> bool:
        """Double the caps of visits that the last solution leaves out; False when there are none."""
        raised = False
        for v, column in enumerate(self.left_out):
            if self.caps[v] < self.drop_cost[v] and column.solution_value() > 1e-7:
                self.caps[v] = min(self.drop_cost[v], 2 * self.caps[v] + 1)
                raised = True
        # The values are gone with the first change of the program.
        for column, cap in zip(self.left_out, self.caps, strict=True):
            self.objective.SetCoefficient(column, float(cap))
        return raised

    def solve(self) -> Duals | None:
        """The optimum over the routes so far, None when GLOP does not reach it."""
        if not any(self._solves(how) for how in WAYS):
            return None
        return Duals(
            self.objective.Value(),
            [row.dual_value() for row in self.rows],
            [limit.dual_value() for limit in self.limits],
            {c: self.cut_rows[c].dual_value() for c in self.cuts.triples},
            {k: x for k, column in self.known.items() if (x := column.solution_value()) > 1e-7},
        )

    def _solves(self, how: str) -> bool:
        self.solver.SetSolverSpecificParametersAsString(how)
        parameters = pywraplp.MPSolverParameters()
        if how != WAYS[0]:
            parameters.SetIntegerParam(
                pywraplp.MPSolverParameters.INCREMENTALITY,
                pywraplp.MPSolverParameters.INCREMENTALITY_OFF,
            )
        return bool(self.solver.Solve(parameters) == pywraplp.Solver.OPTIMAL)
