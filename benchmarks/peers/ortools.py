"""OR-Tools' routing library with guided local search.

The plain vehicle routing problem with time windows is modelled as OR-Tools' own documentation does it. For field
service the model is the one of the `routing` engine, which knows more of the format than a first model would.
"""

import time
from typing import Any

from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from benchmarks.peers.features import CannotExpress, timed
from optimizer.exact.routing import RoutingFailed
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.instance import Instance
from optimizer.solve import Limits, solve


def planned(problem: Problem, seconds: float, seed: int) -> Plan:
    """The plan of OR-Tools; raise CannotExpress where it finds none."""
    if is_plain(problem):
        orders, began = _plain_orders(problem, seconds)
        return timed(problem, orders, "ortools", began=began)
    try:
        return solve(problem, Limits(seconds=seconds), seed=seed, engine="routing")
    except RoutingFailed as failure:
        raise CannotExpress(str(failure)) from failure


def is_plain(problem: Problem) -> bool:
    """Whether it is a VRPTW: like vehicles from one depot and back, one window and one load a visit."""
    shifts, visits = problem.shifts, problem.visits
    first = shifts[0] if shifts else None
    return (
        first is not None
        and all(
            (shift.start, shift.end, shift.from_, shift.to, shift.breaks, shift.stock)
            == (first.start, first.end, first.from_, first.from_, (), first.stock)
            for shift in shifts
        )
        and all(
            len(visit.windows) == 1
            and not visit.skills
            and visit.pinned is None
            and not visit.setup
            for visit in visits
        )
    )


def _plain_orders(problem: Problem, seconds: float) -> tuple[list[list[int]], float]:
    """The orders, and when the search for them began."""
    instance = Instance(problem)
    shift, visits = problem.shifts[0], problem.visits
    depot = instance.place_index[shift.from_]
    places = [depot, *instance.place]
    legs = instance.legs[0]
    services = [0, *(visit.duration for visit in visits)]
    manager = pywrapcp.RoutingIndexManager(len(places), len(problem.shifts), 0)
    model = pywrapcp.RoutingModel(manager)
    cost = model.RegisterTransitMatrix([[legs[a][b] for b in places] for a in places])
    model.SetArcCostEvaluatorOfAllVehicles(cost)
    took = model.RegisterTransitMatrix(
        [
            [legs[a][b] + service for b in places]
            for a, service in zip(places, services, strict=True)
        ]
    )
    horizon = shift.end - shift.start
    model.AddDimension(took, horizon, horizon, False, "time")
    times = model.GetDimensionOrDie("time")
    for part in sorted({part for visit in visits for part in visit.parts}):
        vector = model.RegisterUnaryTransitVector([0, *(v.parts.get(part, 0) for v in visits)])
        room = [each.stock.get(part, 0) for each in problem.shifts]
        model.AddDimensionWithVehicleCapacity(vector, 0, room, True, part)
    for node, visit in enumerate(visits, start=1):
        index = manager.NodeToIndex(node)
        low, high = visit.windows[0]
        times.CumulVar(index).SetRange(max(0, low - shift.start), min(horizon, high - shift.start))
        model.AddDisjunction([index], visit.unserved_cost)
    began = time.monotonic()
    found = model.SolveWithParameters(_parameters(seconds))
    if found is None:
        raise CannotExpress(f"no solution, status {model.status()}")
    return [_order(model, manager, found, s) for s in range(len(problem.shifts))], began


def _parameters(seconds: float) -> Any:
    parameters = pywrapcp.DefaultRoutingSearchParameters()
    parameters.first_solution_strategy = (
        routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    )
    parameters.local_search_metaheuristic = (
        routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    )
    parameters.time_limit.FromMilliseconds(int(1000 * seconds))
    return parameters


def _order(model: Any, manager: Any, found: Any, s: int) -> list[int]:
    order, index = [], model.Start(s)
    while not model.IsEnd(index := found.Value(model.NextVar(index))):
        order.append(manager.IndexToNode(index) - 1)
    return order
