"""A visit into a route that has times already: only what it changes is timed, however long the route is."""

import numpy as np

from optimizer.kernels import inlined
from optimizer.search.layout import (
    INF,
    N_ARRIVE,
    N_BEGIN,
    N_COSTLY,
    N_HIGH,
    N_LEG,
    N_LOW,
    N_NEXT,
    N_PLACE,
    N_PREV,
    N_REACH,
    N_SERVICE,
    N_TIME,
    R_COST,
    R_COUNT,
    R_DEPART,
    R_FIXED,
    R_LEGS,
    R_LIMIT,
    R_RETURN,
    R_TIMED,
    S_BREAKS,
    S_END,
    S_PACE,
    S_STOPS,
    S_TRAVEL,
    S_WAY,
    V_LATE,
)
from optimizer.search.retiming import lateness
from optimizer.search.walking import first_begin, last_begin


@inlined
def is_plain(data, plan, s):
    """Whether `insert` can time a shift's route: it has stops, no breaks, and work costs nothing."""
    return plan.route[s, R_COUNT] > 0 and data.shift[s, S_BREAKS] == 0 and data.weights[1] == 0


@inlined
def insert(data, plan, s, u):
    """Time the plain route of a shift in which `u` was linked, as `retime` would, where that changes it.

    There must be no ties. False, and nonsense in its rows, when the route breaks a rule.
    """
    node, route, shift = plan.node, plan.route, data.shift
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    start, end = visits + s, visits + shifts + s
    way, pace = shift[s, S_WAY], shift[s, S_PACE]
    before, after = node[u, N_PREV], node[u, N_NEXT]
    place = node[u, N_PLACE]
    into = np.int64(data.legs[way, node[before, N_PLACE], place])
    again = before != start and node[before, N_PLACE] == place
    node[u, N_LEG], node[u, N_SERVICE] = into, data.service[pace, u, 1 if again else 0]
    out = np.int64(data.legs[way, place, node[after, N_PLACE]] if node[after, N_PLACE] >= 0 else 0)
    added = into + out - node[after, N_LEG]
    node[after, N_LEG] = out
    if after != end:
        node[after, N_SERVICE] = data.service[
            pace, after, 1 if node[after, N_PLACE] == place else 0
        ]
    route[s, R_COUNT] += 1
    route[s, R_LEGS] += added
    route[s, R_FIXED] += data.serve[u, s] + added * data.weights[0]
    fits = route[s, R_COUNT] <= shift[s, S_STOPS] and route[s, R_LEGS] <= shift[s, S_TRAVEL]
    for k in range(plan.used.shape[1]):
        plan.used[s, k] += data.need[u, k]
        fits &= plan.used[s, k] <= data.stock[s, k]
    if not fits or not _forward_from(data, plan, s, u, before, end):
        return False
    route[s, R_COST] = route[s, R_FIXED] + route[s, R_TIMED]
    first = node[start, N_NEXT]
    route[s, R_DEPART] = node[first, N_BEGIN] - node[first, N_LEG]
    _backward_from(data, plan, s, u, after, start, end)
    return True


@inlined
def _forward_from(data, plan, s, u, before, end):
    """Time `u` and the stops behind it until their times are as they were; whether they can be kept."""
    node, route, shift_end = plan.node, plan.route, data.shift[s, S_END]
    time, limit, cost = node[before, N_TIME], route[s, R_LIMIT], np.int64(0)
    v = u
    while v != end:
        begin = first_begin(
            data.visit, data.window, v, time + node[v, N_LEG], node[v, N_LOW], node[v, N_HIGH]
        )
        time = begin + node[v, N_SERVICE]
        if begin >= INF or time > limit:
            return False
        if data.visit[v, V_LATE]:
            cost += lateness(data, v, begin)
            if v != u:
                cost -= lateness(data, v, node[v, N_BEGIN])
        same = v != u and begin == node[v, N_BEGIN] and time == node[v, N_TIME]
        node[v, N_BEGIN], node[v, N_TIME] = begin, time
        if same:
            break
        v = node[v, N_NEXT]
    if v == end:
        returns, over = time + node[end, N_LEG], data.weights[2]
        if returns > limit:
            return False
        cost += over * (max(0, returns - shift_end) - max(0, route[s, R_RETURN] - shift_end))
        route[s, R_RETURN] = returns
    route[s, R_TIMED] += cost
    return True


@inlined
def _backward_from(data, plan, s, u, after, start, end):
    """What the stops up to `u` can bear, back until it is as it was."""
    node, latest = plan.node, plan.latest
    limit, pace = plan.route[s, R_LIMIT], data.shift[s, S_PACE]
    behind, v = after, u
    while True:
        reach = limit
        if behind != end:
            reach = node[behind, N_ARRIVE]
            if node[behind, N_SERVICE] != data.service[pace, behind, 0]:
                reach = last_begin(
                    data.visit, data.window, behind,
                    min(node[behind, N_REACH], limit) - node[behind, N_SERVICE],
                    node[behind, N_LOW], node[behind, N_HIGH],
                )  # fmt: skip
        reach -= node[behind, N_LEG]
        costly = node[behind, N_COSTLY]
        latest[v, 0] = reach
        if v == start:
            node[v, N_REACH] = reach
            return
        if data.visit[v, V_LATE]:
            costly = 1
        if v != u and reach == node[v, N_REACH] and costly == node[v, N_COSTLY]:
            return
        node[v, N_REACH], node[v, N_COSTLY] = reach, costly
        node[v, N_ARRIVE] = last_begin(
            data.visit, data.window, v, min(reach, limit) - data.service[pace, v, 0],
            node[v, N_LOW], node[v, N_HIGH],
        )  # fmt: skip
        behind, v = v, node[v, N_PREV]
