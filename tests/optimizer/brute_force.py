"""The least total that any plan of a small problem can have, proven, over the whole format.

One CP-SAT model holds every rule and every cost of the planning format, word by word: circuits of
optional visits, times as integers, breaks and drives that keep apart. It shares no code with the
search: travel and service seconds come from the checker's facts. CP-SAT proves the answer for
problems of up to 7 visits in some 30 ms, for the hardest of them in 0.5 s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ortools.sat.python import cp_model
from ortools.util.python.sorted_interval_list import Domain

from optimizer.check.facts import Facts
from optimizer.check.plan import misfits
from optimizer.plan import Plan
from optimizer.problem import (
    After,
    Break,
    DifferentCrew,
    Problem,
    Relation,
    SameCrew,
    Shift,
    Together,
    Visit,
)
from tests.optimizer.written_out import Times, written_out

DEPOT = 0
"""The node of a shift's circuit that stands for its beginning and its end."""

Literal = cp_model.IntVar
Linear = cp_model.LinearExprT


def cheapest(problem: Problem) -> Plan:
    """A plan of the least total; raise ArithmeticError when CP-SAT cannot prove it so."""
    return _Model(problem).solved()


@dataclass
class _Stretch:
    """A span of time that a break may not touch, when `held` says that it is there."""

    begin: Linear
    end: Linear
    held: Literal


@dataclass
class _Pause:
    """A break of a shift: whether the plan lists it, and when it begins."""

    of: Break
    listed: Literal
    begin: cp_model.IntVar
    inside: Literal


@dataclass
class _Day:
    """One shift: its route as a circuit over its visits, and the moments of its route."""

    shift: Shift
    used: Literal
    departs: cp_model.IntVar
    returns: cp_model.IntVar
    pauses: list[_Pause] = field(default_factory=list)
    arcs: dict[tuple[int, int], Literal] = field(default_factory=dict)
    """Whether the route goes from one node to another: visits from 1 on, DEPOT at both ends."""
    serves: dict[int, Literal] = field(default_factory=dict)


@dataclass
class _Stop:
    """One visit: whether it is served, and its moments if it is."""

    visit: Visit
    served: Literal
    arrive: cp_model.IntVar
    start: cp_model.IntVar
    end: cp_model.IntVar


