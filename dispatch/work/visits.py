"""Visits: the one writer of their status, and of what a plan assigns."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from dispatch.core import events, triggers
from dispatch.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.registry.tables import Crew
from dispatch.work.consequences import EFFECTS, Step, hold_after, try_again
from dispatch.work.lifecycle import BUSY, DECLINE, NOT_DONE, UNDER_WAY, VISITS, WAITING
from dispatch.work.progress import follow_visits, get_order
from dispatch.work.tables import Visit, VisitStatus, WorkOrderStatus

REASONS: Mapping[str, Mapping[str, object]] = {"fail": NOT_DONE, "decline": DECLINE}
"""The actions that need a reason, and which there are."""


class NoSuchVisit(NotFoundError):
    """No visit has this number."""

    code = "no_such_visit"


class VisitNotYours(ForbiddenError):
    """The visit is assigned to another crew."""

    code = "visit_not_yours"


class CrewBusy(ConflictError):
    """The crew is on its way to, at, or working on another visit."""

    code = "crew_busy"


class NotAssigned(ConflictError):
    """The visit has no crew yet, so it cannot be published."""

    code = "not_assigned"


class NotAssignable(ConflictError):
    """The visit's state does not allow giving it to this crew or time."""

    code = "not_assignable"


class UnknownReason(InvalidError):
    """The action needs a reason from its list."""

    code = "unknown_reason"


class DoubleBooked(ConflictError):
    """The crew has another visit at that time."""

    code = "double_booked"


class OrderSettled(ConflictError):
    """The work order is verified, closed, cancelled or held; its visits stay as they are."""

    code = "order_settled"


def get(session: Session, visit_id: str) -> Visit:
    """The visit with this number; raises NoSuchVisit."""
    visit = session.get(Visit, visit_id)
    if visit is None:
        raise NoSuchVisit(f"There is no visit {visit_id}.", subject=visit_id)
    return visit


def allowed(visit: Visit, *, role: str | None = None) -> list[str]:
    """The actions that the visit's state allows, for `role` or for anybody."""
    return VISITS.allowed(visit.status, role)


def act(
    session: Session,
    visit: Visit,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    happened_at: datetime | None = None,
    reason: str = "",
    note: str = "",
    data: dict[str, Any] | None = None,
    expect: int | None = None,
) -> Visit:
    """Move the visit by one action of its life cycle, with everything that follows from it.

    `happened_at` is the device's time where that differs from `now`; a time ahead of `now` counts as `now`.
    `expect` is the version the caller saw. `data` goes into the event and must name no person, telephone or
    address. The promise, the clocks, the order's status, and after `fail` the next visit follow in the same
    transaction.

    Raises IllegalMove, MoveNotYours, VisitNotYours, CrewBusy, DoubleBooked, NotAssigned, UnknownReason,
    OrderSettled and StaleVersion.
    """
    visit.expect(expect)
    if actor.role == "crew" and visit.crew_id != actor.id:
        raise VisitNotYours(f"Visit {visit.id} is not one of crew {actor.id}.", subject=visit.id)
    before = visit.status
    target = VISITS.target(before, action, role=actor.role, subject=visit.id)
    _check_reason(visit, action, reason)
    order = get_order(session, visit.work_order_id)
    if action == "publish" and visit.crew_id is None:
        raise NotAssigned(f"Visit {visit.id} has no crew yet; assign it first.", subject=visit.id)
    if action == "reopen" and order.status not in {
        WorkOrderStatus.COMPLETED,
        WorkOrderStatus.IN_PROGRESS,
    }:
        raise OrderSettled(
            f"Work order {order.id} is {order.status.value}; make a new one instead.",
            subject=visit.id,
            state=order.status.value,
        )
    if target in BUSY:
        _check_free(session, visit)
    step = Step(action, actor, now, min(happened_at or now, now), reason)
    crew_id, had = visit.crew_id, _had(visit) if action == "withdraw" else {}
    visit.status = target
    if reason:
        visit.reason = reason[:64]
    if note:
        visit.note = note[:500]
    effect = EFFECTS.get(action)
    if effect is not None:
        effect(session, visit, step)
    _record(session, visit, step, before, {"crew_id": crew_id, **had, **(data or {})})
    if action == "fail":
        try_again(session, visit, order, step)
    follow_visits(session, order, actor=actor, now=now, happened_at=step.at)
    hold_after(session, order, step)
    return visit


