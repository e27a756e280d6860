"""One walk of ruin and recreate, driven from Python: its sketches, its random numbers, its pool."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from optimizer.search import annealing, filling, loading
from optimizer.search.layout import (
    INF,
    N_BEGIN,
    N_NEXT,
    N_SHIFT,
    R_COST,
    R_FIXED,
    R_LEGS,
    ROW_ABSENT,
    TIED_TIME,
    V_TIED,
    Ints,
    Sketch,
)
from optimizer.search.packing import Packed
from optimizer.search.room import pool_for, scratch_for, sketch_for

POOL_ROUTES = 30_000
"""Routes that the compiled walk has room for; it begins anew when half of it is used."""
DRIVES = 4.0
"""As many drives a visit's fixed cost may count as."""
KEPT = 6_000
"""Routes met last that are kept then, until the next harvest."""
STOPS_A_ROUTE = 16
"""Room of the pool, stops for each of its routes on average."""


class Met(NamedTuple):
    """A route met: its shift, its visits in order, and what it cost there, points."""

    shift: int
    order: tuple[int, ...]
    cost: int


class Outline(NamedTuple):
    """A plan in outline: the visits of each shift in order, the begins of those that are tied, and its total."""

    orders: list[list[int]]
    begins: Mapping[int, int]
    total: int


