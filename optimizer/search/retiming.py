"""The times and the cost of one route of a sketch, from its chain of nodes."""

from optimizer.kernels import inlined, part
from optimizer.search.layout import (
    INF,
    L_BEGIN,
    L_FROM,
    L_TIME,
    N_ARRIVE,
    N_BEGIN,
    N_COSTLY,
    N_HIGH,
    N_HOLD_HIGH,
    N_HOLD_LOW,
    N_LEG,
    N_LOW,
    N_NEXT,
    N_PLACE,
    N_PREV,
    N_REACH,
    N_SERVICE,
    N_SHIFT,
    N_TIME,
    R_BEGIN,
    R_COST,
    R_COUNT,
    R_DEPART,
    R_FIXED,
    R_GAPPED,
    R_LEGS,
    R_LIMIT,
    R_RETURN,
    R_TIMED,
    S_BEGIN,
    S_BREAKS,
    S_END,
    S_FULL,
    S_HOME,
    S_LIMIT,
    S_NEIGHBOURS,
    S_PACE,
    S_STOPS,
    S_TO,
    S_TRAVEL,
    S_USE,
    S_WAY,
    TIED_TIME,
    V_DUE,
    V_LATE,
    V_PLACE,
    V_TIED,
)
from optimizer.search.walking import (
    extend,
    finish,
    first_begin,
    last_begin,
    latest_at_end,
    latest_before,
    set_origin,
)

PUSHES = 8
"""How often the times around a gap inside a route are pushed before it is given up."""


@part
def retime(data, plan, scratch, s):
    """Work out the route of a shift anew; False, and nonsense in its rows, when it breaks a rule."""
    node, route = plan.node, plan.route
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    start, end = visits + s, visits + shifts + s
    route[s, R_BEGIN], route[s, R_LIMIT] = _hours(data, plan, s)
    set_origin(plan.label, start, route[s, R_BEGIN])
    node[start, N_TIME] = route[s, R_BEGIN]
    if node[start, N_NEXT] == end:
        _empty(plan, s, end)
        return True
    if not _load(data, plan, s, start, end):
        return False
    binding = _bounds(data, plan, s, start, end)
    pushes = 0
    while True:
        ok, chosen = _forward(data, plan, scratch, s, start, end)
        if not ok:
            return False
        if data.shift[s, S_BREAKS] or data.weights[1]:
            _trace_back(plan, start, end, chosen)
        if not binding:
            break
        moved = _push(data, plan, s, start, end)
        pushes += 1
        if moved == 0:
            break
        if pushes == PUSHES or moved < 0:
            return False
    first = node[start, N_NEXT]
    route[s, R_GAPPED] = binding
    route[s, R_DEPART] = node[first, N_BEGIN] - node[first, N_LEG]
    if data.shift[s, S_NEIGHBOURS] and data.shift[s, S_BREAKS]:
        # A break may lie before the departure, or between it and the first stop.
        for b in range(data.shift[s, S_BREAKS]):
            route[s, R_DEPART] -= data.pause[s, b, 2]
            route[s, R_DEPART] = min(route[s, R_DEPART], data.pause[s, b, 0])
    _backward(data, plan, s, start, end)
    return True


@inlined
def _hours(data, plan, s):
    """What the routes of the crew's other shifts leave of this one's hours: (begin, limit)."""
    begin, limit = data.shift[s, S_BEGIN], data.shift[s, S_LIMIT]
    if data.shift[s, S_NEIGHBOURS]:
        for k in range(data.meets_at[s], data.meets_at[s + 1]):
            other = data.meets_of[k, 0]
            if plan.route[other, R_COUNT]:
                if data.meets_of[k, 1]:
                    limit = min(limit, plan.route[other, R_DEPART])
                else:
                    begin = max(begin, plan.route[other, R_RETURN])
    return begin, limit


