"""Arrays for the compiled search to work in."""

import math

import numpy as np

from optimizer.search.layout import (
    INF,
    LABEL_COLUMNS,
    LABELS,
    N_HIGH,
    N_HOLD_HIGH,
    N_HOLD_LOW,
    N_LOW,
    N_PLACE,
    N_SHIFT,
    NODE_COLUMNS,
    ROUTE_COLUMNS,
    S_HOME,
    S_TO,
    V_PLACE,
    Data,
    Ints,
    Pool,
    Scratch,
    Sketch,
)
from optimizer.search.walking import WAYS

LINE = 64
"""Bytes of a line of the processor's cache."""


def sketch_for(data: Data) -> Sketch:
    """An empty plan in the making."""
    visits, shifts = len(data.visit), len(data.shift)
    nodes = visits + 2 * shifts
    node = _in_lines(nodes, NODE_COLUMNS)
    node[:, N_SHIFT] = -1
    node[:visits, N_PLACE] = data.visit[:, V_PLACE]
    node[visits : visits + shifts, N_PLACE] = data.shift[:, S_HOME]
    node[visits + shifts :, N_PLACE] = data.shift[:, S_TO]
    for low, high in ((N_LOW, N_HIGH), (N_HOLD_LOW, N_HOLD_HIGH)):
        node[:, low], node[:, high] = -INF, INF
    return Sketch(
        node=node,
        route=_in_lines(shifts, ROUTE_COLUMNS),
        label=_in_lines(nodes, LABELS, LABEL_COLUMNS),
        latest=np.zeros((nodes, data.deadline.shape[1]), dtype=np.int64),
        used=np.zeros((shifts, data.need.shape[1]), dtype=np.int64),
        total=np.zeros(1, dtype=np.int64),
    )


def scratch_for(data: Data) -> Scratch:
    """Room to work in, for one search at a time."""
    visits, shifts = len(data.visit), len(data.shift)
    nodes = visits + 2 * shifts
    return Scratch(
        label=np.zeros((4, LABELS, LABEL_COLUMNS), dtype=np.int64),
        way=np.zeros((WAYS, 4), dtype=np.int64),
        list=np.zeros((7, nodes + visits + 8), dtype=np.int64),
        seen=np.zeros(nodes, dtype=np.int64),
        shift_seen=np.zeros((shifts, 3), dtype=np.int64),
        kind_seen=np.zeros(shifts + 1, dtype=np.int64),
        key=np.zeros(nodes + visits + 8, dtype=np.float64),
        clock=np.zeros(5, dtype=np.int64),
    )


def pool_for(routes: int, stops: int) -> Pool:
    """Room for so many routes met with so many stops in all."""
    slots = 1 << max(4, (2 * routes).bit_length())
    return Pool(
        entry=np.zeros((routes, 4), dtype=np.int64),
        visits=np.zeros(stops, dtype=np.int32),
        slot=np.full(slots, -1, dtype=np.int64),
        word=np.zeros(routes, dtype=np.uint64),
        size=np.zeros(2, dtype=np.int64),
    )


def _in_lines(*shape: int) -> Ints:
    """Zeros that begin with a line of the processor's cache, which numpy does not see to."""
    size = math.prod(shape)
    room = np.zeros(size + LINE // 8, dtype=np.int64)
    first = -room.ctypes.data % LINE // 8
    return room[first : first + size].reshape(shape)