class Searcher:
    """Walks from plan to plan; the same seed and the same calls give the same walk.

    Only whole calls of compiled code are made here, none of which holds the interpreter's lock.
    """

    def __init__(self, packed: Packed, seed: int) -> None:
        self.packed = packed
        data = packed.data
        self._plan, self._trial, self._best = (sketch_for(data) for _ in range(3))
        self._kept = sketch_for(data)
        self._scratch = scratch_for(data)
        visits = max(1, len(data.visit))
        stops = POOL_ROUTES * max(STOPS_A_ROUTE, 2 * visits // max(1, len(data.shift)))
        self._pool = pool_for(POOL_ROUTES, stops)
        self._earlier: list[Met] = []
        # SplitMix64 spreads seeds that are close to each other (Steele, Lea & Flood 2014).
        mixed = (seed * 0x9E3779B97F4A7C15 + 0x1234567) % 2**64
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        self._random = np.array([mixed ^ (mixed >> 27) or 1], dtype=np.uint64)
        self.steps = 0

    @property
    def total(self) -> int:
        """Points of the cheapest plan met."""
        return int(self._best.total[0])

    @property
    def served(self) -> int:
        """Visits of the cheapest plan met."""
        return int((self._best.node[: len(self.packed.data.visit), N_SHIFT] >= 0).sum())

    def mean_drive(self) -> float:
        """About what a visit's drive costs in the present plan, points: the scale of the temperature.

        Preferences and shifts that cost count with it, but where they are most of it they do not set the scale.
        """
        data, route = self.packed.data, self._plan.route
        served = max(1, int((self._plan.node[: len(data.visit), N_SHIFT] >= 0).sum()))
        fixed = float(route[:, R_FIXED].sum()) / served
        second = int(data.weights[0] + data.weights[1])
        driven = float(route[:, R_LEGS].sum()) * second / served
        return min(max(fixed, driven), DRIVES * driven) if driven else fixed

    def start(self, outline: Outline, *, fills: int = 1) -> None:
        """Begin from a plan, its gaps filled in the best of `fills` ways."""
        best: Sketch | None = None
        for _ in range(max(1, fills)):
            self._load(self._plan, outline)
            filling.fill(
                self.packed.data, self._plan, self._scratch, self._random, self.packed.tied
            )
            if best is None or self._plan.total[0] < best.total[0]:
                best = self._kept
                _copy(best, self._plan)
        assert best is not None
        _copy(self._plan, best)
        _copy(self._trial, self._plan)
        if self.steps == 0 or self._plan.total[0] < self._best.total[0]:
            _copy(self._best, self._plan)

    def absences(self) -> Ints:
        """How often each visit stayed out in a step of a bold walk."""
        return self._scratch.list[ROW_ABSENT, : len(self.packed.data.visit)].copy()

    def standing(self) -> Outline:
        """The plan at which the walk stands; its total is not counted."""
        return self._outline(self._plan, self._begins(self._plan))

    def go_on(self, packed: Packed, outline: Outline) -> None:
        """Go on from a plan in a problem that differs in points alone; what was met so far no longer counts."""
        self.packed = packed
        self.start(outline)
        _copy(self._best, self._plan)
        self._earlier = []
        self._forget()

    def walk(self, steps: int, hot: float, cold: float, room: int, *, bold: bool) -> None:
        """Take so many steps while the temperature falls from `hot` to `cold`, points.

        `bold` changes which visits stay out, at a price.
        Routes of plans at most `room` points dearer than the best are remembered.
        """
        routes, stops = self._pool.size.tolist()
        if 2 * routes > POOL_ROUTES or 2 * stops > len(self._pool.visits):
            # What is met later, when it is colder, is of more use than what fills the pool.
            self._earlier = list(self._met(KEPT))
            self._forget()
        annealing.anneal(
            self.packed.data, self._plan, self._trial, self._best, self._scratch, self._pool,
            self._random, steps, max(hot, 1e-6), max(cold, 1e-6), room, bold, self.packed.tied,
        )  # fmt: skip
        self.steps += steps

    def best(self) -> Outline:
        """The cheapest plan met, freed of what is not worth it and filled with what is."""
        return self.settled(self._outline(self._best, self._begins(self._best)))

    def settled(self, outline: Outline) -> Outline:
        """The plan timed, freed of what is not worth it and filled with what is."""
        self._load(self._kept, outline)
        filling.polish(self.packed.data, self._kept, self._scratch, self._random, self.packed.tied)
        total = int(self._kept.total[0])
        return self._outline(self._kept, self._begins(self._kept), total)

    def routes_of(self, outline: Outline) -> Iterator[Met]:
        """The routes of a plan in outline with what they cost in it."""
        self._load(self._kept, outline)
        for s, order in enumerate(self._outline(self._kept, {}).orders):
            if order:
                yield Met(s, tuple(order), int(self._kept.route[s, R_COST]))

    def harvest(self) -> Iterator[Met]:
        """The routes met since the last harvest, as far as they are remembered; none is after it."""
        yield from self._earlier
        yield from self._met(POOL_ROUTES)
        self._earlier = []
        self._forget()

    def _met(self, most: int) -> Iterator[Met]:
        """The routes in the pool, the last so many."""
        visits, size = self._pool.visits, int(self._pool.size[0])
        for shift, first, count, cost in self._pool.entry[max(0, size - most) : size].tolist():
            yield Met(shift, tuple(visits[first : first + count].tolist()), cost)

    def _forget(self) -> None:
        self._pool.slot[:] = -1
        self._pool.size[:] = 0

    def _load(self, plan: Sketch, outline: Outline) -> None:
        visits = len(self.packed.data.visit)
        first, order = _flat(outline.orders)
        low, high = np.full(visits, -INF), np.full(visits, INF)
        for v, begin in outline.begins.items():
            low[v] = high[v] = begin
        loading.load(
            self.packed.data, plan, self._scratch, first, order, low, high, self.packed.tied
        )

    def _outline(self, plan: Sketch, begins: Mapping[int, int], total: int = 0) -> Outline:
        data = self.packed.data
        visits, shifts = len(data.visit), len(data.shift)
        after = plan.node[:, N_NEXT].tolist()
        orders: list[list[int]] = []
        for s in range(shifts):
            order, v = [], after[visits + s]
            while v < visits:
                order.append(v)
                v = after[v]
            orders.append(order)
        return Outline(orders, begins, total)

    def _begins(self, plan: Sketch) -> dict[int, int]:
        tied = self.packed.data.visit[:, V_TIED] & TIED_TIME
        served = plan.node[: len(tied), N_SHIFT] >= 0
        return {int(v): int(plan.node[v, N_BEGIN]) for v in np.flatnonzero(tied & served)}


def _copy(into: Sketch, source: Sketch) -> None:
    for mine, other in zip(into, source, strict=True):
        mine[:] = other


def _flat(orders: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    first = np.zeros(len(orders) + 1, dtype=np.int64)
    np.cumsum([len(order) for order in orders], out=first[1:])
    return first, np.array([v for order in orders for v in order], dtype=np.int64)
