"""How the compiled search sees a problem and a plan: a few integer arrays with named columns.

Nodes are numbers: visits `0..V-1`, then the start of each shift, then the end of each shift; a route
is a chain from start to end. Rows keep what is read together side by side, and functions that run
millions of times take a few arrays instead of many.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import types

Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

INF: Final = 1 << 60
"""Later, or dearer, than anything."""
FAR: Final = 1_000_000_000
"""Longest travel told apart, seconds: longer than any day."""

# Columns of `visit`.
V_PLACE, V_OPEN, V_CLOSE, V_WINDOW, V_WINDOWS, V_DUE, V_LATE, V_DROP = range(8)
V_WORTH, V_TIED, V_GROUP, V_FAR, V_ROOM, V_SINGLE = range(8, 14)
VISIT_COLUMNS: Final = 14
# V_WINDOW, V_WINDOWS: its windows are the rows in between; V_OPEN, V_CLOSE: the first opening and the last closing.
# V_DROP: points of leaving it out; V_WORTH: those of all that go with it. V_TIED: bits below.
# V_GROUP: the visits it begins together with, -1 for none; V_FAR: travel from the nearest start;
# V_ROOM: seconds in which it may begin; V_SINGLE: whether one window is all it has.
TIED_TIME, TIED_CREW = 1, 2

# Columns of `shift`.
S_BEGIN, S_END, S_LIMIT, S_HOME, S_TO, S_WAY, S_PACE, S_STOPS, S_TRAVEL, S_USE, S_CREW = range(11)
S_BREAKS, S_FULL, S_KIND, S_NEIGHBOURS, S_BACK = range(11, 16)
SHIFT_COLUMNS: Final = 16
# S_LIMIT: end with overtime; S_WAY, S_PACE: rows of `legs` and `service`; S_STOPS, S_TRAVEL: the most allowed;
# S_BACK: the row of `legs` with the same drives by where they end, so that all to one place lie side by side;
# S_KIND: equal for shifts that are alike in all; S_NEIGHBOURS: whether another shift of the crew can meet it.

# Columns of `node`, which change with the plan; the first eight are one line of the processor's cache.
N_NEXT, N_PREV, N_SHIFT, N_PLACE, N_TIME, N_LEG, N_ARRIVE, N_REACH = range(8)
N_SERVICE, N_BEGIN, N_LOW, N_HIGH, N_HOLD_LOW, N_HOLD_HIGH, N_COSTLY = range(8, 15)
NODE_COLUMNS: Final = 16
# N_PLACE: its place, -1 for an end anywhere; N_TIME: earliest end of service; N_LEG: travel from the node before;
# N_ARRIVE: latest arrival, from another place, from which the rest is possible; N_REACH: latest end of service;
# N_BEGIN: begin of service in the plan; N_LOW, N_HIGH: what ties leave of the windows; N_HOLD_*: what is asked
# on top of that; N_COSTLY: whether a delay from here on can cost.

# Columns of `route`.
R_COUNT, R_LEGS, R_COST, R_TIMED, R_RETURN, R_DEPART, R_BEGIN, R_LIMIT, R_GAPPED, R_FIXED = range(
    10
)
ROUTE_COLUMNS: Final = 10
# R_LEGS: travel seconds; R_COST: points of the route; R_TIMED: those of lateness, overtime and work;
# R_BEGIN, R_LIMIT: its hours beside the crew's other shifts; R_GAPPED: a gap binds two of its own stops.

# Columns of a label: breaks taken, end of service, points so far, how much later all before could be,
# begin of service, label before, and in the first label of a row how many there are.
L_MASK, L_TIME, L_COST, L_SLACK, L_BEGIN, L_FROM, L_COUNT = range(7)
LABEL_COLUMNS: Final = 7
LABELS: Final = 6
"""Labels kept for a node; beyond them the latest go."""


# Rows of the lists of a scratch, and its counters.
ROW_WAITING, ROW_TOUCHED, ROW_POSITIONS, ROW_SETTLING, ROW_LEFT, ROW_IDLE, ROW_ABSENT = range(7)
COUNT_STAMP, COUNT_TOUCHED, COUNT_LEFT, COUNT_IDLE, COUNT_BROKEN = range(5)
# Waiting: visits to be inserted; touched: shifts that this step changes; settling: shifts whose partners are to be
# timed again; left: visits left out before the step; idle: unused shifts, one of each kind.
# Broken: whether ties ask a route for times that it cannot keep, so that the sketch is no plan.


class Data(NamedTuple):
    """A problem: shapes by V visits, S shifts, P places, K parts, B breaks, M = 2^B sets of breaks."""

    visit: Ints
    """(V, VISIT_COLUMNS)"""
    shift: Ints
    """(S, SHIFT_COLUMNS)"""
    any_time: Ints
    """(1, VISIT_COLUMNS): a visit that may begin at any time"""
    window: Ints
    """(all windows, 2)"""
    service: Ints
    """(paces, V, 2): service seconds coming from elsewhere, and from the same place"""
    legs: Shorts
    """(ways, P, P) travel seconds, from and to; for S_BACK to and from"""
    serve: Ints
    """(V, S) points of a visit on a shift whatever its route"""
    able: Bytes
    """(V, S) whether the shift could serve it when empty"""
    need: Ints
    """(V, K)"""
    stock: Ints
    """(S, K)"""
    pause: Ints
    """(S, B, 3): earliest, latest, duration"""
    deadline: Ints
    """(S, M): the first latest begin among the breaks not taken"""
    gap: Ints
    """(gaps, 4): first, second, least, most"""
    gap_at: Ints
    """(V + 1) where each visit's gaps begin in `gap_of`"""
    gap_of: Ints
    group_at: Ints
    """(groups + 1) where each group's visits begin in `group_of`"""
    group_of: Ints
    mate_at: Ints
    """(V + 1) where each visit's mates begin in `mate_of`"""
    mate_of: Ints
    """(mates, 2): a visit, and 1 when it must have the same crew, 0 when another"""
    meets_at: Ints
    """(S + 1) where the other shifts of the crew begin in `meets_of`"""
    meets_of: Ints
    """(meets, 2): a shift, and 1 when it is the later one"""
    able_at: Ints
    """(V + 1) where each visit's able shifts begin in `able_of`"""
    able_of: Ints
    near: Shorts
    """(V, neighbours) the visits most likely beside it, the likeliest first, -1 at the end"""
    weights: Ints
    """travel, work, overtime"""
    mark: Words
    """(V + S) random words whose sum names a route"""


