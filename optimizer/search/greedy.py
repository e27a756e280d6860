"""The last word on what is left out: whatever is worth its place gets it."""

from collections.abc import Iterable

from optimizer.search.groups import insert_group
from optimizer.search.insertion import Spot, spot_on
from optimizer.search.instance import Instance
from optimizer.search.state import State


def by_worth(instance: Instance) -> list[int]:
    """Visits, the costliest to leave out first, then the first due."""
    services = instance.services
    return sorted(
        range(instance.visits),
        key=lambda v: (-instance.drop_cost[v], services[0][v].due if services else 0, v),
    )


def insert_worthwhile(state: State, visits: Iterable[int]) -> State:
    """The state after inserting those of these visits that lower the total, until none does.

    They are tried in this order; each goes where it costs least, and visits that begin
    together go together or not at all.
    """
    waiting = list(dict.fromkeys(visits))
    while True:
        before = state.served()
        for v in waiting:
            if state.where[v] < 0:
                state = _inserted(state, v) or state
        # Only partners can make a second try succeed.
        if state.served() == before or state.instance.free:
            return state


def _inserted(state: State, v: int) -> State | None:
    """The state with the visit, and the group it begins together with, served; None if not."""
    instance = state.instance
    group = instance.groups[v]
    ceiling = sum(instance.drop_cost[other] for other in group) + 1
    if len(group) > 1:
        return insert_group(state, group, ceiling)
    refused: set[tuple[int, int]] = set()
    while True:
        best = _best_spot(state, v, ceiling)
        if best is None or (best.shift, best.position) in refused:
            return None
        order = state.order(best.shift)
        order = (*order[: best.position], v, *order[best.position :])
        if state.place(best.shift, order):
            return state
        refused.add((best.shift, best.position))


def _best_spot(state: State, v: int, ceiling: int) -> Spot | None:
    best: Spot | None = None
    for s in state.instance.candidates[v]:
        spot = spot_on(state, v, s, ceiling)
        if spot is not None and (best is None or spot < best):
            best, ceiling = spot, spot.cost + 1
    return best
