"""Which shifts can never serve a visit, and why."""

import numpy as np
import numpy.typing as npt

from optimizer.problem import Problem
from optimizer.search.layout import V_PLACE, Bytes, Data, Ints, Shorts

MOST_PLACES_LOOKED_AT = 60
"""Places among which shortcuts are looked for."""
BARRIERS = ("", "skill", "members", "crew_not_allowed", "pinned", "parts", "shift_hours", "window")
"""Why a shift could not serve a visit even alone, by code."""


def barriers_of(problem: Problem, crews: dict[str, int], need: Ints, stock: Ints) -> Bytes:
    """Codes of what keeps a visit from a shift apart from time, the first that fails."""
    visits, shifts = len(problem.visits), len(problem.shifts)
    crew_of = [crews[shift.crew] for shift in problem.shifts]
    fails = np.zeros((5, visits, shifts), dtype=bool)
    names = sorted({name for visit in problem.visits for name in visit.skills})
    for name in names:
        has = np.array([problem.crews[c].skills.get(name, 0) for c in crew_of], dtype=np.int64)
        wants = np.array([visit.skills.get(name, 0) for visit in problem.visits], dtype=np.int64)
        fails[0] |= wants[:, None] > has[None, :]
    members = np.array([problem.crews[c].members for c in crew_of], dtype=np.int64)
    fails[1] = np.array([v.members for v in problem.visits], dtype=np.int64)[:, None] > members
    shift_crews = np.array(crew_of, dtype=np.int64)
    for v, visit in enumerate(problem.visits):
        if visit.allowed_crews is not None:
            allowed = [crews[crew] for crew in visit.allowed_crews]
            fails[2, v] |= ~np.isin(shift_crews, allowed)
        if visit.forbidden_crews:
            fails[2, v] |= np.isin(shift_crews, [crews[crew] for crew in visit.forbidden_crews])
        if visit.pinned is not None:
            fails[3, v] = [shift.id != visit.pinned.shift for shift in problem.shifts]
    for k in range(need.shape[1]):
        fails[4] |= need[:, k][:, None] > stock[:, k][None, :]
    code = np.zeros((visits, shifts), dtype=np.uint8)
    for reason in range(4, -1, -1):
        code[fails[reason]] = reason + 1
    return code


def in_company(data: Data, barrier: Bytes) -> npt.NDArray[np.bool_]:
    """Where a visit that no time of an empty shift suits may still fit beside others.

    A stop before it at the same place can pay its setup, and where travel breaks the triangle
    inequality it can be on the way.
    """
    late = barrier > BARRIERS.index("parts")
    if not late.any():
        return late
    place = data.visit[:, V_PLACE]
    setup = (data.service[:, :, 0] > data.service[:, :, 1]).any(axis=0)
    shared = setup & (np.bincount(place)[place] > 1)
    return late & (shared[:, None] | bool(_has_shortcuts(data.legs)))


def _has_shortcuts(legs: Shorts) -> bool:
    """Whether some way is longer than one by a third place; only small problems are looked at."""
    if legs.shape[1] > MOST_PLACES_LOOKED_AT:
        return False
    for way in legs.astype(np.int64):
        for through in range(len(way)):
            if (way[:, through, None] + way[through] < way - 2).any():
                return True
    return False