class Sketch(NamedTuple):
    """A plan in the making."""

    node: Ints
    """(V + 2 S, NODE_COLUMNS)"""
    route: Ints
    """(S, ROUTE_COLUMNS)"""
    label: Ints
    """(V + 2 S, LABELS, LABEL_COLUMNS)"""
    latest: Ints
    """(V + 2 S, M): for each set of breaks taken, the latest end of service"""
    used: Ints
    """(S, K) parts"""
    total: Ints
    """[0]: points of the whole plan"""


class Scratch(NamedTuple):
    """Room to work in; nothing in it lasts."""

    label: Ints
    way: Ints
    list: Ints
    """(7, ..), rows ROW_*"""
    seen: Ints
    """(V + 2 S) stamps of nodes"""
    shift_seen: Ints
    """(S, 3) stamps of shifts: changed in this step, looked at, and whether it was fit then"""
    kind_seen: Ints
    key: npt.NDArray[np.float64]
    clock: Ints
    """counters COUNT_*; the stamp marks what was seen since it last rose"""


class Pool(NamedTuple):
    """Routes met: for each its shift, first position in `visits`, count and points."""

    entry: Ints
    visits: Shorts
    slot: Ints
    word: Words
    size: Ints
    """[0] routes, [1] visits used"""


def _array(kind: types.Type, dimensions: int) -> types.Type:
    return types.Array(kind, dimensions, "C")


_I1, _I2, _I3 = (_array(types.int64, n) for n in (1, 2, 3))
_W1 = _array(types.uint64, 1)

DATA = types.NamedTuple(
    (
        _I2, _I2, _I2, _I2, _I3, _array(types.int32, 3), _I2, _array(types.uint8, 2), _I2, _I2,
        _I3, _I2, _I2, _I1, _I1, _I1, _I1, _I1, _I2, _I1, _I2, _I1, _I1,
        _array(types.int32, 2), _I1, _W1,
    ),
    Data,
)  # fmt: skip
SKETCH = types.NamedTuple((_I2, _I2, _I3, _I2, _I2, _I1), Sketch)
SCRATCH = types.NamedTuple((_I3, _I2, _I2, _I1, _I2, _I1, _array(types.float64, 1), _I1), Scratch)
POOL = types.NamedTuple((_I2, _array(types.int32, 1), _I1, _W1, _I1), Pool)
