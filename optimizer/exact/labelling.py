"""The cheapest routes of a shift by labels, elementary up to ng-neighbourhoods.

Each visit has a neighbourhood, and a route may come back to a visit once it has been at one outside
whose neighbourhood that visit is not (ng-routes: Baldacci, Mingozzi and Roberti, Operations Research
2011). Labels are extended in order of time; one is dropped when another is no later, no dearer and
no more bound in any respect, or when the guide shows that no completion of it is cheap enough.
"""

import numpy as np

from optimizer.exact.completion import GUIDE, Guide, in_full, row_of
from optimizer.exact.cuts import RULES, Rules, fined
from optimizer.exact.moves import (
    LANE,
    NEVER,
    Ints,
    Lane,
    depart,
    first_begin,
    homecoming,
    lateness,
    rest,
)
from optimizer.kernels import compiled, lean

COARSER = 2
"""Log2 of the guide's buckets in a bucket of labels."""
DEAREST = NEVER >> 2
"""A route as dear as this is not made good by all duals together."""
Memory = tuple[Ints, Ints, Ints, Ints]
"""`near[v]`: the visits of v's neighbourhood, v first, ended by -1. `bit[v, u]`: the place of u in it,
or -1. `loads[u, r]`: what visit u takes of resource r. `room[r]`: how much there is."""
MEMORY = "Tuple((int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[::1]))"
"""The compiler's name of a Memory."""
Labels = tuple[Ints, Ints, Ints, Ints, Ints]
"""`figures[l]`: time, cost, remembered visits as bits, breaks taken (-1: dropped), cuts
of which it remembers one visit as bits. `links[l]`: visit,
label before, next label of the same visit and bucket, next label of the same bucket. `loads[l]`:
resources used. `ends[v]`: the cheapest route that ends with visit v: its cost, its last label.
`moves[v, u]`: 1 where some label went from v to u."""
LABELS = "Tuple((int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1]))"
"""The compiler's name of Labels."""
Buckets = tuple[Ints, Ints, Ints]
"""`heads[v, bucket]`: first label there or -1; `floors[v, bucket]`: no label there is cheaper;
`queue[bucket]`: first and last label of all visits."""
BUCKETS = "Tuple((int64[:, ::1], int64[:, ::1], int64[:, ::1]))"
"""The compiler's name of Buckets."""


@lean(f"int64(int64, int64, int64, {MEMORY})")
def remembered(v: int, seen: int, u: int, memory: Memory) -> int:
    """What a route remembers at u that remembered `seen` at v."""
    near, bit = memory[0], memory[1]
    result: int = 1 << bit[u, u]
    place = 0
    while seen:
        if seen & 1:
            there = bit[u, near[v, place]]
            if there >= 0:
                result |= 1 << there
        seen >>= 1
        place += 1
    return result


@lean(f"boolean(int64, int64, {LABELS}, int64[::1])")
def beats(a: int, b: int, labels: Labels, fines: Ints) -> bool:
    """Whether label a makes label b useless.

    Whatever follows, a pays for a cut more once more than b at most, and only where it remembers a
    visit of it that b does not.
    """
    figures, used = labels[0], labels[2]
    if figures[a, 0] > figures[b, 0] or figures[a, 1] > figures[b, 1]:
        return False
    if figures[b, 3] & ~figures[a, 3]:
        return False
    if figures[a, 2] & ~figures[b, 2]:
        return False
    more = 0
    for r in range(used.shape[1]):
        more += used[a, r] > used[b, r]
    if more:
        return False
    ahead = figures[a, 4] & ~figures[b, 4]
    return bool(ahead == 0 or figures[a, 1] + fined(ahead, fines) <= figures[b, 1])


