"""What a new plan for the rest of a day comes to: moves that do not pay taken back, and who is affected.

Apart from `replan`, so that who only concludes a search that ran elsewhere does not load the search.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.answer import answer
from optimizer.search.given import incumbent_orders
from optimizer.search.insertion import spot_on
from optimizer.search.state import State
from optimizer.settling import improved
from optimizer.standing import Standing


@dataclass(frozen=True, slots=True)
class Affected:
    """A visit that has not begun and whose shift or begin is another than before.

    Seconds after the problem's start; both None where the plan leaves the visit out.
    """

    visit: str
    was_shift: str | None
    was_start: int | None
    shift: str | None
    start: int | None


@dataclass(frozen=True, slots=True)
class Replanned:
    """The new plan of the rest, the problem of the rest that it is for, and who is affected."""

    plan: Plan
    problem: Problem
    affected: tuple[Affected, ...]


def concluded(rest: Problem, before: Plan, found: Plan) -> Replanned:
    """A plan found for the rest, settled and without moves that do not pay, and who is affected.

    For a search that ran elsewhere; `before` is the plan in force of the whole day.
    """
    standing = Standing(rest, found)
    state = _calmed(improved(standing.state))
    if state is not standing.state:
        found = replace(answer(state, found.search), bound=found.bound)
    return Replanned(found, rest, tuple(_affected(rest, before, found)))


def _calmed(state: State) -> State:
    """The state with visits back on the shifts they had, and in the order, wherever that costs nothing.

    A search stops when its limit says so, and may leave moves that do not pay.
    """
    instance = state.instance
    for v in range(instance.visits):
        home = instance.shift_index.get(instance.before[v] or "", -1)
        if home < 0 or state.where[v] in (home, -1) or not instance.may_serve(v, home):
            continue
        trial = _moved_back(state, v, home)
        if trial is not None and trial.cost() <= state.cost():
            state = trial
    for s, before in enumerate(incumbent_orders(instance)):
        order = _in_order(state.order(s), before)
        if order == state.order(s):
            continue
        trial = state.copy()
        if trial.place(s, order) and trial.cost() <= state.cost():
            state = trial
    return state


def _in_order(order: tuple[int, ...], before: list[int]) -> tuple[int, ...]:
    """The same visits, those of `before` in the order they have there, the others where they are."""
    here = set(order)
    kept = [v for v in before if v in here]
    turn, old = iter(kept), set(kept)
    return tuple(next(turn) if v in old else v for v in order)


def _moved_back(state: State, v: int, home: int) -> State | None:
    trial = state.copy()
    here = state.where[v]
    if not trial.place(here, tuple(other for other in state.order(here) if other != v)):
        return None
    spot = spot_on(trial, v, home)
    if spot is None:
        return None
    order = trial.order(home)
    order = (*order[: spot.position], v, *order[spot.position :])
    return trial if trial.place(home, order) else None


def _affected(rest: Problem, before: Plan, after: Plan) -> Iterator[Affected]:
    was, now = _begins(before), _begins(after)
    for visit in rest.visits:
        old, new = was.get(visit.id, (None, None)), now.get(visit.id, (None, None))
        if old != new:
            yield Affected(visit.id, *old, *new)


def _begins(plan: Plan) -> dict[str, tuple[str, int]]:
    return {stop.visit: (route.shift, stop.start) for route in plan.routes for stop in route.stops}
