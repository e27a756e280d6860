"""The matrices of the routing model, one for each way in which shifts differ."""

from typing import Any

import numpy as np
import numpy.typing as npt

from optimizer.search.instance import Instance

Grid = npt.NDArray[np.int64]
MOST = 10**12
"""Largest entry; beyond it nothing can be told apart by a plan, and sums stay inside 64 bits."""


class Matrices:
    """Transit evaluators by shift; nodes are the visits, then shift starts, then shift ends."""

    def __init__(self, instance: Instance, visits: list[int], model: Any) -> None:
        self.instance, self.visits, self.model = instance, visits, model
        shifts = range(instance.shifts)
        self.starts = [instance.lanes[s].home for s in shifts]
        self.ends = [instance.lanes[s].destination for s in shifts]
        places = [instance.place[v] for v in visits] + self.starts
        places += [0 if place is None else place for place in self.ends]
        self.places = np.array(places)
        self._registered: dict[tuple[Any, ...], int] = {}
        self._grids: dict[int, Grid] = {}

    def travel(self, s: int) -> int:
        """Travel seconds."""
        return self._register(("travel", self._way(s)), lambda: self._travel(s))

    def time(self, s: int) -> int:
        """Seconds from the begin of one service to the arrival at the next."""
        crew = self.instance.crew_of[s]
        factor = self.instance.problem.crews[crew].service_factor
        return self._register(("time", self._way(s), factor), lambda: self._time(s))

    def cost(self, s: int) -> int:
        """Points: travel, and what the visit driven to costs on this shift whatever its time."""
        extra = tuple(self.instance.serve_cost[v][s] for v in self.visits)
        return self._register(("cost", self._way(s), extra), lambda: self._cost(s, extra))

    def _register(self, key: tuple[Any, ...], made: Any) -> int:
        if key not in self._registered:
            rows = np.minimum(made(), MOST).tolist()
            self._registered[key] = self.model.RegisterTransitMatrix(rows)
        return self._registered[key]

    def _way(self, s: int) -> int:
        return id(self.instance.legs[self.instance.crew_of[s]])

    def _travel(self, s: int) -> Grid:
        way = self._way(s)
        if way not in self._grids:
            legs = np.array(self.instance.legs[self.instance.crew_of[s]], dtype=np.int64)
            grid = legs[np.ix_(self.places, self.places)]
            for end, place in enumerate(self.ends):
                if place is None:
                    grid[:, len(self.places) - len(self.ends) + end] = 0
            # A shift that is not used drives nowhere, even when it ends at another place.
            count = len(self.visits)
            grid[count:, count:] = 0
            self._grids[way] = grid
        return self._grids[way]

    def _time(self, s: int) -> Grid:
        """A setup is part of every service, and given back on the way from the same place."""
        services = [self.instance.services[s][v] for v in self.visits]
        count = len(services)
        grid = self._travel(s).copy()
        first = np.array([min(service.first, MOST) for service in services], dtype=np.int64)
        setup = first - np.array([min(each.again, MOST) for each in services], dtype=np.int64)
        grid[:count, :] += first[:, None]
        places = self.places[:count]
        same = places[:, None] == places[None, :]
        grid[:count, :count] -= np.where(same, np.minimum(setup[None, :], first[:, None]), 0)
        return grid

    def _cost(self, s: int, extra: tuple[int, ...]) -> Grid:
        # Capped before the product, which must stay inside 64 bits.
        rate = max(1, self.instance.problem.weights.travel)
        grid = np.minimum(self._travel(s), MOST // rate) * self.instance.problem.weights.travel
        grid[:, : len(extra)] += np.array(extra, dtype=np.int64)
        return grid
