"""A day in parts: some of its shifts and visits as a problem of their own, cut out of the arrays."""

from collections.abc import Sequence

import numpy as np

from optimizer.search.areas import Area
from optimizer.search.layout import (
    S_HOME,
    S_KIND,
    S_TO,
    V_GROUP,
    V_PLACE,
    Data,
    Ints,
    Shorts,
)
from optimizer.search.packing import Packed, able_lists, is_tied
from optimizer.search.relating import gap_lists, rows_of


def part_of(packed: Packed, area: Area) -> Packed:
    """An area alone, its visits and shifts numbered in its order.

    It must hold what is tied to one of its visits, and the shifts of a crew whose routes could meet one of its own.
    """
    data, (visits, shifts) = packed.data, area
    new_visit, new_shift = _numbers(len(data.visit), visits), _numbers(len(data.shift), shifts)
    visit, shift = data.visit[visits], data.shift[shifts]
    legs, new_place = _legs(data, visit, shift)
    visit[:, V_PLACE] = new_place[visit[:, V_PLACE]]
    shift[:, S_HOME] = new_place[shift[:, S_HOME]]
    shift[:, S_TO] = np.where(shift[:, S_TO] < 0, -1, new_place[shift[:, S_TO]])
    shift[:, S_KIND] = np.unique(shift[:, S_KIND], return_inverse=True)[1]
    able = np.ascontiguousarray(data.able[np.ix_(visits, shifts)])
    able_at, able_of = able_lists(able)
    gap = data.gap[new_visit[data.gap[:, 0]] >= 0].copy()
    gap[:, :2] = new_visit[gap[:, :2]]
    gap_at, gap_of = rows_of(gap_lists([tuple(row) for row in gap.tolist()], len(visits)))
    group_at, group_of = _groups(data, visit, new_visit)
    mate_at, mate_of = _pairs(data.mate_at, data.mate_of, visits, new_visit)
    meets_at, meets_of = _pairs(data.meets_at, data.meets_of, shifts, new_shift)
    count = len(data.visit)
    cut = data._replace(
        visit=visit, shift=shift, service=np.ascontiguousarray(data.service[:, visits]), legs=legs,
        serve=np.ascontiguousarray(data.serve[np.ix_(visits, shifts)]), able=able,
        need=data.need[visits], stock=data.stock[shifts], pause=data.pause[shifts],
        deadline=data.deadline[shifts], gap=gap, gap_at=gap_at, gap_of=gap_of, group_at=group_at,
        group_of=group_of, mate_at=mate_at, mate_of=mate_of, meets_at=meets_at, meets_of=meets_of,
        able_at=able_at, able_of=able_of, near=_near(data, visits, new_visit),
        mark=data.mark[np.concatenate((visits, count + shifts))],
    )  # fmt: skip
    barrier = np.ascontiguousarray(packed.barrier[np.ix_(visits, shifts)])
    return Packed(cut, barrier, is_tied(cut))


def _numbers(count: int, kept: Sequence[int] | Ints) -> Ints:
    """The new number of each of `count` things, -1 for those that are not kept."""
    numbers = np.full(count, -1, dtype=np.int64)
    chosen = np.asarray(kept, dtype=np.int64)
    numbers[chosen] = np.arange(len(chosen))
    return numbers


def _legs(data: Data, visit: Ints, shift: Ints) -> tuple[Shorts, Ints]:
    """The travel between the places that are used, and the new number of each place."""
    used = np.concatenate((visit[:, V_PLACE], shift[:, S_HOME], shift[:, S_TO]))
    places = np.unique(used[used >= 0])
    ways = np.arange(len(data.legs))
    return (
        np.ascontiguousarray(data.legs[np.ix_(ways, places, places)]),
        _numbers(data.legs.shape[1], places),
    )


def _groups(data: Data, visit: Ints, new_visit: Ints) -> tuple[Ints, Ints]:
    """The groups whose visits are kept; `visit` gets their new numbers."""
    kept = sorted({int(group) for group in visit[:, V_GROUP] if group >= 0})
    numbers = _numbers(len(data.group_at), kept)
    visit[:, V_GROUP] = np.where(visit[:, V_GROUP] < 0, -1, numbers[visit[:, V_GROUP]])
    rows = [new_visit[data.group_of[data.group_at[g] : data.group_at[g + 1]]] for g in kept]
    return rows_of([row.tolist() for row in rows])


def _pairs(at: Ints, of: Ints, kept: Ints, numbers: Ints) -> tuple[Ints, Ints]:
    """Rows of (another, what it is to this one) under the new numbers."""
    rows = []
    for each in kept:
        pairs = of[at[each] : at[each + 1]].copy()
        pairs[:, 0] = numbers[pairs[:, 0]]
        rows.append([tuple(pair) for pair in pairs.tolist()])
    return rows_of(rows, 2)


def _near(data: Data, visits: Ints, new_visit: Ints) -> Shorts:
    """The neighbours that are kept, in their order, -1 at the end."""
    near = data.near[visits]
    mapped = np.where(near < 0, -1, new_visit[near])
    order = np.argsort(mapped < 0, axis=1, kind="stable")
    return np.ascontiguousarray(np.take_along_axis(mapped, order, axis=1)).astype(np.int32)