@part
def keeps_hours(data, plan, s):
    """Whether a shift has the hours with which its route was timed."""
    begin, limit = _hours(data, plan, s)
    return plan.route[s, R_BEGIN] == begin and plan.route[s, R_LIMIT] == limit


@part
def keeps_bounds(data, plan, v, s):
    """Whether partners on other shifts leave a stop the begins with which its route was timed."""
    low, high, inside = bounds_on(data, plan, v, s)
    # A gap inside the route may have raised what was left.
    return inside == 0 and plan.node[v, N_LOW] == low and plan.node[v, N_HIGH] == high


@inlined
def _empty(plan, s, end):
    node, route = plan.node, plan.route
    route[s, R_COUNT] = route[s, R_LEGS] = route[s, R_COST] = route[s, R_TIMED] = 0
    route[s, R_GAPPED] = route[s, R_FIXED] = 0
    route[s, R_RETURN] = route[s, R_DEPART] = route[s, R_BEGIN]
    node[end, N_LEG] = node[end, N_SERVICE] = 0
    node[end, N_COSTLY], node[end, N_ARRIVE] = 0, route[s, R_LIMIT]
    for k in range(plan.used.shape[1]):
        plan.used[s, k] = 0


@inlined
def _load(data, plan, s, start, end):
    """Sum what does not depend on time; whether the shift may carry it."""
    node, route, shift = plan.node, plan.route, data.shift
    way, pace = shift[s, S_WAY], shift[s, S_PACE]
    legs, count, fixed = 0, 0, shift[s, S_USE]
    for k in range(plan.used.shape[1]):
        plan.used[s, k] = 0
    before, v = start, node[start, N_NEXT]
    while v != end:
        place = node[v, N_PLACE]
        leg = data.legs[way, node[before, N_PLACE], place]
        again = before != start and node[before, N_PLACE] == place
        node[v, N_LEG] = leg
        node[v, N_SERVICE] = data.service[pace, v, 1 if again else 0]
        legs += leg
        count += 1
        fixed += data.serve[v, s]
        for k in range(plan.used.shape[1]):
            plan.used[s, k] += data.need[v, k]
        before, v = v, node[v, N_NEXT]
    leg = 0
    if shift[s, S_TO] >= 0:
        leg = data.legs[way, node[before, N_PLACE], shift[s, S_TO]]
    node[end, N_LEG] = leg
    legs += leg
    route[s, R_COUNT], route[s, R_LEGS] = count, legs
    route[s, R_FIXED] = fixed + legs * data.weights[0]
    for k in range(plan.used.shape[1]):
        if plan.used[s, k] > data.stock[s, k]:
            return False
    return count <= shift[s, S_STOPS] and legs <= shift[s, S_TRAVEL]


@inlined
def _bounds(data, plan, s, start, end):
    """Set what ties leave of the windows; 1 when a gap binds two stops of this route, else 0."""
    node = plan.node
    binding = 0
    if data.gap.shape[0] == 0 and data.group_of.size == 0:
        return binding
    v = node[start, N_NEXT]
    while v != end:
        if data.visit[v, V_TIED] & TIED_TIME:
            low, high, inside = bounds_on(data, plan, v, s)
            node[v, N_LOW], node[v, N_HIGH] = low, high
            binding |= inside
        v = node[v, N_NEXT]
    return binding


@part
def bounds_on(data, plan, v, s):
    """(low, high, inside): the begins that partners on other shifts leave, and whether one is on this."""
    node = plan.node
    low, high, inside = node[v, N_HOLD_LOW], node[v, N_HOLD_HIGH], 0
    first_pace = data.service[data.shift[s, S_PACE], v, 0]
    again_pace = data.service[data.shift[s, S_PACE], v, 1]
    for k in range(data.gap_at[v], data.gap_at[v + 1]):
        g = data.gap_of[k]
        other = data.gap[g, 0] if data.gap[g, 1] == v else data.gap[g, 1]
        there = node[other, N_SHIFT]
        if there < 0:
            continue
        if there == s:
            inside = 1
            continue
        if data.gap[g, 1] == v:
            ended = node[other, N_BEGIN] + node[other, N_SERVICE]
            low = max(low, ended + data.gap[g, 2])
            high = min(high, ended + data.gap[g, 3])
        else:
            high = min(high, node[other, N_BEGIN] - data.gap[g, 2] - first_pace)
            low = max(low, node[other, N_BEGIN] - data.gap[g, 3] - again_pace)
    return low, high, inside


