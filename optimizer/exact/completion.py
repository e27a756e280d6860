"""A lower bound on completing a route: dynamic programming backwards over buckets of time.

It remembers at each visit whether the route has been at a few others, and never goes back to those
(ng-routes, see `optimizer.exact.labelling`); every arrival is moved to the beginning of its bucket.
Both only make routes cheaper. Every move takes some buckets at least, so that many in a row do not
depend on each other: they are worked on together, in loops without a branch that the compiler turns
into vector instructions. The longer a service, the more of them. They are of 32 bits, so that costs
are scaled down, and rounded down.
"""

import numpy as np
import numpy.typing as npt

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
from optimizer.kernels import compiled, lean, plus

Shorts = npt.NDArray[np.int32]
Ways = npt.NDArray[np.int8]
"""`ways[v, i, memory]`: what the guide remembers at the i-th visit after v, -1 where it must not go there."""
Guide = tuple[Shorts, Shorts, Ints, Ints, Ways, int]
"""`best[row, bucket]`: a bound on what serving and all that follows costs after an arrival in this bucket;
`prices`: those of the lane; `base[entry]`: its first row, they go by set of breaks taken and by memory;
`deep[v]`: the bits of the memory at v; the ways; and log2 of how much costs are scaled down."""
GUIDE = "Tuple((int32[:, ::1], int32[:, ::1], int64[::1], int64[::1], int8[:, :, ::1], int64))"
"""The compiler's name of a Guide."""
NO_WAY, CHEAPEST = 1 << 30, -(1 << 29)
"""What is impossible costs this, scaled down, and no route can be cheaper than the other."""
DEAREST_MOVE = 1 << 28
"""No more than a move costs, scaled down."""
Work = tuple[Shorts, Shorts, Ints]
"""`ends`: by bucket worked on, what going home after the service costs, what being late for it does.
`least[bucket]`: no way on from an arrival is cheaper. `spans[e]`: how many buckets serving e and going on
take at least, the longest drive from there, the bucket down to which the guide is filled."""
WORK = "Tuple((int32[:, ::1], int32[::1], int64[:, ::1]))"
"""The compiler's name of Work."""


@lean("int64(int32, int64)")
def in_full(cost: int, scaled: int) -> int:
    """A cost that was scaled down."""
    return NEVER if cost >= NO_WAY // 2 else int(cost) << scaled


@lean("int64(int64, int64, int64, int64, int64[::1], int64[::1])")
def row_of(e: int, v: int, mask: int, memory: int, base: Ints, deep: Ints) -> int:
    """The row of the guide for an arrival at entry e of visit v."""
    return int(base[e] + (mask << deep[v]) + memory)


@compiled("void(int64[:, ::1], int64[:, ::1], int64[::1], int64[:, ::1], int8[:, :, ::1])")
def list_ways(near: Ints, bit: Ints, deep: Ints, after: Ints, ways: Ways) -> None:
    """Fill the ways; the guide remembers the first visits of `near[v]` after v itself."""
    count = len(near)
    for v in range(count + 1):
        size = deep[v] if v < count else 0
        for i in range(after.shape[1]):
            u = after[v, i]
            if u < 0:
                break
            own = 0
            if v < count and 1 <= bit[u, v] <= deep[u]:
                own = 1 << (bit[u, v] - 1)
            for memory in range(1 << size):
                then = own
                for j in range(size):
                    if (memory >> j) & 1:
                        w = near[v, j + 1]
                        if w == u:
                            then = -1
                            break
                        if 1 <= bit[u, w] <= deep[u]:
                            then |= 1 << (bit[u, w] - 1)
                ways[v, i, memory] = then


@lean(f"int32(int64, {LANE}, {GUIDE}, int64[::1])")
def go_home(v: int, lane: Lane, guide: Guide, moments: Ints) -> int:
    """What going home from v at these moments costs, scaled down."""
    end = lane[1].shape[0] - 1
    home = homecoming(moments, lane[1][v, end], lane[7], lane[9]) >> guide[5]
    return min(NO_WAY, home + int(guide[1][v, end]))


@lean(f"void(int64, int64, int64, int64, {LANE}, {GUIDE}, int32[:, ::1], int64[::1])")
def finish(
    e: int,
    mask: int,
    time: int,
    count: int,
    lane: Lane,
    guide: Guide,
    ends: Shorts,
    moments: Ints,
) -> None:
    """Fill the rows for services at e that end at `time` and one bucket later each."""
    entries, late, clock, pauses = lane[4], lane[6], lane[7], lane[8]
    v = entries[e, 0]
    for j in range(count):
        then = time + (j << clock[6])
        depart(then, mask, moments, pauses)
        ends[0, j] = go_home(v, lane, guide, moments)
        ends[1, j] = min(NO_WAY, lateness(v, then - entries[e, 1], late) >> guide[5])


