"""Where a visit fits best into a sketch: most positions are judged by a few additions.

A position is looked at in three steps, each of which can end it: the driving it adds is already too
dear; the earliest time behind it is later than the rest of the route can bear; and only then what
lateness, overtime, breaks and work make of it, walked until the times are as they were.
"""

import numpy as np

from optimizer.kernels import inlined, part
from optimizer.search.layout import (
    COUNT_IDLE,
    COUNT_STAMP,
    COUNT_TOUCHED,
    INF,
    L_COST,
    L_COUNT,
    L_MASK,
    L_SLACK,
    L_TIME,
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
    N_SHIFT,
    N_TIME,
    R_COST,
    R_COUNT,
    R_GAPPED,
    R_LEGS,
    R_LIMIT,
    R_RETURN,
    R_TIMED,
    ROW_IDLE,
    ROW_POSITIONS,
    ROW_TOUCHED,
    S_BACK,
    S_BREAKS,
    S_CREW,
    S_END,
    S_FULL,
    S_KIND,
    S_PACE,
    S_STOPS,
    S_TO,
    S_TRAVEL,
    S_USE,
    S_WAY,
    TIED_CREW,
    TIED_TIME,
    V_DUE,
    V_LATE,
    V_PLACE,
    V_TIED,
)
from optimizer.search.retiming import bounds_on, retime
from optimizer.search.walking import extend, finish, first_begin

SHORT = 2
"""Rows of scratch labels that the walk behind a position alternates between, from row 2 on."""


@inlined
def draw(random):
    """The next random number in [0, 1): xorshift64*, Vigna 2016."""
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    return float((x * np.uint64(2685821657736338717)) >> np.uint64(11)) * 1.1102230246251565e-16


@inlined
def below(random, n):
    """A random whole number in 0..n-1."""
    return int(draw(random) * n)


@inlined
def link(plan, before, v, s):
    """Put a visit behind a node of a shift's route; its times are not looked at."""
    node = plan.node
    after = node[before, N_NEXT]
    node[before, N_NEXT] = node[after, N_PREV] = v
    node[v, N_PREV], node[v, N_NEXT], node[v, N_SHIFT] = before, after, s


@part
def unlink(plan, v):
    """Take a visit out of its route; the times of the rest are not looked at."""
    node = plan.node
    node[node[v, N_PREV], N_NEXT] = node[v, N_NEXT]
    node[node[v, N_NEXT], N_PREV] = node[v, N_PREV]
    node[v, N_SHIFT] = -1


@inlined
def _fit(data, plan, u, s):
    """Whether a shift may take the visit beside what it has, times apart."""
    if not data.able[u, s] or plan.route[s, R_COUNT] >= data.shift[s, S_STOPS]:
        return False
    for k in range(data.need.shape[1]):
        if plan.used[s, k] + data.need[u, k] > data.stock[s, k]:
            return False
    if data.visit[u, V_TIED] & TIED_CREW:
        crew = data.shift[s, S_CREW]
        for k in range(data.mate_at[u], data.mate_at[u + 1]):
            there = plan.node[data.mate_of[k, 0], N_SHIFT]
            if there >= 0 and (data.shift[there, S_CREW] == crew) != (data.mate_of[k, 1] == 1):
                return False
    return True


@part
def waits(data, plan, u):
    """Whether a visit that this one must follow is left out."""
    if data.visit[u, V_TIED] & TIED_TIME:
        for k in range(data.gap_at[u], data.gap_at[u + 1]):
            g = data.gap_of[k]
            if data.gap[g, 1] == u and plan.node[data.gap[g, 0], N_SHIFT] < 0:
                return True
    return False


@part
def list_idle(data, plan, scratch):
    """List the unused shifts, one of each kind."""
    scratch.clock[COUNT_STAMP] += 1
    stamp = scratch.clock[COUNT_STAMP]
    count = 0
    for s in range(data.shift.shape[0]):
        if plan.route[s, R_COUNT] == 0 and scratch.kind_seen[data.shift[s, S_KIND]] != stamp:
            scratch.kind_seen[data.shift[s, S_KIND]] = stamp
            scratch.list[ROW_IDLE, count] = s
            count += 1
    scratch.clock[COUNT_IDLE] = count


@part
def gather_all(data, plan, scratch, u):
    """List every position on the shifts that could serve the visit; how many."""
    node, found = plan.node, scratch.list[ROW_POSITIONS]
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    scratch.clock[COUNT_STAMP] += 1
    stamp = scratch.clock[COUNT_STAMP]
    count = 0
    for k in range(data.able_at[u], data.able_at[u + 1]):
        s = data.able_of[k]
        if plan.route[s, R_COUNT] == 0:
            if scratch.kind_seen[data.shift[s, S_KIND]] == stamp:
                continue
            scratch.kind_seen[data.shift[s, S_KIND]] = stamp
        i = visits + s
        while i != visits + shifts + s:
            found[count] = i
            count += 1
            i = node[i, N_NEXT]
    return count


