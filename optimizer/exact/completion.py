"""A fast lower bound on completing a route: dynamic programming backwards over buckets of time.

Routes may come back to a visit, but not at once (two-cycles are forbidden), and every arrival is
moved to the beginning of its bucket: both only make routes cheaper. Every move takes some buckets
at least, so that many in a row do not depend on each other: they are worked on together, in loops
without a branch that the compiler turns into vector instructions.
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
from optimizer.kernels import compiled, lean

Guide = tuple[Ints, Ints, Ints]
"""By entry, set of breaks taken and bucket of the arrival: a bound on what serving and all that
follows costs, the same with another next visit than the first takes, and that one (-1: none)."""
GUIDE = "Tuple((int64[:, :, ::1], int64[:, :, ::1], int64[:, :, ::1]))"
"""The compiler's name of a Guide."""
ROWS = "int64[:, ::1]"
"""Rows of the buckets worked on: cheapest way on, cheapest with another next visit, the next visit
of the first, and room for one more."""


@lean("void(int64[::1], int64[::1], int64[::1], int64, int64, int64[::1])")
def without(best: Ints, other: Ints, following: Ints, v: int, price: int, row: Ints) -> None:
    """Fill the row with what it costs to go where these bounds hold and not to v at once."""
    for j in range(row.shape[0]):
        row[j] = (other[j] if following[j] == v else best[j]) + price


@lean("void(int64[::1], int64, int64[::1], int64[::1], int64[::1])")
def rank(row: Ints, u: int, first: Ints, second: Ints, chosen: Ints) -> None:
    """Tell the two cheapest ways on of a third, whose next visit is u."""
    for j in range(row.shape[0]):
        cost, known, spare, then = row[j], first[j], second[j], chosen[j]
        second[j] = spare if then == u else min(spare, max(known, cost))
        first[j] = min(known, cost)
        chosen[j] = u if cost < known else then


@lean(f"void(int64, int64, int64, int64, {LANE}, {GUIDE}, {ROWS}, int64[::1])")
def rest_first(
    e: int, mask: int, time: int, place: int, lane: Lane, guide: Guide, rows: Ints, moments: Ints
) -> None:
    """Improve the rows at `place` by breaks before the next drive, where they cannot wait for its end.

    A break after the drive is over no later, so it is taken before only when it must begin by then.
    """
    prices, travel, after, entry, entries, _, _, clock, pauses, _ = lane
    best, other, following = guide
    v = entries[e, 0]
    depart(time, mask, moments, pauses)
    for m in range(mask + 1, moments.shape[0]):
        if moments[m] >= NEVER:
            continue
        taken, latest = m & ~mask, -1
        for b in range(pauses.shape[0]):
            if taken == 1 << b:
                latest = pauses[b, 1]
        leave = moments[m] - clock[0]
        for i in range(after.shape[1]):
            u = after[v, i]
            if u < 0:
                break
            at = (leave + travel[v, u]) >> clock[6]
            if at >= clock[7] or time + travel[v, u] <= latest:
                continue
            into = entry[v, u]
            cost = other[into, m, at] if following[into, m, at] == v else best[into, m, at]
            cost += prices[v, u]
            if u != rows[2, place]:
                rows[1, place] = min(rows[1, place], max(rows[0, place], cost))
            if cost < rows[0, place]:
                rows[0, place], rows[2, place] = cost, u


@lean(f"void(int64, int64, int64, int64, int64, {LANE}, {GUIDE}, {ROWS}, int64[::1])")
def go_on(
    e: int,
    mask: int,
    time: int,
    place: int,
    count: int,
    lane: Lane,
    guide: Guide,
    rows: Ints,
    moments: Ints,
) -> None:
    """Fill the rows from `place` on for services at e that end at `time` and one bucket later each."""
    prices, travel, after, entry, entries, _, late, clock, pauses, deadline = lane
    best, other, following = guide
    v, end, sets = entries[e, 0], travel.shape[0] - 1, deadline.shape[0]
    first, second, chosen = (
        rows[0, place : place + count],
        rows[1, place : place + count],
        rows[2, place : place + count],
    )
    for j in range(count):
        depart(time + (j << clock[6]), mask, moments, pauses)
        home = homecoming(moments, travel[v, end], clock, deadline)
        first[j], second[j], chosen[j] = NEVER, NEVER, -1
        if home < NEVER:
            first[j] = home + prices[v, end]
    farthest = 0
    for i in range(after.shape[1]):
        u = after[v, i]
        if u < 0:
            break
        farthest = max(farthest, travel[v, u])
        at = (time - clock[0] + travel[v, u]) >> clock[6]
        size = min(count, clock[7] - at)
        into = entry[v, u]
        # Later is never cheaper, so the first of these bounds is the least, the last second the most.
        if size > 0 and best[into, mask, at] + prices[v, u] < second[count - 1]:
            row = rows[3, :size]
            without(
                best[into, mask, at : at + size], other[into, mask, at : at + size],
                following[into, mask, at : at + size], v, prices[v, u], row,
            )  # fmt: skip
            rank(row, u, first[:size], second[:size], chosen[:size])
    left = sets - 1 - mask
    if left:
        # A single break that can wait for the end of every drive is never taken before one.
        safe = deadline[mask] - farthest if left & (left - 1) == 0 else -NEVER
        begin = min(count, max(0, ((safe - time) >> clock[6]) + 1))
        for j in range(begin, count):
            rest_first(e, mask, time + (j << clock[6]), place + j, lane, guide, rows, moments)
    for j in range(count):
        delay = lateness(v, time + (j << clock[6]) - entries[e, 1], late)
        first[j], second[j] = min(NEVER, first[j] + delay), min(NEVER, second[j] + delay)


