"""The routes of a small problem as a CP-SAT model: circuits, times, load and breaks.

Written from the planning format alone; travel and service seconds come from the checker's facts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations

from ortools.sat.python import cp_model
from ortools.util.python.sorted_interval_list import Domain

from optimizer.check.facts import Facts
from optimizer.check.plan import misfits
from optimizer.problem import (
    Break,
    Problem,
    Shift,
    Visit,
)

DEPOT = 0
"""The node of a shift's circuit that stands for its beginning and its end."""

Literal = cp_model.IntVar
Linear = cp_model.LinearExprT


@dataclass
class Stretch:
    """A span of time that a break may not touch, when `held` says that it is there."""

    begin: Linear
    end: Linear
    held: Literal


@dataclass
class Pause:
    """A break of a shift: whether the plan lists it, and when it begins."""

    of: Break
    listed: Literal
    begin: cp_model.IntVar
    inside: Literal


@dataclass
class Day:
    """One shift: its route as a circuit over its visits, and the moments of its route."""

    shift: Shift
    used: Literal
    departs: cp_model.IntVar
    returns: cp_model.IntVar
    pauses: list[Pause] = field(default_factory=list)
    arcs: dict[tuple[int, int], Literal] = field(default_factory=dict)
    """Whether the route goes from one node to another: visits from 1 on, DEPOT at both ends."""
    serves: dict[int, Literal] = field(default_factory=dict)


@dataclass
class Stop:
    """One visit: whether it is served, and its moments if it is."""

    visit: Visit
    served: Literal
    arrive: cp_model.IntVar
    start: cp_model.IntVar
    end: cp_model.IntVar


