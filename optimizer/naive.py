"""The plan of a rule of thumb, to compare with: the most urgent first, to the nearest crew.

It keeps every hard rule and passes the same checker as any other plan.
"""

from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.answer import answer
from optimizer.search.groups import insert_group
from optimizer.search.instance import Instance
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY


def naive(problem: Problem) -> Plan:
    """The plan of the rule: by `unserved_cost` downwards, then by `due`, each to the nearest crew.

    Nearest is the least travel from the crew's last stop so far; the visit goes to the end of the
    first such crew's route that can take it. No cost is weighed against another. Visits that begin
    together are appended together; one that follows another waits for it. Deterministic.
    """
    instance = Instance(problem)
    state = State(instance)
    waiting = sorted(range(instance.visits), key=lambda v: _urgency(instance, v))
    while waiting:
        left = []
        for v in waiting:
            if state.where[v] < 0:
                after = _appended(state, v)
                state = after or state
                if after is None:
                    left.append(v)
        # A second round can only help visits that waited for one further down the list.
        if instance.free or len(left) == len(waiting):
            break
        waiting = left
    return answer(state, {"engine": "naive"})


def _urgency(instance: Instance, v: int) -> tuple[int, int, int]:
    visit = instance.problem.visits[v]
    return -visit.unserved_cost, INFINITY if visit.due is None else visit.due, v


def _appended(state: State, v: int) -> State | None:
    """The state with the visit, and its group, at the end of the nearest routes; None if not."""
    instance = state.instance
    if len(instance.groups[v]) > 1:
        return _appended_group(state, instance.groups[v])
    for s in sorted(instance.candidates[v], key=lambda s: (_distance(state, v, s), s)):
        if state.blocked(v, s) or state.windows(v, s) == ():
            continue
        if state.place(s, (*state.order(s), v)):
            return state
    return None


def _appended_group(state: State, group: tuple[int, ...]) -> State | None:
    ends = [(s, len(state.order(s))) for s in range(state.instance.shifts)]
    return insert_group(state, group, INFINITY, dict.fromkeys(group, ends))


def _distance(state: State, v: int, s: int) -> int:
    """Travel seconds from where the shift's crew is so far."""
    instance, lane, order = state.instance, state.instance.lanes[s], state.order(s)
    at = instance.place[order[-1]] if order else lane.home
    return lane.legs[at][instance.place[v]]
