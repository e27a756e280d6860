"""What every whole change of a sketch ends with: nothing broken, no group half served, the total right."""

import numpy as np

from optimizer.kernels import part
from optimizer.search.layout import (
    COUNT_BROKEN,
    COUNT_LEFT,
    COUNT_TOUCHED,
    N_HOLD_HIGH,
    N_HOLD_LOW,
    N_SHIFT,
    R_COST,
    ROW_LEFT,
    ROW_TOUCHED,
    S_CREW,
    V_DROP,
)
from optimizer.search.ruining import remove, retime_touched
from optimizer.search.ties import touch


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
def sum_up(data, plan):
    total = np.int64(0)
    for s in range(data.shift.shape[0]):
        total += plan.route[s, R_COST]
    for v in range(data.visit.shape[0]):
        if plan.node[v, N_SHIFT] < 0:
            total += data.visit[v, V_DROP]
    plan.total[0] = total


@part
def may_join(data, plan, v, s):
    """Whether the crew of a shift suits those with which the visit must share a crew or must not."""
    crew = data.shift[s, S_CREW]
    for k in range(data.mate_at[v], data.mate_at[v + 1]):
        there = plan.node[data.mate_of[k, 0], N_SHIFT]
        if there >= 0 and (data.shift[there, S_CREW] == crew) != (data.mate_of[k, 1] == 1):
            return False
    return True


@part
def break_up(data, plan, scratch):
    """Take out the members of groups that are not whole, or not held to one second; how many went."""
    count = 0
    for group in range(data.group_at.size - 1):
        first, last = data.group_at[group], data.group_at[group + 1]
        here, held = 0, 0
        begin = plan.node[data.group_of[first], N_HOLD_LOW]
        for k in range(first, last):
            v = data.group_of[k]
            here += plan.node[v, N_SHIFT] >= 0
            held += plan.node[v, N_HOLD_LOW] == begin and plan.node[v, N_HOLD_HIGH] == begin
        if here == 0 or (here == last - first and held == here):
            continue
        for k in range(first, last):
            if plan.node[data.group_of[k], N_SHIFT] >= 0:
                count = remove(data, plan, scratch, data.group_of[k], count)
    return retime_touched(data, plan, scratch, count, True) if count else count


@part
def mend(data, plan, scratch):
    """Make a broken sketch a plan again: the routes that cannot be kept are given up."""
    while scratch.clock[COUNT_BROKEN]:
        begin_step(scratch)
        for s in range(data.shift.shape[0]):
            touch(scratch, s)
        retime_touched(data, plan, scratch, 0, True)
