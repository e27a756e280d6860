"""One visit into a plan that stands, and a plan from orders that a dispatcher gives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from optimizer.alternatives import Places
from optimizer.displacing import exchanges, without
from optimizer.partners import Partner, partners_of, place_of
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.reasons import unserved
from optimizer.search.answer import answer, priced, written
from optimizer.search.insertion import Spot, spots_on
from optimizer.search.instance import Instance
from optimizer.search.route import narrowed
from optimizer.search.state import State
from optimizer.search.timeline import Windows
from optimizer.seating import Seating
from optimizer.standing import Standing, VisitUnknown, ordered, shift_of, visit_of

__all__ = [
    "Delay",
    "Insertion",
    "InsertionStale",
    "Partner",
    "VisitUnknown",
    "apply",
    "apply_to",
    "insert",
    "places",
    "relocate",
    "relocate_on",
    "retime",
    "retime_on",
]


@dataclass(frozen=True, slots=True)
class Delay:
    """A visit that begins later than it did, seconds after the problem's start."""

    visit: str
    was_start: int
    start: int


@dataclass(frozen=True, slots=True)
class Insertion:
    """A place for a visit: `position` stops of the shift's route come before it.

    `arrive`, `start` and `end` are the visit's times, seconds after the problem's start; `cost` is
    what the plan's total changes by, points, the saved cost of leaving the visit out included.
    `displaces` are the visits of the route that begin later for it, in the order of the route.
    `instead_of` is the visit of the same route that is left out for it; positions are counted
    without it, and its own cost of being left out is in `cost`. `together` are the places of those
    that begin together with it; `displaces` and `cost` speak of all their routes.
    """

    visit: str
    shift: str
    position: int
    arrive: int
    start: int
    end: int
    cost: int
    displaces: tuple[Delay, ...] = ()
    instead_of: str | None = None
    together: tuple[Partner, ...] = ()


class InsertionStale(ValueError):
    """The insertion does not fit the plan (any more)."""


def insert(
    problem: Problem,
    plan: Plan,
    visit_id: str,
    k: int = 3,
    *,
    displacing: bool = False,
    shift: str | None = None,
) -> list[Insertion]:
    """The `k` cheapest places for an unserved visit in the plan, none when it fits nowhere.

    Other routes stay as they are, and the route's other visits keep their order. A visit that
    begins together with others is told one place on each shift, and theirs with it. With
    `displacing`, a visit without any free place is told the `k` cheapest places that put out one
    visit which costs less to leave out and is not pinned; not one that begins together with others.
    With `shift`, places on other shifts do not count. Raise VisitUnknown.
    """
    return places(Standing(problem, plan), visit_id, k, displacing=displacing, shift=shift)


def places(
    standing: Standing,
    visit_id: str,
    k: int = 3,
    *,
    displacing: bool = False,
    shift: str | None = None,
) -> list[Insertion]:
    """What `insert` answers for a standing."""
    instance, state = standing.instance, standing.state
    v = standing.visit(visit_id)
    if any(state.where[u] >= 0 for u in instance.groups[v]):
        return []
    shifts = range(instance.shifts) if shift is None else (standing.shift(shift),)
    if len(instance.groups[v]) > 1:
        return list(islice(_shared_places(standing, v, shifts), k))
    found = _free_places(standing, v, shifts, k)
    if not found and displacing:
        found = _taken_places(standing, v, shifts, k)
    return sorted(found, key=lambda insertion: insertion.cost)


def _free_places(standing: Standing, v: int, shifts: Iterable[int], k: int) -> list[Insertion]:
    cheapest = islice(_free(standing.state, v, shifts), k)
    return [_told(standing, made, v, spot.shift) for spot, made in cheapest]


def _free(state: State, v: int, shifts: Iterable[int]) -> Iterator[tuple[Spot, State]]:
    """The places that the visit fits into, the cheapest first, each with the state that has it there."""
    for spot in sorted(spot for s in shifts for spot in spots_on(state, v, s)):
        made = _inserted(state, v, spot.shift, spot.position)
        if made is not None:
            yield spot, made


