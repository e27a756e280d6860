"""One visit into a plan that stands, and a plan from orders that a dispatcher gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.reasons import unserved
from optimizer.search.answer import answer, priced, written
from optimizer.search.given import from_orders
from optimizer.search.insertion import spots_on
from optimizer.search.instance import Instance
from optimizer.search.route import narrowed
from optimizer.search.state import State


@dataclass(frozen=True, slots=True)
class Insertion:
    """A place for a visit: `position` stops of the shift's route come before it.

    `arrive`, `start` and `end` are the visit's times, seconds after the problem's start; `cost` is
    what the plan's total changes by, points, the saved cost of leaving the visit out included.
    """

    visit: str
    shift: str
    position: int
    arrive: int
    start: int
    end: int
    cost: int


class VisitUnknown(ValueError):
    """The problem has no visit, or no shift, of this name."""


class InsertionStale(ValueError):
    """The insertion does not fit the plan (any more)."""


def insert(problem: Problem, plan: Plan, visit_id: str, k: int = 3) -> list[Insertion]:
    """The `k` cheapest places for an unserved visit in the plan, none when it fits nowhere.

    Other routes stay as they are, and the route's other visits keep their order. A visit that
    begins together with an unserved one has no place alone. Raise VisitUnknown.
    """
    instance = Instance(problem)
    v = instance.visit_index.get(visit_id, -1)
    if v < 0:
        raise VisitUnknown(f"no visit {visit_id!r} in this problem")
    state = _state(instance, plan)
    if state.where[v] >= 0 or len(instance.groups[v]) > 1:
        return []
    spots = sorted(spot for s in instance.candidates[v] for spot in spots_on(state, v, s))
    found: list[Insertion] = []
    for spot in spots:
        if len(found) >= k:
            break
        made = _inserted(state, v, spot.shift, spot.position)
        if made is not None:
            found.append(_told(state, made, v, spot.shift))
    return sorted(found, key=lambda insertion: insertion.cost)


def apply(problem: Problem, plan: Plan, insertion: Insertion) -> Plan:
    """The plan with the insertion made and its route re-timed; other routes are unchanged.

    Raise VisitUnknown for unknown names, InsertionStale when the place no longer is one.
    """
    instance = Instance(problem)
    v = instance.visit_index.get(insertion.visit, -1)
    s = instance.shift_index.get(insertion.shift, -1)
    if v < 0 or s < 0:
        raise VisitUnknown(f"no visit {insertion.visit!r} or no shift {insertion.shift!r}")
    state = _state(instance, plan)
    fits = state.where[v] < 0 and not instance.barrier[v][s] and not state.blocked(v, s)
    made = _inserted(state, v, s, insertion.position) if fits else None
    if made is None:
        raise InsertionStale(f"{insertion.visit} does not fit there on {insertion.shift}")
    before = {route.shift: route for route in plan.routes if route.shift != insertion.shift}
    routes = tuple(
        before.get(instance.problem.shifts[route.shift].id) or written(instance, route)
        for route in made.routes
        if route is not None
    )
    return Plan(
        routes=routes,
        unserved=unserved(made),
        cost=priced(instance, routes),
        search=plan.search,
    )


def retime(problem: Problem, orders: Mapping[str, Sequence[str]]) -> Plan:
    """The whole plan of visits in this order by shift, timed, priced and with reasons.

    What does not fit is left out, the cheapest to leave out first; nothing else is added or moved.
    Raise VisitUnknown for names the problem does not have.
    """
    instance = Instance(problem)
    return answer(_ordered(instance, orders), {"engine": "retime"})


def _ordered(instance: Instance, orders: Mapping[str, Sequence[str]]) -> State:
    given: list[list[int]] = [[] for _ in range(instance.shifts)]
    for shift, visits in orders.items():
        if shift not in instance.shift_index:
            raise VisitUnknown(f"no shift {shift!r} in this problem")
        for visit in visits:
            if visit not in instance.visit_index:
                raise VisitUnknown(f"no visit {visit!r} in this problem")
            given[instance.shift_index[shift]].append(instance.visit_index[visit])
    return from_orders(instance, given)


def _state(instance: Instance, plan: Plan) -> State:
    """The plan's routes as a state, visits with relations in time at the plan's seconds.

    A plan that breaks a rule is read as its orders, and loses what does not fit.
    """
    orders = {route.shift: [stop.visit for stop in route.stops] for route in plan.routes}
    fallback = _ordered(instance, orders)
    if instance.free:
        return fallback
    state = State(instance)
    for route in plan.routes:
        if not route.stops:
            continue
        visits = [instance.visit_index[stop.visit] for stop in route.stops]
        exact = {
            v: narrowed(instance.windows[v], stop.start, stop.start)
            for v, stop in zip(visits, route.stops, strict=True)
            if instance.timed_pairs[v]
        }
        s = instance.shift_index[route.shift]
        able = not any(instance.barrier[v][s] for v in visits) and all(exact.values())
        if not able or not state.place(s, tuple(visits), exact):
            return fallback
    return state


def _inserted(state: State, v: int, s: int, position: int) -> State | None:
    order = state.order(s)
    if not 0 <= position <= len(order) or state.windows(v, s) == ():
        return None
    made = state.copy()
    return made if made.place(s, (*order[:position], v, *order[position:])) else None


def _told(before: State, after: State, v: int, s: int) -> Insertion:
    route = after.routes[s]
    assert route is not None
    position = route.order.index(v)
    stop = route.timing.stops[position]
    problem = after.instance.problem
    return Insertion(
        visit=problem.visits[v].id,
        shift=problem.shifts[s].id,
        position=position,
        arrive=stop.arrive,
        start=stop.begin,
        end=stop.end,
        cost=after.cost() - before.cost(),
    )
