"""A sketch made from orders."""

from numba import types

from optimizer.kernels import lean, part
from optimizer.search.layout import (
    DATA,
    N_BEGIN,
    N_HOLD_HIGH,
    N_HOLD_LOW,
    N_NEXT,
    N_PREV,
    N_SHIFT,
    R_COUNT,
    S_NEIGHBOURS,
    SCRATCH,
    SKETCH,
    TIED_TIME,
    V_TIED,
)
from optimizer.search.mending import begin_step, break_up, may_join, mend, sum_up
from optimizer.search.retiming import retime
from optimizer.search.spots import link, unlink, waits
from optimizer.search.ties import place

_INTS = types.int64[::1]


@part
def _chain(data, plan, s, first, order):
    """Link the visits of an order that the shift could serve, untimed."""
    before = data.visit.shape[0] + s
    for k in range(first[s], first[s + 1]):
        v = order[k]
        if plan.node[v, N_SHIFT] < 0 and data.able[v, s]:
            link(plan, before, v, s)
            before = v


@part
def _stands(data, plan, s):
    """(whether what ties the stops of a linked route allows it as it is, whether any is tied)."""
    fine, bound = True, data.shift[s, S_NEIGHBOURS] != 0
    v = plan.node[data.visit.shape[0] + s, N_NEXT]
    while v < data.visit.shape[0]:
        if data.visit[v, V_TIED]:
            bound = True
            held = plan.node[v, N_HOLD_LOW] == plan.node[v, N_HOLD_HIGH]
            if data.visit[v, V_TIED] & TIED_TIME and (not held or waits(data, plan, v)):
                fine = False
            if not may_join(data, plan, v, s):
                fine = False
        v = plan.node[v, N_NEXT]
    return fine, bound


@part
def _time_chains(data, plan, scratch):
    """Time the linked routes; those that break a rule are emptied, and all that are tied with them."""
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    broken, fits = False, scratch.shift_seen
    # The first time tells the second what routes leave to each other.
    for _ in range(2):
        for v in range(visits):
            if plan.node[v, N_HOLD_LOW] == plan.node[v, N_HOLD_HIGH]:
                plan.node[v, N_BEGIN] = plan.node[v, N_HOLD_LOW]
        for s in range(shifts):
            fits[s, 2] = retime(data, plan, scratch, s)
    for s in range(shifts):
        fine, bound = _stands(data, plan, s)
        if not fine:
            fits[s, 2] = 0
        broken |= bound and fits[s, 2] == 0
    for s in range(shifts):
        if fits[s, 2] and not (broken and _stands(data, plan, s)[1]):
            continue
        while plan.node[visits + s, N_NEXT] < visits:
            unlink(plan, plan.node[visits + s, N_NEXT])
        retime(data, plan, scratch, s)


@lean(types.int64(DATA, SKETCH, SCRATCH, _INTS, _INTS, _INTS, _INTS, types.boolean))
def load(data, plan, scratch, first, order, low, high, tied):
    """Make `plan` the routes whose shift `s` has the visits `order[first[s]:first[s + 1]]`.

    `low` and `high` are what is asked of each visit's begin. A route that is possible is taken as
    it is; of the others what does not fit where it stands stays out. Return how many are served;
    the total is set.
    """
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    for v in range(visits):
        plan.node[v, N_SHIFT] = -1
        plan.node[v, N_HOLD_LOW], plan.node[v, N_HOLD_HIGH] = low[v], high[v]
    for s in range(shifts):
        start, end = visits + s, visits + shifts + s
        plan.node[start, N_SHIFT] = plan.node[end, N_SHIFT] = s
        plan.node[start, N_NEXT], plan.node[end, N_PREV] = end, start
        plan.route[s, R_COUNT] = 0
        _chain(data, plan, s, first, order)
    _time_chains(data, plan, scratch)
    again = True
    while again:
        again = False
        for s in range(shifts):
            before = visits + s
            for k in range(first[s], first[s + 1]):
                v = order[k]
                if plan.node[v, N_SHIFT] == s:
                    before = v
                    continue
                if plan.node[v, N_SHIFT] >= 0 or not data.able[v, s] or waits(data, plan, v):
                    continue
                if may_join(data, plan, v, s) and place(data, plan, scratch, v, before, tied):
                    before = v
                    again = tied
    break_up(data, plan, scratch)
    mend(data, plan, scratch)
    begin_step(scratch)
    sum_up(data, plan)
    served = 0
    for v in range(visits):
        served += plan.node[v, N_SHIFT] >= 0
    return served
