"""From a problem to the arrays of the compiled search."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optimizer.problem import After, DifferentCrew, Problem, SameCrew, Together
from optimizer.search.layout import (
    FAR,
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
    S_BEGIN,
    S_BREAKS,
    S_CREW,
    S_END,
    S_FULL,
    S_HOME,
    S_KIND,
    S_LIMIT,
    S_NEIGHBOURS,
    S_PACE,
    S_STOPS,
    S_TO,
    S_TRAVEL,
    S_USE,
    S_WAY,
    SHIFT_COLUMNS,
    TIED_CREW,
    TIED_TIME,
    V_CLOSE,
    V_DROP,
    V_DUE,
    V_FAR,
    V_GROUP,
    V_LATE,
    V_OPEN,
    V_PLACE,
    V_ROOM,
    V_SINGLE,
    V_TIED,
    V_WINDOW,
    V_WINDOWS,
    V_WORTH,
    VISIT_COLUMNS,
    Bytes,
    Data,
    Ints,
    Pool,
    Scratch,
    Shorts,
    Sketch,
)
from optimizer.search.neighbours import nearest
from optimizer.search.walking import WAYS
from optimizer.travel import CrewTravel, compile_travel
from optimizer.values import round_half_up

MOST_BREAKS = 8
"""Breaks of a shift that the compiled search looks at, those that must begin first."""
MOST_PLACES_LOOKED_AT = 60
"""Places among which shortcuts are looked for."""
BARRIERS = ("", "skill", "members", "crew_not_allowed", "pinned", "parts", "shift_hours", "window")
"""Why a shift could not serve a visit even alone, by code."""


class Packed(NamedTuple):
    """A problem in arrays; `barrier` (V, S) holds codes of BARRIERS, `tied` whether any tie binds."""

    data: Data
    barrier: Bytes
    tied: bool


def pack(problem: Problem, travel: Sequence[CrewTravel] | None = None) -> Packed:
    """The arrays of a problem; `travel` is that of its crews, where it is known already."""
    # Compiled code is loaded only where a search begins: most processes never search.
    from optimizer.search.filling import bar

    travel = compile_travel(problem) if travel is None else travel
    places = {place.id: i for i, place in enumerate(problem.places)}
    crews = {crew.id: i for i, crew in enumerate(problem.crews)}
    visits, shifts = len(problem.visits), len(problem.shifts)
    ways, legs = _legs(problem, travel)
    visit, window = _visits(problem, places)
    shift, pause, deadline = _shifts(problem, places, crews, ways)
    service = _service(problem, shift, crews)
    need, stock = _parts(problem)
    gaps, groups, mates = _ties(problem)
    _price(problem, visit, gaps, groups)
    tied_time = {v for gap in gaps for v in gap[:2]} | {v for group in groups for v in group}
    for v in range(visits):
        visit[v, V_TIED] = TIED_TIME * (v in tied_time) + TIED_CREW * bool(mates[v])
    for g, group in enumerate(groups):
        visit[group, V_GROUP] = g
    barrier = _barriers(problem, crews, need, stock)
    gap_at, gap_of = _rows(_gap_lists(gaps, visits))
    group_at, group_of = _rows(groups)
    mate_at, mate_of = _rows(mates, 2)
    meets_at, meets_of = _rows(_meetings(problem), 2)
    shift[:, S_NEIGHBOURS] = np.diff(meets_at) > 0
    serve = _serve(problem)
    marks = np.random.Generator(np.random.PCG64(20)).integers(
        1, 2**64 - 1, visits + shifts, dtype=np.uint64
    )
    any_time = np.zeros((1, VISIT_COLUMNS), dtype=np.int64)
    any_time[0, [V_OPEN, V_CLOSE, V_SINGLE]] = -INF, INF, 1
    data = Data(
        visit=visit, shift=shift, any_time=any_time, window=window, service=service,
        legs=legs, serve=serve, able=np.zeros((visits, shifts), dtype=np.uint8), need=need,
        stock=stock, pause=pause, deadline=deadline,
        gap=np.array(gaps, dtype=np.int64).reshape(-1, 4), gap_at=gap_at, gap_of=gap_of,
        group_at=group_at, group_of=group_of, mate_at=mate_at, mate_of=mate_of,
        meets_at=meets_at, meets_of=meets_of, able_at=np.zeros(visits + 1, dtype=np.int64),
        able_of=np.zeros(0, dtype=np.int64), near=np.zeros((visits, 0), dtype=np.int32),
        weights=np.array(
            [problem.weights.travel, problem.weights.work, problem.weights.overtime], dtype=np.int64
        ),
        mark=marks,
    )  # fmt: skip
    bar(data, scratch_for(data), barrier)
    able = np.ascontiguousarray((barrier == 0) | _in_company(data, barrier)).astype(np.uint8)
    able_at, able_of = _rows([np.flatnonzero(row).tolist() for row in able])
    far = legs[shift[:, S_WAY], shift[:, S_HOME]] if shifts else np.zeros((1, len(places)))
    if visits:
        visit[:, V_FAR] = far.min(axis=0)[visit[:, V_PLACE]]
    data = data._replace(able=able, able_at=able_at, able_of=able_of)
    data = data._replace(near=nearest(data))
    shift[:, S_KIND] = _kinds(data, by_crew=any(mates))
    tied = bool(gaps or groups or any(mates) or len(meets_of))
    return Packed(data, barrier, tied)


def sketch_for(data: Data) -> Sketch:
    """An empty plan in the making."""
    visits, shifts = len(data.visit), len(data.shift)
    nodes = visits + 2 * shifts
    node = np.zeros((nodes, NODE_COLUMNS), dtype=np.int64)
    node[:, N_SHIFT] = -1
    node[:visits, N_PLACE] = data.visit[:, V_PLACE]
    node[visits : visits + shifts, N_PLACE] = data.shift[:, S_HOME]
    node[visits + shifts :, N_PLACE] = data.shift[:, S_TO]
    for low, high in ((N_LOW, N_HIGH), (N_HOLD_LOW, N_HOLD_HIGH)):
        node[:, low], node[:, high] = -INF, INF
    return Sketch(
        node=node,
        route=np.zeros((shifts, ROUTE_COLUMNS), dtype=np.int64),
        label=np.zeros((nodes, LABELS, LABEL_COLUMNS), dtype=np.int64),
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
        list=np.zeros((6, nodes + visits + 8), dtype=np.int64),
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


def _rows(rows: Sequence[Iterable[object]], width: int = 0) -> tuple[Ints, Ints]:
    """Lists of different lengths as (where each begins, all of them one after another)."""
    flat = [item for row in rows for item in row]
    at = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(list(row)) for row in rows], out=at[1:])
    shape = (-1, width) if width else (-1,)
    return at, np.array(flat, dtype=np.int64).reshape(shape)


def _legs(problem: Problem, travel: Sequence[CrewTravel]) -> tuple[list[int], Shorts]:
    """(Row of the legs for each crew, the legs): crews that drive alike share a row."""
    rows: dict[int, int] = {}
    grids: list[Shorts] = []
    ways: list[int] = []
    used = {shift.crew for shift in problem.shifts}
    for crew, way in zip(problem.crews, travel, strict=True):
        if crew.id not in used:
            ways.append(0)
            continue
        if id(way.seconds) not in rows:
            rows[id(way.seconds)] = len(grids)
            grids.append(np.minimum(way.seconds, FAR).astype(np.int32))
        ways.append(rows[id(way.seconds)])
    count = len(problem.places)
    legs = np.stack(grids) if grids else np.zeros((1, count, count), dtype=np.int32)
    return ways, np.ascontiguousarray(legs)


def _visits(problem: Problem, places: dict[str, int]) -> tuple[Ints, Ints]:
    visit = np.zeros((len(problem.visits), VISIT_COLUMNS), dtype=np.int64)
    windows: list[tuple[int, int]] = []
    earliest = min((shift.start for shift in problem.shifts), default=0)
    latest = max((shift.end + shift.max_overtime for shift in problem.shifts), default=0)
    for v, asked in enumerate(problem.visits):
        own = merged(asked.begins)
        row = visit[v]
        row[V_PLACE] = places[asked.place]
        row[V_OPEN], row[V_CLOSE] = own[0][0], own[-1][1]
        row[V_WINDOW], row[V_WINDOWS] = len(windows), len(windows) + len(own)
        row[V_SINGLE] = len(own) == 1
        row[V_DUE] = INF if asked.due is None else asked.due
        row[V_LATE] = 0 if asked.due is None else asked.late_cost
        row[V_GROUP] = -1
        row[V_ROOM] = sum(max(0, min(c, latest) - max(o, earliest)) for o, c in own)
        windows.extend(own)
    return visit, np.array(windows, dtype=np.int64).reshape(-1, 2)


def merged(windows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Windows in order, each beginning after the one before has closed; none means any time."""
    result: list[tuple[int, int]] = []
    for opens, closes in sorted(windows):
        if result and opens <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], closes))
        else:
            result.append((opens, closes))
    return result or [(-INF, INF)]


