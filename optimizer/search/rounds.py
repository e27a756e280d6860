"""Rounds of search and choice: several walks at once, and CP-SAT over the routes they met.

Between two rounds everybody waits for everybody, so that with a limit on steps the plan depends on
the seed and the number of walks alone, never on the clock.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from optimizer.exact.choice import choose
from optimizer.exact.relations import Relations
from optimizer.search.instance import Instance
from optimizer.search.route import build
from optimizer.search.searcher import Met, Outline, Searcher

ROUNDS = (0.6, 0.8, 0.92, 1.0)
"""Shares of the limit after which all walks meet and CP-SAT chooses; routes met while it is hot are of no use.

The first round is bold; the second begins with the cheapest plan that it met.
"""
HOT, COLD = 2.0, 0.01
"""First and last temperature, shares of what one visit's drive costs."""
FILLS = 4
"""Ways in which the first plan is filled."""
MOST_REMEMBERED = 6_000
"""Routes remembered over all rounds, those met last."""
FIRST_CHUNK = 50
"""Steps before the first look at the clock, when nobody knows yet how long one takes."""
LOOK_EVERY = 0.03
"""Seconds between two looks at the clock."""
STEPS_BETWEEN_LOOKS = 500
"""Steps between two looks at what `stop` says, under a limit on steps."""


@dataclass
class Budget:
    """How much of a search is spent: wall seconds, steps, and whether it was told to stop."""

    seconds: float | None
    iterations: int | None
    stop: Callable[[], bool] | None
    began: float = field(default_factory=time.monotonic)
    stopped: bool = False

    def elapsed(self) -> float:
        """Wall seconds since the search began."""
        return time.monotonic() - self.began

    def halted(self) -> bool:
        """Whether the search must end at once."""
        if not self.stopped and self.stop is not None and self.stop():
            self.stopped = True
        return self.stopped or (self.seconds is not None and self.elapsed() >= self.seconds)


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
        tied = instance.packed.tied
        self._relations = Relations(instance) if tied else None
        self._routes: dict[tuple[int, frozenset[int]], Met] = {}
        self._lock = threading.Lock()
        self._shown: int | None = None
        self.rounds = self.gained = self.seen = 0
        self.chose = 0.0
        self.outline = Outline([[] for _ in range(instance.shifts)], {}, 0)

    @property
    def steps(self) -> int:
        """Steps of all walks so far."""
        return sum(searcher.steps for searcher in self.searchers)

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
            for shares in pairwise((0.0, *ROUNDS)):
                if self.budget.halted() and self.rounds:
                    break
                walks = [
                    threads.submit(self._walk, searcher, shares, drive)
                    for searcher in self.searchers
                ]
                for walk in walks:
                    walk.result()
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
        """Take one walk from one share of the budget to another."""
        begin, end = shares
        budget = self.budget
        steps = budget.iterations
        own = None if steps is None else steps // len(self.searchers)
        chunk = FIRST_CHUNK
        last = None if own is None else round(own * end)
        while True:
            share = begin
            if last is not None and own:
                share = searcher.steps / own
            if budget.seconds is not None:
                # A part of the time is CP-SAT's.
                share = max(share, budget.elapsed() / (0.97 * budget.seconds or 1e-9))
            if share >= end or (last is not None and searcher.steps >= last) or budget.halted():
                break
            size = chunk if budget.seconds is not None else STEPS_BETWEEN_LOOKS
            if last is not None:
                size = min(size, last - searcher.steps)
            hot = HOT * drive * (COLD / HOT) ** share
            done = size / own if own else 0.0
            began = time.monotonic()
            cold = HOT * drive * (COLD / HOT) ** (share + done)
            searcher.walk(size, hot, cold, round(drive), bold=self.rounds == 0)
            took = time.monotonic() - began
            chunk = max(10, min(3 * chunk, int(size * LOOK_EVERY / max(took, 1e-6))))
            self._note(searcher.total, searcher.served)

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
            effort = 1.0
            if self.budget.seconds is not None:
                effort = min(effort, 0.02 * self.budget.seconds)
            self._let_choose(leader, effort)
            self.chose += time.monotonic() - began
        for searcher in self.searchers:
            if self.outline.total < searcher.total or self.rounds == 1:
                searcher.start(self.outline)
        self._note(self.outline.total, sum(len(order) for order in self.outline.orders))

    def _let_choose(self, leader: Searcher, effort: float) -> None:
        for route in leader.routes_of(self.outline):
            self._remember(route)
        drop = self.instance.drop_cost
        chosen = choose(
            self.met, drop,
            {s: tuple(order) for s, order in enumerate(self.outline.orders)},
            seed=self.seed, effort=effort, relations=self._relations,
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