@lean(f"boolean(int64, int64, int64[::1], {LABELS}, {BUCKETS}, int64[::1])")
def enter(
    new: int, bucket: int, orders: Ints, labels: Labels, buckets: Buckets, fines: Ints
) -> bool:
    """Put a label into its bucket and drop those it beats; False when it is beaten itself."""
    figures, links = labels[0], labels[1]
    heads, floors, queue = buckets
    v, cost = links[new, 0], figures[new, 1]
    effort = 1 + heads.shape[1] // 16
    for b in range(bucket + 1):
        if floors[v, b] <= cost:
            other = heads[v, b]
            while other >= 0:
                effort += 1
                if beats(other, new, labels, fines):
                    orders[2] -= effort
                    return False
                other = links[other, 2]
    for b in range(bucket, heads.shape[1]):
        before, other = -1, heads[v, b]
        while other >= 0:
            then = links[other, 2]
            effort += 1
            if beats(new, other, labels, fines):
                figures[other, 3] = -1
                if before < 0:
                    heads[v, b] = then
                else:
                    links[before, 2] = then
            else:
                before = other
            other = then
    orders[2] -= effort
    links[new, 2] = heads[v, bucket]
    heads[v, bucket] = new
    floors[v, bucket] = min(floors[v, bucket], cost)
    links[new, 3] = -1
    if queue[bucket, 0] < 0:
        queue[bucket, 0] = new
    else:
        links[queue[bucket, 1], 3] = new
    queue[bucket, 1] = new
    return True


@lean(
    f"int64(int64, int64, int64, {LANE}, {GUIDE}, {MEMORY}, {RULES}, {LABELS}, {BUCKETS}, int64[::1], "
    "int64[::1])"
)
def serve(
    label: int,
    u: int,
    new: int,
    lane: Lane,
    guide: Guide,
    memory: Memory,
    rules: Rules,
    labels: Labels,
    buckets: Buckets,
    orders: Ints,
    arrivals: Ints,
) -> int:
    """Extend a label to visit u, from its arrivals there by set of breaks, into `new` and more.

    Answer the next label that is free. `orders` are the threshold, the resource that is
    travel (-1: none), and the comparisons that are left.
    """
    prices, travel, _, entry, entries, windows, late, clock, pauses, deadline = lane
    best, base, deep, scaled = guide[0], guide[2], guide[3], guide[5]
    _, bit, loads, room = memory
    figures, links, used, _, moves = labels
    v, into = links[label, 0], entry[links[label, 0], u]
    memo = 1 << bit[u, u]
    if v != travel.shape[0] - 2:
        memo = remembered(v, figures[label, 2], u, memory)
    due, fines = figures[label, 4] & rules[0][u, 1], rules[1]
    cost = figures[label, 1] + prices[v, u] + fined(due & rules[0][u, 0], fines)
    if cost > DEAREST:
        return new
    rest(arrivals, pauses)
    for m in range(arrivals.shape[0]):
        if arrivals[m] >= NEVER:
            continue
        begin = first_begin(u, arrivals[m], windows)
        end = begin + entries[into, 1]
        if end > clock[2] or end > deadline[m]:
            continue
        at = (arrivals[m] - clock[0]) >> clock[6]
        # What the label remembers is no way to complete it, nor any label that it beats.
        known = (memo >> 1) & ((1 << deep[u]) - 1)
        bound = in_full(best[row_of(into, u, m, known, base, deep), at], scaled)
        if cost + bound >= orders[0]:
            continue
        moves[v, u] = 1
        figures[new, 0], figures[new, 1] = end, cost + lateness(u, begin, late)
        figures[new, 2], figures[new, 3], figures[new, 4] = memo, m, due ^ rules[0][u, 0]
        links[new, 0], links[new, 1] = u, label
        for r in range(room.shape[0]):
            used[new, r] = used[label, r] + (travel[v, u] if r == orders[1] else loads[u, r])
        if enter(new, (end - clock[0]) >> (clock[6] + COARSER), orders, labels, buckets, fines):
            new += 1
    return new


@lean(
    "boolean(int64, int64, int64, int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[::1], int64)"
)
def within(
    at: int, v: int, u: int, travel: Ints, used: Ints, loads: Ints, room: Ints, limited: int
) -> bool:
    """Whether a label's resources allow it to go from v to u, the end of the shift included."""
    for r in range(room.shape[0]):
        more = 0
        if r == limited:
            more = travel[v, u]
        elif u < loads.shape[0]:
            more = loads[u, r]
        if used[at, r] + more > room[r]:
            return False
    return True


