"""The relations of a problem in arrays, and what leaving a visit out costs with all that depends on it."""

from collections.abc import Iterable, Sequence

import numpy as np

from optimizer.problem import After, DifferentCrew, Problem, SameCrew, Together
from optimizer.search.joining import Joined
from optimizer.search.layout import INF, V_DROP, V_WORTH, Ints

Gaps = list[tuple[int, int, int, int]]
"""(First visit, second, least, most): seconds from the end of the first to the begin of the second."""


def ties_of(problem: Problem) -> tuple[Gaps, list[list[int]], list[list[tuple[int, int]]]]:
    """(Gaps, groups that begin together, mates of each visit as (visit, same crew or not))."""
    index = {visit.id: v for v, visit in enumerate(problem.visits)}
    gaps: Gaps = []
    mates: list[dict[tuple[int, int], None]] = [{} for _ in problem.visits]
    joined = Joined(len(problem.visits))
    together: set[int] = set()
    for relation in problem.relations:
        if isinstance(relation, After):
            most = INF if relation.max_gap is None else relation.max_gap
            gaps.append((index[relation.first], index[relation.second], relation.min_gap, most))
            continue
        members = [index[visit] for visit in relation.visits]
        if isinstance(relation, Together):
            together.update(members)
            joined.join((v, members[0]) for v in members[1:])
        same = isinstance(relation, SameCrew)
        assert same or isinstance(relation, Together | DifferentCrew)
        for v in members:
            mates[v].update(((other, int(same)), None) for other in members if other != v)
    groups: dict[int, list[int]] = {}
    for v in sorted(together):
        groups.setdefault(joined.find(v), []).append(v)
    return gaps, list(groups.values()), [list(row) for row in mates]


def gap_lists(gaps: Gaps, visits: int) -> list[list[int]]:
    """The numbers of the gaps of each visit."""
    rows: list[list[int]] = [[] for _ in range(visits)]
    for g, gap in enumerate(gaps):
        rows[gap[0]].append(g)
        rows[gap[1]].append(g)
    return rows


def price(problem: Problem, visit: Ints, gaps: Gaps, groups: list[list[int]]) -> None:
    """What leaving each visit out costs, alone and with all that cannot be served without it."""
    before = {} if problem.incumbent is None else problem.incumbent.shift_of()
    change = problem.weights.change
    for v, asked in enumerate(problem.visits):
        visit[v, V_DROP] = asked.unserved_cost + (change if asked.id in before else 0)
    follows: dict[int, set[int]] = {}
    for first, second, _, _ in gaps:
        follows.setdefault(first, set()).add(second)
    for group in groups:
        for v in group:
            follows.setdefault(v, set()).update(group)
    visit[:, V_WORTH] = visit[:, V_DROP]
    for v in follows:
        found, queue = {v}, [v]
        while queue:
            for other in follows.get(queue.pop(), ()):
                if other not in found:
                    found.add(other)
                    queue.append(other)
        visit[v, V_WORTH] = sum(int(visit[other, V_DROP]) for other in found)


def rows_of(rows: Sequence[Iterable[object]], width: int = 0) -> tuple[Ints, Ints]:
    """Lists of different lengths as (where each begins, all of them one after another)."""
    flat = [item for row in rows for item in row]
    at = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(list(row)) for row in rows], out=at[1:])
    shape = (-1, width) if width else (-1,)
    return at, np.array(flat, dtype=np.int64).reshape(shape)
