"""Tails exchanged between two routes: what strings of a few stops cannot do to long routes.

The move is 2-opt* of Potvin and Rousseau, "An exchange heuristic for routeing problems with time
windows", Journal of the Operational Research Society 46 (1995); a tail that goes to an unused shift
opens it, and a whole route behind another closes one.
"""

from optimizer.kernels import inlined, part
from optimizer.search.layout import (
    COUNT_IDLE,
    INF,
    N_ARRIVE,
    N_LEG,
    N_NEXT,
    N_PLACE,
    N_PREV,
    N_SHIFT,
    N_TIME,
    R_TIMED,
    ROW_IDLE,
    S_WAY,
    V_TIED,
)
from optimizer.search.retiming import retime
from optimizer.search.spots import below, draw, list_idle
from optimizer.search.ties import touch

OPEN = 0.3
"""Share of the exchanges whose other route is that of an unused shift."""
LOOKED_PAST = 0.3
"""Share of a stop's neighbours that are looked past."""
TRIALS = 8
"""Places at which a route is cut to open a shift, of which the cheapest counts."""


@inlined
def _leg(data, plan, s, i, j):
    """Travel of a shift from one node to another, 0 to an end anywhere."""
    to = plan.node[j, N_PLACE]
    return data.legs[data.shift[s, S_WAY], plan.node[i, N_PLACE], to] if to >= 0 else 0


@part
def _change(data, plan, v, w):
    """Travel seconds that going on from v to w adds, while what followed v goes to what came before w."""
    node = plan.node
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    s, t = node[v, N_SHIFT], node[w, N_SHIFT]
    end_s, end_t = visits + shifts + s, visits + shifts + t
    after, before = node[v, N_NEXT], node[w, N_PREV]
    legs = -node[after, N_LEG] - node[w, N_LEG]
    if w == end_t:
        legs += _leg(data, plan, s, v, end_s)
    else:
        last = node[end_t, N_PREV]
        legs += _leg(data, plan, s, v, w) + _leg(data, plan, s, last, end_s) - node[end_t, N_LEG]
    if after == end_s:
        if before != visits + t:
            legs += _leg(data, plan, t, before, end_t)
    else:
        last = node[end_s, N_PREV]
        legs += _leg(data, plan, t, before, after) + _leg(data, plan, t, last, end_t)
        legs -= node[end_s, N_LEG]
    return legs


@part
def _opening(data, plan, scratch, random):
    """The cheapest of a few cuts whose tail an unused shift takes over: (stop before it, end of the shift)."""
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    list_idle(data, plan, scratch)
    idle = scratch.clock[COUNT_IDLE]
    best, cut, into = INF, -1, -1
    if idle == 0:
        return cut, into
    for _ in range(TRIALS):
        v = below(random, visits)
        if plan.node[v, N_SHIFT] < 0 or plan.node[v, N_NEXT] >= visits:
            continue
        end = visits + shifts + scratch.list[ROW_IDLE, below(random, idle)]
        legs = _change(data, plan, v, end)
        if legs < best:
            best, cut, into = legs, v, end
    return cut, into


@part
def _near_crossing(data, plan, random, v):
    """The best of a stop's neighbours on other routes to go on to, or -1."""
    node = plan.node
    s = node[v, N_SHIFT]
    best, into = INF, -1
    for k in range(data.near.shape[1]):
        w = data.near[v, k]
        if w < 0:
            break
        t = node[w, N_SHIFT]
        if t < 0 or t == s or draw(random) < LOOKED_PAST:
            continue
        if node[v, N_TIME] + _leg(data, plan, s, v, w) > node[w, N_ARRIVE]:
            continue
        before, after = node[w, N_PREV], node[v, N_NEXT]
        if node[before, N_TIME] + _leg(data, plan, t, before, after) > node[after, N_ARRIVE]:
            continue
        legs = _change(data, plan, v, w)
        if legs < best:
            best, into = legs, w
    return into


@part
def _may_move(data, plan, i, s):
    """Whether a shift could serve all from a node on to the end of its route, none of them tied."""
    while i < data.visit.shape[0]:
        if not data.able[i, s] or data.visit[i, V_TIED]:
            return False
        i = plan.node[i, N_NEXT]
    return True


@part
def _hand_over(data, plan, v, i, s):
    """Make what begins with node i the tail of shift s behind v."""
    node = plan.node
    visits, end = data.visit.shape[0], data.visit.shape[0] + data.shift.shape[0] + s
    while i < visits:
        node[v, N_NEXT], node[i, N_PREV], node[i, N_SHIFT] = i, v, s
        v, i = i, node[i, N_NEXT]
    node[v, N_NEXT], node[end, N_PREV] = end, v


@part
def cross(data, plan, scratch, random, most):
    """Exchange the tails of two routes where it adds less than `most` points; the stop where, or -1.

    When it is -1, the routes touched may be nonsense.
    """
    node, visits = plan.node, data.visit.shape[0]
    opened = draw(random) < OPEN
    if opened:
        v, w = _opening(data, plan, scratch, random)
        if v < 0:
            return -1
    else:
        v = below(random, visits)
        if node[v, N_SHIFT] < 0:
            return -1
        w = _near_crossing(data, plan, random, v)
        if w < 0:
            return -1
    s, t = node[v, N_SHIFT], node[w, N_SHIFT]
    points = _change(data, plan, v, w) * data.weights[0]
    # An open shift pays only by what joins the tail, so it may cost anything at first.
    if not opened and points - plan.route[s, R_TIMED] - plan.route[t, R_TIMED] >= most:
        return -1
    after, before = node[v, N_NEXT], node[w, N_PREV]
    if not _may_move(data, plan, after, t) or not _may_move(data, plan, w, s):
        return -1
    touch(scratch, s)
    touch(scratch, t)
    _hand_over(data, plan, before, after, t)
    _hand_over(data, plan, v, w, s)
    if retime(data, plan, scratch, s) and retime(data, plan, scratch, t):
        return v
    return -1