def assign(
    session: Session,
    visit: Visit,
    *,
    crew_id: str,
    shift_id: str,
    arrive_at: datetime,
    start_at: datetime,
    end_at: datetime,
    travel_s: int,
    actor: Actor,
    now: datetime,
) -> Visit:
    """Write what a plan says about a visit that has not begun: crew, shift and times.

    Publishing alone calls this. Raises NotAssignable when the visit is under way or over, or is still published to
    another crew (withdraw it first), and DoubleBooked when the crew has another visit at that time.
    """
    if visit.status not in {VisitStatus.PLANNED, *WAITING}:
        raise NotAssignable(
            f"Visit {visit.id} is {visit.status.value}; only one that has not begun is assigned.",
            subject=visit.id,
            state=visit.status.value,
        )
    if visit.status != VisitStatus.PLANNED and visit.crew_id != crew_id:
        raise NotAssignable(
            f"Visit {visit.id} is {visit.status.value} to crew {visit.crew_id}; withdraw it first.",
            subject=visit.id,
            state=visit.status.value,
        )
    visit.crew_id, visit.shift_id, visit.travel_s = crew_id, shift_id, travel_s
    visit.planned_arrive_at, visit.planned_start_at = arrive_at, start_at
    visit.planned_end_at = end_at
    _flush(session, visit)
    events.record(
        session,
        "visit.assigned",
        entity="visit",
        entity_id=visit.id,
        actor=actor,
        now=now,
        territory_id=visit.territory_id,
        data={
            "work_order_id": visit.work_order_id,
            "crew_id": crew_id,
            "planned_start_at": start_at.isoformat(),
        },
    )
    return visit


def clear_times(session: Session, given: Iterable[Visit]) -> None:
    """Take the planned times of visits that get others in this transaction, so that they may change places."""
    for visit in given:
        visit.planned_arrive_at = visit.planned_start_at = visit.planned_end_at = None
    session.flush()


def _flush(session: Session, visit: Visit) -> None:
    visit_id, crew_id = visit.id, visit.crew_id
    try:
        session.flush()
    except IntegrityError as error:
        if triggers.DOUBLE_BOOKING not in str(error.orig):
            raise
        raise DoubleBooked(
            f"Crew {crew_id} has another visit at the time of visit {visit_id}.",
            subject=visit_id,
            crew=crew_id,
        ) from error


def _check_reason(visit: Visit, action: str, reason: str) -> None:
    if action == "withdraw" and visit.status in UNDER_WAY and not reason.strip():
        raise UnknownReason(
            f"The crew of visit {visit.id} is on its way: say why it is taken back.", field="reason"
        )
    if action not in REASONS:
        return
    known = REASONS[action]
    if reason not in known:
        raise UnknownReason(
            f"Give a reason: one of {', '.join(known)}.", field="reason", allowed=list(known)
        )


def _check_free(session: Session, visit: Visit) -> None:
    """Refuse when the crew is busy elsewhere; its row is locked, so that two devices cannot both pass."""
    session.exec(select(Crew.id).where(Crew.id == visit.crew_id).with_for_update()).first()
    statement = select(Visit).where(
        Visit.crew_id == visit.crew_id, col(Visit.status).in_(BUSY), Visit.id != visit.id
    )
    other = session.exec(statement).first()
    if other is not None:
        raise CrewBusy(
            f"Crew {visit.crew_id} is {other.status.value.replace('_', ' ')} on visit {other.id}; "
            "finish or pause that one first.",
            subject=visit.id,
            crew=visit.crew_id,
            visit=other.id,
            state=other.status.value,
        )


def _had(visit: Visit) -> dict[str, Any]:
    """What a visit loses that is taken off the plan: its shift and times, so that it can be given back."""
    times = {
        name: getattr(visit, name).isoformat() if getattr(visit, name) else None
        for name in ("planned_arrive_at", "planned_start_at", "planned_end_at")
    }
    return {"had": {"shift_id": visit.shift_id, "travel_s": visit.travel_s, **times}}


def _record(
    session: Session, visit: Visit, step: Step, before: VisitStatus, data: dict[str, Any]
) -> None:
    events.record(
        session,
        f"visit.{visit.status.value}",
        entity="visit",
        entity_id=visit.id,
        actor=step.actor,
        now=step.now,
        from_status=before.value,
        to_status=visit.status.value,
        territory_id=visit.territory_id,
        happened_at=step.at,
        data={
            "work_order_id": visit.work_order_id,
            "action": step.action,
            "reason": step.reason,
            **data,
        },
    )
    _flush(session, visit)