@inlined
def _forward(data, plan, scratch, s, start, end):
    """Labels of every stop, and the cost of the best ending; (whether it fits, its label)."""
    node, route, shift = plan.node, plan.route, data.shift
    breaks, full, limit = shift[s, S_BREAKS], shift[s, S_FULL], route[s, R_LIMIT]
    work, over = data.weights[1], data.weights[2]
    before, v = start, node[start, N_NEXT]
    if breaks == 0 and work == 0:
        time, cost = route[s, R_BEGIN], 0
        while v != end:
            begin = first_begin(
                data.visit, data.window, v, time + node[v, N_LEG], node[v, N_LOW], node[v, N_HIGH]
            )
            time = begin + node[v, N_SERVICE]
            if begin >= INF or time > limit:
                return False, -1
            if data.visit[v, V_LATE]:
                cost += lateness(data, v, begin)
            node[v, N_BEGIN], node[v, N_TIME] = begin, time
            v = node[v, N_NEXT]
        returns = time + node[end, N_LEG]
        if returns > limit:
            return False, -1
        cost += over * max(0, returns - shift[s, S_END])
        route[s, R_TIMED], route[s, R_RETURN] = cost, returns
        route[s, R_COST] = route[s, R_FIXED] + cost
        return True, 0
    while v != end:
        count = extend(
            plan.label, before, plan.label, v, scratch.way, node[v, N_LEG], v, node[v, N_SERVICE],
            node[v, N_LOW], node[v, N_HIGH], data.visit, data.window, data.pause, data.deadline,
            s, breaks, full, limit, work,
        )  # fmt: skip
        if count == 0:
            return False, -1
        node[v, N_TIME] = plan.label[v, 0, L_TIME]
        node[v, N_BEGIN] = plan.label[v, 0, L_BEGIN]
        before, v = v, node[v, N_NEXT]
    cost, returns, chosen = finish(
        plan.label, before, scratch.way, node[end, N_LEG], shift[s, S_TO] >= 0, data.pause,
        data.deadline, s, breaks, full, shift[s, S_END], limit, over, work,
    )  # fmt: skip
    if chosen < 0:
        return False, -1
    route[s, R_TIMED], route[s, R_RETURN] = cost, returns
    route[s, R_COST] = route[s, R_FIXED] + cost
    return True, chosen


@inlined
def lateness(data, v, begin):
    """Points for a begin of service after it is due."""
    return data.visit[v, V_LATE] * max(0, begin - data.visit[v, V_DUE])


@inlined
def _trace_back(plan, start, end, chosen):
    """Set the begins of the plan from the label of the best ending."""
    node, label = plan.node, plan.label
    v = node[end, N_PREV]
    while v != start:
        node[v, N_BEGIN] = label[v, chosen, L_BEGIN]
        chosen = label[v, chosen, L_FROM]
        v = node[v, N_PREV]


@inlined
def _push(data, plan, s, start, end):
    """Put off what comes too early for a gap inside the route; how many, -1 when it cannot be."""
    node = plan.node
    moved = 0
    v = node[start, N_NEXT]
    while v != end:
        for k in range(data.gap_at[v], data.gap_at[v + 1]):
            g = data.gap_of[k]
            second = data.gap[g, 1]
            if data.gap[g, 0] != v or node[second, N_SHIFT] != s:
                continue
            ended, begin = node[v, N_BEGIN] + node[v, N_SERVICE], node[second, N_BEGIN]
            if begin < node[v, N_BEGIN]:
                return -1
            if begin < ended + data.gap[g, 2]:
                node[second, N_LOW] = ended + data.gap[g, 2]
                moved += 1
            elif begin > ended + data.gap[g, 3]:
                node[v, N_LOW] = begin - data.gap[g, 3] - node[v, N_SERVICE]
                moved += 1
        v = node[v, N_NEXT]
    return moved


