"""The visits most likely to stand beside each other on a route."""

import numpy as np
import numpy.typing as npt

from optimizer.search.layout import (
    S_BEGIN,
    S_LIMIT,
    V_CLOSE,
    V_OPEN,
    V_PLACE,
    Data,
    Shorts,
)

Floats = npt.NDArray[np.float32]

NEIGHBOURS = 50
"""Neighbours kept of each visit; small problems keep all."""
KEEP_ALL = 70
WAIT, LATE = 0.2, 1.0
"""What a second of certain waiting or of certain lateness counts beside one of driving."""
BLOCK = 500
"""Rows worked on at a time, which bounds the memory."""


def nearest(data: Data) -> Shorts:
    """For each visit the others in order of likelihood beside it, shape (V, neighbours), -1 at the end.

    The measure is that of T. Vidal et al., "A hybrid genetic algorithm with adaptive diversity
    management", Computers & Operations Research 40 (2013): driving, certain waiting and certain
    lateness between two visits, in the better direction. Visits that share no shift are no
    neighbours.
    """
    visits = len(data.visit)
    keep = visits - 1 if visits <= KEEP_ALL else NEIGHBOURS
    near = np.full((visits, max(0, keep)), -1, dtype=np.int32)
    if keep <= 0 or not len(data.shift):
        return near
    place = data.visit[:, V_PLACE]
    opens = np.maximum(data.visit[:, V_OPEN], data.shift[:, S_BEGIN].min()).astype(np.float32)
    closes = np.minimum(data.visit[:, V_CLOSE], data.shift[:, S_LIMIT].max()).astype(np.float32)
    seconds = data.service[0, :, 0].astype(np.float32)
    able = data.able.astype(np.float32)
    for begin in range(0, visits, BLOCK):
        rows = slice(begin, min(visits, begin + BLOCK))
        there = data.legs[0][np.ix_(place[rows], place)].astype(np.float32)
        back = data.legs[0][np.ix_(place, place[rows])].T.astype(np.float32)
        after = _apart(
            there, opens[rows, None], closes[rows, None], seconds[rows, None], opens, closes
        )
        before = _apart(
            back, opens[None], closes[None], seconds[None], opens[rows, None], closes[rows, None]
        )
        apart = np.minimum(after, before)
        apart[able[rows] @ able.T == 0] = np.inf
        apart[np.arange(rows.stop - begin), np.arange(begin, rows.stop)] = np.inf
        if keep < visits - 1:
            chosen = np.argpartition(apart, keep, axis=1)[:, :keep]
        else:
            chosen = np.tile(np.arange(visits), (rows.stop - begin, 1))
        worth = np.take_along_axis(apart, chosen, axis=1)
        # By measure, then by number, so that every machine has the same order.
        order = np.lexsort((chosen, worth), axis=1)[:, :keep]
        chosen = np.take_along_axis(chosen, order, axis=1)
        worth = np.take_along_axis(worth, order, axis=1)
        near[rows] = np.where(np.isinf(worth), -1, chosen)
    return near


def _apart(
    legs: Floats, opens: Floats, closes: Floats, seconds: Floats,
    then_opens: Floats, then_closes: Floats,
) -> Floats:  # fmt: skip
    """Driving, waiting and lateness that no order of a route avoids between one visit and the next."""
    wait = np.maximum(0, then_opens - closes - seconds - legs)
    late = np.maximum(0, opens + seconds + legs - then_closes)
    apart: Floats = legs + np.float32(WAIT) * wait + np.float32(LATE) * late
    return apart
