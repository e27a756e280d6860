"""What `after` and `together` ask of a sketch in which one route changes at a time."""

import numpy as np

from optimizer.kernels import inlined, part
from optimizer.search.layout import (
    COUNT_BROKEN,
    COUNT_TOUCHED,
    INF,
    N_BEGIN,
    N_HOLD_HIGH,
    N_HOLD_LOW,
    N_NEXT,
    N_PREV,
    N_SHIFT,
    R_COST,
    ROW_SETTLING,
    ROW_TOUCHED,
    S_BEGIN,
    S_LIMIT,
    S_NEIGHBOURS,
    S_PACE,
    TIED_TIME,
    V_DROP,
    V_GROUP,
    V_TIED,
    V_WINDOW,
    V_WINDOWS,
    V_WORTH,
)
from optimizer.search.retiming import keeps_bounds, keeps_hours, retime
from optimizer.search.spots import below, best_spot, draw, gather_all, link, unlink, waits

TRIALS = 6
"""Begins tried for a group in one insertion."""


@inlined
def touch(scratch, s):
    """Note that a shift's route changes in this step."""
    if scratch.shift_seen[s, 0] == 0:
        scratch.shift_seen[s, 0] = 1
        scratch.list[ROW_TOUCHED, scratch.clock[COUNT_TOUCHED]] = s
        scratch.clock[COUNT_TOUCHED] += 1


@part
def settle(data, plan, scratch, s):
    """Re-time the routes on which the times of this one bear, and those on which theirs do.

    A route is looked at again only where what its ties leave it is not what it was timed with. One
    that cannot keep what is asked breaks the sketch.
    """
    node, queue = plan.node, scratch.list[ROW_SETTLING]
    visits, shifts = data.visit.shape[0], data.shift.shape[0]
    queue[0] = s
    head, tail, rounds = 0, 1, 0
    while head != tail and rounds < 6 * shifts:
        rounds += 1
        s = queue[head]
        head = (head + 1) % queue.size
        if data.shift[s, S_NEIGHBOURS]:
            for k in range(data.meets_at[s], data.meets_at[s + 1]):
                there = data.meets_of[k, 0]
                if not keeps_hours(data, plan, there):
                    tail = _time_again(data, plan, scratch, there, head, tail)
        v = node[visits + s, N_NEXT]
        while v < visits:
            if data.visit[v, V_TIED] & TIED_TIME:
                for k in range(data.gap_at[v], data.gap_at[v + 1]):
                    g = data.gap_of[k]
                    other = data.gap[g, 0] if data.gap[g, 1] == v else data.gap[g, 1]
                    there = node[other, N_SHIFT]
                    if there >= 0 and there != s and not keeps_bounds(data, plan, other, there):
                        tail = _time_again(data, plan, scratch, there, head, tail)
            v = node[v, N_NEXT]


@part
def _time_again(data, plan, scratch, s, head, tail):
    """Re-time a route and queue it for those on which its times bear; the new tail of the queue."""
    queue = scratch.list[ROW_SETTLING]
    touch(scratch, s)
    if not retime(data, plan, scratch, s):
        scratch.clock[COUNT_BROKEN] = 1
        return tail
    if (tail + 1) % queue.size != head:
        queue[tail] = s
        tail = (tail + 1) % queue.size
    return tail


@part
def place(data, plan, scratch, u, before, tied):
    """Serve a visit behind a node; False, and all as it was, when the exact times forbid it."""
    s = plan.node[before, N_SHIFT]
    touch(scratch, s)
    link(plan, before, u, s)
    if not retime(data, plan, scratch, s):
        unlink(plan, u)
        retime(data, plan, scratch, s)
        return False
    if tied:
        settle(data, plan, scratch, s)
        if scratch.clock[COUNT_BROKEN]:
            scratch.clock[COUNT_BROKEN] = 0
            take_back(data, plan, scratch, u)
            return False
    return True


@part
def take_back(data, plan, scratch, u):
    """Take a visit out again, and time what its ties had moved."""
    s = plan.node[u, N_SHIFT]
    unlink(plan, u)
    if not retime(data, plan, scratch, s):
        scratch.clock[COUNT_BROKEN] = 1
    settle(data, plan, scratch, s)
    # A route that could not be timed may have been told the bounds that it has now.
    for k in range(scratch.clock[COUNT_TOUCHED]):
        if not retime(data, plan, scratch, scratch.list[ROW_TOUCHED, k]):
            scratch.clock[COUNT_BROKEN] = 1


@part
def release(plan, v):
    """Ask nothing of a visit's time any more."""
    plan.node[v, N_HOLD_LOW], plan.node[v, N_HOLD_HIGH] = -INF, INF


