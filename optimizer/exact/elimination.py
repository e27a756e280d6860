"""Moves that no plan better than a known one makes, found by bounds on all routes that make them.

The reduced cost of every route through a move is at least the cheapest way there plus the cheapest
way on, both by dynamic programming over buckets of time (see `optimizer.exact.completion`). Where
that is too much beside Lagrange's bound, the move is in no better plan (Irnich, Desaulniers,
Desrosiers and Hadjar, INFORMS Journal on Computing 2010).
"""

import numpy as np

from optimizer.exact.completion import GUIDE, Guide
from optimizer.exact.moves import LANE, NEVER, Ints, Lane, depart, first_begin, lateness
from optimizer.kernels import compiled

Ways = Ints
"""By entry, bucket of the arrival and set of breaks taken: the cheapest way there, the visit before,
the cheapest way from another visit before, and that one."""
WAYS = "int64[:, :, :, ::1]"
"""The compiler's name of Ways."""


@compiled(f"void(int64, int64, int64, int64, int64, {WAYS})")
def offer(e: int, bucket: int, mask: int, cost: int, before: int, ways: Ways) -> None:
    """Tell an arrival of a way there from this visit before."""
    known = ways[e, bucket, mask]
    if before == known[1]:
        known[0] = min(known[0], cost)
    elif cost < known[0]:
        known[2], known[3] = known[0], known[1]
        known[0], known[1] = cost, before
    elif cost < known[2]:
        known[2], known[3] = cost, before


@compiled(f"void(int64, int64, int64, {LANE}, {GUIDE}, {WAYS}, int64[::1], int64[:, ::1])")
def pass_on(
    e: int,
    bucket: int,
    mask: int,
    lane: Lane,
    guide: Guide,
    ways: Ways,
    moments: Ints,
    least: Ints,
) -> None:
    """Serve after an arrival and go on to all visits, noting in `least` what each move costs."""
    prices, travel, after, entry, entries, windows, late, clock, pauses, deadline = lane
    best, other, following = guide
    v, known = entries[e, 0], ways[e, bucket, mask]
    begin = first_begin(v, clock[0] + (bucket << clock[6]), windows)
    time = begin + entries[e, 1]
    if time > clock[2] or time > deadline[mask]:
        return
    delay = lateness(v, begin, late)
    depart(time, mask, moments, pauses)
    for m in range(mask, moments.shape[0]):
        if moments[m] >= NEVER:
            continue
        for i in range(after.shape[1]):
            u = after[v, i]
            if u < 0:
                break
            at = (moments[m] + travel[v, u] - clock[0]) >> clock[6]
            so_far = known[2] if known[1] == u else known[0]
            if at >= clock[7] or so_far >= NEVER:
                continue
            into, cost = entry[v, u], so_far + delay + prices[v, u]
            rest = other[into, at, m] if following[into, at, m] == v else best[into, at, m]
            if rest < NEVER:
                least[v, u] = min(least[v, u], cost + rest)
                offer(into, at, m, cost, v, ways)


@compiled(f"void({LANE}, {GUIDE}, {WAYS}, int64[:, ::1])")
def bound_moves(lane: Lane, guide: Guide, ways: Ways, least: Ints) -> None:
    """Fill `least[v, u]` with a bound on the reduced cost of all routes that go from v to u.

    NEVER where there is none; the last row is the start of the shift. The guide must be complete
    for the same lane.
    """
    prices, travel, after, entry, entries, _, _, clock, pauses, deadline = lane
    best, start = guide[0], travel.shape[0] - 2
    sets = deadline.shape[0]
    moments = np.empty(sets, dtype=np.int64)
    ways[:, :, :, 0] = ways[:, :, :, 2] = NEVER
    ways[:, :, :, 1] = ways[:, :, :, 3] = -1
    least[:] = NEVER
    depart(clock[0], 0, moments, pauses)
    for m in range(sets):
        for i in range(after.shape[1]):
            u = after[start, i]
            if u < 0 or moments[m] >= NEVER:
                break
            at = (moments[m] - clock[0] + travel[start, u]) >> clock[6]
            if at < clock[7] and best[entry[start, u], at, m] < NEVER:
                cost = prices[start, u]
                least[start, u] = min(least[start, u], cost + best[entry[start, u], at, m])
                offer(entry[start, u], at, m, cost, start, ways)
    for bucket in range(clock[7]):
        edge = clock[0] + (bucket << clock[6])
        for mask in range(sets):
            for e in range(entries.shape[0]):
                known = ways[e, bucket, mask]
                if known[0] >= NEVER:
                    continue
                pass_on(e, bucket, mask, lane, guide, ways, moments, least)
                for b in range(pauses.shape[0]):
                    begin = max(edge, pauses[b, 0])
                    if (mask >> b) & 1 or begin > pauses[b, 1]:
                        continue
                    at = (begin + pauses[b, 2] - clock[0]) >> clock[6]
                    if at < clock[7]:
                        offer(e, at, mask | (1 << b), known[0], known[1], ways)
                        offer(e, at, mask | (1 << b), known[2], known[3], ways)
