"""A dispatcher's edits of a plan: insert, move, put back, lock, renew, go on without a crew.

Each proposes a new plan, checked like every other, and leaves the old one as it is.
"""

from collections.abc import Mapping
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
    VisitBegun,
    editable,
    propose_edit,
    stand,
)
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.inserting import Displaced, Place, insert_visit, places
from dispatch.planning.moving import moved
from dispatch.planning.refusing import refuse_begun, refuse_unplaceable
from dispatch.planning.renewing import renew
from dispatch.planning.tables import Assignment, LeftOut, Plan
from dispatch.registry import crews, shifts
from dispatch.work import visits
from dispatch.work.tables import Visit

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
    "set_locks",
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

    In a branch the lock is the branch's alone.
    `position` is how many stops come before it, the cheapest place when None; `start_at` fixes and locks its begin.
    Raises DoesNotFit when it, or a visit it would push out, cannot be served; VisitBegun; StaleVersion when the
    plan is not the one seen; NoSuchVisit, NoSuchPlan, NotEditable.
    """
    visit = visits.get(session, visit_id)
    plan = editable(session, plan_id)
    plan.expect(expect)
    crew_id = shifts.get(session, shift_id).crew_id
    with session.begin_nested():  # a refusal takes the lock back
        before = locks_of(visit)
        if plan.branch is None:
            _lock(visit, crew_id=crew_id, start_at=start_at)
            session.flush()
            standing = stand(session, plan, now=now)
        else:
            start = (plan.locks.get(visit_id) or before)["start_at"]
            locked = {"crew_id": crew_id, "start_at": start_at.isoformat() if start_at else start}
            standing = stand(session, plan, now=now, locks={**plan.locks, visit_id: locked})
        refuse_begun(standing, visit_id)
        refuse_unplaceable(standing, visit_id)
        if shift_id not in standing.orders:
            raise DoesNotFit(
                f"Shift {shift_id} cannot take visits any more: its crew is absent or off duty.",
                reason="shift_hours",
                visit=visit_id,
            )
        answer = moved(standing, visit_id, shift_id, position, engine)
        if plan.branch is None:
            _record(session, "visit.locked", visit, before=before, by="move", actor=actor, now=now)
        edit = {"kind": "move", "visit_id": visit_id, "before": before, "after": locks_of(visit)}
        return propose_edit(
            session, standing, answer, origin="edit", actor=actor, now=now, edit=edit
        )


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
        before = locks_of(visit)
        if plan.branch is not None:
            standing = stand(session, plan, now=now, locks={**plan.locks, visit_id: UNLOCKED})
        else:
            if before != UNLOCKED:
                _unlock(visit)
                _record(
                    session, "visit.unlocked", visit, before=before, by="put_back", actor=actor, now=now
                )  # fmt: skip
            standing = stand(session, plan, now=now)
        refuse_begun(standing, visit_id)
        if all(visit_id not in order for order in standing.orders.values()):
            raise NotEditable(f"Visit {visit_id} is not on plan {plan.number}.", visit=visit_id)
        answer = engine.retime(standing.problem, standing.without(visit_id))
        edit = {
            "kind": "put_back", "visit_id": visit_id, "before": before, "after": locks_of(visit),
        }  # fmt: skip
        made = propose_edit(
            session, standing, answer, origin="edit", actor=actor, now=now, edit=edit
        )
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
    if plan.branch is not None:
        raise NotEditable(
            f"Plan {plan.number} is the branch {plan.branch}, where moving a visit locks it; merge the branch to "
            "lock its visits for good.",
            plan=plan.id,
        )
    stop = session.get(Assignment, (plan.id, visit_id))
    if stop is None:
        raise NotEditable(f"Visit {visit_id} is not on plan {plan.number}.", visit=visit_id)
    before = locks_of(visit)
    _lock(visit, crew_id=stop.crew_id if crew else None, start_at=stop.start_at if time else None)
    _record(session, "visit.locked", visit, before=before, by="lock", actor=actor, now=now)
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
    before = locks_of(visit)
    _unlock(visit, crew=crew, time=time)
    _record(session, "visit.unlocked", visit, before=before, by="unlock", actor=actor, now=now)
    return visit


def set_locks(
    session: Session,
    visit: Visit,
    locks: Mapping[str, str | None],
    *,
    by: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Lock a visit to exactly this crew and begin, None for neither; `by` says what for."""
    before = locks_of(visit)
    _unlock(visit)
    start = locks["start_at"]
    _lock(
        visit, crew_id=locks["crew_id"], start_at=datetime.fromisoformat(start) if start else None
    )
    after = locks_of(visit)
    if after != before:
        kind = "visit.unlocked" if after == UNLOCKED else "visit.locked"
        _record(session, kind, visit, before=before, by=by, actor=actor, now=now)


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


def _lock(visit: Visit, *, crew_id: str | None, start_at: datetime | None) -> None:
    if crew_id is not None:
        visit.locked_crew, visit.locked_crew_id = True, crew_id
    if start_at is not None:
        visit.locked_start_at = start_at


def _unlock(visit: Visit, *, crew: bool = True, time: bool = True) -> None:
    if crew:
        visit.locked_crew, visit.locked_crew_id = False, None
    if time:
        visit.locked_start_at = None


UNLOCKED: dict[str, str | None] = {"crew_id": None, "start_at": None}


def locks_of(visit: Visit) -> dict[str, str | None]:
    """The crew and the begin that the visit is locked to, None where to none."""
    crew = (visit.locked_crew_id or visit.crew_id) if visit.locked_crew else None
    start = visit.locked_start_at
    return {"crew_id": crew, "start_at": start.isoformat() if start else None}


def _record(
    session: Session,
    type: str,
    visit: Visit,
    *,
    before: Mapping[str, str | None],
    by: str,
    actor: Actor,
    now: datetime,
) -> None:
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
            **locks_of(visit),
            "before": dict(before),
            "by": by,
        },
    )
    session.flush()