@part
def take_out_worthless(data, plan, scratch, v, tied):
    """Leave a visit out where that lowers the total, unless others would have to go with it."""
    s = plan.node[v, N_SHIFT]
    if s < 0 or data.visit[v, V_DROP] > plan.route[s, R_COST]:
        return
    if tied:
        if data.visit[v, V_GROUP] >= 0:
            return
        for k in range(data.gap_at[v], data.gap_at[v + 1]):
            second = data.gap[data.gap_of[k], 1]
            if second != v and plan.node[second, N_SHIFT] >= 0:
                return
    old, before = plan.route[s, R_COST], plan.node[v, N_PREV]
    unlink(plan, v)
    fine = retime(data, plan, scratch, s)
    if fine and old - plan.route[s, R_COST] > data.visit[v, V_DROP]:
        if tied:
            settle(data, plan, scratch, s)
        return
    link(plan, before, v, s)
    retime(data, plan, scratch, s)


@part
def hold_for_seconds(data, plan, random, v):
    """Perhaps put off a visit that others must follow soon, so that they can: half of the time."""
    if not data.visit[v, V_TIED] & TIED_TIME:
        return
    for k in range(data.gap_at[v], data.gap_at[v + 1]):
        g = data.gap_of[k]
        second = data.gap[g, 1]
        if data.gap[g, 0] != v or data.gap[g, 3] >= INF or plan.node[second, N_SHIFT] >= 0:
            continue
        chance = draw(random)
        if chance < 0.4:
            return
        count = data.visit[second, V_WINDOWS] - data.visit[second, V_WINDOW]
        w = data.visit[second, V_WINDOW] + below(random, count)
        s = below(random, data.shift.shape[0])
        opens = max(data.window[w, 0], data.shift[s, S_BEGIN])
        if chance > 0.7:
            closes = min(data.window[w, 1], data.shift[s, S_LIMIT])
            if closes > opens:
                opens += np.int64(draw(random) * (closes - opens))
        if opens < -(INF >> 1):
            return
        service = data.service[data.shift[s, S_PACE], v, 0]
        plan.node[v, N_HOLD_LOW] = opens - data.gap[g, 3] - service
        return


@part
def _begin_to_try(data, plan, scratch, random, group, trial):
    """A second at which some member could begin; INF when none could."""
    first, last = data.group_at[group], data.group_at[group + 1]
    v = data.group_of[first + below(random, last - first)]
    if trial % 3 == 2:
        count = data.visit[v, V_WINDOWS] - data.visit[v, V_WINDOW]
        w = data.visit[v, V_WINDOW] + below(random, count)
        s = below(random, data.shift.shape[0])
        opens = max(data.window[w, 0], data.shift[s, S_BEGIN])
        closes = min(data.window[w, 1], data.shift[s, S_LIMIT])
        if closes < opens:
            return INF
        return opens if draw(random) < 0.5 else opens + np.int64(draw(random) * (closes - opens))
    count = gather_all(data, plan, scratch, v)
    _cost, before = best_spot(data, plan, scratch, random, v, count, 0.2, INF)
    if before < 0:
        return INF
    s = plan.node[before, N_SHIFT]
    link(plan, before, v, s)
    begin = plan.node[v, N_BEGIN] if retime(data, plan, scratch, s) else INF
    if begin < INF:
        begin = plan.node[v, N_BEGIN]
    unlink(plan, v)
    retime(data, plan, scratch, s)
    return begin


@part
def insert_group(data, plan, scratch, random, group, blink):
    """Serve all visits of a group at one second where that is worth it; whether it was done."""
    first, last = data.group_at[group], data.group_at[group + 1]
    for k in range(first, last):
        v = data.group_of[k]
        if plan.node[v, N_SHIFT] >= 0 or waits(data, plan, v):
            return False
    for trial in range(TRIALS):
        begin = _begin_to_try(data, plan, scratch, random, group, trial)
        if begin >= INF:
            continue
        left = data.visit[data.group_of[first], V_WORTH] + 1
        done = 0
        turn = below(random, last - first)
        for k in range(last - first):
            v = data.group_of[first + (k + turn) % (last - first)]
            plan.node[v, N_HOLD_LOW] = plan.node[v, N_HOLD_HIGH] = begin
            count = gather_all(data, plan, scratch, v)
            cost, before = best_spot(data, plan, scratch, random, v, count, blink, left)
            if before < 0 or not place(data, plan, scratch, v, before, True):
                release(plan, v)
                break
            left -= cost
            done += 1
        if done == last - first:
            return True
        for k in range(last - first):
            v = data.group_of[first + k]
            s = plan.node[v, N_SHIFT]
            release(plan, v)
            if s >= 0:
                take_back(data, plan, scratch, v)
    return False
