"""A plan without anything left to gain by one step: no insertion, and no room made for a visit, pays.

A search stops when its limit says so; what it leaves undone for want of time is done here, so that
no question about the plan is answered by a reason that is none.
"""

from operator import is_

from optimizer.making_room import room_for
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.greedy import by_worth, insert_worthwhile
from optimizer.search.route import Route
from optimizer.search.state import State
from optimizer.seating import Seating
from optimizer.standing import Standing


def settle(problem: Problem, plan: Plan) -> Plan:
    """The plan with every insertion made that lowers its total, be it where others make room.

    Itself when there is none. Pinned visits make no room, and none is made for visits that begin
    together.
    """
    return settled(Standing(problem, plan)).plan


def settled(standing: Standing) -> Standing:
    """What `settle` answers, as a standing; the same one when there is nothing to gain."""
    state = improved(standing.state)
    return standing if state is standing.state else standing.with_state(state)


def improved(state: State) -> State:
    """The state after everything that lowers its total in one step; itself when nothing does."""
    order = by_worth(state.instance)
    tried: dict[int, list[Route | None]] = {}
    while True:
        before = state.cost()
        trial = insert_worthwhile(state.copy(), order)
        if trial.cost() < before:
            state = trial
        for v in order:
            if state.where[v] < 0:
                alone = len(state.instance.groups[v]) == 1
                state = _with(state, v, tried) if alone else _with_group(state, v)
        if state.cost() >= before:
            return state


def _with_group(state: State, v: int) -> State:
    """The state with the visit and all that begin with it, where that lowers the total."""
    group = state.instance.groups[v]
    if v != group[0]:
        return state
    worth = sum(state.instance.drop_cost[u] for u in group)
    found = Seating(state, group).best(ceiling=worth)
    return state if found is None else found.state


def _with(state: State, v: int, tried: dict[int, list[Route | None]]) -> State:
    """The state with the visit where others make room for it and that lowers the total.

    A visit for which it was `tried` in vain is passed over until a route changes.
    """
    if state.instance.free and v in tried and all(map(is_, tried[v], state.routes)):
        return state
    room = room_for(state, v, ceiling=0)
    if room is None:
        tried[v] = state.routes.copy()
        return state
    return room.state
