"""A plan that stands, made ready for questions: its problem compiled and its routes walked once.

Compiling a large problem takes longer than most questions about it, so every question takes a
`Standing`, and whoever asks often keeps them. A question that changes the problem (a visit that is
not in it yet, a longer shift) asks a `part` of it: the crews concerned and what is tied to them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from optimizer.places import Estimate, Matrix, Profiles, Travel
from optimizer.plan import Plan, Route
from optimizer.problem import After, Incumbent, Problem, Relation, Visit
from optimizer.search.answer import answer
from optimizer.search.given import from_orders
from optimizer.search.instance import Instance
from optimizer.search.route import narrowed
from optimizer.search.state import State
from optimizer.values import FrozenDict


class VisitUnknown(ValueError):
    """The problem has no visit, or no shift, of this name."""


class Standing:
    """A problem, a plan for it, and both as the search knows them.

    A plan that breaks a rule is read as its orders, and loses what does not fit. Nothing that is
    asked changes a standing. Raise VisitUnknown for a plan with names the problem does not have.
    """

    def __init__(self, problem: Problem, plan: Plan, instance: Instance | None = None) -> None:
        self.problem = problem
        self.plan = plan
        self.instance = Instance(problem) if instance is None else instance
        self.state = state_of(self.instance, plan)
        self.partners = _partners(problem.relations)

    def visit(self, visit_id: str) -> int:
        """The number of a visit; raise VisitUnknown."""
        return visit_of(self.instance, visit_id)

    def shift(self, shift_id: str) -> int:
        """The number of a shift; raise VisitUnknown."""
        return shift_of(self.instance, shift_id)

    def starts(self) -> dict[str, int]:
        """When each planned visit begins, seconds after the problem's start."""
        return {stop.visit: stop.start for route in self.plan.routes for stop in route.stops}

    def with_state(self, state: State) -> "Standing":
        """The same problem with the plan that the state stands for; what is proven of the problem is kept."""
        plan = replace(answer(state, self.plan.search), bound=self.plan.bound)
        return Standing(self.problem, plan, self.instance)

    def part(self, shifts: Iterable[int], visit: Visit | None = None) -> "Standing":
        """The same plan for these shifts alone, with what is tied to them, and one more visit.

        `visit` replaces the one of its name. Whatever is asked about one of the shifts has the
        same answer as in the whole; costs differ from the whole's by a constant.
        """
        return Standing(*self.cut(shifts, visit))

    def cut(self, shifts: Iterable[int], visit: Visit | None = None) -> tuple[Problem, Plan]:
        """The problem and the plan of such a part; the visit is the last of the problem's."""
        kept, wanted = self._tied(set(shifts), visit)
        routes = tuple(route for route in self.plan.routes if route.shift in kept)
        visits = [entry for entry in self.problem.visits if entry.id in wanted]
        if visit is not None:
            visits = [*(entry for entry in visits if entry.id != visit.id), visit]
        problem = _cut(self.problem, kept, visits)
        return problem, replace(self.plan, routes=routes, unserved=(), search={})

    def _tied(self, shifts: set[int], visit: Visit | None) -> tuple[set[str], set[str]]:
        """These shifts and all that bear on them: their crews' others, visits tied to theirs."""
        instance, state, names = self.instance, self.state, self.problem.visits
        waiting_shifts = set(shifts)
        if visit is not None and visit.pinned is not None:
            waiting_shifts.add(self.shift(visit.pinned.shift))
        waiting = set(self.partners.get("" if visit is None else visit.id, ()))
        met_shifts: set[int] = set()
        met: set[str] = set()
        while waiting_shifts or waiting:
            if waiting_shifts:
                s = waiting_shifts.pop()
                met_shifts.add(s)
                waiting_shifts |= {*instance.earlier[s], *instance.later[s]} - met_shifts
                waiting |= {names[v].id for v in state.order(s)} - met
                continue
            name = waiting.pop()
            met.add(name)
            waiting |= self.partners.get(name, set()) - met
            v = instance.visit_index.get(name, -1)
            near = set() if v < 0 or state.where[v] < 0 else {state.where[v]}
            pin = None if v < 0 else names[v].pinned
            if pin is not None:
                near.add(instance.shift_index[pin.shift])
            waiting_shifts |= near - met_shifts
        return {self.problem.shifts[s].id for s in met_shifts}, met


