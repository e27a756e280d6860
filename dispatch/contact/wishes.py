"""What customers want of the office, told through their links, until somebody has seen to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from dispatch.contact.appointments import CALLED_OFF, OFFICE, WANTS_CALL
from dispatch.core.tables import Event
from dispatch.work.lifecycle import UNFINISHED
from dispatch.work.tables import HoldReason, Visit, WorkOrder, WorkOrderStatus


@dataclass(frozen=True, slots=True)
class Wish:
    """A visit whose customer called it off, or asks to be called."""

    visit_id: str
    work_order_id: str
    is_called_off: bool
    since: datetime


def open_wishes(session: Session, *, territory_id: str, limit: int = 200) -> Iterator[Wish]:
    """The wishes that nobody has seen to, the oldest first.

    Called off stays until the order is released or cancelled; a call until somebody of the office has done anything
    about the visit.
    """
    later = aliased(Event)
    seen_to = sa.exists().where(
        col(later.entity) == "visit",
        col(later.entity_id) == col(Event.entity_id),
        col(later.id) > col(Event.id),
        col(later.role).in_(OFFICE),
    )
    waits = sa.and_(
        col(WorkOrder.status) == WorkOrderStatus.ON_HOLD,
        col(WorkOrder.hold_reason) == HoldReason.CUSTOMER,
    )
    called_off = sa.and_(col(Event.type) == f"visit.{CALLED_OFF}", waits)
    wants_call = sa.and_(col(Event.type) == f"visit.{WANTS_CALL}", sa.not_(seen_to), sa.not_(waits))
    statement = (
        sa.select(
            col(Visit.id), col(WorkOrder.id), col(Event.type), sa.func.max(col(Event.recorded_at))
        )
        .join(Visit, col(Visit.id) == col(Event.entity_id))
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .where(
            col(Event.territory_id) == territory_id,
            col(Event.entity) == "visit",
            col(Event.type).in_((f"visit.{CALLED_OFF}", f"visit.{WANTS_CALL}")),
            col(Visit.status).in_(UNFINISHED),
            sa.or_(called_off, wants_call),
        )
        .group_by(col(Visit.id), col(WorkOrder.id), col(Event.type))
        .order_by(sa.func.max(col(Event.recorded_at)), col(Visit.id))
        .limit(limit)
    )
    for visit_id, order_id, type_, since in session.execute(statement):
        yield Wish(visit_id, order_id, type_ == f"visit.{CALLED_OFF}", since)