@lean(f"int32(int64, int64, int64, int64, int32, int32, {LANE}, {GUIDE}, int64[::1])")
def rest_first(
    e: int,
    mask: int,
    memory: int,
    time: int,
    known: int,
    lowest: int,
    lane: Lane,
    guide: Guide,
    moments: Ints,
) -> int:
    """The least of what is known and of ways with breaks before the next drive that cannot wait for its end.

    A break after the drive is over no later, so it is taken before only when it must begin by then.
    """
    travel, after, entry, entries = lane[1:5]
    clock, pauses = lane[7], lane[8]
    best, prices, base, deep, ways, _ = guide
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
            if u < 0 or plus(prices[v, u], lowest) >= known:
                break
            at, then = (leave + travel[v, u]) >> clock[6], ways[v, i, memory]
            if then < 0 or at >= clock[7] or time + travel[v, u] <= latest:
                continue
            row = row_of(entry[v, u], u, m, then, base, deep)
            known = min(known, plus(best[row, at], prices[v, u]))
    return known


@lean(f"void(int64, int64, int64, int64, int64, int64, {LANE}, {GUIDE}, {WORK}, int64[::1])")
def go_on(
    e: int,
    mask: int,
    memory: int,
    time: int,
    bucket: int,
    count: int,
    lane: Lane,
    guide: Guide,
    work: Work,
    moments: Ints,
) -> None:
    """Fill the guide from `bucket` on for services at e that end at `time` and one bucket later each."""
    travel, after, entry, entries = lane[1:5]
    clock, deadline = lane[7], lane[9]
    best, prices, base, deep, ways, _ = guide
    ends, least, spans = work
    v, sets = entries[e, 0], deadline.shape[0]
    row = best[row_of(e, v, mask, memory, base, deep), bucket : bucket + count]
    for j in range(count):
        row[j] = ends[0, j]
    lowest = least[min(bucket + spans[e, 0], clock[7])]
    for i in range(after.shape[1]):
        u = after[v, i]
        # The moves are in order of price, and there is nothing cheaper to go on with.
        if u < 0 or plus(prices[v, u], lowest) >= row[count - 1]:
            break
        then = ways[v, i, memory]
        at = (time - clock[0] + travel[v, u]) >> clock[6]
        size, price = min(count, clock[7] - at), prices[v, u]
        if then < 0 or size <= 0:
            continue
        there = best[row_of(entry[v, u], u, mask, then, base, deep), at : at + size]
        # Later is never cheaper, so the first of these bounds is the least, the last known the most.
        if plus(there[0], price) < row[count - 1]:
            for j in range(size):
                row[j] = min(row[j], plus(there[j], price))
    left = sets - 1 - mask
    if left:
        # A single break that can wait for the end of every drive is never taken before one.
        safe = deadline[mask] - spans[e, 1] if left & (left - 1) == 0 else -NEVER
        for j in range(min(count, max(0, ((safe - time) >> clock[6]) + 1)), count):
            then = time + (j << clock[6])
            row[j] = rest_first(e, mask, memory, then, row[j], lowest, lane, guide, moments)
    for j in range(count):
        row[j] = max(CHEAPEST, min(NO_WAY, plus(row[j], ends[1, j])))


@lean(f"void(int64, int64, int64, {LANE}, {GUIDE})")
def pause(e: int, mask: int, bucket: int, lane: Lane, guide: Guide) -> None:
    """Improve the guide for an arrival in this bucket by taking a break first."""
    entries, clock, pauses = lane[4], lane[7], lane[8]
    best, base, deep = guide[0], guide[2], guide[3]
    v = entries[e, 0]
    edge = clock[0] + (bucket << clock[6])
    for b in range(pauses.shape[0]):
        begin = max(edge, pauses[b, 0])
        at = (begin + pauses[b, 2] - clock[0]) >> clock[6]
        if (mask >> b) & 1 or begin > pauses[b, 1] or at >= clock[7]:
            continue
        for memory in range(1 << deep[v]):
            row = row_of(e, v, mask, memory, base, deep)
            there = row_of(e, v, mask | (1 << b), memory, base, deep)
            best[row, bucket] = min(best[row, bucket], best[there, at])


