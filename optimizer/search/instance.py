"""A problem made ready for the search: everything by index, every figure an integer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optimizer.problem import After, DifferentCrew, Problem, SameCrew, Together, Visit
from optimizer.search.barriers import BARRIERS
from optimizer.search.layout import V_DROP
from optimizer.search.packing import merged, pack
from optimizer.search.timeline import (
    INFINITY,
    Lane,
    Service,
    Windows,
    endings,
    extend,
    make_lane,
)
from optimizer.travel import CrewTravel, Grid, compile_travel
from optimizer.values import round_half_up


@dataclass(frozen=True, slots=True)
class Gap:
    """`second` begins `least` to `most` seconds after `first` ends; visits by index."""

    first: int
    second: int
    least: int
    most: int


class Instance:
    """A compiled problem. Visits, shifts and crews are numbers in the order of the document."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.visits = len(problem.visits)
        self.shifts = len(problem.shifts)
        self.visit_index = {visit.id: i for i, visit in enumerate(problem.visits)}
        self.shift_index = {shift.id: i for i, shift in enumerate(problem.shifts)}
        self.place_index = {place.id: i for i, place in enumerate(problem.places)}
        self.crew_index = {crew.id: i for i, crew in enumerate(problem.crews)}
        self.crew_of = [self.crew_index[shift.crew] for shift in problem.shifts]
        self.place = [self.place_index[visit.place] for visit in problem.visits]
        self.windows: list[Windows] = [tuple(merged(visit.begins)) for visit in problem.visits]
        travel = compile_travel(problem)
        self.legs, self.metres = _rows_of(travel)
        self.lanes = [self.lane(s) for s in range(self.shifts)]
        self.services = self._services(problem)
        self._relations(problem)
        self._neighbours(problem)
        self.packed = pack(problem, travel)
        """The same problem for the compiled search."""
        codes = self.packed.barrier.tolist()
        self.barrier = [[BARRIERS[code] for code in row] for row in codes]
        """Why a shift could not serve a visit even alone, by visit and shift; "" when it could."""
        able = self.packed.data.able.tolist()
        self.candidates = [[s for s, fits in enumerate(row) if fits] for row in able]
        """The shifts that may serve a visit, alone or beside others."""
        self.drop_cost: list[int] = self.packed.data.visit[:, V_DROP].tolist()
        """Points of leaving a visit out."""
        self.serve_cost: list[list[int]] = self.packed.data.serve.tolist()
        """Points of a visit on a shift that do not depend on its route."""
        before = {} if problem.incumbent is None else problem.incumbent.shift_of()
        self.before: list[str | None] = [before.get(visit.id) for visit in problem.visits]
        """The shift of each visit in the plan in force."""
        self.cache: dict[tuple[int, tuple[int, ...]], Any] = {}
        """Routes by shift and order, None for those that are impossible; filled by the state."""

    def lane(self, s: int, begin: int | None = None, limit: int | None = None) -> Lane:
        """The lane of a shift, narrowed where another shift of its crew runs into it."""
        shift = self.problem.shifts[s]
        own_limit = shift.end + shift.max_overtime
        weights = self.problem.weights
        return make_lane(
            begin=shift.start if begin is None else max(begin, shift.start),
            end=shift.end,
            limit=own_limit if limit is None else min(limit, own_limit),
            home=self.place_index[shift.from_],
            destination=None if shift.to is None else self.place_index[shift.to],
            legs=self.legs[self.crew_of[s]],
            breaks=[(b.id, b.earliest, b.latest, b.duration) for b in shift.breaks],
            overtime_rate=weights.overtime,
            work_rate=weights.work,
        )

    def _services(self, problem: Problem) -> list[list[Service]]:
        """The visits as each shift meets them; crews of the same pace share them."""
        by_pace: dict[float, list[Service]] = {}
        for crew in problem.crews:
            if crew.service_factor not in by_pace:
                by_pace[crew.service_factor] = [
                    self._service(v, visit, crew.service_factor)
                    for v, visit in enumerate(problem.visits)
                ]
        return [by_pace[problem.crews[crew].service_factor] for crew in self.crew_of]

    def _service(self, v: int, visit: Visit, factor: float) -> Service:
        return Service(
            visit=v,
            place=self.place[v],
            windows=self.windows[v],
            first=round_half_up((visit.duration + visit.setup) * factor),
            again=round_half_up(visit.duration * factor),
            due=INFINITY if visit.due is None else visit.due,
            late_cost=visit.late_cost,
        )

    def _relations(self, problem: Problem) -> None:
        count = self.visits
        self.gaps_of: list[list[Gap]] = [[] for _ in range(count)]
        self.seconds_of: list[list[int]] = [[] for _ in range(count)]
        self.firsts_of: list[list[int]] = [[] for _ in range(count)]
        self.together_with: list[set[int]] = [set() for _ in range(count)]
        self.apart_from: list[set[int]] = [set() for _ in range(count)]
        self.same_as: list[set[int]] = [set() for _ in range(count)]
        for relation in problem.relations:
            if isinstance(relation, After):
                first, second = self.visit_index[relation.first], self.visit_index[relation.second]
                most = INFINITY if relation.max_gap is None else relation.max_gap
                gap = Gap(first, second, relation.min_gap, most)
                self.gaps_of[first].append(gap)
                self.gaps_of[second].append(gap)
                self.seconds_of[first].append(second)
                self.firsts_of[second].append(first)
                continue
            members = {self.visit_index[visit] for visit in relation.visits}
            for v in members:
                if isinstance(relation, SameCrew):
                    self.same_as[v] |= members - {v}
                if isinstance(relation, Together):
                    self.together_with[v] |= members - {v}
                if isinstance(relation, DifferentCrew | Together):
                    self.apart_from[v] |= members - {v}
        self.timed_pairs = [bool(self.gaps_of[v] or self.together_with[v]) for v in range(count)]
        self.crew_pairs = [bool(self.apart_from[v] or self.same_as[v]) for v in range(count)]
        self.groups = [self._group(v) for v in range(count)]
        self.free = not any(a or b for a, b in zip(self.timed_pairs, self.crew_pairs, strict=True))
        """Whether no relation ties any visit to another."""

    def _group(self, v: int) -> tuple[int, ...]:
        """The visits served with this one or not at all, itself included, in order."""
        group, queue = {v}, [v]
        while queue:
            for other in self.together_with[queue.pop()]:
                if other not in group:
                    group.add(other)
                    queue.append(other)
        return tuple(sorted(group))

    def is_disliked(self, v: int, s: int) -> bool:
        """Whether the visit has preferred crews and that of the shift is none of them."""
        preferred = self.problem.visits[v].preferred_crews
        return bool(preferred) and self.problem.shifts[s].crew not in preferred

    def is_changed(self, v: int, s: int) -> bool:
        """Whether the plan in force has the visit on another shift."""
        return self.before[v] is not None and self.before[v] != self.problem.shifts[s].id

    def _neighbours(self, problem: Problem) -> None:
        """For each shift, the crew's shifts before and after whose routes could meet its own."""
        self.earlier: list[list[int]] = [[] for _ in range(self.shifts)]
        self.later: list[list[int]] = [[] for _ in range(self.shifts)]
        order = sorted(
            range(self.shifts), key=lambda s: (problem.shifts[s].start, problem.shifts[s].end)
        )
        for i, s in enumerate(order):
            for other in order[i + 1 :]:
                one, two = problem.shifts[s], problem.shifts[other]
                if one.crew == two.crew and one.end + one.max_overtime > two.start:
                    self.later[s].append(other)
                    self.earlier[other].append(s)

    def may_serve(self, v: int, s: int) -> bool:
        """Whether the shift may serve the visit at all, if not always alone: with another stop a
        visit can lie on the way, or need no setup."""
        return self.barrier[v][s] in ("", "shift_hours", "window")

    def fits_alone(self, service: Service, s: int) -> bool:
        """Whether a shift could serve this and nothing else."""
        lane, shift = self.lanes[s], self.problem.shifts[s]
        leg = lane.legs[lane.home][service.place]
        back = 0 if lane.destination is None else lane.legs[service.place][lane.destination]
        if shift.max_travel is not None and leg + back > shift.max_travel:
            return False
        if shift.max_visits is not None and shift.max_visits < 1:
            return False
        labels = extend(lane.origin(), leg, service, service.first, lane)
        return bool(endings(labels, service.place, lane))


def _rows_of(
    travel: Sequence[CrewTravel],
) -> tuple[list[Sequence[Sequence[int]]], list[Sequence[Sequence[int]] | None]]:
    """(Seconds, metres) by crew and place; crews that drive alike share them.

    Rows are views of the matrices: as Python's own integers they would be ten times as large.
    """
    rows: dict[int, Sequence[Sequence[int]]] = {}

    def viewed(grid: Grid) -> Sequence[Sequence[int]]:
        if id(grid) not in rows:
            rows[id(grid)] = [memoryview(row) for row in grid]
        return rows[id(grid)]

    return (
        [viewed(way.seconds) for way in travel],
        [None if way.metres is None else viewed(way.metres) for way in travel],
    )
