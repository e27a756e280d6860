"""Room for a visit that fits nowhere: others give way, to another place where they have one.

One visit gives way, or two of a route, or as many of a route as it takes, whichever costs least.
Whoever gives way goes where it costs less than leaving it out, on any crew and day, and is left out
otherwise.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from optimizer.displacing import Exchange, Movable, cleared, exchanged, exchanges, ways_for, without
from optimizer.search.greedy import insert_worthwhile
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY

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

    Pinned visits and those that others depend on stay. A visit that begins together with others
    is made room for by nobody.
    """
    instance = state.instance
    if len(instance.groups[v]) > 1 or any(state.where[u] < 0 for u in instance.firsts_of[v]):
        return None
    visits = instance.problem.visits

    def may_go(other: int) -> bool:
        return visits[other].pinned is None

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