@lean(
    f"int64(int64, int64, {LANE}, {GUIDE}, {MEMORY}, {RULES}, {LABELS}, {BUCKETS}, int64[::1], int64[:, ::1])"
)
def expand(
    at: int,
    count: int,
    lane: Lane,
    guide: Guide,
    memory: Memory,
    rules: Rules,
    labels: Labels,
    buckets: Buckets,
    orders: Ints,
    times: Ints,
) -> int:
    """End the route of a label and extend it to all visits; answer the next label that is free.

    `times` is room for two rows of moments by set of breaks. At least as many labels must be free
    as there are visits and sets of breaks.
    """
    prices, travel, after, entry, _, _, _, clock, pauses, deadline = lane
    best, _, base, deep, ways, scaled = guide
    _, bit, loads, room = memory
    figures, links, used, ends, _ = labels
    moments, arrivals, start = times[0], times[1], travel.shape[0] - 2
    v, cost, seen = links[at, 0], figures[at, 1], figures[at, 2]
    known = (seen >> 1) & ((1 << deep[v]) - 1) if v != start else 0
    depart(figures[at, 0], figures[at, 3], moments, pauses)
    if v != start and within(at, v, start + 1, travel, used, loads, room, orders[1]):
        home = homecoming(moments, travel[v, start + 1], clock, deadline)
        total = cost + prices[v, start + 1] + home
        if total < orders[0] and total < ends[v, 0]:
            ends[v, 0], ends[v, 1] = total, at
    for i in range(after.shape[1]):
        u = after[v, i]
        if u < 0:
            break
        if v != start and bit[v, u] >= 0 and (seen >> bit[v, u]) & 1:
            continue
        into, hope = entry[v, u], orders[0] - cost - prices[v, u]
        then, useful = ways[v, i, known], False
        if then < 0:
            continue
        for m in range(moments.shape[0]):
            arrivals[m] = NEVER
            if moments[m] < NEVER:
                there = (moments[m] + travel[v, u] - clock[0]) >> clock[6]
                row = row_of(into, u, m, then, base, deep)
                if there < clock[7] and in_full(best[row, there], scaled) < hope:
                    arrivals[m] = moments[m] + travel[v, u]
                    useful = True
        if useful and within(at, v, u, travel, used, loads, room, orders[1]):
            count = serve(
                at, u, count, lane, guide, memory, rules, labels, buckets, orders, arrivals
            )
    return count


@compiled(f"int64({LANE}, {GUIDE}, {MEMORY}, {RULES}, {LABELS}, {BUCKETS}, int64[::1])")
def label(
    lane: Lane,
    guide: Guide,
    memory: Memory,
    rules: Rules,
    labels: Labels,
    buckets: Buckets,
    orders: Ints,
) -> int:
    """Fill `ends` with the cheapest routes below the threshold, NEVER where there is none.

    Answer the number of labels made, or -1 when they did not fit the arrays or took too many
    comparisons: then `ends` holds routes, but not always the cheapest.
    """
    travel, after, clock, deadline = lane[1], lane[2], lane[7], lane[9]
    figures, links, used, ends, moves = labels
    heads, floors, queue = buckets
    times = np.empty((2, deadline.shape[0]), dtype=np.int64)
    heads[:] = -1
    floors[:] = NEVER
    queue[:] = -1
    ends[:, 0] = NEVER
    moves[:] = 0
    figures[0, 0], figures[0, 1], figures[0, 2], figures[0, 3] = clock[0], 0, 0, 0
    figures[0, 4] = 0
    links[0, 0], links[0, 1], links[0, 3] = travel.shape[0] - 2, -1, -1
    used[0, :] = 0
    queue[0, :] = 0
    count = 1
    for bucket in range(len(queue)):
        at = queue[bucket, 0]
        while at >= 0:
            if figures[at, 3] >= 0:
                if count + after.shape[1] * deadline.shape[0] > len(figures) or orders[2] < 0:
                    return -1
                orders[2] -= after.shape[1] // 8
                count = expand(
                    at, count, lane, guide, memory, rules, labels, buckets, orders, times
                )
            at = links[at, 3]
    return count
