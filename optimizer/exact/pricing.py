"""Pricing: for each kind of shift the cheapest routes when its visits pay their duals.

Shifts that are alike in everything make one class. What a class lets a route do is a relaxation of
the planning format: relations and the crew's other shifts are left out, so are its third and later
break and all but two parts; working seconds count travel and service only. Everything else is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optimizer.exact.completion import DEAREST_MOVE, NO_WAY, Guide, complete, list_ways
from optimizer.exact.cuts import MOST_CUTS, Prices, Rules
from optimizer.exact.labelling import COARSER, Buckets, Labels, Memory, label
from optimizer.exact.moves import NEVER, Ints, Lane
from optimizer.exact.recall import Recall, returns
from optimizer.exact.tracing import trace
from optimizer.exact.workspace import Scale, Workspace

STEPS = (0.1, 0.25, 0.45, 0.7, 1.0)
"""Thresholds that are tried, as shares of the way from the bound to the one asked for."""
MOST_PASSES = 4
"""How often the guide of one pricing is made, at most."""
LONGEST = 64
"""Visits of a route that the guide learns from, at most."""
ROUTES = 12
"""Routes taken from one pricing of a class."""


class Priced(NamedTuple):
    """A bound on the reduced cost of every route of a class, scaled, and routes found.

    Routes are (cost in points, visits in order); they may come back to a visit. `complete` tells
    that no label was given up.
    """

    bound: int
    routes: list[tuple[int, tuple[int, ...]]]
    complete: bool


@dataclass
class ShiftClass:
    """Shifts that are alike, as arrays over the visits they can serve; see `moves` for a Lane."""

    shifts: tuple[int, ...]
    visits: Ints
    costs: Ints
    """Scaled cost of going from one to another and serving it, before duals."""
    travel: Ints
    entry: Ints
    entries: Ints
    windows: Ints
    late: Ints
    clock: Ints
    pauses: Ints
    deadline: Ints
    loads: Ints
    room: Ints
    travel_resource: int
    allowed: npt.NDArray[np.bool_]
    """Whether one may follow another."""
    kin: int = 0
    """The same for classes that differ in nothing but loads and room."""
    guided: bool = True
    """Whether every move takes at least one bucket of time, so that a guide can be made."""

    def __post_init__(self) -> None:
        self._list()
        self.recall = Recall(self.travel, len(self.visits))
        self.place = {int(v): i for i, v in enumerate(self.visits)}
        self.kept: list[int] = []

    def _list(self) -> None:
        """Write what is allowed as lists."""
        count = len(self.visits)
        widest = int(self.allowed[:, :count].sum(axis=1).max(initial=0))
        self.after = np.full((count + 1, widest + 1), -1, dtype=np.int64)
        for v in range(count + 1):
            following = np.flatnonzero(self.allowed[v, :count])
            order = np.argsort(self.travel[v, following], kind="stable")
            self.after[v, : len(following)] = following[order]

    def lane(self, prices: Ints, after: Ints | None = None) -> Lane:
        """The arrays of the compiled moves with these prices."""
        return (
            prices, self.travel, self.after if after is None else after, self.entry, self.entries,
            self.windows, self.late, self.clock, self.pauses, self.deadline,
        )  # fmt: skip

    def _priced(self, duals: Ints) -> Lane:
        """The lane where visits pay their scaled duals, the cheapest moves listed first."""
        prices = self.costs.copy()
        prices[:, : len(self.visits)] -= duals[self.visits]
        rows = np.append(np.arange(len(self.visits)), len(prices) - 2)[:, None]
        there = np.where(self.after < 0, NEVER, prices[rows, self.after])
        order = np.argsort(there, axis=1, kind="stable")
        return self.lane(prices, np.take_along_axis(self.after, order, axis=1))

    def price(
        self, prices: Prices, threshold: int, scale: Scale, space: Workspace, *, effort: int
    ) -> Priced:
        """Bound the reduced cost of all routes, and find some below the threshold, both scaled.

        The bound holds for every route that comes back to no visit.
        """
        if not len(self.visits):
            return Priced(NEVER, [], True)
        lane = self._priced(prices.visits)
        guide, bound = self._guide(lane, prices.visits, space, threshold)
        found, count = np.empty(0, dtype=np.int64), 0
        begin = bound
        for part in STEPS:
            if bound >= threshold:
                break
            # The lower the threshold, the fewer the labels; the cheapest route is soon below it.
            aim = threshold if part == 1.0 else begin + int(part * (threshold - begin))
            count, ends = self._label(lane, guide, space, prices, aim, effort)
            found = np.flatnonzero(ends[:, 0] < NEVER)
            found = found[np.argsort(ends[found, 0], kind="stable")]
            if count < 0:
                self.recall.passes = min(MOST_PASSES, 2 * self.recall.passes)
                break
            bound = max(bound, int(ends[found[0], 0]) if len(found) else aim)
            if len(found):
                self.recall.passes = max(1, self.recall.passes - 1)
                break
        routes = []
        for v in found[:ROUTES]:
            order = self._order(space, int(ends[v, 1]))
            cost = int(ends[v, 0]) + sum(int(prices.visits[u]) for u in order)
            routes.append(((cost - prices.fine(order)) // scale.unit, order))
        return Priced(bound, routes, count >= 0)

    def cost(self, order: Sequence[int], scale: Scale, space: Workspace) -> int | None:
        """Points that a route of visits of the problem costs, None when it is impossible."""
        if not order or not self.could(order):
            return None
        stops = [self.place[v] for v in order]
        if self._lacking(stops):
            return None
        chain = [len(self.visits), *stops]
        after = np.full((len(self.visits) + 1, 2), -1, dtype=np.int64)
        after[chain[:-1], 0] = chain[1:]
        lane = self.lane(self.costs, after)
        guide = self._room(space, lane)
        guide[0][:] = -NO_WAY
        _, ends = self._label(lane, guide, space, None, NEVER, NEVER)
        cost = int(ends[chain[-1], 0])
        return None if cost >= NEVER else cost // scale.unit

    def moves(
        self, prices: Prices, most: int, space: Workspace, effort: int
    ) -> npt.NDArray[np.bool_] | None:
        """The moves of routes with a reduced cost of at most `most`, scaled, and maybe some more.

        Where a label that made a move is beaten, the one that beats it makes it too. None when
        there are too many labels to tell.
        """
        if not len(self.visits):
            return self.allowed
        lane = self._priced(prices.visits)
        guide, _ = self._guide(lane, prices.visits, space, NEVER)
        count, _ = self._label(lane, guide, space, prices, most + 1, effort)
        return None if count < 0 else self._moves(space) > 0

    def restrict(self, moves: npt.NDArray[np.bool_]) -> None:
        """Leave out all other moves; guides that were made before are of no use."""
        self.allowed &= moves
        self._list()

    def could(self, order: Sequence[int]) -> bool:
        """Whether the shifts may serve these visits at all, each of them once."""
        return len(set(order)) == len(order) and all(v in self.place for v in order)

    def makes(self, order: Sequence[int]) -> bool:
        """Whether all moves of a route are still there."""
        stops = [self.place[v] for v in order]
        return bool(self.allowed[[len(self.visits), *stops[:-1]], stops].all())

    def forbid(self, order: Sequence[int]) -> bool:
        """See to it that pricing finds this route no more, if it comes back to a visit or takes
        more of a resource than there is; False when it does neither."""
        stops = [self.place[v] for v in order]
        lacking = self._lacking(stops)
        found = bool(lacking)
        self.kept += [r for r in lacking if r not in self.kept]
        for between, v in returns(stops):
            found = True
            for u in between:
                self.recall.remember(u, v)
        return found

    def _lacking(self, stops: list[int]) -> list[int]:
        """The resources of which a route takes more than there is."""
        lacking = []
        for r in range(len(self.room)):
            total = int(self.loads[stops, r].sum())
            if r == self.travel_resource:
                total = int(self.travel[[-2, *stops], [*stops, -1]].sum())
            if total > self.room[r]:
                lacking.append(r)
        return lacking

    def _guide(
        self, lane: Lane, duals: Ints, space: Workspace, threshold: int
    ) -> tuple[Guide, int]:
        """The guide at these duals, made better while it leaves room below the threshold, and a bound
        on the cost of whole routes."""
        if space.guided is not None and space.guided[0] == self.kin and space.guided[1] is duals:
            return space.guided[2:]
        # No visit pays twice.
        bound = -int(np.maximum(duals[self.visits], 0).sum())
        if not self.guided:
            guide = self._room(space, lane)
            guide[0][:] = -NO_WAY
        for _ in range(self.recall.passes if self.guided else 0):
            self.recall.learn()
            guide = self._room(space, lane)
            whole = complete(lane, guide)
            bound = max(bound, whole)
            order = np.empty(LONGEST, dtype=np.int64)
            self.recall.lesson = order[: trace(whole, lane, guide, order)].tolist()
            if bound >= threshold or not self.recall.lacks():
                break
        space.guided = self.kin, duals, guide, bound
        return guide, bound

    def _room(self, space: Workspace, lane: Lane) -> Guide:
        """A guide that is still to be filled, but for its ways."""
        near, bit, deep = self.recall.near, self.recall.bit, self.recall.deep
        rows = len(self.deadline) << deep[self.entries[:, 0]]
        ways = np.empty((len(near) + 1, lane[2].shape[1], 1 << int(deep.max())), dtype=np.int8)
        list_ways(near, bit, deep, lane[2], ways)
        space.guided = None
        best = space.rows(int(rows.sum()), int(self.clock[7]))
        scaled = max(0, space.most.bit_length() - DEAREST_MOVE.bit_length() + 1)
        prices = np.minimum(lane[0] >> scaled, DEAREST_MOVE).astype(np.int32)
        return best, prices, np.cumsum(rows) - rows, deep, ways, scaled

    def _label(
        self,
        lane: Lane,
        guide: Guide,
        space: Workspace,
        prices: Prices | None,
        threshold: int,
        effort: int,
    ) -> tuple[int, Ints]:
        count, buckets = len(self.visits), (int(self.clock[7]) >> COARSER) + 1
        ends = space.array("ends", count, 2)
        kept = sorted(self.kept)
        used = space.array("used", space.labels, len(kept))
        labels: Labels = space.figures, space.links, used, ends, self._moves(space)
        memory: Memory = (
            self.recall.near,
            self.recall.bit,
            np.ascontiguousarray(self.loads[:, kept]),
            self.room[kept],
        )
        rules: Rules = (
            np.zeros((count, 2), dtype=np.int64) if prices is None else prices.rules[self.visits],
            np.zeros(MOST_CUTS, dtype=np.int64) if prices is None else prices.fines,
        )
        lists: Buckets = (
            space.array("heads", count, buckets),
            space.array("floors", count, buckets),
            space.array("queue", buckets, 2),
        )
        limited = kept.index(self.travel_resource) if self.travel_resource in kept else -1
        orders = np.array([threshold, limited, effort], dtype=np.int64)
        return label(lane, guide, memory, rules, labels, lists, orders), ends

    def _moves(self, space: Workspace) -> Ints:
        """By move, whether the last labels made it."""
        return space.array("moves", *self.allowed.shape)

    def _order(self, space: Workspace, last: int) -> tuple[int, ...]:
        order: list[int] = []
        while last > 0:
            order.append(int(self.visits[space.links[last, 0]]))
            last = int(space.links[last, 1])
        return tuple(reversed(order))
