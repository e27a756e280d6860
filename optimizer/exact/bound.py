"""A proven lower bound on a problem's total, by column generation.

OR-Tools' linear program over routes gives the visits duals, pricing finds routes that would lower
its value, until there are none. Whatever the duals, Lagrange's bound holds: the duals of all visits
and, for each shift, the least reduced cost of its routes where that is negative. It is computed in
integers, so that no rounding can make it wrong, and the best one met is kept; it is there long
before the linear program is solved.

The duals priced lie between those of the best bound so far and those of the linear program (Wentges
1997; Pessoa, Sadykov, Uchoa and Vanderbeck, INFORMS Journal on Computing 2018). The reduced costs of
both are mixed alike, so that a route cheaper than the mixed threshold lowers the linear program, and
where there is none the bound rises at once.

Near its optimum the program is tightened by subset-row cuts (see `optimizer.exact.cuts`). With a
fine of m(c) points on each cut c the bound still holds: the routes of a plan pay for a cut once at
most together, so that what they cost is no less than their costs with fines, less the sum of all
m(c); and that is no less than the duals of all visits, and the least reduced costs with fines, less
that sum. The guide of pricing knows of no fines, which only make routes dearer.

Relations and the hours of a crew's other shifts are left out (see `optimizer.exact.pricing`): the
bound holds with them, but where they make a plan dear it is far below.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from optimizer.exact.cuts import MOST_CUTS, Prices, violated
from optimizer.exact.families import Families
from optimizer.exact.lanes import drop_costs, scale_of, shift_classes, triangular
from optimizer.exact.master import Duals, Master
from optimizer.exact.pricing import Priced
from optimizer.problem import Problem
from optimizer.search.searcher import Met

NEAR = 0.9
"""The bound's share of the program's value at which its caps are raised."""
NEARER = 0.98
"""The same for routes that are none: they are forbidden one by one."""
FIRST_EFFORT, MOST_EFFORT = 1_000_000, 300_000_000
"""Comparisons of labels in a pricing, to begin with and at most."""
ELIMINATE = 0.8
"""Share of the gap at which moves were last left out at which it is worth while again."""
CLOSE = 0.03
"""The gap, as a share of the bound, from which on moves are left out: before, few are."""
CUTTING = 0.999
"""The same for cuts: labels that pay fines beat fewer others, so that all is slower from then on."""
TRUST = 0.7
"""Share of the best bound's duals in those that are priced."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What is proven: no plan costs less than `value` points; None when nothing is.

    `columns` are routes met that visit no one twice, with what they cost by themselves. `rounds`
    counts the pricings of all shifts. `closed` tells that the linear program is solved with all cuts
    that were found: more time would not raise the value.
    """

    value: int | None
    columns: tuple[Met, ...]
    rounds: int
    closed: bool


def lower_bound(
    problem: Problem,
    *,
    deadline: float | None = None,
    rounds: int | None = None,
    stop: Callable[[], bool] | None = None,
    columns: Iterable[Met] = (),
    upper: int | None = None,
    workers: int = 1,
) -> Bound:
    """The best lower bound on the total of any plan found within the limits.

    `deadline` is a moment of `time.monotonic()`, `rounds` a number of pricings of all shifts; it
    ends early when `stop` answers True. `columns` are routes to begin from, the more the better;
    their costs show the way and prove nothing. `upper` is the total of a plan that is known: a
    bound that reaches it is the optimum. Pricing works on `workers` cores; what is found does not
    depend on how many they are, only how soon.
    """
    generation = _Generation(problem, deadline, rounds, stop, upper, workers)
    with generation.families.cores:
        return generation.run(columns)


class _Generation:
    """One run of column generation."""

    def __init__(
        self,
        problem: Problem,
        deadline: float | None,
        rounds: int | None,
        stop: Callable[[], bool] | None,
        upper: int | None,
        workers: int,
    ) -> None:
        self.deadline, self.most_rounds, self.stop, self.upper = deadline, rounds, stop, upper
        self.drop = drop_costs(problem)
        self.scale = scale_of(self.drop)
        self.classes = shift_classes(problem, self.scale)
        able = {int(v) for kind in self.classes for v in kind.visits[kind.allowed[-1]]}
        self.hopeless = sum(cost for v, cost in enumerate(self.drop) if v not in able)
        self.families = Families(self.classes, self.scale, workers, self._late)
        counts = [len(kind.shifts) for kind in self.classes]
        self.master = Master(self.drop, self._caps(), counts, partition=not triangular(problem))
        self.rounds = 0
        self.best: int | None = None
        """The best bound so far, scaled."""
        self.centre: tuple[Prices, list[int]] | None = None
        """The duals of the best bound, and its least reduced costs by class."""
        self.found: dict[tuple[int, tuple[int, ...]], int] = {}
        self.trust = TRUST
        self.effort = FIRST_EFFORT
        self.eliminated_at = 1 << 62
        """The gap, scaled, at which moves were last left out."""
        self.complete = True

    def run(self, columns: Iterable[Met]) -> Bound:
        """Generate columns until the limits or the optimum of the linear program."""
        self._begin(columns)
        closed, new = False, 1
        while not self._over():
            self._eliminate()
            duals = self.master.solve()
            if duals is None:
                break
            settled = self._reaches(duals)
            if settled or new == 0 or self._near(duals, NEAR):
                raised = self.master.raise_caps()
                if settled or self._near(duals, NEARER):
                    raised |= self._tighten(duals)
                if not raised and (settled or self._near(duals, CUTTING)):
                    raised = self._cut(duals)
                if raised:
                    new = 1
                    continue
            if settled:
                closed = True
                break
            before = self.best
            new = self._round(*self._mixed(duals))
            if new == 0 and not self.complete:
                if self.effort > MOST_EFFORT:
                    break
                self.effort *= 4
            elif new == 0 and self.best == before and self.trust == 0.0:
                closed = True
                break
            # Where nothing was found, the program's own duals are the better guess.
            self.trust = min(TRUST, self.trust + 0.1) if new else max(0.0, self.trust / 2 - 0.05)
        found = tuple(
            Met(s, order, cost)
            for (k, order), cost in self.found.items()
            for s in self.classes[k].shifts
        )
        return Bound(self._value(), found, self.rounds, closed)

    def _caps(self) -> list[int]:
        """What serving each visit alone costs about, where no shift can, what leaving it out does."""
        caps = list(self.drop)
        for kind in self.classes:
            there = kind.costs[-2, :-2] + kind.costs[:-2, -1]
            for v, cost, able in zip(kind.visits, there, kind.allowed[-1], strict=True):
                if able:
                    caps[v] = min(caps[v], int(cost) // self.scale.unit + 1)
        return caps

    def _near(self, duals: Duals, share: float) -> bool:
        """Whether the bound is near the value of the program."""
        if self.best is None:
            return False
        # What no shift can serve costs the same whatever the bound is.
        room = duals.value - self.hopeless
        return self.best >= (self.hopeless + share * room) * self.scale.unit

    def _tighten(self, duals: Duals) -> bool:
        """Forbid what is no route in the program's solution; False when there is nothing such."""
        forbidden = [(k, order) for k, order in duals.routes if self.classes[k].forbid(order)]
        for k, order in forbidden:
            self.master.drop(k, order)
        return bool(forbidden)

    def _begin(self, columns: Iterable[Met]) -> None:
        kind_of = {s: k for k, kind in enumerate(self.classes) for s in kind.shifts}
        for s, order, cost in columns:
            k = kind_of[s]
            if order and self.classes[k].could(order):
                self.master.add(k, order, cost)

    def _over(self) -> bool:
        if self.stop is not None and self.stop():
            return True
        if self.most_rounds is not None and self.rounds >= self.most_rounds:
            return True
        return self.deadline is not None and time.monotonic() >= self.deadline

    def _value(self) -> int | None:
        if self.best is None or self.best < 0:
            return None
        value = -(-self.best // self.scale.unit)
        return value if self.upper is None else min(value, self.upper)

    def _reaches(self, duals: Duals) -> bool:
        """Whether the bound is as high as it can get."""
        value = self._value()
        if value is None:
            return False
        if self.upper is not None and value >= self.upper:
            return True
        return value >= duals.value - max(1e-6, 1e-9 * duals.value)

    def _cut(self, duals: Duals) -> bool:
        """Add cuts that the program's solution breaks; False when there are none."""
        if self._value() == self.upper:
            return False
        routes = [(order, share) for (_, order), share in duals.routes.items()]
        wanted = violated(routes, len(self.drop))
        idle = [
            c
            for c, dual in duals.cuts.items()
            if dual > -1e-6 and (self.centre is None or not self.centre[0].fines[c])
        ]
        for c in idle[: max(0, len(wanted) + len(duals.cuts) - MOST_CUTS)]:
            self.master.uncut(c)
        return sum(self.master.cut(triple, memory) for triple, memory in wanted) > 0

    def _mixed(self, duals: Duals) -> tuple[Prices, list[int]]:
        """Duals and thresholds between those of the best bound and those of the program, scaled."""
        unit = self.scale.unit
        visits = np.floor(np.array(duals.visits) * unit).astype(np.int64)
        visits = np.minimum(visits, np.array(self.drop, dtype=np.int64) * unit)
        thresholds = [min(0, int(value * unit)) for value in duals.classes]
        fines = np.zeros(MOST_CUTS, dtype=np.int64)
        for c, dual in duals.cuts.items():
            fines[c] = max(0, int(-dual * unit))
        rules = self.master.cuts.rules.copy()
        if self.centre is None:
            return Prices(visits, fines, rules), thresholds
        part = int(self.trust * 256)
        then, least = self.centre
        visits = (part * then.visits + (256 - part) * visits) >> 8
        fines = (part * then.fines + (256 - part) * fines) >> 8
        mixed = [(part * a + (256 - part) * b) >> 8 for a, b in zip(least, thresholds, strict=True)]
        return Prices(visits, fines, rules), mixed

    def _round(self, prices: Prices, thresholds: list[int]) -> int:
        """Price all classes; keep the bound if it is the best; answer how many routes are new."""
        self.rounds += 1
        found = self.families.price(prices, thresholds, self.effort)
        if found is None:
            return 0
        self.complete = all(priced.complete for priced in found)
        least = [min(0, priced.bound) for priced in found]
        new = sum(self._keep(k, priced) for k, priced in enumerate(found))
        total = int(prices.visits.sum()) - int(prices.fines.sum())
        for kind, cost in zip(self.classes, least, strict=True):
            total += len(kind.shifts) * cost
        if self.best is None or total > self.best:
            self.best, self.centre = total, (prices, least)
        return new

    def _eliminate(self) -> None:
        """Leave out the moves that are in no plan better than the known one."""
        if self.upper is None or self.best is None or self.centre is None:
            return
        gap = (self.upper - 1) * self.scale.unit - self.best
        if gap < 0 or gap > ELIMINATE * self.eliminated_at:
            return
        if gap > CLOSE * (self.best - self.hopeless * self.scale.unit):
            return
        self.eliminated_at = gap
        prices, least = self.centre
        self.families.restrict(prices, [gap + cost for cost in least], self.effort)
        for k, order in list(self.master.known):
            if not self.classes[k].makes(order):
                self.master.drop(k, order)

    def _late(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    def _keep(self, k: int, priced: Priced) -> int:
        new = 0
        for cost, order in priced.routes:
            if self.master.add(k, order, cost):
                new += 1
                if len(set(order)) == len(order):
                    self.found[k, order] = cost
        return new