@part
def _tail(node, visit, window, j, arrive, seconds, end, limit, shift_end, over, returned):
    """Points that arriving at `j` then costs more than the plan does; INF when it cannot be."""
    added, first = 0, True
    while j != end:
        begin = first_begin(visit, window, j, arrive, node[j, N_LOW], node[j, N_HIGH])
        if not first:
            seconds = node[j, N_SERVICE]
        if begin == node[j, N_BEGIN] and seconds == node[j, N_SERVICE]:
            return added
        ended = begin + seconds
        if ended > node[j, N_REACH]:
            return INF
        late = visit[j, V_LATE]
        if late:
            due = visit[j, V_DUE]
            added += late * (max(0, begin - due) - max(0, node[j, N_BEGIN] - due))
        j, first = node[j, N_NEXT], False
        arrive = ended + node[j, N_LEG]
    if arrive > limit:
        return INF
    return added + over * (max(0, arrive - shift_end) - max(0, returned - shift_end))


@part
def _tail_labels(
    data_visit, data_window, data_pause, data_deadline, node, label, latest, short, way,
    i, u, j, into, seconds_u, low, high, out, seconds_j, end, s, breaks, full, limit, work,
    has_end, shift_end, over, timed,
):  # fmt: skip
    """Points for lateness, overtime and work that serving `u` between `i` and `j` adds; or INF."""
    count = extend(
        label, i, short, 2, way, into, u, seconds_u, low, high, data_visit, data_window,
        data_pause, data_deadline, s, breaks, full, limit, work,
    )  # fmt: skip
    row, k, leg, seconds = 2, j, out, seconds_j
    while count and k != end:
        other = 5 - row
        count = extend(
            short, row, short, other, way, leg, k, seconds, node[k, N_LOW], node[k, N_HIGH],
            data_visit, data_window, data_pause, data_deadline, s, breaks, full, limit, work,
        )  # fmt: skip
        row = other
        fits, same = False, count == label[k, 0, L_COUNT]
        shifted = short[row, 0, L_COST] - label[k, 0, L_COST]
        for a in range(count):
            mask = short[row, a, L_MASK]
            if short[row, a, L_TIME] <= latest[k, mask]:
                fits = True
            if same and (
                mask != label[k, a, L_MASK]
                or short[row, a, L_TIME] != label[k, a, L_TIME]
                or short[row, a, L_COST] - label[k, a, L_COST] != shifted
                or (work and short[row, a, L_SLACK] != label[k, a, L_SLACK])
            ):
                same = False
        if not fits:
            return INF
        if same and count:
            return shifted
        if not node[k, N_COSTLY]:
            # Nothing from here on can cost: a label in time for the rest ends as dear as it is.
            cheapest = np.int64(INF)
            for a in range(count):
                if short[row, a, L_TIME] <= latest[k, short[row, a, L_MASK]]:
                    cheapest = min(cheapest, short[row, a, L_COST])
            return cheapest - timed
        k = node[k, N_NEXT]
        leg, seconds = node[k, N_LEG], node[k, N_SERVICE]
    if count == 0:
        return INF
    if k == end and j == end:
        leg = out
    cost, _, chosen = finish(
        short, row, way, leg, has_end, data_pause, data_deadline, s, breaks, full, shift_end,
        limit, over, work,
    )  # fmt: skip
    return cost - timed if chosen >= 0 else INF


@part
def exact_delta(data, plan, scratch, u, before, s):
    """Points that the route costs more with the visit in, by doing it and taking it back; or INF."""
    old = plan.route[s, R_COST]
    link(plan, before, u, s)
    cost = plan.route[s, R_COST] - old if retime(data, plan, scratch, s) else INF
    unlink(plan, u)
    retime(data, plan, scratch, s)
    return cost


