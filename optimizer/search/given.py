"""States from routes that somebody else made: the plan in force, a dispatcher, another engine."""

from collections.abc import Mapping, Sequence

from optimizer.search.groups import insert_group
from optimizer.search.instance import Instance
from optimizer.search.route import narrowed
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY
from optimizer.search.tying import components, keeps_ties, place_jointly, polish

Ranks = Mapping[int, tuple[int, int]]
"""For each visit its shift and its rank among the visits given to that shift."""


def incumbent_orders(instance: Instance) -> list[list[int]]:
    """The visits of each shift in the plan in force, in order; what is gone is ignored."""
    incumbent = instance.problem.incumbent
    orders: list[list[int]] = [[] for _ in range(instance.shifts)]
    met: set[int] = set()
    for route in () if incumbent is None else incumbent.routes:
        s = instance.shift_index.get(route.shift, -1)
        for visit in route.visits if s >= 0 else ():
            v = instance.visit_index.get(visit, -1)
            if v >= 0 and v not in met:
                met.add(v)
                orders[s].append(v)
    return orders


def from_outline(
    instance: Instance, orders: Sequence[Sequence[int]], begins: Mapping[int, int]
) -> State:
    """A state with these visits on these shifts in this order, those that are tied at these begins.

    Where the orders alone give a cheaper one, or the begins break a rule, the begins do not count.
    What does not fit is left out.
    """
    state = from_orders(instance, orders)
    outlined = None if instance.free else _outlined(instance, orders, begins)
    return state if outlined is None or state.cost() <= outlined.cost() else outlined


def _outlined(
    instance: Instance, orders: Sequence[Sequence[int]], begins: Mapping[int, int]
) -> State | None:
    """The state at exactly these begins, made cheaper where that is possible; None if not valid."""
    state = State(instance)
    for s, order in enumerate(orders):
        exact = {
            v: narrowed(instance.windows[v], begins[v], begins[v]) for v in order if v in begins
        }
        able = all(instance.may_serve(v, s) for v in order) and all(exact.values())
        if order and not (able and state.place(s, tuple(order), exact)):
            return None
    if not keeps_ties(state):
        return None
    polish(state, range(instance.shifts))
    return state


def seconds_of(state: State) -> dict[int, int]:
    """When the visits served begin that relations in time tie to others."""
    tied = state.instance.timed_pairs
    return {v: state.begins[v] for v, s in enumerate(state.where) if s >= 0 and tied[v]}


def from_orders(instance: Instance, orders: Sequence[Sequence[int]]) -> State:
    """A state with these visits on these shifts in this order; what does not fit is left out.

    Where not all fit, the costliest to leave out come first. A visit named twice counts once.
    """
    ranks: dict[int, tuple[int, int]] = {}
    for s, order in enumerate(orders):
        for i, v in enumerate(order):
            ranks.setdefault(v, (s, i))
    state = State(instance)
    waiting = _whole_routes(state, ranks)
    waiting.sort(key=lambda v: (-instance.drop_cost[v], ranks[v]))
    while waiting:
        left = [v for v in waiting if state.where[v] < 0]
        before = state.served()
        for v in left:
            if state.where[v] < 0:
                state = _ranked_in(state, v, ranks)
        waiting = left
        # Another round helps only where visits wait for partners.
        if state.served() == before or instance.free:
            break
    return state


def _whole_routes(state: State, ranks: Ranks) -> list[int]:
    """Place the routes that fit as they are, beside those they are tied to; answer the rest."""
    by_shift: dict[int, list[int]] = {}
    for v in sorted(ranks, key=ranks.__getitem__):
        by_shift.setdefault(ranks[v][0], []).append(v)
    orders = {s: tuple(order) for s, order in by_shift.items()}
    rest: list[int] = []
    for shifts in components(state.instance, orders):
        if not place_jointly(state, shifts, orders):
            rest.extend(v for s in shifts for v in orders[s])
    return rest


def _ranked_in(state: State, v: int, ranks: Ranks) -> State:
    """The state with the visit, and its group, in the places they are given, if that is possible."""
    group = state.instance.groups[v]
    if any(other not in ranks or state.where[other] >= 0 for other in group):
        return state
    spots = {}
    for other in group:
        s = ranks[other][0]
        if not state.instance.may_serve(other, s) or state.blocked(other, s):
            return state
        spots[other] = (s, sum(1 for met in state.order(s) if ranks[met] < ranks[other]))
    if len(group) > 1:
        return insert_group(state, group, INFINITY, {o: [spots[o]] for o in group}) or state
    s, position = spots[v]
    order = state.order(s)
    windows = state.windows(v, s)
    if windows is None or windows:
        state.place(s, (*order[:position], v, *order[position:]))
    return state
