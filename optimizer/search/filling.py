"""A sketch filled with what is left out, and freed of what is not worth it."""

from numba import types

from optimizer.kernels import lean, part
from optimizer.search.layout import (
    COUNT_LEFT,
    DATA,
    N_SHIFT,
    ROW_LEFT,
    ROW_WAITING,
    SCRATCH,
    SKETCH,
    V_DROP,
    V_GROUP,
)
from optimizer.search.mending import begin_step, list_left, mend, sum_up
from optimizer.search.ruining import recreate, sort_waiting
from optimizer.search.spots import best_spot, gather_all, waits
from optimizer.search.ties import place, take_out_worthless

_WORDS = types.uint64[::1]


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
    mend(data, plan, scratch)
    begin_step(scratch)
    sum_up(data, plan)


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
    mend(data, plan, scratch)
    begin_step(scratch)
    sum_up(data, plan)
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
