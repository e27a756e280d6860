"""The search itself: ruin, recreate, accept as in simulated annealing, and remember what was met."""

import math

import numpy as np
from numba import types

from optimizer.kernels import lean, part
from optimizer.search.crossing import cross
from optimizer.search.layout import (
    COUNT_BROKEN,
    COUNT_LEFT,
    COUNT_STAMP,
    COUNT_TOUCHED,
    DATA,
    LABEL_COLUMNS,
    N_BEGIN,
    N_HOLD_HIGH,
    N_HOLD_LOW,
    N_NEXT,
    N_PREV,
    N_SHIFT,
    NODE_COLUMNS,
    POOL,
    R_COST,
    R_COUNT,
    ROUTE_COLUMNS,
    ROW_ABSENT,
    ROW_LEFT,
    ROW_TOUCHED,
    ROW_WAITING,
    S_BREAKS,
    S_FULL,
    SCRATCH,
    SKETCH,
    V_DROP,
    V_GROUP,
)
from optimizer.search.mending import begin_step, list_left
from optimizer.search.ruining import (
    BLINK,
    LONGEST_STRING,
    MOST_RETRIED,
    recreate,
    retime_touched,
    ruin,
    sort_waiting,
)
from optimizer.search.spots import below, draw

_WORDS = types.uint64[::1]
CROSSED = 0.3
"""Share of the steps that exchange the tails of two routes before they take strings out, where the
routes are twice as long as the longest string; the shorter they are, the more the strings do."""
MOST_GIVEN = 1.5
"""What may go out for a harder visit, times what that is worth."""


@part
def _copy_route(data, into, source, s, labelled):
    """Make the shift's route in one sketch what it is in the other."""
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    end = visits + shifts + s
    full = data.shift[s, S_FULL]
    i = visits + s
    while True:
        for c in range(NODE_COLUMNS):
            into.node[i, c] = source.node[i, c]
        if labelled:
            for a in range(max(1, source.label[i, 0, LABEL_COLUMNS - 1])):
                for c in range(LABEL_COLUMNS):
                    into.label[i, a, c] = source.label[i, a, c]
        for mask in range(full + 1):
            into.latest[i, mask] = source.latest[i, mask]
        if i == end:
            break
        i = source.node[i, N_NEXT]
    for c in range(ROUTE_COLUMNS):
        into.route[s, c] = source.route[s, c]
    for k in range(source.used.shape[1]):
        into.used[s, k] = source.used[s, k]


@part
def _copy_visit(into, source, v):
    into.node[v, N_SHIFT] = source.node[v, N_SHIFT]
    into.node[v, N_HOLD_LOW] = source.node[v, N_HOLD_LOW]
    into.node[v, N_HOLD_HIGH] = source.node[v, N_HOLD_HIGH]


@part
def _sync(data, into, source, scratch, count, tied):
    """Carry over the routes touched and the visits that waited in this step."""
    labelled_work = data.weights[1] != 0
    for k in range(count):
        v = scratch.list[ROW_WAITING, k]
        _copy_visit(into, source, v)
        if tied and data.visit[v, V_GROUP] >= 0:
            group = data.visit[v, V_GROUP]
            for m in range(data.group_at[group], data.group_at[group + 1]):
                _copy_visit(into, source, data.group_of[m])
    for k in range(scratch.clock[COUNT_TOUCHED]):
        s = scratch.list[ROW_TOUCHED, k]
        _copy_route(data, into, source, s, labelled_work or data.shift[s, S_BREAKS] > 0)
    into.total[0] = source.total[0]


@part
def _snapshot(into, source):
    """Keep the routes of a sketch: the chains, and the begins of service."""
    for i in range(source.node.shape[0]):
        into.node[i, N_NEXT] = source.node[i, N_NEXT]
        into.node[i, N_PREV] = source.node[i, N_PREV]
        into.node[i, N_SHIFT] = source.node[i, N_SHIFT]
        into.node[i, N_BEGIN] = source.node[i, N_BEGIN]
    into.total[0] = source.total[0]