class _Model:
    def __init__(self, problem: Problem) -> None:
        self.problem, self.facts = problem, Facts(problem)
        self.model = cp_model.CpModel()
        self.costs: list[Linear] = []
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
            self._price_the_day(day)
        for one, other in combinations(self.days, 2):
            if one.shift.crew == other.shift.crew:
                self._keep_apart(one, other)
        for relation in problem.relations:
            self._relate(relation)
        self._price_the_visits()

    # What there is to decide

    def _stop(self, visit: Visit) -> _Stop:
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
        return _Stop(
            visit,
            served,
            model.new_int_var_from_domain(any_time, f"{name} arrives"),
            model.new_int_var_from_domain(begins, f"{name} starts"),
            model.new_int_var_from_domain(any_time, f"{name} ends"),
        )

    def _day(self, shift: Shift) -> _Day:
        model, name = self.model, shift.id
        limit = shift.end + shift.max_overtime
        day = _Day(
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
            day.pauses.append(_Pause(pause, listed, begin, inside))
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

    def _serve_once(self, stop: _Stop) -> None:
        ways = [
            day.serves[node] for day in self.days for node in day.serves if self.stops[node] is stop
        ]
        self.model.add(sum(ways) == stop.served)

    # The timeline of a route

    def _leg(self, day: _Day, a: int, b: int) -> int:
        """Travel seconds from one node to another; none to the end where the shift has none."""
        shift = day.shift
        origin = shift.from_ if a == DEPOT else self.stops[a].visit.place
        target = shift.to if b == DEPOT else self.stops[b].visit.place
        return (
            0 if target is None else self.facts.seconds(self.facts.crew_of(shift), origin, target)
        )

    def _service(self, day: _Day, a: int, b: int) -> int:
        """Service seconds at node `b` when the route comes from node `a`."""
        visit = self.stops[b].visit
        setup = a == DEPOT or self.stops[a].visit.place != visit.place
        return self.facts.service(self.facts.crew_of(day.shift), visit, setup=setup)

    def _follow_the_route(self, day: _Day) -> None:
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

    def _keep_the_load(self, day: _Day) -> None:
        shift = day.shift
        if shift.max_visits is not None:
            self.model.add(sum(day.serves.values()) <= shift.max_visits)
        if shift.max_travel is not None:
            self.model.add(self._travel(day) <= shift.max_travel)
        visits = {node: self.stops[node].visit for node in day.serves}
        for part in {part for visit in visits.values() for part in visit.parts}:
            needed = sum(visit.parts.get(part, 0) * day.serves[n] for n, visit in visits.items())
            self.model.add(needed <= shift.stock.get(part, 0))

    def _travel(self, day: _Day) -> Linear:
        return sum(self._leg(day, a, b) * taken for (a, b), taken in day.arcs.items())

    def _keep_apart(self, one: _Day, other: _Day) -> None:
        """Two routes of one crew do not overlap."""
        first = self.model.new_bool_var(f"{one.shift.id} is before {other.shift.id}")
        both = [one.used, other.used]
        self.model.add(one.returns <= other.departs).only_enforce_if([*both, first])
        self.model.add(other.returns <= one.departs).only_enforce_if([*both, ~first])

    # Breaks

    def _take_the_breaks(self, day: _Day) -> None:
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
            self._apart_from(one, _Stretch(other.begin, end, other.listed))

    def _stretches(self, day: _Day) -> Iterator[_Stretch]:
        """Every service and every drive of a route.

        A drive of no seconds binds nobody, and here it need not be left out: it may be put right
        before the service that follows it; the departure to a drive of no seconds and the return
        after one may be put off or brought forward to the end or the begin of a break, which
        costs nothing.
        """
        for (a, b), taken in day.arcs.items():
            leg = self._leg(day, a, b)
            if b != DEPOT:
                yield _Stretch(self.stops[b].arrive - leg, self.stops[b].arrive, taken)
            elif day.shift.to is not None:
                yield _Stretch(day.returns - leg, day.returns, taken)
        for node, served in day.serves.items():
            yield _Stretch(self.stops[node].start, self.stops[node].end, served)

    def _apart_from(self, pause: _Pause, stretch: _Stretch) -> None:
        before = self.model.new_bool_var("")
        there = [pause.listed, stretch.held]
        end = pause.begin + pause.of.duration
        self.model.add(end <= stretch.begin).only_enforce_if([*there, before])
        self.model.add(stretch.end <= pause.begin).only_enforce_if([*there, ~before])

    # Relations

    def _relate(self, relation: Relation) -> None:
        nodes = {stop.visit.id: node for node, stop in self.stops.items()}
        if isinstance(relation, After):
            first, second = self.stops[nodes[relation.first]], self.stops[nodes[relation.second]]
            self.model.add_implication(second.served, first.served)
            gap = second.start - first.end
            self.model.add(gap >= relation.min_gap).only_enforce_if(second.served)
            if relation.max_gap is not None:
                self.model.add(gap <= relation.max_gap).only_enforce_if(second.served)
            return
        members = [nodes[visit] for visit in relation.visits]
        for a, b in combinations(members, 2):
            one, other = self.stops[a], self.stops[b]
            if isinstance(relation, Together):
                self.model.add(one.served == other.served)
                self.model.add(one.start == other.start).only_enforce_if(one.served)
            for crew in self.facts.crews:
                here, there = self._by_crew(crew, a), self._by_crew(crew, b)
                if isinstance(relation, SameCrew):
                    both = [one.served, other.served]
                    self.model.add(sum(here) == sum(there)).only_enforce_if(both)
                if isinstance(relation, Together | DifferentCrew):
                    self.model.add(sum(here) + sum(there) <= 1)

    def _by_crew(self, crew: str, node: int) -> Sequence[Literal]:
        days = [day for day in self.days if day.shift.crew == crew]
        return [day.serves[node] for day in days if node in day.serves]

    # Costs

    def _price_the_day(self, day: _Day) -> None:
        weights, shift, span = self.problem.weights, day.shift, self.last - self.first
        self.costs.append(weights.travel * self._travel(day))
        self.costs.append(shift.use_cost * day.used)
        if weights.overtime and shift.max_overtime:
            over = self.model.new_int_var(0, shift.max_overtime, f"{shift.id} overtime")
            self.model.add(over >= day.returns - shift.end).only_enforce_if(day.used)
            self.costs.append(weights.overtime * over)
        if weights.work:
            work = self.model.new_int_var(0, span, f"{shift.id} work")
            pauses = sum(pause.of.duration * pause.inside for pause in day.pauses)
            self.model.add(work >= day.returns - day.departs - pauses)
            self.costs.append(weights.work * work)

    def _price_the_visits(self) -> None:
        weights, incumbent = self.problem.weights, self.problem.incumbent
        before = {} if incumbent is None else incumbent.shift_of()
        for node, stop in self.stops.items():
            visit = stop.visit
            self.costs.append(visit.unserved_cost * (1 - stop.served))
            if visit.due is not None and visit.late_cost:
                late = self.model.new_int_var(0, max(0, self.last - visit.due), f"{visit.id} late")
                self.model.add(late >= stop.start - visit.due).only_enforce_if(stop.served)
                self.costs.append(visit.late_cost * late)
            for day in self.days:
                if visit.preferred_crews and day.shift.crew not in visit.preferred_crews:
                    self.costs.append(weights.not_preferred * day.serves.get(node, 0))
            if visit.id in before:
                stays = [d.serves.get(node, 0) for d in self.days if d.shift.id == before[visit.id]]
                self.costs.append(weights.change * (1 - sum(stays)))

    # The answer

    def solved(self) -> Plan:
        self.model.minimize(sum(self.costs))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        status = solver.solve(self.model)
        if status != cp_model.OPTIMAL:
            raise ArithmeticError(f"CP-SAT proved nothing: {solver.status_name(status)}")
        plan = written_out(self.problem, [self._times(day, solver) for day in self.days])
        proven = round(solver.objective_value)
        if plan.cost.total != proven:
            raise ArithmeticError(f"the plan costs {plan.cost.total}, CP-SAT proved {proven}")
        return plan

    def _times(self, day: _Day, solver: cp_model.CpSolver) -> Times:
        after = {a: b for (a, b), taken in day.arcs.items() if solver.boolean_value(taken)}
        order, node = [], after.get(DEPOT, DEPOT)
        while node != DEPOT:
            order.append(self.stops[node])
            node = after[node]
        value = solver.value
        return Times(
            day.shift,
            value(day.departs),
            value(day.returns),
            [(s.visit, value(s.arrive), value(s.start), value(s.end)) for s in order],
            [(p.of, value(p.begin)) for p in day.pauses if solver.boolean_value(p.listed)],
        )
