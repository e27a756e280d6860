"""A plan without anything left to gain by one step: no insertion, and no exchange of one visit, pays.

A search stops when its limit says so; what it leaves undone for want of time is done here, so that
no question about the plan is answered by a reason that is none.
"""

from collections.abc import Sequence

from optimizer.displacing import Exchange, exchanges, without
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.answer import answer
from optimizer.search.greedy import by_worth, insert_worthwhile
from optimizer.search.route import Route
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY
from optimizer.standing import Standing


def settle(problem: Problem, plan: Plan) -> Plan:
    """The plan with every insertion and exchange made that lowers its total; itself without any.

    An exchange serves a visit that was left out instead of one that is not pinned.
    """
    return settled(Standing(problem, plan)).plan


def settled(standing: Standing) -> Standing:
    """What `settle` answers, as a standing; the same one when there is nothing to gain."""
    state = improved(standing.state)
    if state is standing.state:
        return standing
    plan = answer(state, standing.plan.search)
    return Standing(standing.problem, plan, standing.instance)


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
            if state.where[v] < 0 and len(state.instance.groups[v]) == 1:
                state = _instead(state, v, tried)
        if state.cost() >= before:
            return state


def _instead(state: State, v: int, tried: dict[int, list[Route | None]]) -> State:
    """The state with the visit instead of another where that lowers the total.

    Routes on which it was `tried` in vain are passed over until they change.
    """
    shifts = state.instance.candidates[v]
    if state.instance.free and v in tried:
        shifts = [s for s in shifts if state.routes[s] is not tried[v][s]]
    found = cheapest(state, v, 1, shifts=shifts, ceiling=0)
    trial = None if found is None else made(state, v, found)
    if trial is None or trial.cost() >= state.cost():
        tried[v] = state.routes.copy()
        return state
    return trial


def cheapest(
    state: State,
    v: int,
    size: int,
    *,
    shifts: Sequence[int] | None = None,
    ceiling: int = INFINITY,
) -> Exchange | None:
    """The cheapest exchange of the visit for so many that are not pinned, on any of the shifts."""
    if any(state.where[first] < 0 for first in state.instance.firsts_of[v]):
        return None
    names = state.instance.problem.visits
    found = exchanges(
        state,
        v,
        shifts=state.instance.candidates[v] if shifts is None else shifts,
        size=size,
        most=1,
        movable=lambda other: names[other].pinned is None,
        ceiling=ceiling,
    )
    return found[0] if found else None


def made(state: State, v: int, exchange: Exchange) -> State | None:
    """The state after an exchange that was found in it; None when it cannot be made after all."""
    trial = without(state, exchange.out)
    if trial is None:
        return None
    s, order = exchange.shift, trial.order(exchange.shift)
    order = (*order[: exchange.position], v, *order[exchange.position :])
    return trial if trial.place(s, order) else None
