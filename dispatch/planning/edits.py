"""A dispatcher's edits of a plan: insert, move, put back, lock, renew, go on without a crew.

Each proposes a new plan, checked like every other, and leaves the old one as it is.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from dispatch.core import events
from dispatch.core.events import Actor
from dispatch.planning import runs
from dispatch.planning.editing import (
    DoesNotFit,
    NoPlanYet,
    NotEditable,
    Standing,
    VisitBegun,
    editable,
    propose_edit,
    refusal,
    refuse_begun,
    refuse_unplaceable,
    stand,
)
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.inserting import Displaced, Place, insert_visit, places
from dispatch.planning.renewing import renew
from dispatch.planning.tables import Assignment, LeftOut, Plan
from dispatch.registry import crews, shifts
from dispatch.work import visits
from dispatch.work.tables import Visit
from optimizer.plan import Plan as Answer
from optimizer.problem import Problem

__all__ = [
    "Displaced",
    "DoesNotFit",
    "Engine",
    "NoPlanYet",
    "NotEditable",
    "Place",
    "VisitBegun",
    "insert_visit",
    "lock",
    "move_visit",
    "places",
    "put_back",
    "renew",
    "replan_without",
    "unlock",
]


def move_visit(
    session: Session,
    *,
    plan_id: int,
    visit_id: str,
    shift_id: str,
    actor: Actor,
    now: datetime,
    position: int | None = None,
    start_at: datetime | None = None,
    expect: int | None = None,
    engine: Engine = in_process,
) -> Plan:
    """Propose the plan with the visit on this shift, and lock it there; the others keep their crews and order.

    `position` is how many stops come before it, the cheapest place when None; `start_at` fixes and locks its begin.
    Raises DoesNotFit when it, or a visit it would push out, cannot be served; VisitBegun; StaleVersion when the
    plan is not the one seen; NoSuchVisit, NoSuchPlan, NotEditable.
    """
    visit = visits.get(session, visit_id)
    plan = editable(session, plan_id)
    plan.expect(expect)
    crew_id = shifts.get(session, shift_id).crew_id
    with session.begin_nested():  # a refusal takes the lock back
        _lock(visit, crew_id=crew_id, start_at=start_at)
        session.flush()
        standing = stand(session, plan, now=now)
        refuse_begun(standing, visit_id)
        refuse_unplaceable(standing, visit_id)
        if shift_id not in standing.orders:
            raise DoesNotFit(
                f"Shift {shift_id} cannot take visits any more: its crew is absent or off duty.",
                reason="shift_hours",
                visit=visit_id,
            )
        answer = _moved(standing, visit_id, shift_id, position, engine)
        _record(session, "visit.locked", visit, actor=actor, now=now)
        return propose_edit(session, standing, answer, origin="edit", actor=actor, now=now)


def put_back(
    session: Session,
    *,
    plan_id: int,
    visit_id: str,
    actor: Actor,
    now: datetime,
    expect: int | None = None,
    engine: Engine = in_process,
) -> Plan:
    """Propose the plan without the visit, which waits in the queue again, unlocked; raises as `move_visit` does."""
    visit = visits.get(session, visit_id)
    plan = editable(session, plan_id)
    plan.expect(expect)
    with session.begin_nested():
        if visit.locked_crew or visit.locked_start_at is not None:
            unlock(session, visit_id=visit_id, actor=actor, now=now)
        standing = stand(session, plan, now=now)
        refuse_begun(standing, visit_id)
        if all(visit_id not in order for order in standing.orders.values()):
            raise NotEditable(f"Visit {visit_id} is not on plan {plan.number}.", visit=visit_id)
        answer = engine.retime(standing.problem, standing.without(visit_id))
        made = propose_edit(session, standing, answer, origin="edit", actor=actor, now=now)
        left = session.get_one(LeftOut, (made.id, visit_id))
        # The optimizer would only say that there is room for it; a person's wish is the reason.
        left.reason, left.shifts, left.hint = "put_back", {}, f"Put back by {actor.id}."
        session.flush()
    return made


def lock(
    session: Session,
    *,
    plan_id: int,
    visit_id: str,
    actor: Actor,
    now: datetime,
    crew: bool = True,
    time: bool = False,
) -> Visit:
    """Keep the visit's crew, its begin, or both, as this plan has them, in every plan made from now on.

    Raises NoSuchVisit, NoSuchPlan, NotEditable.
    """
    visit = visits.get(session, visit_id)
    plan = editable(session, plan_id)
    stop = session.get(Assignment, (plan.id, visit_id))
    if stop is None:
        raise NotEditable(f"Visit {visit_id} is not on plan {plan.number}.", visit=visit_id)
    _lock(visit, crew_id=stop.crew_id if crew else None, start_at=stop.start_at if time else None)
    _record(session, "visit.locked", visit, actor=actor, now=now)
    return visit


def unlock(
    session: Session,
    *,
    visit_id: str,
    actor: Actor,
    now: datetime,
    crew: bool = True,
    time: bool = True,
) -> Visit:
    """Let plans move the visit again; raises NoSuchVisit."""
    visit = visits.get(session, visit_id)
    if crew:
        visit.locked_crew, visit.locked_crew_id = False, None
    if time:
        visit.locked_start_at = None
    _record(session, "visit.unlocked", visit, actor=actor, now=now)
    return visit


def replan_without(
    session: Session,
    *,
    shift_id: str,
    reason: str,
    actor: Actor,
    now: datetime,
    options: dict[str, Any] | None = None,
) -> Plan:
    """Note that a crew cannot come, or cannot go on, and ask for a plan without it.

    Raises NoSuchShift, ShiftOver, BadShift, and what `request_plan` does.
    """
    shift = shifts.mark_absent(session, shift_id=shift_id, reason=reason, actor=actor, now=now)
    territory_id = crews.get(session, shift.crew_id).territory_id
    return runs.request_plan(
        session, territory_id=territory_id, day=shift.day, options=options, actor=actor, now=now
    )


def _moved(
    standing: Standing, visit_id: str, shift_id: str, position: int | None, engine: Engine
) -> Answer:
    problem, orders = standing.problem, standing.without(visit_id)
    if position is None:
        rest = engine.retime(problem, orders)
        place = next(iter(engine.insert(problem, rest, visit_id, 1, shift=shift_id)), None)
        position = len(orders[shift_id]) if place is None else place.position
    orders[shift_id].insert(min(max(0, position), len(orders[shift_id])), visit_id)
    answer = engine.retime(problem, orders)
    left = {entry.visit for entry in answer.unserved}
    pushed = [other for order in orders.values() for other in order if other in left]
    if visit_id in pushed:
        alone = engine.retime(*_only(problem, shift_id, orders[shift_id]))
        kept = {stop.visit for route in alone.routes for stop in route.stops}
        raise refusal(answer if visit_id in kept else alone, visit_id)
    if pushed:
        raise DoesNotFit(
            f"Visit {visit_id} there would push out {', '.join(pushed)}. Move or put back those first.",
            reason="capacity",
            visit=visit_id,
            pushed_out=pushed,
        )
    return answer


def _only(
    problem: Problem, shift_id: str, order: list[str]
) -> tuple[Problem, dict[str, list[str]]]:
    """The problem of this shift and its visits alone, so that the reason is why a visit cannot be there."""
    known = set(order)
    return replace(
        problem,
        shifts=tuple(shift for shift in problem.shifts if shift.id == shift_id),
        visits=tuple(visit for visit in problem.visits if visit.id in known),
        relations=(),
        incumbent=None,
    ), {shift_id: order}


def _lock(visit: Visit, *, crew_id: str | None, start_at: datetime | None) -> None:
    if crew_id is not None:
        visit.locked_crew, visit.locked_crew_id = True, crew_id
    if start_at is not None:
        visit.locked_start_at = start_at


def _record(session: Session, type: str, visit: Visit, *, actor: Actor, now: datetime) -> None:
    start = visit.locked_start_at
    events.record(
        session,
        type,
        entity="visit",
        entity_id=visit.id,
        actor=actor,
        now=now,
        territory_id=visit.territory_id,
        data={
            "work_order_id": visit.work_order_id,
            "crew_id": visit.locked_crew_id,
            "start_at": start.isoformat() if start else None,
        },
    )
    session.flush()
