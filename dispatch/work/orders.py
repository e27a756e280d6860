"""Work orders: made with their first visit, their promise and their clocks; held, called off, completed."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlmodel import Session

from dispatch.core import events, numbers
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import SYSTEM, Actor
from dispatch.registry.tables import Territory
from dispatch.work import catalogue, promises, visits
from dispatch.work.beginnings import (
    CrewWishes,
    first_visit,
    premises_of,
    priority_of,
    start_clocks,
)
from dispatch.work.lifecycle import UNFINISHED, WORK_ORDERS
from dispatch.work.progress import SUBJECT, follow_visits, get_order, move_order, visits_of
from dispatch.work.tables import (
    HoldReason,
    Mode,
    Priority,
    WorkOrder,
    WorkOrderStatus,
)


class DueInPast(InvalidError):
    """The time by which it shall be done is over already."""

    code = "due_in_past"


class OwnerMissing(InvalidError):
    """Work always has an owner who must act next."""

    code = "owner_missing"


class WorkTypeInactive(InvalidError):
    """The work type is no longer used for new work."""

    code = "work_type_inactive"


class NoWindowByPhone(InvalidError):
    """Work by telephone has no visit, so no window can be promised for one."""

    code = "no_window_by_phone"


class NotByPhone(ConflictError):
    """The work is done by a visit; it ends with its visits."""

    code = "not_by_phone"


class OutcomeMissing(InvalidError):
    """A call is completed with what came of it."""

    code = "outcome_missing"


def get(session: Session, work_order_id: str) -> WorkOrder:
    """The work order with this number; raises NoSuchWorkOrder."""
    return get_order(session, work_order_id)


def create(
    session: Session,
    *,
    territory_id: str,
    work_type: str,
    customer_id: str,
    premises_id: str,
    owner: str,
    actor: Actor,
    now: datetime,
    request_id: str | None = None,
    series_id: str | None = None,
    priority: Priority | None = None,
    description: str = "",
    earliest_day: date | None = None,
    due_at: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
    preferred_crews: Sequence[str] = (),
    forbidden_crews: Sequence[str] = (),
    allowed_crews: Sequence[str] | None = None,
    reported_at: datetime | None = None,
) -> WorkOrder:
    """Make a work order with its clocks and, unless it is done by telephone, its first visit.

    `earliest_day` is today in the territory unless given; clocks run from `reported_at`, else from `now`, and may
    have passed. `due_at` is given or the earliest of the clocks that the visit satisfies. `window` is promised to
    the customer at once.

    Raises OwnerMissing, NoSuchWorkType, WorkTypeInactive, PremisesUnknown, DueInPast, NoWindowByPhone, and what
    `promises.book` raises.
    """
    if due_at is not None and due_at <= now:
        raise DueInPast(
            "The time by which it shall be done is already over; give a later one, or none.",
            field="due_at",
        )
    kind = catalogue.get(session, work_type)
    if not kind.active:
        raise WorkTypeInactive(f"{work_type} is no longer in use.", field="work_type")
    if window is not None and kind.mode == Mode.PHONE:
        raise NoWindowByPhone(
            f"{work_type} is done by telephone; leave the window out.", field="window"
        )
    if not owner.strip():
        raise OwnerMissing("Work needs an owner: a counter, a crew or a person.", field="owner")
    premises = premises_of(session, territory_id, customer_id, premises_id)
    territory = session.get_one(Territory, territory_id)
    order = WorkOrder(
        id=numbers.next_number(session, "work_order", "W"),
        territory_id=territory_id,
        work_type=work_type,
        customer_id=customer_id,
        premises_id=premises_id,
        request_id=request_id,
        series_id=series_id,
        priority=priority or priority_of(kind, premises.site_class),
        owner=owner,
        description=description[:1000],
        earliest_day=earliest_day or local_day(now, zone_named(territory.zone)),
        created_at=now,
    )
    session.add(order)
    session.flush()
    first_due = start_clocks(session, order, kind, premises.area_class, reported_at or now, now)
    order.due_at = due_at or first_due
    _created(session, order, actor=actor, now=now)
    if kind.mode == Mode.VISIT:
        wishes = CrewWishes(allowed_crews, forbidden_crews, preferred_crews)
        visit = first_visit(session, order, kind, wishes, actor=actor, now=now)
        if window is not None:
            start_at, end_at = window
            promises.book(session, visit, start_at=start_at, end_at=end_at, actor=actor, now=now)
    return order


def hold(
    session: Session, order: WorkOrder, *, reason: HoldReason, actor: Actor, now: datetime
) -> WorkOrder:
    """Let the order wait for `reason`; visits on a published plan return to planning. Raises IllegalMove."""
    WORK_ORDERS.target(order.status, "hold", role=actor.role, subject=order.id)
    for visit in visits_of(session, order.id):
        if "withdraw" in visits.allowed(visit, role=SYSTEM.role):
            visits.act(session, visit, "withdraw", actor=SYSTEM, now=now, reason=reason.value)
    move_order(session, order, "hold", actor=actor, now=now, data={"reason": reason.value})
    order.hold_reason = reason
    session.flush()
    return order


def release(
    session: Session,
    order: WorkOrder,
    *,
    actor: Actor,
    now: datetime,
    earliest_day: date | None = None,
) -> WorkOrder:
    """End the wait: the order's visits are in the pool again, from `earliest_day` on when given."""
    move_order(session, order, "release", actor=actor, now=now)
    order.hold_reason = None
    if earliest_day is not None:
        order.earliest_day = earliest_day
        for visit in visits_of(session, order.id):
            if visit.status in UNFINISHED and visit.window_start_at is None:
                visit.earliest_day = earliest_day
    return follow_visits(session, order, actor=actor, now=now)


