"""A large day searched area by area at once, and put together again.

A step in an area costs a fraction of one in the whole day, whose arrays no cache holds; and the walks share the day
out instead of each searching all of it.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from heapq import heapreplace

import numpy as np

from optimizer.search.areas import Area
from optimizer.search.cooling import Budget, Stretch, walk
from optimizer.search.packing import Packed
from optimizer.search.parting import part_of
from optimizer.search.searcher import Outline, Searcher


class Division:
    """A plan in outline whose areas are searched by walks of their own.

    `told` is called with what the whole has come to, its points and the visits served, and with the steps since.
    """

    def __init__(
        self, packed: Packed, outline: Outline, areas: Sequence[Area], budget: Budget, *,
        told: Callable[[int, int, int], None],
    ) -> None:  # fmt: skip
        self._packed, self._outline, self._budget, self._told = packed, outline, budget, told
        self._areas = sorted(areas, key=lambda area: (-len(area.visits), int(area.shifts[0])))
        self._lock = threading.Lock()
        self._total = outline.total
        self._served = sum(len(order) for order in outline.orders)

    def search(
        self, threads: ThreadPoolExecutor, workers: int, shares: tuple[float, float],
        chance: np.random.Generator, *, drive: float,
    ) -> Outline:  # fmt: skip
        """Walk in each area from one share of the budget to the other, `workers` at a time.

        The whole in outline, its total not yet counted. It depends on `chance` and not on which walk ends first.
        """
        stretches = self._shared_out(workers, *shares)
        seeds = chance.integers(0, 2**31, len(self._areas)).tolist()
        walks = [
            threads.submit(self._walk, area, stretch, seed, drive)
            for area, stretch, seed in zip(self._areas, stretches, seeds, strict=True)
        ]
        orders, begins = list(self._outline.orders), dict(self._outline.begins)
        for area, walked in zip(self._areas, walks, strict=True):
            found = walked.result()
            for v in area.visits.tolist():
                begins.pop(v, None)
            begins.update({int(area.visits[v]): begin for v, begin in found.begins.items()})
            for s, order in zip(area.shifts.tolist(), found.orders, strict=True):
                orders[s] = area.visits[order].tolist()
        return Outline(orders, begins, 0)

    def _shared_out(self, workers: int, begin: float, end: float) -> list[Stretch]:
        """What each area gets of the time or the steps: as much as it has of the visits."""
        sizes = [len(area.visits) for area in self._areas]
        seconds, steps = self._budget.until(end), self._budget.iterations
        longest = _makespan(sizes, workers)
        whole = None if steps is None else steps * (end - begin)
        return [
            Stretch(
                begin, end,
                None if seconds is None else seconds * size / longest,
                None if whole is None else round(whole * size / sum(sizes)),
            )
            for size in sizes
        ]  # fmt: skip

    def _walk(self, area: Area, stretch: Stretch, seed: int, drive: float) -> Outline:
        searcher = Searcher(part_of(self._packed, area), seed)
        before = searcher.settled(area.within(self._outline))
        known = [before.total, sum(len(order) for order in before.orders), 0]
        searcher.start(before)

        def told() -> None:
            now = [searcher.total, searcher.served, searcher.steps]
            self._tell(*(new - old for new, old in zip(now, known, strict=True)))
            known[:] = now

        walk(searcher, stretch, self._budget, drive=drive, told=told)
        return min(before, searcher.best(), key=lambda each: each.total)

    def _tell(self, points: int, visits: int, steps: int) -> None:
        with self._lock:
            self._total += points
            self._served += visits
            self._told(self._total, self._served, steps)


def _makespan(sizes: Sequence[int], workers: int) -> int:
    """When the last ends of works of these sizes, the largest first, each taken by whoever is free first."""
    loads = [0] * workers
    for size in sizes:
        heapreplace(loads, loads[0] + size)
    return max(loads)
