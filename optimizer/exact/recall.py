"""What routes remember of where they have been: enough to forbid most ways back, no more than needed.

Each visit has a neighbourhood of visits that a route which is there remembers (ng-routes: Baldacci,
Mingozzi and Roberti, Operations Research 2011). It begins with the nearest ones and grows where
routes that come back somewhere stand in the way (Roberti and Mingozzi, Transportation Science 2014).
The guide of pricing remembers a few of them only, since each doubles its work: those that the
cheapest routes came back to last.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from optimizer.exact.moves import Ints

NEIGHBOURS = 8
"""Visits of a neighbourhood to begin with, the visit itself included."""
MOST_NEIGHBOURS = 60
"""Bits of what a label remembers."""
DEEP, DEEPEST = 1, 8
"""Visits that the guide remembers at a visit to begin with, and at most."""


class Recall:
    """The neighbourhoods of visits between which these drives lie, and what the guide remembers of them.

    `near[v]`: the visits of v's neighbourhood, v first, then those of the guide, ended by -1.
    `bit[v, u]`: the place of u in it, or -1. `deep[v]`: how many the guide remembers.
    """

    def __init__(self, travel: Ints, count: int) -> None:
        size = min(NEIGHBOURS, count)
        self.near = np.full((count, size + 1), -1, dtype=np.int64)
        self.bit = np.full((count, count), -1, dtype=np.int64)
        self.deep = np.full(count, max(0, min(DEEP, count - 1)), dtype=np.int64)
        self.needed = np.zeros((count, count), dtype=np.int64)
        self.lesson: list[int] = []
        """The cheapest route that the guide knew last, from which it is to learn."""
        self.passes = 1
        """How often the guide of a pricing is made, each time better."""
        distance = travel[:count, :count] + travel[:count, :count].T
        for v in range(count):
            ranked = np.argsort(distance[v], kind="stable")
            self._write(v, [v, *ranked[ranked != v][: size - 1].tolist()])

    def remember(self, u: int, v: int) -> None:
        """Let routes that are at u remember that they were at v, if there is room."""
        size = int((self.near[u] >= 0).sum())
        if self.bit[u, v] >= 0 or size >= MOST_NEIGHBOURS:
            return
        if size + 1 >= self.near.shape[1]:
            more = np.full((len(self.near), 8), -1, dtype=np.int64)
            self.near = np.concatenate([self.near, more], axis=1)
        self.near[u, size], self.bit[u, v] = v, size

    def lacks(self) -> bool:
        """Whether the lesson is a route that the guide does not forbid."""
        return len(self._missing()) > 0

    def learn(self) -> None:
        """Let the guide remember what forbids the lesson."""
        for u, v in self._missing():
            self._guide(u, v)
        self.lesson = []

    def _missing(self) -> set[tuple[int, int]]:
        """What visits would have to remember to forbid the shortest ways back in the lesson."""
        ways = list(returns(self.lesson))
        shortest = min((len(between) for between, _ in ways), default=0)
        return {
            (u, v)
            for between, v in ways
            if len(between) == shortest
            for u in between
            if not 1 <= self.bit[u, v] <= self.deep[u]
        }

    def _guide(self, u: int, v: int) -> None:
        """Let the guide remember v at u; where it has no room, it forgets what it needed least often."""
        self.remember(u, v)
        if self.bit[u, v] < 0:
            return
        self.needed[u, v] += 1
        size, deep = int((self.near[u] >= 0).sum()), int(self.deep[u])
        known, rest = self.near[u, 1 : deep + 1].tolist(), self.near[u, deep + 1 : size].tolist()
        rest.remove(v)
        if deep == DEEPEST:
            rest.append(known.pop(int(np.argmin(self.needed[u, known]))))
        else:
            self.deep[u] += 1
        self._write(u, [u, *known, v, *rest])

    def _write(self, u: int, members: list[int]) -> None:
        self.near[u, : len(members)] = members
        self.bit[u, members] = np.arange(len(members))


def returns(order: Sequence[int]) -> Iterator[tuple[Sequence[int], int]]:
    """The visits that a route comes back to, each after the visits since it was there last."""
    last: dict[int, int] = {}
    for i, v in enumerate(order):
        if v in last:
            yield order[last[v] + 1 : i], v
        last[v] = i