def _shifts(
    problem: Problem, places: dict[str, int], crews: dict[str, int], ways: list[int]
) -> tuple[Ints, Ints, Ints]:
    shift = np.zeros((len(problem.shifts), SHIFT_COLUMNS), dtype=np.int64)
    breaks = []
    for s, period in enumerate(problem.shifts):
        row, crew = shift[s], crews[period.crew]
        limit = period.end + period.max_overtime
        row[S_BEGIN], row[S_END], row[S_LIMIT] = period.start, period.end, limit
        row[S_HOME] = places[period.from_]
        row[S_TO] = -1 if period.to is None else places[period.to]
        row[S_WAY], row[S_CREW] = ways[crew], crew
        row[S_STOPS] = FAR if period.max_visits is None else period.max_visits
        row[S_TRAVEL] = INF >> 8 if period.max_travel is None else period.max_travel
        row[S_USE] = period.use_cost
        # A break that may begin after every permitted return never binds.
        kept = sorted((p for p in period.breaks if p.latest < limit), key=lambda p: p.latest)
        own = [(max(p.earliest, period.start), p.latest, p.duration) for p in kept[:MOST_BREAKS]]
        row[S_BREAKS], row[S_FULL] = len(own), (1 << len(own)) - 1
        breaks.append(own)
    most = max((len(own) for own in breaks), default=0)
    pause = np.zeros((len(breaks), most, 3), dtype=np.int64)
    deadline = np.full((len(breaks), 1 << most), INF, dtype=np.int64)
    for s, own in enumerate(breaks):
        for b, entry in enumerate(own):
            pause[s, b] = entry
        for mask in range(1 << len(own)):
            untaken = [entry[1] for b, entry in enumerate(own) if not mask >> b & 1]
            deadline[s, mask] = min(untaken, default=INF)
    return shift, pause, deadline


