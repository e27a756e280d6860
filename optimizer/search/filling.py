"""Whole sketches: made from orders, filled with what is left out, freed of what is not worth it."""

import numpy as np
from numba import types

from optimizer.kernels import lean, part
from optimizer.search.layout import (
    COUNT_BROKEN,
    COUNT_LEFT,
    COUNT_TOUCHED,
    DATA,
    N_BEGIN,
    N_HOLD_HIGH,
    N_HOLD_LOW,
    N_NEXT,
    N_PREV,
    N_SHIFT,
    R_COST,
    R_COUNT,
    ROW_LEFT,
    ROW_TOUCHED,
    ROW_WAITING,
    S_CREW,
    S_NEIGHBOURS,
    SCRATCH,
    SKETCH,
    TIED_TIME,
    V_DROP,
    V_GROUP,
    V_TIED,
)
from optimizer.search.retiming import fits_alone, retime
from optimizer.search.ruining import recreate, remove, retime_touched, sort_waiting
from optimizer.search.spots import best_spot, gather_all, link, unlink, waits
from optimizer.search.ties import place, take_out_worthless, touch

_INTS, _WORDS = types.int64[::1], types.uint64[::1]


@part
def begin_step(scratch):
    for k in range(scratch.clock[COUNT_TOUCHED]):
        scratch.shift_seen[scratch.list[ROW_TOUCHED, k], 0] = 0
    scratch.clock[COUNT_TOUCHED] = scratch.clock[COUNT_BROKEN] = 0


@part
def list_left(data, plan, scratch):
    """List the visits left out that some shift could serve."""
    count = 0
    for v in range(data.visit.shape[0]):
        if plan.node[v, N_SHIFT] < 0 and data.able_at[v] < data.able_at[v + 1]:
            scratch.list[ROW_LEFT, count] = v
            count += 1
    scratch.clock[COUNT_LEFT] = count


@part
def _sum_up(data, plan):
    total = np.int64(0)
    for s in range(data.shift.shape[0]):
        total += plan.route[s, R_COST]
    for v in range(data.visit.shape[0]):
        if plan.node[v, N_SHIFT] < 0:
            total += data.visit[v, V_DROP]
    plan.total[0] = total


@part
def _may_join(data, plan, v, s):
    """Whether the crew of a shift suits those with which the visit must share a crew or must not."""
    crew = data.shift[s, S_CREW]
    for k in range(data.mate_at[v], data.mate_at[v + 1]):
        there = plan.node[data.mate_of[k, 0], N_SHIFT]
        if there >= 0 and (data.shift[there, S_CREW] == crew) != (data.mate_of[k, 1] == 1):
            return False
    return True


@part
def _break_up(data, plan, scratch):
    """Take out the members of groups of which not all are served; how many went."""
    count = 0
    for group in range(data.group_at.size - 1):
        first, last = data.group_at[group], data.group_at[group + 1]
        here = 0
        for k in range(first, last):
            here += plan.node[data.group_of[k], N_SHIFT] >= 0
        if here == 0 or here == last - first:
            continue
        for k in range(first, last):
            if plan.node[data.group_of[k], N_SHIFT] >= 0:
                count = remove(data, plan, scratch, data.group_of[k], count)
    return retime_touched(data, plan, scratch, count, True) if count else count


@part
def _mend(data, plan, scratch):
    """Make a broken sketch a plan again: the routes that cannot be kept are given up."""
    while scratch.clock[COUNT_BROKEN]:
        begin_step(scratch)
        for s in range(data.shift.shape[0]):
            touch(scratch, s)
        retime_touched(data, plan, scratch, 0, True)


@part
def _fill_once(data, plan, scratch, random, tied):
    """Insert every visit left out that lowers the total by itself."""
    for u in range(data.visit.shape[0]):
        if plan.node[u, N_SHIFT] >= 0 or data.able_at[u] == data.able_at[u + 1]:
            continue
        if tied and (data.visit[u, V_GROUP] >= 0 or waits(data, plan, u)):
            continue
        count = gather_all(data, plan, scratch, u)
        drop = data.visit[u, V_DROP]
        _, before = best_spot(data, plan, scratch, random, u, count, 0.0, drop + 1)
        if before >= 0:
            place(data, plan, scratch, u, before, tied)
    _mend(data, plan, scratch)
    begin_step(scratch)
    _sum_up(data, plan)


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
            if not _may_join(data, plan, v, s):
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
                if _may_join(data, plan, v, s) and place(data, plan, scratch, v, before, tied):
                    before = v
                    again = tied
    _break_up(data, plan, scratch)
    _mend(data, plan, scratch)
    begin_step(scratch)
    _sum_up(data, plan)
    served = 0
    for v in range(visits):
        served += plan.node[v, N_SHIFT] >= 0
    return served


@lean(types.int64(DATA, SKETCH, SCRATCH, _WORDS, types.boolean))
def fill(data, plan, scratch, random, tied):
    """Insert greedily what is left out, in one of the orders of recreation; the total is set."""
    begin_step(scratch)
    list_left(data, plan, scratch)
    count = scratch.clock[COUNT_LEFT]
    for k in range(count):
        scratch.list[ROW_WAITING, k] = scratch.list[ROW_LEFT, k]
    sort_waiting(data, scratch, random, count)
    recreate(data, plan, scratch, random, count, 0.0, tied)
    _mend(data, plan, scratch)
    begin_step(scratch)
    _sum_up(data, plan)
    return plan.total[0]


@lean(types.int64(DATA, SKETCH, SCRATCH, _WORDS, types.boolean))
def polish(data, plan, scratch, random, tied):
    """Take out what is worth less than it costs, and insert what is worth it; the total is set."""
    for _ in range(3):
        before = plan.total[0]
        for v in range(data.visit.shape[0]):
            take_out_worthless(data, plan, scratch, v, tied)
        _fill_once(data, plan, scratch, random, tied)
        if plan.total[0] >= before:
            break
    return plan.total[0]


@lean(types.int64(DATA, SCRATCH, types.uint8[:, ::1]))
def bar(data, scratch, code):
    """For every visit and shift whose code is 0: 5 when it has no hours for it, 6 no window."""
    barred = 0
    for v in range(data.visit.shape[0]):
        for s in range(data.shift.shape[0]):
            if code[v, s]:
                continue
            if not fits_alone(data, scratch, v, s, False):
                code[v, s] = 6
            elif not fits_alone(data, scratch, v, s, True):
                code[v, s] = 7
            if code[v, s]:
                barred += 1
    return barred