@inlined
def judge(data, plan, scratch, u, i, s, best, low, high, inside):
    """Points that a shift's route costs more with `u` behind `i`; INF or more than `best` where that is no use.

    `low` and `high` narrow the windows; `inside` is whether a gap binds `u` to a stop of the route.
    """
    node, route, visit, window, shift = plan.node, plan.route, data.visit, data.window, data.shift
    visits, shifts = visit.shape[0], shift.shape[0]
    work, over = data.weights[1], data.weights[2]
    j = node[i, N_NEXT]
    place_u, place_j, pace = visit[u, V_PLACE], node[j, N_PLACE], shift[s, S_PACE]
    into = np.int64(data.legs[shift[s, S_BACK], place_u, node[i, N_PLACE]])
    out = np.int64(data.legs[shift[s, S_WAY], place_u, place_j] if place_j >= 0 else 0)
    legs = into + out - node[j, N_LEG]
    cost = legs * data.weights[0] + data.serve[u, s]
    if cost >= best and legs >= 0:
        return INF
    again = i < visits and node[i, N_PLACE] == place_u
    seconds = data.service[pace, u, 1 if again else 0]
    begin = first_begin(visit, window, u, node[i, N_TIME] + into, low, high)
    ended, limit = begin + seconds, route[s, R_LIMIT]
    arrive = ended + out
    if begin >= INF or ended > limit or (arrive > node[j, N_ARRIVE] and place_j != place_u):
        return INF
    if route[s, R_LEGS] + legs > shift[s, S_TRAVEL]:
        return INF
    if route[s, R_COUNT] == 0:
        cost += shift[s, S_USE]
    fixed = cost
    late = visit[u, V_LATE]
    if late and begin > visit[u, V_DUE]:
        cost += late * (begin - visit[u, V_DUE])
    if cost >= best and legs >= 0:
        return INF
    end = visits + shifts + s
    seconds_j = np.int64(0)
    if j != end:
        seconds_j = data.service[pace, j, 1 if place_u == place_j else 0]
        if place_j == place_u:
            begin_j = first_begin(visit, window, j, arrive, node[j, N_LOW], node[j, N_HIGH])
            if begin_j >= INF or begin_j + seconds_j > node[j, N_REACH]:
                return INF
    elif arrive > limit:
        return INF
    if shift[s, S_BREAKS] or work:
        cost = fixed + _tail_labels(
            visit, window, data.pause, data.deadline, node, plan.label, plan.latest,
            scratch.label, scratch.way, i, u, j, into, seconds, low, high, out, seconds_j, end,
            s, shift[s, S_BREAKS], shift[s, S_FULL], limit, work, shift[s, S_TO] >= 0,
            shift[s, S_END], over, route[s, R_TIMED],
        )  # fmt: skip
    elif j == end:
        if over:
            returned = route[s, R_RETURN] if route[s, R_COUNT] else np.int64(-INF)
            cost += over * (max(0, arrive - shift[s, S_END]) - max(0, returned - shift[s, S_END]))
    elif node[j, N_COSTLY]:
        cost += _tail(
            node, visit, window, j, arrive, seconds_j, end, limit, shift[s, S_END], over,
            route[s, R_RETURN],
        )  # fmt: skip
    if cost < best and (route[s, R_GAPPED] or inside):
        # What a gap inside the route asks for comes on top: so far it was looked past.
        cost = exact_delta(data, plan, scratch, u, i, s)
    return cost


@inlined
def fits(data, plan, scratch, u, s, stamp):
    """`_fit`, once for each shift while the stamp is the same."""
    shift_seen = scratch.shift_seen
    if shift_seen[s, 1] != stamp:
        shift_seen[s, 1] = stamp
        shift_seen[s, 2] = 1 if _fit(data, plan, u, s) else 0
    return shift_seen[s, 2] != 0


@part
def best_spot(data, plan, scratch, random, u, count, blink, ceiling):
    """The cheapest of the listed positions below `ceiling` points: (points, node before it or -1).

    A share `blink` of the positions is overlooked.
    """
    node, found, tied = plan.node, scratch.list[ROW_POSITIONS], data.visit[u, V_TIED]
    best, where = ceiling, -1
    low, high, inside, bounded = -INF, INF, 0, -1
    scratch.clock[COUNT_STAMP] += 1
    stamp = scratch.clock[COUNT_STAMP]
    for index in range(count):
        i = found[index]
        s = node[i, N_SHIFT]
        if not fits(data, plan, scratch, u, s, stamp):
            continue
        if blink > 0.0 and draw(random) < blink:
            continue
        if tied & TIED_TIME and bounded != s:
            low, high, inside = bounds_on(data, plan, u, s)
            bounded = s
        cost = judge(data, plan, scratch, u, i, s, best, low, high, inside)
        if cost < best:
            best, where = cost, i
    return best, where


@inlined
def list_touched(data, plan, scratch, u):
    """List every position on the shifts that this step has changed and that could serve the visit; how many."""
    node, found = plan.node, scratch.list[ROW_POSITIONS]
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    count = 0
    for k in range(scratch.clock[COUNT_TOUCHED]):
        s = scratch.list[ROW_TOUCHED, k]
        if not data.able[u, s]:
            continue
        i = visits + s
        while i != visits + shifts + s:
            found[count] = i
            count += 1
            i = node[i, N_NEXT]
    return count
