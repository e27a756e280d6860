"""Why a visit is left out, proven by trying every shift; and why it is where it is.

An insertion that is worth its cost, be it instead of another visit, is no reason to report: it is
made (`settle`), and what is explained is the plan with it.
"""

from dataclasses import dataclass

from optimizer.alternatives import Alternative, alternatives
from optimizer.displacing import Exchange, cleared
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.reasons import cost_to_serve, reason_on
from optimizer.relaxing import Relaxation, Relaxer
from optimizer.search.answer import answer
from optimizer.search.greedy import by_worth, insert_worthwhile
from optimizer.settling import cheapest, made, settle, settled
from optimizer.standing import Standing

__all__ = ["Explanation", "ShiftReason", "explain", "explained", "settle", "settled"]

SERVED = "served"
IMPOSSIBLE = "impossible"
DISPLACED = "displaced"
NOT_WORTH_IT = "not_worth_it"
TIED = "tied"


@dataclass(frozen=True, slots=True)
class ShiftReason:
    """The first rule that keeps the visit from a shift; one of the format's reasons."""

    shift: str
    crew: str
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the plan serves a visit so, or why it does not.

    `verdict` is one of

    - `served`: it is on `shift`, beginning at `start`; `alternatives` are the next best crews;
    - `impossible`: no shift could serve it even when empty; `reasons` has the rule for each;
    - `displaced`: it fits only if `pushed_out` of `shift` are left out, which changes the total by
      `cost` points;
    - `not_worth_it`: it fits, for `cost` points; leaving it out costs `leaving_out`;
    - `tied`: what it is tied to keeps it out: a visit it follows is left out, or no time or crew
      suits both; `reasons` has the shifts.

    `relaxations` are the cheapest single changes that would make it fit, of each kind one, the
    cheapest first. `plan` is the settled plan that is explained, None where nothing was settled.
    """

    visit: str
    verdict: str
    shift: str | None = None
    start: int | None = None
    cost: int | None = None
    leaving_out: int = 0
    pushed_out: tuple[str, ...] = ()
    reasons: tuple[ShiftReason, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    plan: Plan | None = None


def explain(problem: Problem, plan: Plan, visit_id: str) -> Explanation:
    """Why the visit is where it is, or left out; raise VisitUnknown.

    Where serving this visit would lower the total, instead of others or not, that is done, with
    every insertion that pays then; the explanation is of that plan and carries it as `plan`.
    """
    return explained(Standing(problem, plan), visit_id)


def explained(standing: Standing, visit_id: str) -> Explanation:
    """What `explain` answers for a standing."""
    v = standing.visit(visit_id)
    if standing.state.where[v] >= 0:
        return _served(standing, v, None)
    after = _with(standing, v)
    if after is None:
        return _left_out(standing, v)
    return _served(after, v, after.plan)


def _with(standing: Standing, v: int) -> Standing | None:
    """The standing with the visit served, if need be instead of another; None when that costs."""
    state, order = standing.state, by_worth(standing.instance)
    cost = cost_to_serve(state, v)
    if cost is not None:
        if cost >= _drop(standing, v):
            return None
        state = insert_worthwhile(state.copy(), (v, *order))
    else:
        exchange = None if len(standing.instance.groups[v]) > 1 else cheapest(state, v, 1)
        exchanged = None if exchange is None or exchange.cost >= 0 else made(state, v, exchange)
        if exchanged is None:
            return None
        # Whoever made room may have a place elsewhere.
        state = insert_worthwhile(exchanged, order)
    if state.where[v] < 0:
        return None
    return Standing(standing.problem, answer(state, standing.plan.search), standing.instance)


def _drop(standing: Standing, v: int) -> int:
    """Points that leaving the visit out costs, with those that must begin together with it."""
    instance = standing.instance
    return sum(instance.drop_cost[other] for other in instance.groups[v])


def _served(standing: Standing, v: int, plan: Plan | None) -> Explanation:
    s = standing.state.where[v]
    shift, visit = standing.problem.shifts[s].id, standing.problem.visits[v].id
    route = standing.state.routes[s]
    assert route is not None
    start = next(stop.begin for stop in route.timing.stops if stop.visit == v)
    return Explanation(
        visit=visit,
        verdict=SERVED,
        shift=shift,
        start=standing.starts().get(visit, start),
        leaving_out=_drop(standing, v),
        alternatives=tuple(alternatives(standing, v)),
        plan=plan,
    )


def _left_out(standing: Standing, v: int) -> Explanation:
    problem, state, instance = standing.problem, standing.state, standing.instance
    reasons = tuple(
        ShiftReason(shift.id, shift.crew, reason_on(state, v, s))
        for s, shift in enumerate(problem.shifts)
    )
    possible = {"relation", "capacity", "cost"}.intersection(each.reason for each in reasons)
    verdict, cost, exchange = IMPOSSIBLE, cost_to_serve(state, v), None
    if cost is not None:
        verdict = NOT_WORTH_IT
    elif possible:
        exchange = _exchange(standing, v)
        verdict = TIED if exchange is None else DISPLACED
        cost = None if exchange is None else exchange.cost
    relaxations = [] if verdict == NOT_WORTH_IT else Relaxer(standing, v).each()
    if exchange is not None and len(exchange.out) == 1:
        relaxations.append(_instead(standing, v, exchange))
        relaxations.sort(key=lambda relaxation: (relaxation.cost, relaxation.kind))
    return Explanation(
        visit=problem.visits[v].id,
        verdict=verdict,
        shift=None if exchange is None else problem.shifts[exchange.shift].id,
        cost=cost,
        leaving_out=sum(instance.drop_cost[other] for other in instance.groups[v]),
        pushed_out=() if exchange is None else tuple(problem.visits[u].id for u in exchange.out),
        reasons=reasons,
        relaxations=tuple(relaxations),
    )


def _exchange(standing: Standing, v: int) -> Exchange | None:
    """The cheapest way to make room: one visit, else two of a route, else as many as it needs."""
    state, instance = standing.state, standing.instance
    if len(instance.groups[v]) > 1 or any(state.where[u] < 0 for u in instance.firsts_of[v]):
        return None
    for size in (1, 2):
        found = cheapest(state, v, size)
        if found is not None:
            return found
    names = standing.problem.visits
    return cleared(state, v, instance.candidates[v], lambda other: names[other].pinned is None)


def _instead(standing: Standing, v: int, exchange: Exchange) -> Relaxation:
    """The exchange of one visit, as a relaxation."""
    problem = standing.problem
    trial = made(standing.state, v, exchange)
    assert trial is not None
    route = trial.routes[exchange.shift]
    assert route is not None
    shift = problem.shifts[exchange.shift]
    return Relaxation(
        kind="instead",
        shift=shift.id,
        crew=shift.crew,
        start=route.timing.stops[exchange.position].begin,
        cost=exchange.cost,
        detail=problem.visits[exchange.out[0]].id,
    )