@inlined
def _backward(data, plan, s, start, end):
    """The latest ends behind every stop, and from where on a delay can cost."""
    node, latest, shift = plan.node, plan.latest, data.shift
    breaks, full, limit = shift[s, S_BREAKS], shift[s, S_FULL], plan.route[s, R_LIMIT]
    costly = 1 if data.weights[1] or (data.weights[2] and limit > shift[s, S_END]) else 0
    pace = shift[s, S_PACE]
    node[end, N_COSTLY], node[end, N_ARRIVE] = costly, limit
    v = node[end, N_PREV]
    if breaks:
        latest_at_end(
            latest, v, node[end, N_LEG], data.pause, data.deadline, s, breaks, full, limit
        )
    else:
        latest[v, 0] = limit - node[end, N_LEG]
    while True:
        reach = latest[v, 0]
        for mask in range(1, full + 1):
            reach = max(reach, latest[v, mask])
        node[v, N_REACH] = reach
        if v == start:
            return
        if data.visit[v, V_LATE]:
            costly = 1
        node[v, N_COSTLY] = costly
        low, high = node[v, N_LOW], node[v, N_HIGH]
        first = last_begin(
            data.visit, data.window, v, min(reach, limit) - data.service[pace, v, 0], low, high
        )
        node[v, N_ARRIVE] = first
        before = node[v, N_PREV]
        if breaks:
            latest_before(
                latest, v, before, node[v, N_LEG], v, node[v, N_SERVICE], low, high, data.visit,
                data.window, data.pause, data.deadline, s, breaks, full, limit,
            )  # fmt: skip
        else:
            if node[v, N_SERVICE] != data.service[pace, v, 0]:
                first = last_begin(
                    data.visit, data.window, v, min(reach, limit) - node[v, N_SERVICE], low, high
                )
            latest[before, 0] = first - node[v, N_LEG]
        v = before


@part
def fits_alone(data, scratch, v, s, windows):
    """Whether an empty shift could serve the visit; without `windows`, at any time."""
    shift = data.shift
    way, place = shift[s, S_WAY], data.visit[v, V_PLACE]
    leg = data.legs[way, shift[s, S_HOME], place]
    back = data.legs[way, place, shift[s, S_TO]] if shift[s, S_TO] >= 0 else 0
    if shift[s, S_STOPS] < 1 or leg + back > shift[s, S_TRAVEL]:
        return False
    breaks, full, limit = shift[s, S_BREAKS], shift[s, S_FULL], shift[s, S_LIMIT]
    set_origin(scratch.label, 0, shift[s, S_BEGIN])
    seconds = data.service[shift[s, S_PACE], v, 0]
    # Without windows it is timed as the visit that may begin at any time.
    if windows:
        count = extend(
            scratch.label, 0, scratch.label, 1, scratch.way, leg, v, seconds, -INF, INF,
            data.visit, data.window, data.pause, data.deadline, s, breaks, full, limit, 0,
        )  # fmt: skip
    else:
        count = extend(
            scratch.label, 0, scratch.label, 1, scratch.way, leg, 0, seconds, -INF, INF,
            data.any_time, data.window, data.pause, data.deadline, s, breaks, full, limit, 0,
        )  # fmt: skip
    if count == 0:
        return False
    _, _, chosen = finish(
        scratch.label, 1, scratch.way, back, shift[s, S_TO] >= 0, data.pause, data.deadline,
        s, breaks, full, shift[s, S_END], limit, 0, 0,
    )  # fmt: skip
    return chosen >= 0
