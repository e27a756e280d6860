"""Why a visit is left out, proven by trying every shift; and why it is where it is.

An insertion that is worth its cost, be it that others make room for it, is no reason to report: it
is made (`settle`), and what is explained is the plan with it.
"""

from dataclasses import dataclass

from optimizer.alternatives import Alternative, alternatives
from optimizer.making_room import Room, room_for
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.reasons import cost_to_serve, reasons_on
from optimizer.relaxing import Relaxation, Relaxer
from optimizer.search.greedy import by_worth, insert_worthwhile
from optimizer.search.state import State
from optimizer.seating import Seated, Seating
from optimizer.settling import settle, settled
from optimizer.standing import Standing

__all__ = ["Explanation", "Moved", "ShiftReason", "explain", "explained", "settle", "settled"]

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
class Moved:
    """A visit that goes to another place to make room, beginning at `start` on `shift`."""

    visit: str
    shift: str
    start: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the plan serves a visit so, or why it does not.

    `verdict` is one of

    - `served`: it is on `shift`, beginning at `start`; `alternatives` are the next best crews;
    - `impossible`: no shift could serve it even when empty; `reasons` has the rule for each;
    - `displaced`: it fits only if `pushed_out` of `shift` are left out, and `moved` go elsewhere,
      which changes the total by `cost` points;
    - `not_worth_it`: it fits, if `moved` go elsewhere, for `cost` points; leaving it out costs
      `leaving_out`;
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
    moved: tuple[Moved, ...] = ()
    reasons: tuple[ShiftReason, ...] = ()
    relaxations: tuple[Relaxation, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    plan: Plan | None = None


def explain(problem: Problem, plan: Plan, visit_id: str) -> Explanation:
    """Why the visit is where it is, or left out; raise VisitUnknown.

    Where serving this visit would lower the total, be it that others make room, that is done, with
    every insertion that pays then; the explanation is of that plan and carries it as `plan`.
    """
    return explained(Standing(problem, plan), visit_id)


def explained(standing: Standing, visit_id: str) -> Explanation:
    """What `explain` answers for a standing."""
    v, state = standing.visit(visit_id), standing.state
    if state.where[v] >= 0:
        return _served(standing, v, None)
    group = standing.instance.groups[v]
    seated = Seating(state, group).best() if len(group) > 1 else None
    cost = cost_to_serve(state, v) if len(group) == 1 else seated and seated.cost
    room = room_for(state, v) if cost is None else None
    after = _with(standing, v, cost, seated, room)
    if after is None:
        return _left_out(standing, v, cost, room)
    return _served(after, v, after.plan)


def _with(
    standing: Standing, v: int, cost: int | None, seated: Seated | None, room: Room | None
) -> Standing | None:
    """The standing with the visit served where that pays, for `cost` or in the room; else None.

    `seated` has it with those that begin together with it.
    """
    state, order = standing.state, by_worth(standing.instance)
    if cost is not None and cost < _drop(standing, v):
        state = insert_worthwhile(state.copy() if seated is None else seated.state, (v, *order))
    elif room is not None and room.cost < 0:
        state = insert_worthwhile(room.state, order)
    return None if state.where[v] < 0 else standing.with_state(state)


def _drop(standing: Standing, v: int) -> int:
    """Points that leaving the visit out costs, with those that must begin together with it."""
    instance = standing.instance
    return sum(instance.drop_cost[other] for other in instance.groups[v])


def _served(standing: Standing, v: int, plan: Plan | None) -> Explanation:
    s = standing.state.where[v]
    shift, visit = standing.problem.shifts[s].id, standing.problem.visits[v].id
    return Explanation(
        visit=visit,
        verdict=SERVED,
        shift=shift,
        start=standing.starts().get(visit, _start(standing.state, v)),
        leaving_out=_drop(standing, v),
        alternatives=tuple(alternatives(standing, v)),
        plan=plan,
    )


def _left_out(standing: Standing, v: int, cost: int | None, room: Room | None) -> Explanation:
    problem, state = standing.problem, standing.state
    reasons = tuple(
        ShiftReason(shift.id, shift.crew, reason)
        for shift, reason in zip(problem.shifts, reasons_on(state, v), strict=True)
    )
    drop = _drop(standing, v)
    if cost is not None:
        verdict = NOT_WORTH_IT
    elif room is not None:
        verdict = DISPLACED if room.out else NOT_WORTH_IT
        cost = room.cost if room.out else room.cost + drop
    else:
        possible = {"relation", "capacity", "cost"}.intersection(each.reason for each in reasons)
        verdict = TIED if possible else IMPOSSIBLE
    relaxations = [] if verdict == NOT_WORTH_IT else Relaxer(standing, v).each()
    if room is not None and len(room.out) + len(room.moved) == 1:
        relaxations.append(_instead(standing, v, room))
        relaxations.sort(key=lambda relaxation: (relaxation.cost, relaxation.kind))
    return Explanation(
        visit=problem.visits[v].id,
        verdict=verdict,
        shift=None if room is None else problem.shifts[room.shift].id,
        cost=cost,
        leaving_out=drop,
        pushed_out=() if room is None else tuple(problem.visits[u].id for u in room.out),
        moved=() if room is None else tuple(_moved(standing, room, u) for u in room.moved),
        reasons=reasons,
        relaxations=tuple(relaxations),
    )


def _moved(standing: Standing, room: Room, v: int) -> Moved:
    problem, s = standing.problem, room.state.where[v]
    return Moved(problem.visits[v].id, problem.shifts[s].id, _start(room.state, v))


def _instead(standing: Standing, v: int, room: Room) -> Relaxation:
    """The room that one visit makes, as a relaxation."""
    problem, (other,) = standing.problem, (*room.out, *room.moved)
    shift, to = problem.shifts[room.shift], room.state.where[other]
    return Relaxation(
        kind="instead",
        shift=shift.id,
        crew=shift.crew,
        start=_start(room.state, v),
        cost=room.cost,
        detail=problem.visits[other].id,
        to=None if to < 0 else problem.shifts[to].id,
    )


def _start(state: State, v: int) -> int:
    """When a served visit begins, seconds after the problem's start."""
    route = state.routes[state.where[v]]
    assert route is not None
    return next(stop.begin for stop in route.timing.stops if stop.visit == v)
