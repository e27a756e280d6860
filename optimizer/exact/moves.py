"""The compiled moves of a route in time: drives with breaks, windows, lateness, overtime.

Waiting is free, so the earliest moment is the best one for each set of breaks taken. Costs are
scaled integers, times seconds. In a class of n visits, `n` stands for the start of the shift and
`n + 1` for its end. The arrays of a lane are those of `optimizer.exact.pricing.ShiftClass`:

- `prices[v, u]`: cost of going from v to u and serving it, less its dual
- `travel[v, u]`: seconds
- `after[v]`: the visits that may follow v, ended by -1
- `entry[v, u]`: how u is entered from v; `entries`: the visit and its service seconds then
- `windows[u]`: pairs (opens, closes) in order
- `late[u]`: due, cost of each second after it, seconds from which on that cost is capped, the cap
- `clock`: begin, end, limit, cost of a second of overtime, seconds from which on that is capped,
  the cap, log2 of the seconds in a bucket of time, number of buckets
- `pauses`: earliest, latest, duration; `deadline[set]`: the first latest begin not in the set
"""

import numpy as np
import numpy.typing as npt

from optimizer.kernels import lean

Ints = npt.NDArray[np.int64]
"""Any array of int64; the comments say of how many dimensions."""
Lane = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints]
"""prices, travel, after, entry, entries, windows, late, clock, pauses, deadline."""
LANE = (
    "Tuple((int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], "
    "int64[:, :, ::1], int64[:, ::1], int64[::1], int64[:, ::1], int64[::1]))"
)
"""The compiler's name of a Lane."""
NEVER = 1 << 60
"""A cost or a time beyond all others."""


@lean("void(int64[::1], int64[:, ::1])")
def rest(moments: Ints, pauses: Ints) -> None:
    """Let breaks be taken now: `moments[set]` becomes the earliest with these breaks taken."""
    for m in range(moments.shape[0]):
        if moments[m] >= NEVER:
            continue
        for b in range(pauses.shape[0]):
            if not (m >> b) & 1:
                begin = max(moments[m], pauses[b, 0])
                if begin <= pauses[b, 1]:
                    taken = m | (1 << b)
                    moments[taken] = min(moments[taken], begin + pauses[b, 2])


@lean("void(int64, int64, int64[::1], int64[:, ::1])")
def depart(time: int, mask: int, moments: Ints, pauses: Ints) -> None:
    """Fill `moments[set]` with the earliest departure after a service with these breaks taken."""
    moments[:] = NEVER
    moments[mask] = time
    if mask != moments.shape[0] - 1:
        rest(moments, pauses)


@lean("int64(int64, int64, int64[:, :, ::1])")
def first_begin(u: int, time: int, windows: Ints) -> int:
    """The first moment from `time` on that lies in a window of the visit, or NEVER."""
    for w in range(windows.shape[1]):
        if time <= windows[u, w, 1]:
            return max(time, int(windows[u, w, 0]))
    return NEVER


@lean("int64(int64, int64, int64[:, ::1])")
def lateness(u: int, begin: int, late: Ints) -> int:
    """What beginning the visit then costs."""
    over = begin - late[u, 0]
    if over <= 0:
        return 0
    if over >= late[u, 2]:
        return int(late[u, 3])
    return int(over * late[u, 1])


@lean("int64(int64[::1], int64, int64[::1], int64[::1])")
def homecoming(moments: Ints, leg: int, clock: Ints, deadline: Ints) -> int:
    """The overtime's cost when the last drive begins at these moments, NEVER when it cannot."""
    best = NEVER
    for m in range(moments.shape[0]):
        if moments[m] >= NEVER:
            continue
        returns = moments[m] + leg
        if returns > clock[2] or returns > deadline[m]:
            continue
        over = returns - clock[1]
        if over <= 0:
            return 0
        best = min(best, clock[5] if over >= clock[4] else over * clock[3])
    return best
