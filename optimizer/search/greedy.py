"""Greedy insertion: every visit left out goes where it costs least, while that is worth it."""

from collections.abc import Callable, Iterable
from random import Random

from optimizer.search.given import repaired
from optimizer.search.groups import insert_group
from optimizer.search.insertion import Spot, spot_on
from optimizer.search.instance import Instance
from optimizer.search.state import State

Stop = Callable[[], bool]


def insert_all(
    state: State,
    visits: Iterable[int],
    *,
    stop: Stop | None = None,
    chance: Random | None = None,
    blink: float = 0.0,
) -> State:
    """The state after trying these visits in this order, again while that frees others.

    A visit that others wait for (`after`) may cost as much as leaving them all out does;
    `drop_worthless` takes it back when they do not follow. With `chance`, a shift is overlooked
    now and then, with probability `blink`.
    """
    waiting = list(visits)
    while waiting:
        left: list[int] = []
        inserted = False
        for v in waiting:
            if state.where[v] >= 0:
                continue
            if stop is not None and stop():
                return state
            after = insert_one(state, v, chance=chance, blink=blink)
            if after is None:
                left.append(v)
            else:
                state, inserted = after, True
        # Only partners can make a second try succeed.
        waiting = left if inserted and not state.instance.free else []
    return state


def insert_one(
    state: State, v: int, *, chance: Random | None = None, blink: float = 0.0
) -> State | None:
    """The state with the visit, and the group it begins together with, served; None if not.

    A single visit is inserted into `state` itself.
    """
    instance = state.instance
    ceiling = worth(state, instance.groups[v]) + 1
    if len(instance.groups[v]) > 1:
        return insert_group(state, instance.groups[v], ceiling)
    refused: set[tuple[int, int]] = set()
    while True:
        best = _best_spot(state, v, ceiling, chance, blink)
        if best is None or (best.shift, best.position) in refused:
            return None
        order = state.order(best.shift)
        order = (*order[: best.position], v, *order[best.position :])
        if state.place(best.shift, order):
            return state
        refused.add((best.shift, best.position))


def _best_spot(
    state: State, v: int, ceiling: int, chance: Random | None, blink: float
) -> Spot | None:
    best: Spot | None = None
    for s in state.instance.candidates[v]:
        if chance is not None and chance.random() < blink:
            continue
        spot = spot_on(state, v, s, ceiling)
        if spot is not None and (best is None or spot < best):
            best, ceiling = spot, spot.cost + 1
    return best


def worth(state: State, visits: Iterable[int]) -> int:
    """Points that serving these visits can save, the visits waiting for them included."""
    instance = state.instance
    found: set[int] = set()
    queue = list(visits)
    while queue:
        v = queue.pop()
        if v not in found and state.where[v] < 0:
            found.add(v)
            queue.extend(instance.seconds_of[v])
            queue.extend(instance.groups[v])
    return sum(instance.drop_cost[v] for v in found)


def drop_worthless(state: State, visits: Iterable[int]) -> State:
    """The state without those of these visits that cost more than leaving them out does."""
    for v in visits:
        if state.where[v] < 0:
            continue
        trial = state.copy()
        trial.remove({v})
        if trial.cost() < state.cost():
            state = trial
    return state


def complete(state: State, *, stop: Stop | None = None) -> State:
    """The state with nothing worthless in it and nothing worthwhile left out."""
    instance = state.instance
    order = by_worth(instance)
    for _ in range(3):
        before = state.cost()
        state = drop_worthless(state, order)
        state = insert_all(state, order, stop=stop)
        if state.cost() == before or (stop is not None and stop()):
            break
    # The last word: no first without its second that is not worth it by itself.
    while True:
        before = state.cost()
        state = drop_worthless(state, order)
        state = insert_worthwhile(state, order)
        if state.cost() >= before:
            return state


def insert_worthwhile(state: State, order: Iterable[int]) -> State:
    """The state after inserting what lowers the total at once."""
    for v in order:
        if state.where[v] >= 0:
            continue
        before = state.cost()
        trial = insert_one(state.copy(), v)
        if trial is not None and trial.cost() <= before:
            state = trial
    return state


def construct(instance: Instance, *, stop: Stop | None = None) -> State:
    """The cheapest of a few greedy constructions, beginning from the plan in force if any."""
    base = repaired(instance)
    best = complete(insert_all(base.copy(), by_worth(instance), stop=stop), stop=stop)
    for order in (by_window(instance), by_distance(instance)):
        if stop is not None and stop():
            break
        state = complete(insert_all(base.copy(), order, stop=stop), stop=stop)
        if state.cost() < best.cost():
            best = state
    return best


def by_worth(instance: Instance) -> list[int]:
    """Visits, the costliest to leave out first, then the first due."""
    services = instance.services
    return sorted(
        range(instance.visits),
        key=lambda v: (-instance.drop_cost[v], services[0][v].due if services else 0, v),
    )


def by_window(instance: Instance) -> list[int]:
    """Visits by order of magnitude of their worth, then those with the least time first."""

    def least(v: int) -> tuple[int, int, int]:
        room = sum(min(closes - opens, 10**9) for opens, closes in instance.windows[v])
        return -len(str(instance.drop_cost[v])), room, v

    return sorted(range(instance.visits), key=least)


def by_distance(instance: Instance) -> list[int]:
    """Visits by order of magnitude of their worth, then the farthest from the first depot."""

    def farthest(v: int) -> tuple[int, int, int]:
        far = 0
        if instance.shifts:
            lane = instance.lanes[0]
            far = lane.legs[lane.home][instance.place[v]]
        return -len(str(instance.drop_cost[v])), -far, v

    return sorted(range(instance.visits), key=farthest)
