"""A fast lower bound on completing a route: dynamic programming backwards over buckets of time.

Routes may come back to a visit, but not at once (two-cycles are forbidden), and every arrival is
moved to the beginning of its bucket: both only make routes cheaper.
"""

import numpy as np

from optimizer.exact.moves import (
    LANE,
    NEVER,
    Ints,
    Lane,
    depart,
    first_begin,
    homecoming,
    lateness,
)
from optimizer.kernels import compiled

Guide = tuple[Ints, Ints, Ints]
"""By entry, bucket of the arrival and set of breaks taken: a bound on what serving and all that
follows costs, the same with another next visit than the first takes, and that one (-1: none)."""
GUIDE = "Tuple((int64[:, :, ::1], int64[:, :, ::1], int64[:, :, ::1]))"
"""The compiler's name of a Guide."""


@compiled(f"void(int64, int64, int64, int64[::1], {LANE}, {GUIDE}, int64[::1])")
def go_on(
    v: int, delay: int, mask: int, moments: Ints, lane: Lane, guide: Guide, result: Ints
) -> None:
    """The two cheapest ways on from visit v, which was late by so much, departing at `moments`.

    `result` becomes the cost of the first, of the best with another next visit, and the first's
    next visit.
    """
    prices, travel, after, entry, _, _, _, clock, _, deadline = lane
    best, other, following = guide
    end, first, second, chosen = travel.shape[0] - 1, NEVER, NEVER, -1
    home = homecoming(moments, travel[v, end], clock, deadline)
    if home < NEVER:
        first = home + prices[v, end]
    for m in range(mask, moments.shape[0]):
        if moments[m] >= NEVER:
            continue
        leave = moments[m] - clock[0]
        for i in range(after.shape[1]):
            u = after[v, i]
            if u < 0:
                break
            at = (leave + travel[v, u]) >> clock[6]
            if at >= clock[7]:
                continue
            into = entry[v, u]
            cost = other[into, at, m] if following[into, at, m] == v else best[into, at, m]
            cost += prices[v, u]
            if cost < first:
                if u != chosen:
                    second = first
                first, chosen = cost, u
            elif cost < second and u != chosen:
                second = cost
    result[0], result[1], result[2] = min(NEVER, first + delay), min(NEVER, second + delay), chosen


@compiled(f"void(int64, int64, int64, {LANE}, {GUIDE}, int64[::1])")
def pause(e: int, edge: int, mask: int, lane: Lane, guide: Guide, result: Ints) -> None:
    """Improve the `result` of an arrival at this time by taking a break first."""
    best, other, following = guide
    clock, pauses = lane[7], lane[8]
    for b in range(pauses.shape[0]):
        begin = max(edge, pauses[b, 0])
        if (mask >> b) & 1 or begin > pauses[b, 1]:
            continue
        taken = mask | (1 << b)
        at = (begin + pauses[b, 2] - clock[0]) >> clock[6]
        if at >= clock[7]:
            continue
        cost, spare = best[e, at, taken], other[e, at, taken]
        same = following[e, at, taken] == result[2]
        if cost < result[0]:
            result[1] = min(spare, result[1] if same else result[0])
            result[0], result[2] = cost, following[e, at, taken]
        else:
            result[1] = min(result[1], spare if same else cost)


@compiled(f"int64({LANE}, {GUIDE})")
def complete(lane: Lane, guide: Guide) -> int:
    """Fill the guide; answer the bound of a whole route, NEVER when no route is possible.

    Every move from visit to visit must take at least one bucket of time.
    """
    prices, travel, after, entry, entries, windows, late, clock, pauses, deadline = lane
    best, other, following = guide
    moments = np.empty(deadline.shape[0], dtype=np.int64)
    result = np.empty(3, dtype=np.int64)
    for bucket in range(clock[7] - 1, -1, -1):
        edge = clock[0] + (bucket << clock[6])
        for mask in range(deadline.shape[0] - 1, -1, -1):
            for e in range(entries.shape[0]):
                v = entries[e, 0]
                begin = first_begin(v, edge, windows)
                time = begin + entries[e, 1]
                result[0], result[1], result[2] = NEVER, NEVER, -1
                if time <= clock[2] and time <= deadline[mask]:
                    depart(time, mask, moments, pauses)
                    go_on(v, lateness(v, begin, late), mask, moments, lane, guide, result)
                pause(e, edge, mask, lane, guide, result)
                best[e, bucket, mask], other[e, bucket, mask] = result[0], result[1]
                following[e, bucket, mask] = result[2]
    least, start = NEVER, travel.shape[0] - 2
    depart(clock[0], 0, moments, pauses)
    for m in range(moments.shape[0]):
        for i in range(after.shape[1]):
            u = after[start, i]
            if u < 0 or moments[m] >= NEVER:
                break
            at = (moments[m] - clock[0] + travel[start, u]) >> clock[6]
            if at < clock[7]:
                least = min(least, prices[start, u] + best[entry[start, u], at, m])
    return least