def _service(problem: Problem, shift: Ints, crews: dict[str, int]) -> Ints:
    """Service seconds by pace and visit; fills in the pace of each shift."""
    paces: dict[float, int] = {}
    for s, period in enumerate(problem.shifts):
        factor = problem.crews[crews[period.crew]].service_factor
        shift[s, S_PACE] = paces.setdefault(factor, len(paces))
    service = np.zeros((max(1, len(paces)), len(problem.visits), 2), dtype=np.int64)
    for factor, row in paces.items():
        for v, asked in enumerate(problem.visits):
            service[row, v, 0] = min(
                INF >> 8, round_half_up((asked.duration + asked.setup) * factor)
            )
            service[row, v, 1] = min(INF >> 8, round_half_up(asked.duration * factor))
    return service


def _parts(problem: Problem) -> tuple[Ints, Ints]:
    names = sorted({part for visit in problem.visits for part, n in visit.parts.items() if n})
    column = {name: k for k, name in enumerate(names)}
    need = np.zeros((len(problem.visits), len(names)), dtype=np.int64)
    stock = np.zeros((len(problem.shifts), len(names)), dtype=np.int64)
    for v, visit in enumerate(problem.visits):
        for part, count in visit.parts.items():
            if count:
                need[v, column[part]] = count
    for s, shift in enumerate(problem.shifts):
        for part, count in shift.stock.items():
            if part in column:
                stock[s, column[part]] = count
    return need, stock


Gaps = list[tuple[int, int, int, int]]


def _ties(problem: Problem) -> tuple[Gaps, list[list[int]], list[list[tuple[int, int]]]]:
    """(Gaps, groups that begin together, mates of each visit as (visit, same crew or not))."""
    index = {visit.id: v for v, visit in enumerate(problem.visits)}
    gaps: Gaps = []
    mates: list[dict[tuple[int, int], None]] = [{} for _ in problem.visits]
    root = list(range(len(problem.visits)))

    def find(v: int) -> int:
        while root[v] != v:
            root[v] = root[root[v]]
            v = root[v]
        return v

    together: set[int] = set()
    for relation in problem.relations:
        if isinstance(relation, After):
            most = INF if relation.max_gap is None else relation.max_gap
            gaps.append((index[relation.first], index[relation.second], relation.min_gap, most))
            continue
        members = [index[visit] for visit in relation.visits]
        if isinstance(relation, Together):
            together.update(members)
            for v in members[1:]:
                root[find(v)] = find(members[0])
        same = isinstance(relation, SameCrew)
        assert same or isinstance(relation, Together | DifferentCrew)
        for v in members:
            mates[v].update(((other, int(same)), None) for other in members if other != v)
    groups: dict[int, list[int]] = {}
    for v in sorted(together):
        groups.setdefault(find(v), []).append(v)
    return gaps, list(groups.values()), [list(row) for row in mates]


