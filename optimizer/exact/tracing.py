"""The route that a guide takes for the cheapest: what it may have to forbid."""

import numpy as np

from optimizer.exact.completion import GUIDE, Guide, go_home, row_of
from optimizer.exact.moves import LANE, NEVER, Ints, Lane, depart, first_begin, lateness
from optimizer.kernels import compiled, lean, plus


@lean(f"boolean(int64, {LANE}, {GUIDE}, int64[::1], int64[::1])")
def choose(v: int, lane: Lane, guide: Guide, moments: Ints, state: Ints) -> bool:
    """Move the state from v to what the guide goes to from there; False when that is the end.

    The state is the cost that is left, the memory, the entry, the set of breaks, the bucket.
    """
    travel, after, entry, clock = lane[1], lane[2], lane[3], lane[7]
    best, prices, base, deep, ways, _ = guide
    if v != travel.shape[0] - 2 and go_home(v, lane, guide, moments) == state[0]:
        return False
    for m in range(moments.shape[0]):
        for i in range(after.shape[1]):
            u = after[v, i]
            if u < 0 or moments[m] >= NEVER:
                break
            then, at = ways[v, i, state[1]], (moments[m] - clock[0] + travel[v, u]) >> clock[6]
            if then < 0 or at >= clock[7]:
                continue
            cost = best[row_of(entry[v, u], u, m, then, base, deep), at]
            if plus(cost, prices[v, u]) == state[0]:
                state[0], state[1], state[2], state[3], state[4] = cost, then, entry[v, u], m, at
                return True
    return False


@lean(f"boolean(int64, {LANE}, {GUIDE}, int64[::1])")
def rests(v: int, lane: Lane, guide: Guide, state: Ints) -> bool:
    """Move the state of an arrival at v to the end of a break, if the guide takes one first."""
    clock, pauses = lane[7], lane[8]
    best, base, deep = guide[0], guide[2], guide[3]
    for b in range(pauses.shape[0]):
        begin = max(clock[0] + (state[4] << clock[6]), pauses[b, 0])
        at, mask = (begin + pauses[b, 2] - clock[0]) >> clock[6], state[3] | (1 << b)
        if mask == state[3] or begin > pauses[b, 1] or at >= clock[7]:
            continue
        if best[row_of(state[2], v, mask, state[1], base, deep), at] == state[0]:
            state[3], state[4] = mask, at
            return True
    return False


@compiled(f"int64(int64, {LANE}, {GUIDE}, int64[::1])")
def trace(value: int, lane: Lane, guide: Guide, order: Ints) -> int:
    """Fill `order` with the visits of a route that the guide says costs this; answer how many they are."""
    entries, windows, late = lane[4], lane[5], lane[6]
    clock, pauses, deadline = lane[7], lane[8], lane[9]
    moments, state = np.empty(deadline.shape[0], dtype=np.int64), np.zeros(5, dtype=np.int64)
    depart(clock[0], 0, moments, pauses)
    v, state[0], place = lane[1].shape[0] - 2, value >> guide[5], 0
    while place < len(order) and choose(v, lane, guide, moments, state):
        v = entries[state[2], 0]
        while rests(v, lane, guide, state):
            pass
        begin = first_begin(v, clock[0] + (state[4] << clock[6]), windows)
        state[0] -= lateness(v, begin, late) >> guide[5]
        depart(begin + entries[state[2], 1], state[3], moments, pauses)
        order[place] = v
        place += 1
    return place
