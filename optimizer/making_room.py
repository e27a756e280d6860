"""Room for a visit that fits nowhere: others give way, to another place where they have one.

One visit gives way, or two of a route, or as many of a route as it takes, whichever costs least.
Whoever gives way goes where it costs less than leaving it out, on any crew and day, and is left out
otherwise.
"""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from optimizer.displacing import Exchange, Movable, cleared, exchanged, exchanges, ways_for, without
from optimizer.search.greedy import insert_worthwhile
from optimizer.search.insertion import spot_on
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY
from optimizer.seating import Seating

MOST_GROUPS = 8
"""Visits whose room is tried for visits that begin together, the cheapest to leave out first."""
MOST_MOVES = 40
"""Visits of which another place is looked for on behalf of one, those nearest to it first."""


class Room(NamedTuple):
    """The state with a visit served on `shift`; `cost` is what the total changes by, points.

    `out` are the visits left out for it, `moved` those that went to another place for it.
    """

    cost: int
    shift: int
    state: State
    out: tuple[int, ...]
    moved: tuple[int, ...]


def room_for(state: State, v: int, ceiling: int = INFINITY) -> Room | None:
    """The cheapest way found to make room for an unserved visit for less than `ceiling`, or None.

    Pinned visits and those that others depend on stay. For visits that begin together one other
    makes room, the cheapest to leave out of those that some of them can replace.
    """
    instance = state.instance
    visits = instance.problem.visits
    if any(state.where[first] < 0 for u in instance.groups[v] for first in instance.firsts_of[u]):
        return None

    def may_go(other: int) -> bool:
        return visits[other].pinned is None

    if len(instance.groups[v]) > 1:
        return _for_group(state, v, may_go, ceiling)
    best: Room | None = None
    for find in (partial(_by_leaving, 1), _by_a_move, partial(_by_leaving, 2), _by_many):
        for exchange in find(state, v, may_go, ceiling):
            found = made(state, v, exchange)
            if found is not None and found.cost < ceiling:
                best, ceiling = found, found.cost
    return best


def made(state: State, v: int, exchange: Exchange) -> Room | None:
    """The exchange made, and another place given to whoever has one; None when it cannot be made."""
    trial = without(state, exchange.out)
    if trial is None:
        return None
    s, order = exchange.shift, trial.order(exchange.shift)
    if not trial.place(s, (*order[: exchange.position], v, *order[exchange.position :])):
        return None
    trial = insert_worthwhile(trial, exchange.out)
    out = tuple(other for other in exchange.out if trial.where[other] < 0)
    moved = tuple(other for other in exchange.out if trial.where[other] >= 0)
    return Room(trial.cost() - state.cost(), s, trial, out, moved)


def _by_leaving(
    size: int, state: State, v: int, may_go: Movable, ceiling: int
) -> Iterator[Exchange]:
    """The cheapest exchange of the visit for so many of a route, should they be left out."""
    shifts = state.instance.candidates[v]
    yield from exchanges(
        state, v, shifts=shifts, size=size, most=1, movable=may_go, ceiling=ceiling
    )


def _by_a_move(state: State, v: int, may_go: Movable, ceiling: int) -> Iterator[Exchange]:
    """Exchanges for one that may have another place, those first whose route would gain most."""
    drop, shifts = state.instance.drop_cost, state.instance.candidates[v]
    ways = sorted(
        (bound - drop[out[0]], s, out)
        for bound, s, out in ways_for(state, v, shifts, 1, may_go, ceiling + max(drop))
    )
    moves = 0
    for bound, s, out in ways:
        if bound >= ceiling or moves >= MOST_MOVES:
            return
        exchange = exchanged(state, v, s, out)
        if exchange is not None and exchange.cost - drop[out[0]] < ceiling:
            moves += 1
            yield exchange


def _by_many(state: State, v: int, may_go: Movable, ceiling: int) -> Iterator[Exchange]:
    exchange = cleared(state, v, state.instance.candidates[v], may_go, ceiling)
    if exchange is not None:
        yield exchange


def _for_group(state: State, v: int, may_go: Movable, ceiling: int) -> Room | None:
    """The cheapest room that one visit makes for the visit and all that begin with it."""
    instance, before = state.instance, state.cost()
    group = instance.groups[v]
    best: Room | None = None
    for y in islice(_helpful(state, group, may_go), MOST_GROUPS):
        rest = without(state, (y,))
        found = None if rest is None else Seating(rest, group).best()
        if found is None:
            continue
        trial = insert_worthwhile(found.state, (y,))
        cost, out = trial.cost() - before, trial.where[y] < 0
        if cost < ceiling:
            ceiling = cost
            best = Room(cost, trial.where[v], trial, (y,) if out else (), () if out else (y,))
    return best


def _helpful(state: State, group: tuple[int, ...], may_go: Movable) -> Iterator[int]:
    """Visits whose places could be taken by those of the group that have none, or by any of it."""
    instance = state.instance
    drop, able = instance.drop_cost, instance.candidates
    placeless = [u for u in group if all(spot_on(state, u, s) is None for s in able[u])]
    shifts = {s for u in group for s in able[u]}
    others = sorted((drop[y], y) for s in shifts for y in state.order(s) if may_go(y))
    for _, y in others:
        takes = (exchanged(state, u, state.where[y], (y,)) is not None for u in placeless or group)
        if all(takes) if placeless else any(takes):
            yield y