def cancel(
    session: Session, order: WorkOrder, *, actor: Actor, now: datetime, reason: str = ""
) -> WorkOrder:
    """Call the order off before it began, with its visits, promises and clocks. Raises IllegalMove."""
    move_order(session, order, "cancel", actor=actor, now=now, data={"reason": reason[:64]})
    for visit in visits_of(session, order.id):
        if "cancel" in visits.allowed(visit, role=SYSTEM.role):
            visits.act(session, visit, "cancel", actor=SYSTEM, now=now, reason=reason)
    session.flush()
    return order


def complete_call(
    session: Session, order: WorkOrder, *, outcome: str, actor: Actor, now: datetime
) -> WorkOrder:
    """Complete work by telephone with what came of it; raises NotByPhone, OutcomeMissing, IllegalMove."""
    _by_phone(session, order)
    if not outcome.strip():
        raise OutcomeMissing("Say what came of the call.", field="outcome")
    move_order(session, order, "complete_call", actor=actor, now=now)
    order.outcome = outcome.strip()[:500]
    session.flush()
    return order


def call_again(
    session: Session,
    order: WorkOrder,
    *,
    day: date,
    chosen: bool = True,
    actor: Actor,
    now: datetime,
) -> WorkOrder:
    """Put the call on the list again from `day` on; raises NotByPhone.

    `chosen`: somebody settled on that day, so that the customer is told; else it is only the next try.
    """
    _by_phone(session, order)
    if order.status != WorkOrderStatus.READY:
        raise NotByPhone(
            f"Work order {order.id} is {order.status.value}.", state=order.status.value
        )
    order.earliest_day = day
    events.record(
        session,
        "work_order.call_postponed",
        entity=SUBJECT,
        entity_id=order.id,
        actor=actor,
        now=now,
        territory_id=order.territory_id,
        data={"day": day.isoformat(), "chosen": chosen},
    )
    session.flush()
    return order


def verify(session: Session, order: WorkOrder, *, actor: Actor, now: datetime) -> WorkOrder:
    """Somebody other than the crew checked the result; raises IllegalMove."""
    return move_order(session, order, "verify", actor=actor, now=now)


def close(session: Session, order: WorkOrder, *, actor: Actor, now: datetime) -> WorkOrder:
    """Nothing more will be done about it; raises IllegalMove."""
    return move_order(session, order, "close", actor=actor, now=now)


def _by_phone(session: Session, order: WorkOrder) -> None:
    if catalogue.get(session, order.work_type).mode != Mode.PHONE:
        raise NotByPhone(
            f"Work order {order.id} ({order.work_type}) is done by a visit and ends with it.",
            subject=order.id,
        )


def _created(session: Session, order: WorkOrder, *, actor: Actor, now: datetime) -> None:
    events.record(
        session,
        "work_order.created",
        entity=SUBJECT,
        entity_id=order.id,
        actor=actor,
        now=now,
        to_status=order.status.value,
        territory_id=order.territory_id,
        data={
            "work_type": order.work_type,
            "priority": order.priority.value,
            "request_id": order.request_id,
            "series_id": order.series_id,
            "due_at": order.due_at.isoformat() if order.due_at else None,
        },
    )
    session.flush()