@lean(f"void(int64, int64, int64, int64, {LANE}, {GUIDE}, {WORK}, int64[::1])")
def fill(
    e: int, mask: int, low: int, high: int, lane: Lane, guide: Guide, work: Work, moments: Ints
) -> None:
    """Fill the guide at e for arrivals in the buckets from `low` to before `high`."""
    entries, windows, clock, deadline = lane[4], lane[5], lane[7], lane[9]
    best, base, deep = guide[0], guide[2], guide[3]
    v, service, size = entries[e, 0], entries[e, 1], 1 << clock[6]
    first, memories = row_of(e, v, mask, 0, base, deep), 1 << deep[v]
    last = min(clock[2], deadline[mask])
    bucket = high - 1
    while bucket >= low:
        edge = clock[0] + (bucket << clock[6])
        begin = first_begin(v, edge, windows)
        if begin + service > last:
            for row in range(first, first + memories):
                best[row, bucket] = NO_WAY
        elif begin > edge and bucket < high - 1 and begin == first_begin(v, edge + size, windows):
            # It waits for the same moment as in the next bucket.
            for row in range(first, first + memories):
                best[row, bucket] = best[row, bucket + 1]
        else:
            count = 1
            if begin == edge:
                while bucket > low and first_begin(v, edge - size, windows) == edge - size:
                    bucket, count, edge = bucket - 1, count + 1, edge - size
                begin = edge
            finish(e, mask, begin + service, count, lane, guide, work[0], moments)
            for memory in range(memories):
                go_on(
                    e, mask, memory, begin + service, bucket, count, lane, guide, work, moments
                )  # fmt: skip
        bucket -= 1
    if mask != deadline.shape[0] - 1:
        for bucket in range(low, high):
            pause(e, mask, bucket, lane, guide)
    for bucket in range(low, high):
        work[1][bucket] = min(work[1][bucket], best[first, bucket])


@lean(f"int64({LANE}, int64[:, ::1])")
def measure(lane: Lane, spans: Ints) -> int:
    """Fill the spans of the work; answer how many buckets every move takes at least."""
    travel, after, entries, clock = lane[1], lane[2], lane[4], lane[7]
    shortest = clock[7]
    for e in range(entries.shape[0]):
        v = entries[e, 0]
        spans[e, 0], spans[e, 1], spans[e, 2] = clock[7], 0, clock[7]
        for i in range(after.shape[1]):
            if after[v, i] < 0:
                break
            drive = travel[v, after[v, i]]
            spans[e, 0] = min(spans[e, 0], (entries[e, 1] + drive) >> clock[6])
            spans[e, 1] = max(spans[e, 1], drive)
        shortest = min(shortest, spans[e, 0])
    return int(shortest)


@compiled(f"int64({LANE}, {GUIDE})")
def complete(lane: Lane, guide: Guide) -> int:
    """Fill the guide; answer the bound of a whole route, NEVER when no route is possible.

    Every move from visit to visit must take at least one bucket of time.
    """
    travel, after, entry, entries = lane[1:5]
    clock, pauses, deadline = lane[7], lane[8], lane[9]
    best, prices, base, deep, ways, scaled = guide
    moments = np.empty(deadline.shape[0], dtype=np.int64)
    spans = np.empty((entries.shape[0], 3), dtype=np.int64)
    step = measure(lane, spans)
    ends = np.empty((2, clock[7]), dtype=np.int32)
    floor = np.full(clock[7] + 1, NO_WAY, dtype=np.int32)
    for high in range(clock[7], 0, -step):
        for e in range(entries.shape[0]):
            top, low = spans[e, 2], max(0, high - spans[e, 0])
            # All that may follow is filled down to `high`.
            if top > max(0, high - step):
                for mask in range(deadline.shape[0] - 1, -1, -1):
                    fill(e, mask, low, top, lane, guide, (ends, floor, spans), moments)
                spans[e, 2] = low
    least, start = NO_WAY, travel.shape[0] - 2
    depart(clock[0], 0, moments, pauses)
    for m in range(moments.shape[0]):
        for i in range(after.shape[1]):
            u = after[start, i]
            if u < 0 or moments[m] >= NEVER:
                break
            at = (moments[m] - clock[0] + travel[start, u]) >> clock[6]
            if at < clock[7]:
                row = row_of(entry[start, u], u, m, ways[start, i, 0], base, deep)
                least = min(least, plus(prices[start, u], best[row, at]))
    return in_full(least, scaled)
