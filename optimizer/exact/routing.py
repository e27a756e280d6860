"""OR-Tools routing as an engine: it improves the routes of a state under guided local search.

The routing model is close to the format but not exact (a drive may be cut by a break, a setup
always counts in the windows), so that its answer is only a set of orders: whoever asks re-times
them. Visits with relations stay with the crew, and at the second, that the state gives them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from optimizer.exact.matrices import Matrices
from optimizer.search.instance import Instance
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY

MOST_COST = 10**12
"""Largest cost of anything single in the model, points; keeps sums far inside 64 bits."""
PATIENCE = 3_000_000
"""Checks of the limit without a better solution after which the search has gone dry."""

LONGEST_SECONDS = 60.0
"""A fuse for searches limited by checks: tiny models can go on for long between two checks."""


class RoutingFailed(Exception):
    """OR-Tools gave no routes; the message says why."""


@dataclass(slots=True)
class Found:
    """Routes by shift as visits in order, and how many solutions OR-Tools went through."""

    orders: list[list[int]]
    solutions: int


def route_with_ortools(
    state: State,
    *,
    seconds: float | None,
    checks: int | None,
    stop: Callable[[], bool] | None = None,
    found: Callable[[list[list[int]]], None] | None = None,
) -> Found:
    """The best orders OR-Tools finds from this state within `seconds` or `checks` of its limit.

    Deterministic under `checks` alone. `found` is told the orders of each better solution. Raise
    RoutingFailed when OR-Tools finds no solution at all or refuses the model.
    """
    try:
        return _Search(state, stop, found).run(seconds, checks)
    except (RuntimeError, OverflowError, SystemError) as error:
        # What the wrapped C++ solver throws at a model it cannot take.
        raise RoutingFailed(f"OR-Tools refused the model: {error}") from error


@dataclass
class _Search:
    state: State
    stop: Callable[[], bool] | None
    told: Callable[[list[list[int]]], None] | None
    solutions: int = 0
    checked: int = 0
    improved_at: int = 0
    best: int = INFINITY
    orders: list[list[int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        instance = self.state.instance
        self.instance: Instance = instance
        where = self.state.where
        self.visits = [
            v
            for v in range(instance.visits)
            if _alone(instance, v) and (not _tied(instance, v) or where[v] >= 0)
        ]
        count, shifts = len(self.visits), instance.shifts
        self.manager = pywrapcp.RoutingIndexManager(
            count + 2 * shifts,
            shifts,
            [count + s for s in range(shifts)],
            [count + shifts + s for s in range(shifts)],
        )
        self.index = {v: self.manager.NodeToIndex(i) for i, v in enumerate(self.visits)}
        self.visit_at = {index: v for v, index in self.index.items()}
        self.model = pywrapcp.RoutingModel(self.manager)
        self.base = min(lane.begin for lane in instance.lanes)
        self.horizon = max(lane.limit for lane in instance.lanes) - self.base

    def run(self, seconds: float | None, checks: int | None) -> Found:
        """Build the model, seed it with the state and search it."""
        matrices = Matrices(self.instance, self.visits, self.model)
        for s in range(self.instance.shifts):
            self.model.SetArcCostEvaluatorOfVehicle(matrices.cost(s), s)
            self.model.SetFixedCostOfVehicle(self.instance.problem.shifts[s].use_cost, s)
        self._add_time(matrices)
        self._add_loads(matrices)
        for v in self.visits:
            self._add_visit(v)
        self._watch(checks)
        parameters = _parameters(seconds)
        self.model.CloseModelWithParameters(parameters)
        seed = self.model.ReadAssignmentFromRoutes(self._seed(), True)
        if seed is not None:
            self.model.SolveFromAssignmentWithParameters(seed, parameters)
        else:
            self.model.SolveWithParameters(parameters)
        if not self.orders:
            raise RoutingFailed(f"no solution, status {self.model.status()}")
        return Found(self.orders, self.solutions)

    def _add_time(self, matrices: Matrices) -> None:
        instance, model = self.instance, self.model
        evaluators = [matrices.time(s) for s in range(instance.shifts)]
        model.AddDimensionWithVehicleTransits(evaluators, self.horizon, self.horizon, False, "time")
        self.time: Any = model.GetDimensionOrDie("time")
        solver = model.solver()
        weights = instance.problem.weights
        for s, lane in enumerate(instance.lanes):
            begin, limit = lane.begin - self.base, lane.limit - self.base
            self.time.CumulVar(model.Start(s)).SetRange(begin, limit)
            self.time.CumulVar(model.End(s)).SetRange(begin, limit)
            if weights.overtime and limit > lane.end - self.base:
                self.time.SetCumulVarSoftUpperBound(
                    model.End(s), lane.end - self.base, weights.overtime
                )
            if weights.work:
                self.time.SetSpanCostCoefficientForVehicle(weights.work, s)
            if lane.pauses:
                intervals = [
                    solver.FixedDurationIntervalVar(
                        early - self.base, late - self.base, length, False, f"pause {s} {b}"
                    )
                    for b, (early, late, length) in enumerate(lane.pauses)
                ]
                self.time.SetBreakIntervalsOfVehicle(intervals, s, self._service_seconds(s))

    def _service_seconds(self, s: int) -> list[int]:
        seconds = [0] * self.model.Size()
        for v, index in self.index.items():
            seconds[index] = min(self.instance.services[s][v].first, self.horizon + 1)
        return seconds

    def _add_loads(self, matrices: Matrices) -> None:
        problem, model = self.instance.problem, self.model
        nodes = self.manager.GetNumberOfNodes()
        parts = sorted({part for visit in problem.visits for part in visit.parts})
        loads = [
            (
                f"part {part}",
                [problem.visits[v].parts.get(part, 0) for v in self.visits],
                [shift.stock.get(part, 0) for shift in problem.shifts],
            )
            for part in parts
        ]
        if any(shift.max_visits is not None for shift in problem.shifts):
            most = [
                len(self.visits) if shift.max_visits is None else shift.max_visits
                for shift in problem.shifts
            ]
            loads.append(("stops", [1] * len(self.visits), most))
        for name, wanted, room in loads:
            vector = wanted + [0] * (nodes - len(wanted))
            model.AddDimensionWithVehicleCapacity(
                model.RegisterUnaryTransitVector(vector), 0, room, True, name
            )
        if any(shift.max_travel is not None for shift in problem.shifts):
            far = MOST_COST
            room = [far if s.max_travel is None else s.max_travel for s in problem.shifts]
            evaluators = [matrices.travel(s) for s in range(self.instance.shifts)]
            model.AddDimensionWithVehicleTransitAndCapacity(evaluators, 0, room, True, "travel")

    def _add_visit(self, v: int) -> None:
        instance, model, index = self.instance, self.model, self.index[v]
        cumul = self.time.CumulVar(index)
        if _tied(instance, v):
            # The crew, and for ties in time the second, are settled by the state.
            shift = self.state.where[v]
            self._allow(index, [shift])
            if instance.timed_pairs[v]:
                begin = self.state.begins[v] - self.base
                cumul.SetRange(begin, begin)
        else:
            self._allow(index, _alone(instance, v))
        if not instance.timed_pairs[v]:
            _set_windows(cumul, instance.windows[v], self.base, self.horizon)
        service = instance.services[0][v]
        if service.late_cost and service.due < INFINITY:
            due = service.due - self.base
            self.time.SetCumulVarSoftUpperBound(index, max(0, due), service.late_cost)
        worth = MOST_COST if _tied(instance, v) else instance.drop_cost[v]
        model.AddDisjunction([index], worth)

    def _allow(self, index: int, shifts: list[int]) -> None:
        # SetAllowedVehiclesForIndex takes no Python list in 9.15; -1 is "left out".
        self.model.VehicleVar(index).SetValues([-1, *shifts])

    def _seed(self) -> list[list[int]]:
        return [[self.index[v] for v in self.state.order(s)] for s in range(self.instance.shifts)]

    def _watch(self, checks: int | None) -> None:
        """Follow the solutions, and end the search by its count of checks or when told to.

        The limit is a Python function, so that signals are delivered while the solver, which
        holds the interpreter's lock, is running.
        """

        def over() -> bool:
            self.checked += 1
            if checks is not None and self.checked > checks:
                return True
            if self.checked - self.improved_at > PATIENCE:
                return True
            return self.checked % 8 == 0 and self.stop is not None and self.stop()

        def at_solution() -> None:
            self.solutions += 1
            cost = self.model.CostVar().Value()
            if cost < self.best:
                self.best, self.improved_at = cost, self.checked
                self.orders = [self._order(s) for s in range(self.instance.shifts)]
                if self.told is not None:
                    self.told(self.orders)

        self.model.AddSearchMonitor(self.model.solver().CustomLimit(over))
        self.model.AddAtSolutionCallback(at_solution)

    def _order(self, s: int) -> list[int]:
        order: list[int] = []
        index = self.model.Start(s)
        while True:
            index = self.model.NextVar(index).Value()
            if self.model.IsEnd(index):
                return order
            order.append(self.visit_at[index])


def _alone(instance: Instance, v: int) -> list[int]:
    """The shifts that could serve a visit by itself: the model knows no other way to fit."""
    return [s for s in instance.candidates[v] if not instance.barrier[v][s]]


def _tied(instance: Instance, v: int) -> bool:
    return instance.timed_pairs[v] or instance.crew_pairs[v]


def _set_windows(cumul: Any, windows: Sequence[tuple[int, int]], base: int, horizon: int) -> None:
    """Let a time variable be in the windows only."""
    low = max(0, windows[0][0] - base)
    high = min(horizon, windows[-1][1] - base)
    cumul.SetRange(low, high)
    for (_, closed), (opens, _) in pairwise(windows):
        if closed + 1 < opens:
            cumul.RemoveInterval(closed + 1 - base, opens - 1 - base)


def _parameters(seconds: float | None) -> Any:
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    first = routing_enums_pb2.FirstSolutionStrategy
    parameters.first_solution_strategy = first.PARALLEL_CHEAPEST_INSERTION
    parameters.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    # Guided local search ends by a limit only, and warns where no time is set.
    milliseconds = max(1, int(1000 * (LONGEST_SECONDS if seconds is None else seconds)))
    parameters.time_limit.FromMilliseconds(milliseconds)
    return parameters
