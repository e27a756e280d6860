"""A large day divided by area: routes near each other, so few that their arrays fit a processor's cache."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optimizer.search.joining import Joined
from optimizer.search.layout import S_HOME, V_PLACE, Data, Ints
from optimizer.search.searcher import Outline

AREA = 300
"""Visits of an area, about."""
LARGE = 7 * AREA // 5
"""Most visits that are not divided."""
IDLE = 1e-3
"""What a shift counts beside a visit: its visits say where a route is, and it itself only where it has none."""


class Area(NamedTuple):
    """Visits and shifts by number, in order."""

    visits: Ints
    shifts: Ints

    def within(self, outline: Outline) -> Outline:
        """What a plan has here, under the area's own numbers; its total not yet counted."""
        number = {v: k for k, v in enumerate(self.visits.tolist())}
        orders = [[number[v] for v in outline.orders[s]] for s in self.shifts.tolist()]
        begins = {number[v]: begin for v, begin in outline.begins.items() if v in number}
        return Outline(orders, begins, 0)


def divide(data: Data, orders: Sequence[Sequence[int]], chance: np.random.Generator) -> list[Area]:
    """The routes of a plan and the visits left out by area, cut where `chance` will have it.

    What is too large is cut in halves along a line between two of its places that lie far apart. Where on
    the line a route lies is told by travel times alone, as in FastMap (Faloutsos and Lin, SIGMOD 1995).
    What is tied to each other stays together, however large that makes an area. Shifts that come to lie
    without any visit, and visits without any shift, are in no area.
    """
    visits = len(data.visit)
    bundle = _bundles(data, orders)
    place = np.concatenate((data.visit[:, V_PLACE], data.shift[:, S_HOME]))
    weight = np.concatenate((np.ones(visits), np.full(len(data.shift), IDLE)))
    areas: list[Area] = []
    parts = [np.arange(len(bundle))]
    while parts:
        items = parts.pop()
        own = items[items < visits]
        if len(own) > LARGE:
            halves = _halves(data.legs[0], bundle[items], place[items], weight[items], chance)
            if halves is not None:
                parts += [items[halves], items[~halves]]
                continue
        if 0 < len(own) < len(items):
            areas.append(Area(own, items[len(own) :] - visits))
    return areas


def _bundles(data: Data, orders: Sequence[Sequence[int]]) -> Ints:
    """For each visit, and then each shift, the number of what it must stay together with."""
    visits = len(data.visit)
    count = visits + len(data.shift)
    joined = Joined(count)
    joined.join((v, visits + s) for s, order in enumerate(orders) for v in order)
    joined.join((first, second) for first, second, *_ in data.gap.tolist())
    joined.join(_linked(data.group_at, data.group_of))
    joined.join(_tied(data.mate_at, data.mate_of))
    joined.join((visits + s, visits + other) for s, other in _tied(data.meets_at, data.meets_of))
    return np.array([joined.find(k) for k in range(count)], dtype=np.int64)


def _linked(at: Ints, of: Ints) -> Iterable[tuple[int, int]]:
    """Each of a group with the first of it."""
    for begin, end in zip(at[:-1].tolist(), at[1:].tolist(), strict=True):
        yield from ((int(of[k]), int(of[begin])) for k in range(begin, end))


def _tied(at: Ints, of: Ints) -> Iterable[tuple[int, int]]:
    """Each of these with the others of its row."""
    for k in range(len(at) - 1):
        yield from ((k, int(other)) for other in of[at[k] : at[k + 1], 0])


def _halves(
    legs: npt.NDArray[np.int32], bundle: Ints, place: Ints, weight: npt.NDArray[np.float64],
    chance: np.random.Generator,
) -> npt.NDArray[np.bool_] | None:  # fmt: skip
    """Which of these are in the first half, whole bundles each; None when one bundle is all there is."""
    names, own = np.unique(bundle, return_inverse=True)
    if len(names) < 2:
        return None
    one = place[chance.integers(len(place))]
    other = place[np.argmax(legs[one, place])]
    along = legs[one, place].astype(np.float64) - legs[other, place]
    heavy = np.bincount(own, weights=weight)
    where = np.bincount(own, weights=weight * along) / heavy
    order = np.argsort(where, kind="stable")
    passed = np.cumsum(heavy[order])
    cut = int(np.searchsorted(passed, passed[-1] / 2)) + 1
    first = np.zeros(len(names), dtype=np.bool_)
    first[order[: min(cut, len(names) - 1)]] = True
    half: npt.NDArray[np.bool_] = first[own]
    return half