def visit_of(instance: Instance, visit_id: str) -> int:
    """The number of a visit; raise VisitUnknown."""
    found = instance.visit_index.get(visit_id)
    if found is None:
        raise VisitUnknown(f"no visit {visit_id!r} in this problem")
    return found


def shift_of(instance: Instance, shift_id: str) -> int:
    """The number of a shift; raise VisitUnknown."""
    found = instance.shift_index.get(shift_id)
    if found is None:
        raise VisitUnknown(f"no shift {shift_id!r} in this problem")
    return found


def state_of(instance: Instance, plan: Plan) -> State:
    """The plan's routes as a state, visits with relations in time at the plan's seconds."""
    orders = {route.shift: [stop.visit for stop in route.stops] for route in plan.routes}
    if instance.free:
        return ordered(instance, orders)
    state = State(instance)
    if all(_placed(state, route) for route in plan.routes if route.stops):
        return state
    return ordered(instance, orders)


def _placed(state: State, route: Route) -> bool:
    """Put the route into the state at the plan's seconds; False when a rule forbids it."""
    instance = state.instance
    s = instance.shift_index.get(route.shift, -1)
    visits = [instance.visit_index.get(stop.visit, -1) for stop in route.stops]
    if s < 0 or min(visits) < 0 or not all(instance.may_serve(v, s) for v in visits):
        return False
    exact = {
        v: narrowed(instance.windows[v], stop.start, stop.start)
        for v, stop in zip(visits, route.stops, strict=True)
        if instance.timed_pairs[v]
    }
    return all(exact.values()) and state.place(s, tuple(visits), exact)


def ordered(instance: Instance, orders: Mapping[str, Sequence[str]]) -> State:
    """The state of visits in these orders by shift; raise VisitUnknown for unknown names."""
    given: list[list[int]] = [[] for _ in range(instance.shifts)]
    for shift, visits in orders.items():
        given[shift_of(instance, shift)] += [visit_of(instance, visit) for visit in visits]
    return from_orders(instance, given)


def _partners(relations: Iterable[Relation]) -> dict[str, set[str]]:
    """For each visit those that a relation names beside it."""
    found: dict[str, set[str]] = {}
    for relation in relations:
        for visit in _named(relation):
            found.setdefault(visit, set()).update(_named(relation))
    return found


def _named(relation: Relation) -> tuple[str, ...]:
    if isinstance(relation, After):
        return relation.first, relation.second
    return relation.visits


def _cut(problem: Problem, shifts: set[str], visits: Sequence[Visit]) -> Problem:
    """The problem of these shifts and visits; every crew stays, for the visits may name it."""
    kept = tuple(shift for shift in problem.shifts if shift.id in shifts)
    known = {visit.id for visit in visits}
    needed = {visit.place for visit in visits}
    needed.update(place for s in kept for place in (s.from_, s.to) if place is not None)
    chosen = [i for i, place in enumerate(problem.places) if place.id in needed]
    incumbent = problem.incumbent
    if incumbent is not None:
        routes = (r for r in incumbent.routes if known.intersection(r.visits))
        incumbent = Incumbent(tuple(routes))
    return replace(
        problem,
        places=tuple(problem.places[i] for i in chosen),
        travel=_travel(problem.travel, chosen),
        shifts=kept,
        visits=tuple(visits),
        relations=tuple(r for r in problem.relations if known.issuperset(_named(r))),
        incumbent=incumbent,
        meta={},
    )


def _travel(travel: Travel, chosen: Sequence[int]) -> Travel:
    """The travel between the chosen places."""
    if isinstance(travel, Profiles):
        ways = {name: _way(way, chosen) for name, way in travel.profiles.items()}
        return Profiles(FrozenDict(ways))
    return _way(travel, chosen)


def _way(way: Matrix | Estimate, chosen: Sequence[int]) -> Matrix | Estimate:
    if isinstance(way, Estimate):
        return way
    seconds = tuple(tuple(way.seconds[i][j] for j in chosen) for i in chosen)
    metres = None
    if way.metres is not None:
        metres = tuple(tuple(way.metres[i][j] for j in chosen) for i in chosen)
    return Matrix(seconds, metres)