@part
def _used(plan):
    """(Routes with stops, share of the steps that exchange tails of such routes)."""
    used, stops = 0, 0
    for s in range(plan.route.shape[0]):
        if plan.route[s, R_COUNT]:
            used += 1
            stops += plan.route[s, R_COUNT]
    length = stops / max(1, used) / (2 * LONGEST_STRING)
    return used, CROSSED * min(1.0, length * length)


@part
def remember(data, plan, pool, s):
    """Put a shift's route into the pool, or its order there right when this one is cheaper."""
    visits = data.visit.shape[0]
    count, cost = plan.route[s, R_COUNT], plan.route[s, R_COST]
    word = data.mark[visits + s]
    v = plan.node[visits + s, N_NEXT]
    while v < visits:
        word += data.mark[v]
        v = plan.node[v, N_NEXT]
    size = pool.slot.size
    at = np.int64(word >> np.uint64(20)) & (size - 1)
    while pool.slot[at] >= 0:
        e = pool.slot[at]
        if pool.word[e] == word:
            if cost >= pool.entry[e, 3]:
                return
            break
        at = (at + 1) & (size - 1)
    if pool.slot[at] < 0:
        e = pool.size[0]
        if e == pool.entry.shape[0] or pool.size[1] + count > pool.visits.size:
            return
        pool.slot[at] = e
        pool.size[0] += 1
        pool.word[e] = word
        pool.entry[e, 0], pool.entry[e, 1], pool.entry[e, 2] = s, pool.size[1], count
        pool.size[1] += count
    pool.entry[e, 3] = cost
    k = pool.entry[e, 1]
    v = plan.node[visits + s, N_NEXT]
    while v < visits:
        pool.visits[k] = v
        k += 1
        v = plan.node[v, N_NEXT]


@part
def _retry_left(scratch, random, count):
    """Add some of the visits left out to those waiting; how many wait then."""
    left = scratch.clock[COUNT_LEFT]
    waiting, out = scratch.list[ROW_WAITING], scratch.list[ROW_LEFT]
    take = min(left, MOST_RETRIED)
    for k in range(take):
        if left > MOST_RETRIED:
            other = k + below(random, left - k)
            out[k], out[other] = out[other], out[k]
        waiting[count] = out[k]
        count += 1
    return count


@part
def _exchanged(data, old, plan, scratch, count, room):
    """How much dearer a plan may be, points, in which hard visits came in for easier ones.

    A whole visit costs more than any temperature lets through, so without this the search never
    changes which ones stay out. How hard a visit is to insert is how often it stayed out: the
    absence counters with which Christiaens and Vanden Berghe save vehicles. What goes out may be
    worth somewhat more than what comes in.
    """
    absent = scratch.list[ROW_ABSENT]
    came, gone, misses = np.int64(0), np.int64(0), np.int64(0)
    for k in range(count):
        v = scratch.list[ROW_WAITING, k]
        now, before = plan.node[v, N_SHIFT] < 0, old.node[v, N_SHIFT] < 0
        if now:
            absent[v] += 1
        if now and not before:
            gone += data.visit[v, V_DROP]
            misses += absent[v]
        elif before and not now:
            came += data.visit[v, V_DROP]
            misses -= absent[v]
    if came == 0 or misses >= 0 or gone > MOST_GIVEN * came:
        return np.int64(0)
    return max(np.int64(0), gone - came) + room


@part
def _dropped(data, old, plan, v):
    now, before = plan.node[v, N_SHIFT] < 0, old.node[v, N_SHIFT] < 0
    return data.visit[v, V_DROP] * (np.int64(now) - np.int64(before))


_INTS, _WORDS = types.int64[::1], types.uint64[::1]