def _gap_lists(gaps: Gaps, visits: int) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(visits)]
    for g, gap in enumerate(gaps):
        rows[gap[0]].append(g)
        rows[gap[1]].append(g)
    return rows


def _price(problem: Problem, visit: Ints, gaps: Gaps, groups: list[list[int]]) -> None:
    """What leaving each visit out costs, alone and with all that cannot be served without it."""
    before = {} if problem.incumbent is None else problem.incumbent.shift_of()
    change = problem.weights.change
    for v, asked in enumerate(problem.visits):
        visit[v, V_DROP] = asked.unserved_cost + (change if asked.id in before else 0)
    follows: dict[int, set[int]] = {}
    for first, second, _, _ in gaps:
        follows.setdefault(first, set()).add(second)
    for group in groups:
        for v in group:
            follows.setdefault(v, set()).update(group)
    visit[:, V_WORTH] = visit[:, V_DROP]
    for v in follows:
        found, queue = {v}, [v]
        while queue:
            for other in follows.get(queue.pop(), ()):
                if other not in found:
                    found.add(other)
                    queue.append(other)
        visit[v, V_WORTH] = sum(int(visit[other, V_DROP]) for other in found)


def _barriers(problem: Problem, crews: dict[str, int], need: Ints, stock: Ints) -> Bytes:
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


def _in_company(data: Data, barrier: Bytes) -> npt.NDArray[np.bool_]:
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


def _serve(problem: Problem) -> Ints:
    """Points of each visit on each shift that do not depend on the route: preference and change."""
    serve = np.zeros((len(problem.visits), len(problem.shifts)), dtype=np.int64)
    weights = problem.weights
    before = {} if problem.incumbent is None else problem.incumbent.shift_of()
    names = [shift.id for shift in problem.shifts]
    crew_of = [shift.crew for shift in problem.shifts]
    for v, visit in enumerate(problem.visits):
        if visit.preferred_crews and weights.not_preferred:
            liked = set(visit.preferred_crews)
            serve[v] += weights.not_preferred * np.array(
                [c not in liked for c in crew_of], dtype=np.int64
            )
        if visit.id in before and weights.change:
            there = before[visit.id]
            serve[v] += weights.change * np.array([n != there for n in names], dtype=np.int64)
    return serve


def _meetings(problem: Problem) -> list[list[tuple[int, int]]]:
    """For each shift those of its crew whose routes could meet its own, with 1 for a later one."""
    meets: list[list[tuple[int, int]]] = [[] for _ in problem.shifts]
    by_crew: dict[str, list[int]] = {}
    for s, shift in enumerate(problem.shifts):
        by_crew.setdefault(shift.crew, []).append(s)
    for own in by_crew.values():
        own.sort(key=lambda s: (problem.shifts[s].start, problem.shifts[s].end))
        for i, s in enumerate(own):
            for other in own[i + 1 :]:
                one, two = problem.shifts[s], problem.shifts[other]
                if one.end + one.max_overtime > two.start:
                    meets[s].append((other, 1))
                    meets[other].append((s, 0))
    return meets


def _kinds(data: Data, *, by_crew: bool) -> Ints:
    """A number for each shift, the same for those of which any serves as well as another."""
    kinds: dict[bytes, int] = {}
    result = np.zeros(len(data.shift), dtype=np.int64)
    for s, row in enumerate(data.shift):
        own = row.copy()
        own[S_KIND] = 0
        if not by_crew:
            own[S_CREW] = 0
        if own[S_NEIGHBOURS]:
            own[S_CREW] = s + 1
        key = b"".join(
            part.tobytes()
            for part in (
                own,
                data.pause[s],
                data.stock[s],
                data.able[:, s].copy(),
                data.serve[:, s].copy(),
            )
        )
        result[s] = kinds.setdefault(key, len(kinds))
    return result
