"""PyVRP: iterated local search on a rich vehicle routing problem.

Visits are optional clients with the cost of leaving them out as prize; one with several windows is a group of
clients of which one is served at most. Who may go where is written into the distances of a routing profile for each
kind of shift. A setup is driven: it is added to the way from any other place, and windows are later by it. Breaks,
soft due times, relations, and overtime by the clock (PyVRP's is by the length of a route) it cannot express.
"""

import time
from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
from pyvrp import Client, ClientGroup, Depot, Location, ProblemData, SolveParams, VehicleType, solve
from pyvrp.stop import MaxRuntime

from benchmarks.peers.features import CannotExpress, refuse, timed
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.instance import Instance

UNKNOWN = (
    *("relations", "soft due times", "breaks", "overtime", "a limit of travel", "negative times"),
)
FORBIDDEN = 10_000_000_000
"""Distance to a client that a shift may not serve: more than any visit is worth."""
MOST_CELLS = 100_000_000
"""Numbers in all matrices together, about 1 GB of memory."""
Grid = npt.NDArray[np.int64]


def planned(problem: Problem, seconds: float, seed: int) -> Plan:
    """The plan of PyVRP; raise CannotExpress. Building its model costs it none of the seconds."""
    refuse(problem, UNKNOWN)
    model = _Model(Instance(problem))
    data = model.data()
    began = time.monotonic()
    best = solve(data, MaxRuntime(seconds), seed=seed, display=False, params=SolveParams()).best
    orders: list[list[int]] = [[] for _ in problem.shifts]
    for route in best.routes():
        kind = model.shifts_of[route.vehicle_type()]
        clients = [step.idx for step in route if step.is_client()]
        orders[kind.pop()] = [model.visit_of[client] for client in clients]
    return timed(problem, orders, "pyvrp", began=began)


