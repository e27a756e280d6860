"""Rounds of search and choice: several walks at once, and CP-SAT over the routes they met.

Between two rounds everybody waits for everybody, so that with a limit on steps the plan depends on
the seed and the number of walks alone, never on the clock.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from optimizer.search.areas import divide
from optimizer.search.cooling import BOLD, Budget, Stretch, walk
from optimizer.search.dividing import Division
from optimizer.search.instance import Instance
from optimizer.search.route import build
from optimizer.search.scarcity import Scarcity
from optimizer.search.searcher import Met, Outline, Searcher

if TYPE_CHECKING:
    from optimizer.exact.relations import Relations

ROUNDS = (BOLD, 0.8, 0.92, 1.0)
"""Shares of the limit after which all walks meet and CP-SAT chooses; routes met while it is hot are of no use.

The first round is bold; the second begins with the cheapest plan that it met.
"""
DIVIDED, DIVISIONS = 0.75, 16
"""Share of the limit in which a large day is searched area by area, and how often it is divided anew in it."""
PRICINGS = 10
"""Parts of the bold round; after each of them the prices of scarce shifts are set anew."""
FILLS = 4
"""Ways in which the first plan is filled."""
MOST_REMEMBERED = 6_000
"""Routes remembered over all rounds, those met last."""
CHOSEN_FROM_A_SECOND, EFFORT = 200, 0.01
"""For each second of the search: routes that CP-SAT chooses from, those met last, and its deterministic time."""


class Rounds:
    """The search of one problem by `workers` walks of its own."""

    def __init__(
        self,
        instance: Instance,
        budget: Budget,
        *,
        seed: int,
        workers: int,
        choice: bool,
        told: Callable[[float, int, int, int], None],
    ) -> None:
        self.instance, self.budget, self.seed, self.choice = instance, budget, seed, choice
        self._told = told
        self.searchers = [Searcher(instance.packed, 1000 * seed + w) for w in range(workers)]
        self._relations: Relations | None = None
        self._routes: dict[tuple[int, frozenset[int]], Met] = {}
        self._lock = threading.Lock()
        self._shown: int | None = None
        self._in_areas = 0
        self.rounds = self.gained = self.seen = 0
        self.chose = 0.0
        self.outline = Outline([[] for _ in range(instance.shifts)], {}, 0)

    @property
    def steps(self) -> int:
        """Steps of all walks so far."""
        return self._in_areas + sum(searcher.steps for searcher in self.searchers)

    @property
    def met(self) -> list[Met]:
        """The routes remembered of all walks."""
        return list(self._routes.values())

    def run(self, first: Outline) -> Outline:
        """Search from a plan in outline; the cheapest plan met, in outline."""
        for searcher in self.searchers:
            searcher.start(first, fills=FILLS)
            self._note(searcher.total, searcher.served)
        self.outline = self._leader().best()
        drive = max(searcher.mean_drive() for searcher in self.searchers)
        with ThreadPoolExecutor(len(self.searchers)) as threads:
            begin = self._divided(threads, drive)
            if begin:
                self.rounds = 1
                for searcher in self.searchers:
                    searcher.start(self.outline)
            # The routes met hold little of a large day, and choosing among them takes long: once is enough.
            for shares in pairwise((begin, *(ROUNDS[-1:] if begin else ROUNDS))):
                if self.budget.halted() and self.rounds:
                    break
                walks = [
                    threads.submit(self._walk, searcher, shares, drive)
                    for searcher in self.searchers
                ]
                for walked in walks:
                    walked.result()
                self._choose()
        return self.outline

    def choose_from(self, routes: Iterable[Met], effort: float) -> Outline:
        """The plan that CP-SAT chooses from these routes and those met, where it is better.

        The routes cost what they cost by themselves, but for relations; impossible ones are left
        out. `effort` is CP-SAT's deterministic time, about seconds.
        """
        for route in routes:
            made = build(self.instance, route.shift, route.order)
            if made is not None:
                self._remember(route._replace(cost=made.cost))
        self._let_choose(self._leader(), effort)
        return self.outline

    def story(self) -> Mapping[str, Any]:
        """What there is to tell of the routes met and of what CP-SAT made of them."""
        return {
            "pool": len(self._routes),
            "chosen_from": self.seen,
            "rounds": self.rounds,
            "choice_gained": self.gained,
            "choice_seconds": round(self.chose, 3),
        }

    def _leader(self) -> Searcher:
        return min(self.searchers, key=lambda searcher: searcher.total)

    def _walk(self, searcher: Searcher, shares: tuple[float, float], drive: float) -> None:
        """Take one walk from one share of the budget to another; a bold one sets prices for scarce shifts."""
        if shares[0] >= BOLD:
            self._walk_on(searcher, shares, drive)
            return
        scarcity = Scarcity(searcher)
        for part in pairwise(np.linspace(*shares, PRICINGS + 1).tolist()):
            self._walk_on(searcher, part, drive)
            if part[1] == shares[1] or self.budget.halted():
                break
            scarcity.look()
        scarcity.end()
        self._note(searcher.total, searcher.served)

    def _walk_on(self, searcher: Searcher, shares: tuple[float, float], drive: float) -> None:
        begin, end = shares
        steps = self.budget.iterations
        if steps is not None:
            own = steps // len(self.searchers)
            steps = round(own * end) - round(own * begin)
        stretch = Stretch(begin, end, self.budget.until(end), steps)

        def told() -> None:
            if searcher.packed is self.instance.packed:
                self._note(searcher.total, searcher.served)

        walk(searcher, stretch, self.budget, drive=drive, told=told)

    def _divided(self, threads: ThreadPoolExecutor, drive: float) -> float:
        """Search a large day by areas, again and again divided otherwise; the share of the budget it took.

        A day that is no larger than an area, or held together by its ties, is left to the walks.
        """
        packed, budget = self.instance.packed, self.budget
        chance = np.random.default_rng(self.seed % 2**64)
        for begin, end in pairwise(np.linspace(0.0, DIVIDED, DIVISIONS + 1).tolist()):
            if budget.until(end) == 0.0:  # the first plan took as long
                continue
            areas = divide(packed.data, self.outline.orders, chance)
            if len(areas) < 2:
                return float(begin)
            division = Division(packed, self.outline, areas, budget, told=self._note_areas)
            found = division.search(threads, len(self.searchers), (begin, end), chance, drive=drive)
            found = self.searchers[0].settled(found)
            self.outline = min(self.outline, found, key=lambda each: each.total)
            if budget.halted():
                break
        return DIVIDED

    def _note_areas(self, total: int, served: int, steps: int) -> None:
        self._in_areas += steps
        self._note(total, served)

    def _note(self, total: int, served: int) -> None:
        with self._lock:
            if self._shown is None or total < self._shown:
                self._shown = total
                self._told(self.budget.elapsed(), self.steps, total, served)

    def _choose(self) -> None:
        """Harvest the routes met, let CP-SAT choose, and go on from the better of both plans."""
        self.rounds += 1
        leader = self._leader()
        best = leader.best()
        if best.total < self.outline.total or self.rounds == 1:
            self.outline = best
        for searcher in self.searchers:
            for route in searcher.harvest():
                self._remember(route)
        if self.choice and not self.budget.stopped and self.rounds > 1:
            began = time.monotonic()
            seconds = self.budget.seconds or math.inf
            most = round(min(MOST_REMEMBERED, CHOSEN_FROM_A_SECOND * seconds))
            self._let_choose(leader, min(1.0, EFFORT * seconds), most)
            self.chose += time.monotonic() - began
        for searcher in self.searchers:
            if self.outline.total < searcher.total or self.rounds == 1:
                searcher.start(self.outline)
        self._note(self.outline.total, sum(len(order) for order in self.outline.orders))

    def _let_choose(self, leader: Searcher, effort: float, most: int = MOST_REMEMBERED) -> None:
        from optimizer.exact.choice import (
            choose,
        )  # loading OR-Tools takes as long as a short search
        from optimizer.exact.relations import Relations

        for route in leader.routes_of(self.outline):
            self._remember(route)
        if self._relations is None and self.instance.packed.tied:
            self._relations = Relations(self.instance)
        drop = self.instance.drop_cost
        chosen = choose(
            self.met[-most:], drop,
            {s: tuple(order) for s, order in enumerate(self.outline.orders)},
            seed=self.seed, effort=effort, begins=self.outline.begins, relations=self._relations,
        )  # fmt: skip
        if chosen is None:
            return
        self.seen = max(self.seen, chosen.seen)
        orders: list[list[int]] = [[] for _ in range(self.instance.shifts)]
        for route in chosen.routes:
            orders[route.shift] = list(route.order)
        outline = leader.settled(Outline(orders, chosen.begins, 0))
        if outline.total < self.outline.total:
            self.gained += self.outline.total - outline.total
            self.outline = outline

    def _remember(self, route: Met) -> None:
        key = route.shift, frozenset(route.order)
        known = self._routes.pop(key, None)
        if known is not None and known.cost <= route.cost:
            route = known
        self._routes[key] = route
        if len(self._routes) > MOST_REMEMBERED:
            del self._routes[next(iter(self._routes))]