class RoutesModel:
    """Every choice of routes that keeps the rules within and between the routes of a crew.

    `stops` are by node, from 1 on; `days` in the order of the problem's shifts.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.facts = problem, Facts(problem)
        self.model = cp_model.CpModel()
        limits = [shift.end + shift.max_overtime for shift in problem.shifts]
        self.first = min((shift.start for shift in problem.shifts), default=0)
        self.last = max(limits, default=0)
        self.stops = {node: self._stop(visit) for node, visit in enumerate(problem.visits, 1)}
        self.days = [self._day(shift) for shift in problem.shifts]
        for stop in self.stops.values():
            self._serve_once(stop)
        for day in self.days:
            self._follow_the_route(day)
            self._keep_the_load(day)
            self._take_the_breaks(day)
        for one, other in combinations(self.days, 2):
            if one.shift.crew == other.shift.crew:
                self._keep_apart(one, other)

    # What there is to decide

    def _stop(self, visit: Visit) -> Stop:
        model, name = self.model, visit.id
        any_time = Domain(self.first, self.last)
        begins = any_time
        if visit.begins:
            windows = Domain.from_intervals([[w.open, w.close] for w in visit.begins])
            begins = windows.intersection_with(any_time)
        served = model.new_bool_var(f"{name} is served")
        if begins.is_empty():
            model.add(served == 0)
            begins = any_time
        return Stop(
            visit,
            served,
            model.new_int_var_from_domain(any_time, f"{name} arrives"),
            model.new_int_var_from_domain(begins, f"{name} starts"),
            model.new_int_var_from_domain(any_time, f"{name} ends"),
        )

    def _day(self, shift: Shift) -> Day:
        model, name = self.model, shift.id
        limit = shift.end + shift.max_overtime
        day = Day(
            shift,
            model.new_bool_var(f"{name} is used"),
            model.new_int_var(shift.start, limit, f"{name} departs"),
            model.new_int_var(shift.start, limit, f"{name} returns"),
        )
        for pause in shift.breaks:
            earliest = max(pause.earliest, shift.start)
            begin = model.new_int_var(earliest, pause.latest, f"{name} begins {pause.id}")
            listed = model.new_bool_var(f"{name} lists {pause.id}")
            inside = model.new_bool_var(f"{name} has {pause.id} inside")
            day.pauses.append(Pause(pause, listed, begin, inside))
        crew = self.facts.crew_of(shift)
        able = [n for n, s in self.stops.items() if not misfits(crew, shift, s.visit)]
        for node in able:
            day.serves[node] = model.new_bool_var(f"{name} serves {self.stops[node].visit.id}")
        for a in [DEPOT, *able]:
            for b in [DEPOT, *able]:
                if a != b:
                    day.arcs[a, b] = model.new_bool_var(f"{name} goes from {a} to {b}")
        loops = [(node, node, ~served) for node, served in day.serves.items()]
        circuit = [(a, b, literal) for (a, b), literal in day.arcs.items()]
        model.add_circuit([*circuit, *loops, (DEPOT, DEPOT, ~day.used)])
        for served in day.serves.values():
            # Visits of no seconds could go round in a circle of their own.
            model.add_implication(served, day.used)
        return day

    def _serve_once(self, stop: Stop) -> None:
        ways = [
            day.serves[node] for day in self.days for node in day.serves if self.stops[node] is stop
        ]
        self.model.add(sum(ways) == stop.served)

    # The timeline of a route

    def _leg(self, day: Day, a: int, b: int) -> int:
        """Travel seconds from one node to another; none to the end where the shift has none."""
        shift = day.shift
        origin = shift.from_ if a == DEPOT else self.stops[a].visit.place
        target = shift.to if b == DEPOT else self.stops[b].visit.place
        return (
            0 if target is None else self.facts.seconds(self.facts.crew_of(shift), origin, target)
        )

    def _service(self, day: Day, a: int, b: int) -> int:
        """Service seconds at node `b` when the route comes from node `a`."""
        visit = self.stops[b].visit
        setup = a == DEPOT or self.stops[a].visit.place != visit.place
        return self.facts.service(self.facts.crew_of(day.shift), visit, setup=setup)

    def _follow_the_route(self, day: Day) -> None:
        limit = day.shift.end + day.shift.max_overtime
        for (a, b), taken in day.arcs.items():
            leg = self._leg(day, a, b)
            if b == DEPOT:
                # Without a place to return to, the route ends with its last service.
                then = day.returns - leg
                ended = self.stops[a].end
                rule = then == ended if day.shift.to is None else then >= ended
                self.model.add(rule).only_enforce_if(taken)
                continue
            stop = self.stops[b]
            sets_out = stop.arrive - leg
            rule = sets_out == day.departs if a == DEPOT else sets_out >= self.stops[a].end
            self.model.add(rule).only_enforce_if(taken)
            self.model.add(stop.start >= stop.arrive).only_enforce_if(taken)
            length = self._service(day, a, b)
            self.model.add(stop.end == stop.start + length).only_enforce_if(taken)
        for node, served in day.serves.items():
            self.model.add(self.stops[node].end <= limit).only_enforce_if(served)
        self.model.add(day.returns == day.departs).only_enforce_if(~day.used)

    def _keep_the_load(self, day: Day) -> None:
        shift = day.shift
        if shift.max_visits is not None:
            self.model.add(sum(day.serves.values()) <= shift.max_visits)
        if shift.max_travel is not None:
            self.model.add(self.travel(day) <= shift.max_travel)
        visits = {node: self.stops[node].visit for node in day.serves}
        for part in {part for visit in visits.values() for part in visit.parts}:
            needed = sum(visit.parts.get(part, 0) * day.serves[n] for n, visit in visits.items())
            self.model.add(needed <= shift.stock.get(part, 0))

    def travel(self, day: Day) -> Linear:
        """The travel seconds of a shift's route."""
        return sum(self._leg(day, a, b) * taken for (a, b), taken in day.arcs.items())

    def _keep_apart(self, one: Day, other: Day) -> None:
        """Two routes of one crew do not overlap."""
        first = self.model.new_bool_var(f"{one.shift.id} is before {other.shift.id}")
        both = [one.used, other.used]
        self.model.add(one.returns <= other.departs).only_enforce_if([*both, first])
        self.model.add(other.returns <= one.departs).only_enforce_if([*both, ~first])

    # Breaks

    def _take_the_breaks(self, day: Day) -> None:
        """List each break, or return by its latest begin.

        The format lets breaks that fit before departure go unlisted; a plan loses nothing by
        listing them there, so here they are.
        """
        for pause in day.pauses:
            self.model.add_implication(pause.listed, day.used)
            by_then = self.model.add(day.returns <= pause.of.latest)
            by_then.only_enforce_if([day.used, ~pause.listed])
            for stretch in self._stretches(day):
                self._apart_from(pause, stretch)
            self.model.add_implication(pause.inside, pause.listed)
            self.model.add(pause.begin >= day.departs).only_enforce_if(pause.inside)
            end = pause.begin + pause.of.duration
            self.model.add(end <= day.returns).only_enforce_if(pause.inside)
        for one, other in combinations(day.pauses, 2):
            end = other.begin + other.of.duration
            self._apart_from(one, Stretch(other.begin, end, other.listed))

    def _stretches(self, day: Day) -> Iterator[Stretch]:
        """Every service and every drive of a route.

        A drive of no seconds binds nobody, and here it need not be left out: it may be put right
        before the service that follows it; the departure to a drive of no seconds and the return
        after one may be put off or brought forward to the end or the begin of a break, which
        costs nothing.
        """
        for (a, b), taken in day.arcs.items():
            leg = self._leg(day, a, b)
            if b != DEPOT:
                yield Stretch(self.stops[b].arrive - leg, self.stops[b].arrive, taken)
            elif day.shift.to is not None:
                yield Stretch(day.returns - leg, day.returns, taken)
        for node, served in day.serves.items():
            yield Stretch(self.stops[node].start, self.stops[node].end, served)

    def _apart_from(self, pause: Pause, stretch: Stretch) -> None:
        before = self.model.new_bool_var("")
        there = [pause.listed, stretch.held]
        end = pause.begin + pause.of.duration
        self.model.add(end <= stretch.begin).only_enforce_if([*there, before])
        self.model.add(stretch.end <= pause.begin).only_enforce_if([*there, ~before])
