"""Pricing: for each kind of shift the cheapest routes when its visits pay their duals.

Shifts that are alike in everything make one class. What a class lets a route do is a relaxation of
the planning format: relations and the crew's other shifts are left out, so are its third and later
break and all but two parts; working seconds count travel and service only. Everything else is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from optimizer.exact.completion import Guide, complete
from optimizer.exact.labelling import Buckets, Labels, Memory, label
from optimizer.exact.moves import NEVER, Ints, Lane

NEIGHBOURS = 10
"""Visits of an ng-neighbourhood, the visit itself included."""
ROUTES = 12
"""Routes taken from one pricing of a class."""


class Priced(NamedTuple):
    """A bound on the reduced cost of every route of a class, scaled, and routes found.

    Routes are (cost in points, visits in order); they may come back to a visit.
    """

    bound: int
    routes: list[tuple[int, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class Scale:
    """How costs become integers: times `unit`, and none above `most`, which is scaled."""

    unit: int
    most: int


class Workspace:
    """The arrays that all pricings share: labels, and what else depends on the class's size."""

    def __init__(self, labels: int) -> None:
        self.labels = labels
        self.figures = np.zeros((labels, 4), dtype=np.int64)
        self.links = np.zeros((labels, 4), dtype=np.int64)
        self._flat: dict[str, Ints] = {}

    def array(self, name: str, *shape: int) -> Ints:
        """An array of this shape whose content is whatever was there before."""
        size = int(np.prod(shape))
        if name not in self._flat or len(self._flat[name]) < size:
            self._flat[name] = np.zeros(size, dtype=np.int64)
        return self._flat[name][:size].reshape(shape)


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
    allowed: Ints
    """Whether one may follow another."""
    guided: bool = True
    """Whether every move takes at least one bucket of time, so that a guide can be made."""

    def __post_init__(self) -> None:
        self._list()
        self.near, self.bit = _neighbourhoods(self.travel, len(self.visits))

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

    def prices(self, duals: Ints) -> Ints:
        """Costs less the scaled duals of all visits of the problem."""
        prices = self.costs.copy()
        prices[:, : len(self.visits)] -= duals[self.visits]
        return prices

    def price(
        self, duals: Ints, threshold: int, scale: Scale, space: Workspace, *, exact: bool
    ) -> Priced:
        """Bound the reduced cost of all routes, and find some below the threshold, both scaled.

        The bound holds for every elementary route, whether or not the search was `exact`.
        """
        if not len(self.visits):
            return Priced(NEVER, [])
        lane = self.lane(self.prices(duals))
        guide = self._guide(space)
        # No visit pays twice.
        bound = -int(np.maximum(duals[self.visits], 0).sum())
        if self.guided:
            bound = max(bound, complete(lane, guide))
        if bound >= threshold:
            return Priced(bound, [])
        limit = space.labels if exact else min(space.labels, 50 * 1000)
        count, ends = self._label(lane, guide, space, limit, threshold, exact=exact)
        found = np.flatnonzero(ends[:, 0] < NEVER)
        found = found[np.argsort(ends[found, 0], kind="stable")]
        if exact and count >= 0:
            bound = max(bound, threshold if not len(found) else int(ends[found[0], 0]))
        routes = []
        for v in found[:ROUTES]:
            order = self._order(space, int(ends[v, 1]))
            cost = int(ends[v, 0]) + sum(int(duals[u]) for u in order)
            routes.append((cost // scale.unit, order))
        return Priced(bound, routes)

    def cost(self, order: Sequence[int], scale: Scale, space: Workspace) -> int | None:
        """Points that a route of visits of the problem costs, None when it is impossible."""
        place = {int(v): i for i, v in enumerate(self.visits)}
        if len(set(order)) < len(order) or not order or any(v not in place for v in order):
            return None
        chain = [len(self.visits), *(place[v] for v in order)]
        after = np.full((len(self.visits) + 1, 2), -1, dtype=np.int64)
        after[chain[:-1], 0] = chain[1:]
        guide = self._guide(space)
        guide[0][:] = -NEVER
        guide[2][:] = -1
        lane = self.lane(self.costs, after)
        _, ends = self._label(lane, guide, space, space.labels, NEVER, exact=True)
        cost = int(ends[chain[-1], 0])
        return None if cost >= NEVER else cost // scale.unit

    def _guide(self, space: Workspace) -> Guide:
        shape = len(self.entries), int(self.clock[7]), len(self.deadline)
        guide = tuple(space.array(name, *shape) for name in ("best", "other", "following"))
        if not self.guided:
            guide[0][:] = -NEVER
            guide[2][:] = -1
        return guide[0], guide[1], guide[2]

    def _label(
        self, lane: Lane, guide: Guide, space: Workspace, limit: int, threshold: int, *, exact: bool
    ) -> tuple[int, Ints]:
        count, buckets = len(self.visits), int(self.clock[7])
        ends = space.array("ends", count, 2)
        used = space.array("used", limit, len(self.room))
        labels: Labels = space.figures[:limit], space.links[:limit], used, ends
        memory: Memory = self.near, self.bit, self.loads, self.room
        lists: Buckets = (
            space.array("heads", count, buckets),
            space.array("floors", count, buckets),
            space.array("queue", buckets, 2),
        )
        orders = np.array([threshold, exact, self.travel_resource], dtype=np.int64)
        return label(lane, guide, memory, labels, lists, orders), ends

    def _order(self, space: Workspace, last: int) -> tuple[int, ...]:
        order: list[int] = []
        while last > 0:
            order.append(int(self.visits[space.links[last, 0]]))
            last = int(space.links[last, 1])
        return tuple(reversed(order))


def _neighbourhoods(travel: Ints, count: int) -> tuple[Ints, Ints]:
    size = min(NEIGHBOURS, count)
    near = np.full((count, size + 1), -1, dtype=np.int64)
    bit = np.full((count, count), -1, dtype=np.int64)
    distance = travel[:count, :count] + travel[:count, :count].T
    for v in range(count):
        ranked = np.argsort(distance[v], kind="stable")
        chosen = [v, *ranked[ranked != v][: size - 1].tolist()]
        near[v, : len(chosen)] = chosen
        bit[v, chosen] = np.arange(len(chosen))
    return near, bit
