"""Reads of work: the day's pool, the call list, and pages of orders and visits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.calendar import day_bounds, zone_named
from dispatch.core.pages import Page, page
from dispatch.registry.tables import Customer, CustomerClass, Premises, Shift, Territory
from dispatch.work.lifecycle import READY_ORDERS
from dispatch.work.tables import (
    Mode,
    Priority,
    Visit,
    VisitStatus,
    WorkOrder,
    WorkOrderStatus,
    WorkType,
)

_Jobs = sa.Select[Visit, WorkOrder, WorkType, Premises, CustomerClass]


@dataclass(frozen=True, slots=True)
class Job:
    """A visit with what planning and pages need beside it, read in one query.

    `priority` is the class it competes in on the day asked for, see `class_today`.
    """

    visit: Visit
    order: WorkOrder
    work_type: WorkType
    premises: Premises
    customer_class: CustomerClass
    priority: Priority


@dataclass(frozen=True, slots=True)
class Call:
    """A call to be made: the order, whom and about what."""

    order: WorkOrder
    work_type: WorkType
    customer: Customer
    premises: Premises


def pool(session: Session, *, territory_id: str, day: date) -> list[Job]:
    """Every visit that waits for a plan and whose earliest day has come by `day`, the most urgent class first.

    Visits of held or cancelled orders wait elsewhere; visits on a published plan are `on_plan`.
    """
    statement = _jobs(territory_id).where(
        col(Visit.status) == VisitStatus.PLANNED,
        col(Visit.earliest_day) <= day,
        col(WorkOrder.status).in_(READY_ORDERS),
    )
    return _read(session, statement, territory_id, day)


def on_plan(session: Session, *, territory_id: str, day: date) -> list[Job]:
    """Every visit that a shift of `day` has, whatever became of it since: published to done or not done."""
    statement = (
        _jobs(territory_id)
        .join(Shift, col(Shift.id) == col(Visit.shift_id))
        .where(col(Shift.day) == day, col(Visit.status) != VisitStatus.PLANNED)
    )
    return _read(session, statement, territory_id, day)


def job(session: Session, visit_id: str, *, day: date) -> Job | None:
    """One visit as `pool` and `on_plan` give them."""
    visit = session.get(Visit, visit_id)
    if visit is None:
        return None
    statement = _jobs(visit.territory_id).where(col(Visit.id) == visit_id)
    return _read(session, statement, visit.territory_id, day)[0]


def call_list(session: Session, *, territory_id: str, day: date) -> list[Call]:
    """The telephone work that is to be done by `day`, the oldest first."""
    statement = (
        select(WorkOrder, WorkType, Customer, Premises)
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
        .join(Premises, col(Premises.id) == col(WorkOrder.premises_id))
        .where(
            WorkOrder.territory_id == territory_id,
            WorkType.mode == Mode.PHONE,
            WorkOrder.status == WorkOrderStatus.READY,
            WorkOrder.earliest_day <= day,
        )
        .order_by(col(WorkOrder.earliest_day), col(WorkOrder.id))
    )
    return [Call(*row) for row in session.exec(statement)]


def orders(
    session: Session,
    *,
    territory_id: str | None = None,
    status: WorkOrderStatus | None = None,
    customer_id: str | None = None,
    request_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[WorkOrder]:
    """Work orders by number; raises BadCursor and BadPageSize."""
    statement = select(WorkOrder)
    for column, value in (
        (WorkOrder.territory_id, territory_id),
        (WorkOrder.status, status),
        (WorkOrder.customer_id, customer_id),
        (WorkOrder.request_id, request_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    return page(
        session, statement, key=WorkOrder.id, key_of=lambda row: row.id, cursor=cursor, limit=limit
    )


def visits(
    session: Session,
    *,
    territory_id: str | None = None,
    status: VisitStatus | None = None,
    crew_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Visit]:
    """Visits by number; raises BadCursor and BadPageSize."""
    statement = select(Visit)
    for column, value in (
        (Visit.territory_id, territory_id),
        (Visit.status, status),
        (Visit.crew_id, crew_id),
    ):
        if value is not None:
            statement = statement.where(column == value)
    return page(
        session, statement, key=Visit.id, key_of=lambda row: row.id, cursor=cursor, limit=limit
    )


def visits_of_customer(
    session: Session, *, customer_id: str, limit: int = 10
) -> list[tuple[Visit, WorkType]]:
    """The customer's visits and what each is for, the newest first."""
    statement = (
        select(Visit, WorkType)
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .where(WorkOrder.customer_id == customer_id)
        .order_by(col(Visit.id).desc())
        .limit(limit)
    )
    return [(visit, kind) for visit, kind in session.exec(statement)]


def class_today(
    priority: Priority,
    *,
    due_at: datetime | None,
    window_start_at: datetime | None,
    day_ends_at: datetime,
) -> Priority:
    """The class in which a visit competes on a day: P3 at least when promised, or P4 and due by the day's end.

    The deadline of P5 work is a cadence's tolerance, which nobody was pledged.
    """
    due = priority == Priority.P4 and due_at is not None and due_at <= day_ends_at
    return min(priority, Priority.P3) if due or window_start_at is not None else priority


def _jobs(territory_id: str) -> _Jobs:
    return (
        sa.select(Visit, WorkOrder, WorkType, Premises, col(Customer.customer_class))
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .join(Premises, col(Premises.id) == col(WorkOrder.premises_id))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
        .where(col(Visit.territory_id) == territory_id)
        .order_by(col(WorkOrder.priority), col(Visit.due_at).nulls_last(), col(Visit.id))
    )


def _read(session: Session, statement: _Jobs, territory_id: str, day: date) -> list[Job]:
    territory = session.get(Territory, territory_id)
    if territory is None:
        return []
    _, ends_at = day_bounds(day, zone_named(territory.zone))
    return [
        Job(
            visit,
            order,
            work_type,
            premises,
            customer_class,
            class_today(
                order.priority,
                due_at=visit.due_at,
                window_start_at=visit.window_start_at,
                day_ends_at=ends_at,
            ),
        )
        for visit, order, work_type, premises, customer_class in session.execute(statement)
    ]


def history(session: Session, work_order_id: str) -> Sequence[Visit]:
    """Every visit of an order, the first one first."""
    statement = (
        select(Visit).where(Visit.work_order_id == work_order_id).order_by(col(Visit.number))
    )
    return session.exec(statement).all()
