"""A problem made ready for the search: everything by index, every figure an integer."""

from dataclasses import dataclass
from typing import Any

from optimizer.problem import After, DifferentCrew, Problem, SameCrew, Shift, Together, Visit
from optimizer.search.timeline import (
    INFINITY,
    Lane,
    Service,
    Windows,
    endings,
    extend,
    make_lane,
)
from optimizer.travel import compile_travel
from optimizer.values import round_half_up

ANY_TIME: Windows = ((-INFINITY, INFINITY),)


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
        self.windows = [_windows(visit) for visit in problem.visits]
        self._travel(problem)
        self.lanes = [self.lane(s) for s in range(self.shifts)]
        self.services = [
            [self._service(visit, shift) for visit in problem.visits] for shift in problem.shifts
        ]
        self._relations(problem)
        self._costs(problem)
        self._neighbours(problem)
        self.barrier = [
            [self._static_reason(v, s) for s in range(self.shifts)] for v in range(self.visits)
        ]
        """Why a shift could not serve a visit even alone, by visit and shift; "" when it could."""
        self.candidates = [
            [s for s in range(self.shifts) if not self.barrier[v][s]] for v in range(self.visits)
        ]
        self.cache: dict[tuple[int, tuple[int, ...]], Any] = {}
        """Routes by shift and order, None for those that are impossible; filled by the state."""

    def _travel(self, problem: Problem) -> None:
        lists: dict[int, tuple[list[list[int]], list[list[int]] | None]] = {}
        self.legs: list[list[list[int]]] = []
        """Travel seconds by crew and place; crews that drive alike share them."""
        self.metres: list[list[list[int]] | None] = []
        for travel in compile_travel(problem):
            key = id(travel.seconds)
            if key not in lists:
                metres = None if travel.metres is None else travel.metres.tolist()
                lists[key] = (travel.seconds.tolist(), metres)
            seconds, metres = lists[key]
            self.legs.append(seconds)
            self.metres.append(metres)

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

    def _service(self, visit: Visit, shift: Shift) -> Service:
        factor = self.problem.crews[self.crew_index[shift.crew]].service_factor
        return Service(
            visit=self.visit_index[visit.id],
            place=self.place_index[visit.place],
            windows=self.windows[self.visit_index[visit.id]],
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

    def _costs(self, problem: Problem) -> None:
        weights = problem.weights
        before = {} if problem.incumbent is None else problem.incumbent.shift_of()
        self.before: list[str | None] = [before.get(visit.id) for visit in problem.visits]
        self.serve_cost = [[0] * self.shifts for _ in range(self.visits)]
        """Points of a visit on a shift that do not depend on its route."""
        self.change_cost = [[0] * self.shifts for _ in range(self.visits)]
        self.dislike_cost = [[0] * self.shifts for _ in range(self.visits)]
        self.drop_cost = [0] * self.visits
        for v, visit in enumerate(problem.visits):
            moved = self.before[v] is not None
            self.drop_cost[v] = visit.unserved_cost + (weights.change if moved else 0)
            for s, shift in enumerate(problem.shifts):
                if visit.preferred_crews and shift.crew not in visit.preferred_crews:
                    self.dislike_cost[v][s] = weights.not_preferred
                if moved and self.before[v] != shift.id:
                    self.change_cost[v][s] = weights.change
                self.serve_cost[v][s] = self.dislike_cost[v][s] + self.change_cost[v][s]

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

    def _static_reason(self, v: int, s: int) -> str:
        """The first rule that fails for the visit on the shift, were it empty."""
        visit, shift = self.problem.visits[v], self.problem.shifts[s]
        crew = self.problem.crews[self.crew_of[s]]
        if any(crew.skills.get(name, 0) < level for name, level in visit.skills.items()):
            return "skill"
        if crew.members < visit.members:
            return "members"
        allowed = visit.allowed_crews is None or crew.id in visit.allowed_crews
        if not allowed or crew.id in visit.forbidden_crews:
            return "crew_not_allowed"
        if visit.pinned is not None and visit.pinned.shift != shift.id:
            return "pinned"
        if any(shift.stock.get(part, 0) < count for part, count in visit.parts.items()):
            return "parts"
        service = self.services[s][v]
        if not self.fits_alone(service._replace(windows=ANY_TIME), s):
            return "shift_hours"
        return "" if self.fits_alone(service, s) else "window"

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


def _windows(visit: Visit) -> Windows:
    """The visit's windows in order, each beginning after the one before has closed."""
    merged: list[tuple[int, int]] = []
    for opens, closes in sorted(visit.begins):
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return tuple(merged) or ANY_TIME
