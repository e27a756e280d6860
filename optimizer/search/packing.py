"""From a problem to the arrays of the compiled search."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from optimizer.problem import Problem
from optimizer.search.barriers import barriers_of, in_company
from optimizer.search.barring import bar
from optimizer.search.layout import (
    FAR,
    INF,
    S_BACK,
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
    VISIT_COLUMNS,
    Bytes,
    Data,
    Ints,
    Shorts,
)
from optimizer.search.neighbours import nearest
from optimizer.search.relating import gap_lists, price, rows_of, ties_of
from optimizer.search.room import scratch_for
from optimizer.travel import CrewTravel, compile_travel
from optimizer.values import round_half_up

MOST_BREAKS = 8
"""Breaks of a shift that the compiled search looks at, those that must begin first."""


class Packed(NamedTuple):
    """A problem in arrays; `barrier` (V, S) holds codes of BARRIERS, `tied` whether any tie binds."""

    data: Data
    barrier: Bytes
    tied: bool


def pack(problem: Problem, travel: Sequence[CrewTravel] | None = None) -> Packed:
    """The arrays of a problem; `travel` is that of its crews, where it is known already."""
    travel = compile_travel(problem) if travel is None else travel
    places = {place.id: i for i, place in enumerate(problem.places)}
    crews = {crew.id: i for i, crew in enumerate(problem.crews)}
    visits, shifts = len(problem.visits), len(problem.shifts)
    ways, backs, legs = _legs(problem, travel)
    visit, window = _visits(problem, places)
    shift, pause, deadline = _shifts(problem, places, crews, ways)
    shift[:, S_BACK] = [backs[way] for way in shift[:, S_WAY].tolist()]
    service = _service(problem, shift, crews)
    need, stock = _parts(problem)
    gaps, groups, mates = ties_of(problem)
    price(problem, visit, gaps, groups)
    tied_time = {v for gap in gaps for v in gap[:2]} | {v for group in groups for v in group}
    for v in range(visits):
        visit[v, V_TIED] = TIED_TIME * (v in tied_time) + TIED_CREW * bool(mates[v])
    for g, group in enumerate(groups):
        visit[group, V_GROUP] = g
    barrier = barriers_of(problem, crews, need, stock)
    gap_at, gap_of = rows_of(gap_lists(gaps, visits))
    group_at, group_of = rows_of(groups)
    mate_at, mate_of = rows_of(mates, 2)
    meets_at, meets_of = rows_of(_meetings(problem), 2)
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
    able = np.ascontiguousarray((barrier == 0) | in_company(data, barrier)).astype(np.uint8)
    able_at, able_of = able_lists(able)
    far = legs[shift[:, S_WAY], shift[:, S_HOME]] if shifts else np.zeros((1, len(places)))
    if visits:
        visit[:, V_FAR] = far.min(axis=0)[visit[:, V_PLACE]]
    data = data._replace(able=able, able_at=able_at, able_of=able_of)
    data = data._replace(near=nearest(data))
    shift[:, S_KIND] = _kinds(data, by_crew=any(mates))
    return Packed(data, barrier, is_tied(data))


def able_lists(able: Bytes) -> tuple[Ints, Ints]:
    """The shifts that are able to serve each visit, as (where each begins, all of them)."""
    return rows_of([np.flatnonzero(row).tolist() for row in able])


def is_tied(data: Data) -> bool:
    """Whether any tie binds: between visits, or between the shifts of a crew."""
    return any(map(len, (data.gap, data.group_of, data.mate_of, data.meets_of)))


def _legs(problem: Problem, travel: Sequence[CrewTravel]) -> tuple[list[int], list[int], Shorts]:
    """(Row of the legs for each crew, for each row the one with its drives turned about, the legs).

    Crews that drive alike share a row; a row is turned about itself where drives back take as long as those there.
    """
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
    backs: list[int] = []
    for row, grid in enumerate(grids[:]):
        if np.array_equal(grid, grid.T):
            backs.append(row)
        else:
            backs.append(len(grids))
            grids.append(grid.T)
    count = len(problem.places)
    legs = np.stack(grids) if grids else np.zeros((1, count, count), dtype=np.int32)
    return ways, backs, np.ascontiguousarray(legs)


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
