"""Subset-row cuts: of any three visits, at most one route of a plan serves two or more.

(Jepsen, Petersen, Spoorendonk and Pisinger, Operations Research 2008.) A route is fined for a cut at
the second of its visits. It forgets the first where it is at a visit outside the cut's memory, and
pays nothing then (Pecin, Pessoa, Poggi and Uchoa, Mathematical Programming Computation 2017): the cut
is weaker but as true, as a route never pays more often than half of its visits of the three, rounded
down, and fewer labels have something to pay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from optimizer.exact.moves import Ints
from optimizer.kernels import lean

MOST_CUTS = 62
"""Cuts at a time, bits of a label's word."""
MOST_NEW = 12
"""Cuts that are added at once."""
LEAST = 0.06
"""By how much a solution must break a cut for it to be added."""

Rules = tuple[Ints, Ints]
"""`rules[u]`: the cuts of visit u, and those whose memory it is in, as bits. `fines[c]`: what a route
pays for cut c, scaled."""
RULES = "Tuple((int64[:, ::1], int64[::1]))"
"""The compiler's name of Rules."""


@lean("int64(int64, int64[::1])")
def fined(cuts: int, fines: Ints) -> int:
    """What is paid for these cuts."""
    total, c = 0, 0
    while cuts:
        if cuts & 1:
            total += fines[c]
        cuts >>= 1
        c += 1
    return total


@dataclass(frozen=True, slots=True)
class Prices:
    """Scaled duals of visits, and the fines of the cuts as they were then."""

    visits: Ints
    fines: Ints
    rules: Ints

    def fine(self, order: Sequence[int]) -> int:
        """What a route pays for all cuts."""
        return sum(int(self.fines[c]) for c in payments(order, self.rules))


def payments(order: Sequence[int], rules: Ints) -> list[int]:
    """The cuts that a route pays for, each as often as it does."""
    paid, held = list[int](), 0
    for v in order:
        own, kept = int(rules[v, 0]), int(rules[v, 1])
        held &= kept
        due = held & own
        while due:
            paid.append((due & -due).bit_length() - 1)
            due &= due - 1
        held ^= own
    return paid


class Cuts:
    """The cuts of a problem's visits by number; a number is used again when its cut is dropped."""

    def __init__(self, visits: int) -> None:
        self.rules = np.zeros((visits, 2), dtype=np.int64)
        self.triples: dict[int, tuple[int, int, int]] = {}

    def times(self, number: int, order: Sequence[int]) -> int:
        """How often a route pays for a cut."""
        triple = self.triples[number]
        if sum(v in triple for v in order) < 2:
            return 0
        return payments(order, self.rules & (1 << number)).count(number)

    def drop(self, number: int) -> None:
        """Forget a cut."""
        self.rules &= ~(1 << number)
        del self.triples[number]

    def put(self, triple: tuple[int, int, int], memory: Iterable[int]) -> int | None:
        """Add a cut, or to its memory; its number, None when nothing is new or no number is free."""
        number = next((c for c, known in self.triples.items() if known == triple), None)
        free = next((c for c in range(MOST_CUTS) if c not in self.triples), None)
        if number is None:
            number = free
        if number is None:
            return None
        before = self.rules.copy()
        self.triples[number] = triple
        self.rules[list(triple)] |= 1 << number
        self.rules[list(memory), 1] |= 1 << number
        return None if (before == self.rules).all() else number


def violated(
    routes: Sequence[tuple[Sequence[int], float]], visits: int
) -> list[tuple[tuple[int, int, int], set[int]]]:
    """The cuts that a fractional choice of routes breaks most, with the memory they need for it."""
    served = np.zeros((len(routes), visits))
    for r, (order, _) in enumerate(routes):
        served[r, list(order)] = 1.0
    share = np.array([value for _, value in routes])
    pairs = served.T @ (served * share[:, None])
    found: list[tuple[float, tuple[int, int, int]]] = []
    for a in range(visits):
        on = served[:, a] > 0
        # Whoever serves all three is in all three pairs, and pays once.
        all_three = served[on].T @ (served[on] * share[on, None])
        sums = pairs[a][:, None] + pairs[a][None, :] + pairs - 2 * all_three
        for b, c in np.argwhere(sums > 1 + LEAST):
            if a < b < c:
                found.append((-float(sums[b, c]), (a, int(b), int(c))))
    chosen: list[tuple[tuple[int, int, int], set[int]]] = []
    often = np.zeros(visits, dtype=np.int64)
    for _, triple in sorted(found):
        if len(chosen) == MOST_NEW:
            break
        if often[list(triple)].max() < 4:
            often[list(triple)] += 1
            chosen.append((triple, _memory(triple, routes)))
    return chosen


def _memory(
    triple: tuple[int, int, int], routes: Sequence[tuple[Sequence[int], float]]
) -> set[int]:
    """The visits between two of the three on the routes, where they are nearest to each other."""
    memory = set(triple)
    for order, _ in routes:
        at = [i for i, v in enumerate(order) if v in triple]
        if len(at) > 1:
            i, j = min(pairwise(at), key=lambda two: two[1] - two[0])
            memory.update(order[i:j])
    return memory
