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


@compiled(f"int64({LANE}, {GUIDE})")
def complete(lane: Lane, guide: Guide) -> int:
    """Fill the guide; answer the bound of a whole route, NEVER when no route is possible.

    Every move from visit to visit must take at least one bucket of time.
    """
    prices, travel, after, entry, entries, windows, late, clock, pauses, deadline = lane
    best, other, following = guide
    start, base, bits, buckets = travel.shape[0] - 2, clock[0], clock[6], clock[7]
    sets = deadline.shape[0]
    moments = np.empty(sets, dtype=np.int64)
    for bucket in range(buckets - 1, -1, -1):
        edge = base + (bucket << bits)
        for mask in range(sets - 1, -1, -1):
            for e in range(entries.shape[0]):
                v = entries[e, 0]
                begin = first_begin(v, edge, windows)
                time = begin + entries[e, 1]
                first, second, chosen = NEVER, NEVER, -1
                if time <= clock[2] and time <= deadline[mask]:
                    if (
                        mask == sets - 1
                        and bucket + 1 < buckets
                        and begin >= edge + (1 << bits)
                    ):
                        # The crew waits: it may as well arrive later.
                        best[e, bucket, mask] = best[e, bucket + 1, mask]
                        other[e, bucket, mask] = other[e, bucket + 1, mask]
                        following[e, bucket, mask] = following[e, bucket + 1, mask]
                        continue
                    depart(time, mask, moments, pauses)
                    home = homecoming(moments, travel[v, start + 1], clock, deadline)
                    if home < NEVER:
                        first = home + prices[v, start + 1]
                    for m in range(mask, sets):
                        if moments[m] >= NEVER:
                            continue
                        leave = moments[m] - base
                        for i in range(after.shape[1]):
                            u = after[v, i]
                            if u < 0:
                                break
                            at = (leave + travel[v, u]) >> bits
                            if at >= buckets:
                                continue
                            into = entry[v, u]
                            cost = best[into, at, m]
                            if following[into, at, m] == v:
                                cost = other[into, at, m]
                            cost += prices[v, u]
                            if cost < first:
                                if u != chosen:
                                    second = first
                                first, chosen = cost, u
                            elif cost < second and u != chosen:
                                second = cost
                    delay = lateness(v, begin, late)
                    first = min(NEVER, first + delay)
                    second = min(NEVER, second + delay)
                for b in range(pauses.shape[0]):
                    # A break on arrival.
                    if (mask >> b) & 1 or max(edge, pauses[b, 0]) > pauses[b, 1]:
                        continue
                    taken = mask | (1 << b)
                    at = (max(edge, pauses[b, 0]) + pauses[b, 2] - base) >> bits
                    if at >= buckets:
                        continue
                    cost, next_, spare = (
                        best[e, at, taken], following[e, at, taken], other[e, at, taken],
                    )  # fmt: skip
                    if cost < first:
                        second = min(spare, second if next_ == chosen else first)
                        first, chosen = cost, next_
                    else:
                        second = min(second, spare if next_ == chosen else cost)
                best[e, bucket, mask] = first
                other[e, bucket, mask] = second
                following[e, bucket, mask] = chosen
    least = NEVER
    depart(base, 0, moments, pauses)
    for m in range(sets):
        if moments[m] >= NEVER:
            continue
        for i in range(after.shape[1]):
            u = after[start, i]
            if u < 0:
                break
            at = (moments[m] - base + travel[start, u]) >> bits
            if at < buckets:
                least = min(least, prices[start, u] + best[entry[start, u], at, m])
    return least