class _Model:
    """The problem in PyVRP's words: locations are depots first, then one for each client."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        problem = instance.problem
        homes = dict.fromkeys(place for s in problem.shifts for place in (s.from_, s.to) if place)
        self.depots = list(homes)
        self.open_ended = any(shift.to is None for shift in problem.shifts)
        self.visit_of: list[int] = []
        self.clients: list[Client] = []
        self.groups: list[ClientGroup] = []
        self.parts = sorted({part for visit in problem.visits for part in visit.parts})
        self.counted = any(shift.max_visits is not None for shift in problem.shifts)
        self.first_client = len(self.depots) + self.open_ended
        for v in range(instance.visits):
            if instance.candidates[v]:
                self._add(v)
        self.kinds: dict[Hashable, int] = {}
        """Profiles by what they differ in."""
        self.shifts_of: list[list[int]] = []
        """The shifts of each vehicle type."""

    def data(self) -> ProblemData:
        """Everything, as PyVRP takes it."""
        types, grids = self._types()
        costs: list[Any] = [cost for cost, _ in grids]
        times: list[Any] = [took for _, took in grids]
        rows = self.first_client + len(self.clients)
        return ProblemData(
            locations=[Location(0, 0) for _ in range(rows)],
            clients=self.clients,
            depots=[Depot(location) for location in range(self.first_client)],
            vehicle_types=types,
            distance_matrices=costs,
            duration_matrices=times,
            groups=self.groups,
        )

    def _add(self, v: int) -> None:
        """A client for each window of the visit."""
        instance = self.instance
        visit, windows = instance.problem.visits[v], instance.windows[v]
        group = None
        if len(windows) > 1:
            group = len(self.groups)
            self.groups.append(ClientGroup(required=False))
        load = [visit.parts.get(part, 0) for part in self.parts] + [1] * self.counted
        latest = max(lane.limit for lane in instance.lanes)
        for opens, closes in windows:
            if group is not None:
                self.groups[group].add_client(len(self.clients))
            self.clients.append(
                Client(
                    location=self.first_client + len(self.clients),
                    delivery=load,
                    # PyVRP's service begins once the setup, which it takes for driving, is done.
                    tw_early=max(0, opens) + visit.setup,
                    tw_late=min(latest, closes + visit.setup),
                    prize=instance.drop_cost[v],
                    required=False,
                    group=group,
                )
            )
            self.visit_of.append(v)

    def _types(self) -> tuple[list[VehicleType], list[tuple[Grid, Grid]]]:
        """A vehicle type for the shifts that are alike in everything."""
        instance, problem = self.instance, self.instance.problem
        grids: list[tuple[Grid, Grid]] = []
        alike: dict[Hashable, int] = {}
        types: list[VehicleType] = []
        cells = (self.first_client + len(self.clients)) ** 2
        for s, shift in enumerate(problem.shifts):
            profile = self._profile(s)
            if profile == len(grids):
                if 2 * cells * (len(grids) + 1) > MOST_CELLS:
                    raise CannotExpress(f"{len(grids) + 1} routing profiles of {cells:,} ways")
                grids.append(self._grids(s))
            stock = tuple(shift.stock.get(part, 0) for part in self.parts)
            most = instance.visits if shift.max_visits is None else shift.max_visits
            keys: dict[str, Any] = {
                "capacity": [*stock, *[most] * self.counted],
                "start_depot": self.depots.index(shift.from_),
                "end_depot": len(self.depots) if shift.to is None else self.depots.index(shift.to),
                "tw_early": shift.start,
                "tw_late": shift.end,
                "fixed_cost": shift.use_cost,
                "unit_duration_cost": problem.weights.work,
                "profile": profile,
            }
            key = tuple(str(value) for value in keys.values())
            if key not in alike:
                alike[key] = len(types)
                types.append(VehicleType(**keys))
                self.shifts_of.append([])
            self.shifts_of[alike[key]].append(s)
        counts = [len(shifts) for shifts in self.shifts_of]
        return [t.replace(num_available=n) for t, n in zip(types, counts, strict=True)], grids

    def _profile(self, s: int) -> int:
        """The number of the profile of a shift; a new one when no other shift drives and may as it does."""
        instance = self.instance
        able = bytes(not instance.barrier[v][s] for v in self.visit_of)
        extra = tuple(instance.serve_cost[v][s] for v in self.visit_of)
        pace = instance.problem.crews[instance.crew_of[s]].service_factor
        key = (id(instance.legs[instance.crew_of[s]]), pace, able, extra)
        return self.kinds.setdefault(key, len(self.kinds))

    def _grids(self, s: int) -> tuple[Grid, Grid]:
        """Cost and seconds from each location to each, service before leaving and setup on arriving."""
        instance, rate = self.instance, self.instance.problem.weights.travel
        places = [instance.place_index[depot] for depot in self.depots]
        places += [0] * self.open_ended + [instance.place[v] for v in self.visit_of]
        legs = np.array(instance.legs[instance.crew_of[s]], dtype=np.int64)
        travel = legs[np.ix_(places, places)]
        if self.open_ended:
            travel[:, len(self.depots)] = travel[len(self.depots), :] = 0
        cost, took, first = travel * rate, travel.copy(), self.first_client
        services = [instance.services[s][v] for v in self.visit_of]
        took[first:, :] += np.array([service.again for service in services])[:, None]
        setups = np.array([service.first - service.again for service in services])
        here = np.array(places)
        took[:, first:] += np.where(here[:, None] == here[None, first:], 0, setups[None, :])
        # A depot at the same place is no stop: the first visit pays its setup all the same.
        took[:first, first:] = travel[:first, first:] + setups[None, :]
        cost[:, first:] += np.array([instance.serve_cost[v][s] for v in self.visit_of])
        barred = [i for i, v in enumerate(self.visit_of, first) if instance.barrier[v][s]]
        cost[:, barred] = FORBIDDEN
        np.fill_diagonal(cost, 0)
        np.fill_diagonal(took, 0)
        return cost, took