def _shared_places(standing: Standing, v: int, shifts: Iterable[int]) -> Iterator[Insertion]:
    """The best place on each shift with those that begin together with the visit, the cheapest first."""
    left = set(shifts)
    seating = Seating(standing.state, standing.instance.groups[v])
    while left and (found := seating.best_on(v, left)) is not None:
        s = found.state.where[v]
        yield _told(standing, found.state, v, s)
        left.discard(s)


def _taken_places(standing: Standing, v: int, shifts: Iterable[int], k: int) -> list[Insertion]:
    """The cheapest places of one visit that costs less to leave out and is not pinned."""
    names, state = standing.problem.visits, standing.state

    def may_go(other: int) -> bool:
        visit = names[other]
        return visit.pinned is None and visit.unserved_cost < names[v].unserved_cost

    found = []
    for exchange in exchanges(state, v, shifts=shifts, size=1, most=k, movable=may_go):
        room = without(state, exchange.out)
        made = None if room is None else _inserted(room, v, exchange.shift, exchange.position)
        if made is not None:
            out = names[exchange.out[0]].id
            found.append(_told(standing, made, v, exchange.shift, instead_of=out))
    return found


def apply(problem: Problem, plan: Plan, insertion: Insertion) -> Plan:
    """The plan with the insertion made and its route re-timed; other routes are unchanged.

    Raise VisitUnknown for unknown names, InsertionStale when the place no longer is one.
    """
    return apply_to(Standing(problem, plan), insertion)


def apply_to(standing: Standing, insertion: Insertion) -> Plan:
    """What `apply` answers for a standing."""
    instance, state, plan = standing.instance, standing.state, standing.plan
    v, s = standing.visit(insertion.visit), standing.shift(insertion.shift)
    if insertion.instead_of is not None:
        other = standing.visit(insertion.instead_of)
        room = without(state, (other,)) if state.where[other] == s else None
        if room is None:
            raise InsertionStale(f"{insertion.instead_of} cannot be left out on {insertion.shift}")
        state = room
    entries: tuple[Insertion | Partner, ...] = (insertion, *insertion.together)
    named = {standing.visit(each.visit) for each in entries}
    made = state if named == set(instance.groups[v]) else None
    for each in entries:
        made = None if made is None else _placed(standing, made, each)
        if made is None:
            raise InsertionStale(f"{each.visit} does not fit there on {each.shift}")
    assert made is not None
    touched = {each.shift for each in entries}
    before = {route.shift: route for route in plan.routes if route.shift not in touched}
    routes = tuple(
        before.get(instance.problem.shifts[route.shift].id) or written(instance, route)
        for route in made.routes
        if route is not None
    )
    return Plan(
        routes=routes,
        unserved=unserved(made),
        cost=priced(instance, routes),
        bound=plan.bound,
        search=plan.search,
    )


def _placed(standing: Standing, state: State, place: Insertion | Partner) -> State | None:
    """The state with the visit at the place; at its second where it begins together with others."""
    instance, v, s = state.instance, standing.visit(place.visit), standing.shift(place.shift)
    if state.where[v] >= 0 or not instance.may_serve(v, s) or state.blocked(v, s):
        return None
    exact = None
    if len(instance.groups[v]) > 1:
        windows = state.windows(v, s)
        exact = narrowed(windows or (), place.start, place.start)
        if not exact:
            return None
    return _inserted(state, v, s, place.position, exact)


def retime(problem: Problem, orders: Mapping[str, Sequence[str]]) -> Plan:
    """The whole plan of visits in this order by shift, timed, priced and with reasons.

    What does not fit is left out, the cheapest to leave out first; nothing else is added or moved.
    Raise VisitUnknown for names the problem does not have.
    """
    return retime_on(Instance(problem), orders)


def retime_on(instance: Instance, orders: Mapping[str, Sequence[str]]) -> Plan:
    """What `retime` answers for a compiled problem."""
    return answer(ordered(instance, orders), {"engine": "retime"})