@lean(f"void(int64, int64, int64, int64, {LANE}, {GUIDE}, {ROWS})")
def pause(e: int, mask: int, bucket: int, place: int, lane: Lane, guide: Guide, rows: Ints) -> None:
    """Improve the rows at `place` for an arrival in this bucket by taking a break first."""
    best, other, following = guide
    clock, pauses = lane[7], lane[8]
    edge = clock[0] + (bucket << clock[6])
    for b in range(pauses.shape[0]):
        begin = max(edge, pauses[b, 0])
        if (mask >> b) & 1 or begin > pauses[b, 1]:
            continue
        taken = mask | (1 << b)
        at = (begin + pauses[b, 2] - clock[0]) >> clock[6]
        if at >= clock[7]:
            continue
        cost, spare = best[e, taken, at], other[e, taken, at]
        same = following[e, taken, at] == rows[2, place]
        if cost < rows[0, place]:
            rows[1, place] = min(spare, rows[1, place] if same else rows[0, place])
            rows[0, place], rows[2, place] = cost, following[e, taken, at]
        else:
            rows[1, place] = min(rows[1, place], spare if same else cost)


@lean(f"void(int64, int64, int64, int64, {LANE}, {GUIDE}, {ROWS}, int64[:, :, ::1], int64[::1])")
def fill(
    e: int,
    mask: int,
    low: int,
    high: int,
    lane: Lane,
    guide: Guide,
    rows: Ints,
    waits: Ints,
    moments: Ints,
) -> None:
    """Fill the guide at e for arrivals in the buckets from `low` to before `high`.

    `waits[e, mask]` holds the rows of the service after waiting that was met last: its begin first.
    """
    entries, windows, clock, deadline = lane[4], lane[5], lane[7], lane[9]
    v, service = entries[e, 0], entries[e, 1]
    last = min(clock[2], deadline[mask])
    bucket = high - 1
    while bucket >= low:
        edge = clock[0] + (bucket << clock[6])
        begin = first_begin(v, edge, windows)
        place = bucket - low
        if begin + service > last:
            rows[0, place], rows[1, place], rows[2, place] = NEVER, NEVER, -1
        elif begin > edge:
            if waits[e, mask, 3] != begin:
                go_on(e, mask, begin + service, place, 1, lane, guide, rows, moments)
                waits[e, mask, 3] = begin
                for k in range(3):
                    waits[e, mask, k] = rows[k, place]
            for k in range(3):
                rows[k, place] = waits[e, mask, k]
        else:
            count = 1
            while bucket > low and first_begin(v, edge - (1 << clock[6]), windows) == edge - (
                1 << clock[6]
            ):
                bucket -= 1
                count += 1
                edge -= 1 << clock[6]
            go_on(e, mask, edge + service, bucket - low, count, lane, guide, rows, moments)
        bucket -= 1
    if mask != deadline.shape[0] - 1:
        for bucket in range(low, high):
            pause(e, mask, bucket, bucket - low, lane, guide, rows)
    for k in range(3):
        for bucket in range(low, high):
            guide[k][e, mask, bucket] = rows[k, bucket - low]


@lean(f"int64({LANE})")
def stride(lane: Lane) -> int:
    """How many buckets every move takes at least."""
    travel, after, entries, clock = lane[1], lane[2], lane[4], lane[7]
    shortest = clock[7]
    for e in range(entries.shape[0]):
        v = entries[e, 0]
        for i in range(after.shape[1]):
            if after[v, i] < 0:
                break
            shortest = min(shortest, (entries[e, 1] + travel[v, after[v, i]]) >> clock[6])
    return int(shortest)


@compiled(f"int64({LANE}, {GUIDE})")
def complete(lane: Lane, guide: Guide) -> int:
    """Fill the guide; answer the bound of a whole route, NEVER when no route is possible.

    Every move from visit to visit must take at least one bucket of time.
    """
    prices, travel, after, entry, entries, _, _, clock, pauses, deadline = lane
    best = guide[0]
    moments = np.empty(deadline.shape[0], dtype=np.int64)
    step = stride(lane)
    rows = np.empty((4, step), dtype=np.int64)
    waits = np.full((entries.shape[0], deadline.shape[0], 4), -NEVER, dtype=np.int64)
    for high in range(clock[7], 0, -step):
        for mask in range(deadline.shape[0] - 1, -1, -1):
            for e in range(entries.shape[0]):
                fill(e, mask, max(0, high - step), high, lane, guide, rows, waits, moments)
    least, start = NEVER, travel.shape[0] - 2
    depart(clock[0], 0, moments, pauses)
    for m in range(moments.shape[0]):
        for i in range(after.shape[1]):
            u = after[start, i]
            if u < 0 or moments[m] >= NEVER:
                break
            at = (moments[m] - clock[0] + travel[start, u]) >> clock[6]
            if at < clock[7]:
                least = min(least, prices[start, u] + best[entry[start, u], m, at])
    return least