@part
def _price(data, old, plan, scratch, count, tied):
    """Set the total of a sketch that differs from `old` in this step; whether visits stay out of it."""
    total, left = old.total[0], False
    for k in range(scratch.clock[COUNT_TOUCHED]):
        s = scratch.list[ROW_TOUCHED, k]
        total += plan.route[s, R_COST] - old.route[s, R_COST]
    if tied:
        # A mate may be in the list beside its group: count every visit once.
        scratch.clock[COUNT_STAMP] += 1
        stamp = scratch.clock[COUNT_STAMP]
    for k in range(count):
        v = scratch.list[ROW_WAITING, k]
        left |= plan.node[v, N_SHIFT] < 0
        if tied and data.visit[v, V_GROUP] >= 0:
            group = data.visit[v, V_GROUP]
            for m in range(data.group_at[group], data.group_at[group + 1]):
                mate = data.group_of[m]
                if scratch.seen[mate] != stamp:
                    scratch.seen[mate] = stamp
                    total += _dropped(data, old, plan, mate)
        else:
            total += _dropped(data, old, plan, v)
    plan.total[0] = total
    return left


@lean(
    types.int64(
        DATA, SKETCH, SKETCH, SKETCH, SCRATCH, POOL, _WORDS, types.int64, types.float64,
        types.float64, types.int64, types.boolean, types.boolean,
    )
)  # fmt: skip
def anneal(data, plan, trial, best, scratch, pool, random, steps, hot, cold, room, bold, tied):
    """Search from `plan` for so many steps while the temperature goes from `hot` to `cold` points.

    A `bold` search also takes hard visits in for easier ones. `trial` is a copy of `plan`, and so it
    is at the end; `best` keeps the chains of the cheapest plan met; routes of plans at most `room`
    points dearer go into the pool. Return how many steps were accepted.
    """
    list_left(data, plan, scratch)
    used, crossed = _used(plan)
    pending = plan.total[0] < best.total[0]
    ratio = math.log(cold / hot) / max(1, steps)
    accepted = 0
    for step in range(steps):
        begin_step(scratch)
        temperature = hot * math.exp(ratio * step)
        more = -temperature * math.log(1.0 - draw(random))
        seed = -1
        if draw(random) < crossed:
            seed = cross(data, trial, scratch, random, more)
            if seed < 0:
                _sync(data, trial, plan, scratch, 0, tied)
                continue
        count = ruin(data, trial, scratch, random, used, seed)
        count = retime_touched(data, trial, scratch, count, tied)
        if tied and scratch.clock[COUNT_BROKEN]:
            _sync(data, trial, plan, scratch, count, tied)
            continue
        count = _retry_left(scratch, random, count)
        sort_waiting(data, scratch, random, count)
        recreate(data, trial, scratch, random, count, BLINK, tied)
        left = _price(data, plan, trial, scratch, count, tied)
        broken = tied and scratch.clock[COUNT_BROKEN] != 0
        allowed = float(plan.total[0]) + more
        if scratch.clock[COUNT_LEFT] and bold:
            allowed += _exchanged(data, plan, trial, scratch, count, room)
        if broken or (float(trial.total[0]) >= allowed and trial.total[0] > plan.total[0]):
            _sync(data, trial, plan, scratch, count, tied)
            continue
        if pending and trial.total[0] > plan.total[0]:
            _snapshot(best, plan)
            pending = False
        accepted += 1
        near = trial.total[0] - best.total[0] <= room
        _sync(data, plan, trial, scratch, count, tied)
        if plan.total[0] < best.total[0]:
            pending = True
            # Until it is copied, the total alone says what is best.
            best.total[0] = plan.total[0]
        if near:
            for k in range(scratch.clock[COUNT_TOUCHED]):
                s = scratch.list[ROW_TOUCHED, k]
                if plan.route[s, R_COUNT]:
                    remember(data, plan, pool, s)
        if left or scratch.clock[COUNT_LEFT]:
            list_left(data, plan, scratch)
        if step % 256 == 0:
            used, crossed = _used(plan)
    begin_step(scratch)
    if pending:
        _snapshot(best, plan)
    return accepted
