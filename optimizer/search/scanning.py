"""The best of the positions beside a visit's neighbours and on unused shifts, looked for in one go.

Nearly all of the search's time goes into this: the driving that a position adds and the earliest
arrival are looked at first, from what lies side by side in memory, and end most looks.
"""

import numpy as np

from optimizer.kernels import inlined
from optimizer.search.layout import (
    COUNT_IDLE,
    COUNT_STAMP,
    INF,
    N_ARRIVE,
    N_LEG,
    N_NEXT,
    N_PLACE,
    N_PREV,
    N_SHIFT,
    N_TIME,
    ROW_IDLE,
    S_BACK,
    S_WAY,
    TIED_TIME,
    V_CLOSE,
    V_OPEN,
    V_PLACE,
    V_TIED,
)
from optimizer.search.retiming import bounds_on
from optimizer.search.spots import draw, fits, judge


@inlined
def _soonest(data, u):
    """The earliest end of the shortest service of a visit, wherever it is."""
    seconds = data.service[0, u, 1]
    for pace in range(1, data.service.shape[0]):
        seconds = min(seconds, data.service[pace, u, 1])
    return data.visit[u, V_OPEN] + seconds


@inlined
def _beside(data, plan, u, w, s, best, soonest, closes):
    """(Node before the position behind `w`, that of the one before `w`), -1 where driving or time forbid it."""
    node, legs, rate, base = plan.node, data.legs, data.weights[0], data.serve[u, s]
    # Numbers without a sign index an array without a look at whether they count from its end.
    place_u, place_w = np.uint64(data.visit[u, V_PLACE]), np.uint64(node[w, N_PLACE])
    way, back = np.uint64(data.shift[s, S_WAY]), np.uint64(data.shift[s, S_BACK])
    behind = before = np.int64(-1)
    there = np.int64(legs[back, place_u, place_w])
    if node[w, N_TIME] + there <= closes:
        following = np.uint64(node[w, N_NEXT])
        place = node[following, N_PLACE]
        on = np.int64(legs[way, place_u, np.uint64(place)] if place >= 0 else 0)
        added = there + on - node[following, N_LEG]
        if added * rate + base < best or added < 0:
            behind = w
    on = np.int64(legs[way, place_u, place_w])
    if soonest + on <= node[w, N_ARRIVE] or place_u == place_w:
        previous = np.uint64(node[w, N_PREV])
        there = np.int64(legs[back, place_u, np.uint64(node[previous, N_PLACE])])
        added = there + on - node[w, N_LEG]
        if (added * rate + base < best or added < 0) and node[previous, N_TIME] + there <= closes:
            before = node[w, N_PREV]
    return behind, before


@inlined
def near_spot(data, plan, scratch, random, u, blink, ceiling):
    """The cheapest position near a visit below `ceiling` points: the node before it, or -1.

    A share `blink` of the positions is overlooked.
    """
    node, seen = plan.node, scratch.seen
    neighbours, tied = data.near.shape[1], data.visit[u, V_TIED]
    soonest, closes = _soonest(data, u), data.visit[u, V_CLOSE]
    best, where = ceiling, -1
    low, high, inside, bounded = -INF, INF, 0, -1
    scratch.clock[COUNT_STAMP] += 1
    stamp = scratch.clock[COUNT_STAMP]
    for k in range(neighbours + scratch.clock[COUNT_IDLE]):
        behind = before = np.int64(-1)
        if k < neighbours:
            w = np.int64(data.near[u, k])
            s = node[w, N_SHIFT] if w >= 0 else np.int64(-1)
            if s < 0 or not data.able[u, s]:
                continue
            behind, before = _beside(data, plan, u, w, s, best, soonest, closes)
        else:
            s = scratch.list[ROW_IDLE, k - neighbours]
            if data.able[u, s]:
                behind = data.visit.shape[0] + s
        for turn in range(2):
            i = behind if turn == 0 else before
            if i < 0 or seen[i] == stamp:
                continue
            seen[i] = stamp
            if not fits(data, plan, scratch, u, s, stamp):
                break
            if blink > 0.0 and draw(random) < blink:
                continue
            if tied & TIED_TIME and bounded != s:
                low, high, inside = bounds_on(data, plan, u, s)
                bounded = s
            cost = judge(data, plan, scratch, u, i, s, best, low, high, inside)
            if cost < best:
                best, where = cost, i
    return where
