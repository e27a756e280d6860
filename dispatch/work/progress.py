"""A work order's status: the one place that writes it, and the one function that derives it from visits."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.errors import NotFoundError
from dispatch.core.events import SYSTEM, Actor
from dispatch.sla import clocks
from dispatch.work.lifecycle import FOLLOWS_VISITS, UNDER_WAY, WAITING, WORK_ORDERS
from dispatch.work.tables import Visit, VisitStatus, WorkOrder, WorkOrderStatus

SUBJECT = "work_order"

_ACTION_TO = {
    WorkOrderStatus.READY: "return_to_pool",
    WorkOrderStatus.SCHEDULED: "schedule",
    WorkOrderStatus.IN_PROGRESS: "begin",
    WorkOrderStatus.COMPLETED: "complete",
    WorkOrderStatus.CANCELLED: "call_off",
}


class NoSuchWorkOrder(NotFoundError):
    """No work order has this number."""

    code = "no_such_work_order"


def get_order(session: Session, work_order_id: str) -> WorkOrder:
    """The work order with this number; raises NoSuchWorkOrder."""
    order = session.get(WorkOrder, work_order_id)
    if order is None:
        raise NoSuchWorkOrder(f"There is no work order {work_order_id}.", subject=work_order_id)
    return order


def visits_of(session: Session, work_order_id: str) -> Sequence[Visit]:
    """Every visit of the order, the first one first."""
    statement = (
        select(Visit).where(Visit.work_order_id == work_order_id).order_by(col(Visit.number))
    )
    return session.exec(statement).all()


def status_from(statuses: Collection[VisitStatus]) -> WorkOrderStatus | None:
    """What an order is when its visits are `statuses`; None when it has none (work by telephone)."""
    if not statuses:
        return None
    waits = VisitStatus.PLANNED in statuses
    scheduled = any(status in WAITING for status in statuses)
    done = VisitStatus.DONE in statuses
    if any(status in UNDER_WAY for status in statuses) or (done and (waits or scheduled)):
        return WorkOrderStatus.IN_PROGRESS
    if scheduled:
        return WorkOrderStatus.SCHEDULED
    if waits:
        return WorkOrderStatus.READY
    if done:
        return WorkOrderStatus.COMPLETED
    # Only cancelled ones are left, perhaps after some that could not be done: nothing more will happen.
    return WorkOrderStatus.CANCELLED


def move_order(
    session: Session,
    order: WorkOrder,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    role: str | None = None,
    happened_at: datetime | None = None,
    data: dict[str, Any] | None = None,
) -> WorkOrder:
    """Change a work order's status by one move of its life cycle, with its event and its clocks.

    `role` is what the move is judged by where that is not the actor's own. Raises IllegalMove and MoveNotYours.
    """
    before = order.status
    order.status = WORK_ORDERS.target(before, action, role=role or actor.role, subject=order.id)
    if order.status == WorkOrderStatus.COMPLETED:
        clocks.stop_all(
            session,
            subject=SUBJECT,
            subject_id=order.id,
            at=happened_at or now,
            actor=actor,
            now=now,
        )
    elif order.status == WorkOrderStatus.CANCELLED:
        order.hold_reason = None
        clocks.cancel(session, subject=SUBJECT, subject_id=order.id, actor=actor, now=now)
    events.record(
        session,
        f"work_order.{order.status.value}",
        entity=SUBJECT,
        entity_id=order.id,
        actor=actor,
        now=now,
        from_status=before.value,
        to_status=order.status.value,
        territory_id=order.territory_id,
        happened_at=happened_at,
        data={"work_type": order.work_type, "request_id": order.request_id, **(data or {})},
    )
    session.flush()
    return order


def follow_visits(
    session: Session,
    order: WorkOrder,
    *,
    actor: Actor,
    now: datetime,
    happened_at: datetime | None = None,
) -> WorkOrder:
    """Give the order the status that its visits imply; one that a person set (closed) stays.

    A held order stays held until it is released, or until nothing is left of it to wait for.
    """
    session.flush()
    if order.status not in {*FOLLOWS_VISITS, WorkOrderStatus.ON_HOLD}:
        return order
    status = status_from([visit.status for visit in visits_of(session, order.id)])
    if status is None or status == order.status:
        return order
    if order.status == WorkOrderStatus.ON_HOLD and status != WorkOrderStatus.CANCELLED:
        return order
    return move_order(
        session,
        order,
        _ACTION_TO[status],
        actor=actor,
        now=now,
        role=SYSTEM.role,
        happened_at=happened_at,
    )