def relocate(
    problem: Problem,
    orders: Mapping[str, Sequence[str]],
    visit_id: str,
    shift_id: str,
    position: int | None = None,
) -> Plan:
    """What `retime` answers for these orders with the visit taken to this shift.

    `position` is how many of the shift's other visits come before it; None: its cheapest place, or
    behind all others where it fits nowhere. Those that begin together with it go to its second, and
    to other places where they must, be they in the orders or not. Raise VisitUnknown for names the
    problem does not have.
    """
    return relocate_on(Instance(problem), orders, visit_id, shift_id, position)


def relocate_on(
    instance: Instance,
    orders: Mapping[str, Sequence[str]],
    visit_id: str,
    shift_id: str,
    position: int | None = None,
) -> Plan:
    """What `relocate` answers for a compiled problem."""
    v, s = visit_of(instance, visit_id), shift_of(instance, shift_id)
    made = _with_partners(instance, orders, v, s, position)
    if made is not None:
        return answer(made, {"engine": "retime"})
    rest = {s: [other for other in order if other != visit_id] for s, order in orders.items()}
    order = rest.setdefault(shift_id, [])
    if position is None:
        position = _cheapest(ordered(instance, rest), visit_id, shift_id)
    order.insert(len(order) if position is None else max(0, position), visit_id)
    return retime_on(instance, rest)


def _with_partners(
    instance: Instance, orders: Mapping[str, Sequence[str]], v: int, s: int, position: int | None
) -> State | None:
    """The state of these orders with the visit there and those that begin together with it beside it.

    None for a visit that begins with no other, and where they do not fit.
    """
    group = {instance.problem.visits[u].id for u in instance.groups[v]}
    if len(group) == 1:
        return None
    rest = ordered(
        instance,
        {shift: [u for u in order if u not in group] for shift, order in orders.items()},
    )
    homes: dict[int, tuple[int, int]] = {}
    for shift, order in orders.items():
        at, stops = shift_of(instance, shift), 0
        for u in (visit_of(instance, visit) for visit in order):
            if u in instance.groups[v]:
                homes[u] = (at, stops)
            stops += rest.where[u] == at
    return Places(rest, v, homes).made_on(s, position)


def _cheapest(state: State, visit_id: str, shift_id: str) -> int | None:
    """How many stops come before the visit at its cheapest place on the shift; None where it has none."""
    v, s = visit_of(state.instance, visit_id), shift_of(state.instance, shift_id)
    if len(state.instance.groups[v]) > 1:
        return None
    return next((spot.position for spot, _ in _free(state, v, (s,))), None)


def _inserted(
    state: State, v: int, s: int, position: int, exact: Windows | None = None
) -> State | None:
    order = state.order(s)
    if not 0 <= position <= len(order) or state.windows(v, s) == ():
        return None
    made = state.copy()
    extra = None if exact is None else {v: exact}
    return made if made.place(s, (*order[:position], v, *order[position:]), extra) else None


def _told(
    standing: Standing, after: State, v: int, s: int, *, instead_of: str | None = None
) -> Insertion:
    """The insertion that led from the standing to the state `after`."""
    group, names, begun = standing.instance.groups[v], standing.problem.visits, standing.starts()
    touched = [after.routes[at] for at in dict.fromkeys([s, *(after.where[u] for u in group)])]
    stops = [stop for route in touched if route is not None for stop in route.timing.stops]
    delays = (
        Delay(names[stop.visit].id, begun[names[stop.visit].id], stop.begin)
        for stop in stops
        if stop.visit not in group
    )
    mine = place_of(standing.problem, after, v)
    return Insertion(
        visit=mine.visit,
        shift=mine.shift,
        position=mine.position,
        arrive=mine.arrive,
        start=mine.start,
        end=mine.end,
        cost=after.cost() - standing.state.cost(),
        displaces=tuple(delay for delay in delays if delay.start > delay.was_start),
        instead_of=instead_of,
        together=partners_of(standing.problem, after, v),
    )
