"""The calls to be made on a day, with all that a caller wants to know before dialling."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.calls import scripts
from dispatch.calls.scripts import Script
from dispatch.calls.tables import CallAttempt, CallClaim, CallOutcome
from dispatch.calls.taking import masked
from dispatch.contact import preferences
from dispatch.contact.preferences import Preference
from dispatch.core.calendar import zone_named
from dispatch.registry import territories
from dispatch.registry.tables import Customer, Premises
from dispatch.work import orders
from dispatch.work.tables import (
    Mode,
    Series,
    SeriesStatus,
    WorkOrder,
    WorkOrderStatus,
    WorkType,
)

SHOWN = 3
"""How many of a customer's last calls are shown."""
HOURS_FROM = timedelta(days=730)
"""How far back it is looked at which hours a customer was reached."""
MOST_CALLS = 500


@dataclass(frozen=True, slots=True)
class Call:
    """A call to be made. `number` is masked unless the reader holds the call.

    `tries` counts the attempts of this call, `again_at` is when to try again, `best_hours` are the local hours at
    which the customer was reached before, the most frequent first. `wished` is how they want to be contacted.
    `held_by` has the call until `held_until`. `next_on` is the day on which the series that it is of is due next.
    """

    order: WorkOrder
    work_type: WorkType
    customer: Customer
    premises: Premises
    number: str
    last: tuple[CallAttempt, ...]
    tries: int
    again_at: datetime | None
    best_hours: tuple[int, ...]
    wished: Preference
    held_by: str | None
    held_until: datetime | None
    next_on: date | None

    def is_wished_at(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether the customer may be called at this time of day, by their own wish."""
        return self.wished.allows(moment.astimezone(zone).hour)

    @property
    def script(self) -> Script:
        """What is said and asked."""
        return scripts.script_for(self.order.work_type, self.order.series_id)


def calls_of_day(
    session: Session, *, territory_id: str, day: date, reader: str, now: datetime
) -> list[Call]:
    """The calls that are to be made by `day`, `MOST_CALLS` at most; raises NoSuchTerritory.

    Who is to be called again and whose time has come is first; last is whose time has not come, or who wishes no
    calls at this hour; between them the more urgent class, then the better customer class, then the older call.
    `reader` sees the numbers of their own calls.
    """
    zone = zone_named(territories.get(session, territory_id).zone)
    statement = (
        _calls()
        .where(
            col(WorkOrder.territory_id) == territory_id,
            col(WorkType.mode) == Mode.PHONE,
            col(WorkOrder.status) == WorkOrderStatus.READY,
            col(WorkOrder.earliest_day) <= day,
        )
        .order_by(
            col(WorkOrder.priority),
            col(Customer.customer_class),
            col(WorkOrder.created_at),
            col(WorkOrder.id),
        )
        .limit(MOST_CALLS)
    )
    rows = [tuple(row) for row in session.execute(statement)]
    calls = _with_history(session, rows, zone, reader=reader, now=now)
    return sorted(calls, key=lambda call: _turn(call, zone, now))


def call(session: Session, *, work_order_id: str, reader: str, now: datetime) -> Call:
    """One call as `calls_of_day` gives it, whatever became of it; raises NoSuchWorkOrder."""
    order = orders.get(session, work_order_id)
    zone = zone_named(territories.get(session, order.territory_id).zone)
    row = session.execute(_calls().where(col(WorkOrder.id) == order.id)).one()
    return _with_history(session, [tuple(row)], zone, reader=reader, now=now)[0]


def next_day(session: Session, *, territory_id: str, after: date) -> date | None:
    """The first day after `after` from which a call of the territory is to be made; None when none waits."""
    statement = (
        select(sa.func.min(col(WorkOrder.earliest_day)))
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .where(
            WorkOrder.territory_id == territory_id,
            WorkType.mode == Mode.PHONE,
            WorkOrder.status == WorkOrderStatus.READY,
            col(WorkOrder.earliest_day) > after,
        )
    )
    return session.exec(statement).one()


def _calls() -> sa.Select[WorkOrder, WorkType, Customer, Premises]:
    return (
        sa.select(WorkOrder, WorkType, Customer, Premises)
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
        .join(Premises, col(Premises.id) == col(WorkOrder.premises_id))
    )


def _turn(call: Call, zone: ZoneInfo, now: datetime) -> tuple[int, datetime]:
    """0 for who waits for us, 1 in the middle, 2 for whose time has not come; equal ones keep their order."""
    if call.again_at is None:
        return (1 if call.is_wished_at(now, zone) else 2), now
    return (0, call.again_at) if call.again_at <= now else (2, call.again_at)


def _with_history(
    session: Session, rows: list[tuple[WorkOrder, WorkType, Customer, Premises]], zone: ZoneInfo, *, reader: str,
    now: datetime,
) -> list[Call]:  # fmt: skip
    customers = {customer.id for _, _, customer, _ in rows}
    last = _last_calls(session, customers)
    hours = _hours_reached(session, customers, zone, now=now)
    ids = [order.id for order, *_ in rows]
    tries = _tries(session, ids)
    next_days = _next_days(session, {order.series_id for order, *_ in rows if order.series_id})
    wishes = preferences.of_all(session, customers)
    claims = {
        claim.work_order_id: claim
        for claim in session.exec(select(CallClaim).where(col(CallClaim.work_order_id).in_(ids)))
    }
    found = []
    for order, kind, customer, premises in rows:
        claim = claims.get(order.id)
        held = claim if claim is not None and claim.expires_at > now else None
        mine = held is not None and held.caller_id == reader
        number = customer.phone or ""
        made, again_at = tries.get(order.id, (0, None))
        found.append(
            Call(
                order=order,
                work_type=kind,
                customer=customer,
                premises=premises,
                number=number if mine else masked(number),
                last=tuple(last.get(customer.id, ())),
                tries=made,
                again_at=again_at,
                best_hours=tuple(hours.get(customer.id, ())),
                wished=wishes[customer.id],
                held_by=held.caller_id if held else None,
                held_until=held.expires_at if held else None,
                next_on=next_days.get(order.series_id or ""),
            )
        )
    return found


def _last_calls(session: Session, customers: Collection[str]) -> Mapping[str, list[CallAttempt]]:
    """The last few calls to each customer, the newest first, in one statement."""
    rank = (
        sa.func.row_number()
        .over(
            partition_by=col(CallAttempt.customer_id),
            order_by=(col(CallAttempt.made_at).desc(), col(CallAttempt.id).desc()),
        )
        .label("rank")
    )
    ranked = (
        sa.select(col(CallAttempt.id), rank)
        .where(col(CallAttempt.customer_id).in_(customers))
        .subquery()
    )
    statement = (
        select(CallAttempt)
        .join(ranked, ranked.c.id == col(CallAttempt.id))
        .where(ranked.c.rank <= SHOWN)
        .order_by(col(CallAttempt.made_at).desc(), col(CallAttempt.id).desc())
    )
    found: dict[str, list[CallAttempt]] = {}
    for attempt in session.exec(statement):
        found.setdefault(attempt.customer_id, []).append(attempt)
    return found


def _tries(session: Session, ids: Collection[str]) -> Mapping[str, tuple[int, datetime | None]]:
    """How often each order was tried, and when to try again, by its last attempt."""
    statement = (
        select(CallAttempt.work_order_id, CallAttempt.again_at)
        .where(col(CallAttempt.work_order_id).in_(ids))
        .order_by(col(CallAttempt.id))
    )
    found: dict[str, tuple[int, datetime | None]] = {}
    for order_id, again_at in session.exec(statement):
        found[order_id] = (found.get(order_id, (0, None))[0] + 1, again_at)
    return found


def _next_days(session: Session, series: Collection[str]) -> Mapping[str, date | None]:
    """When each active series is due next."""
    statement = select(Series).where(
        col(Series.id).in_(series), Series.status == SeriesStatus.ACTIVE
    )
    return {row.id: row.next_on for row in session.exec(statement)}


def _hours_reached(
    session: Session, customers: Collection[str], zone: ZoneInfo, *, now: datetime
) -> Mapping[str, list[int]]:
    """The local hours at which each customer was reached before, the most frequent first, then the earliest."""
    statement = select(CallAttempt.customer_id, CallAttempt.made_at).where(
        col(CallAttempt.customer_id).in_(customers),
        col(CallAttempt.outcome) == CallOutcome.REACHED,
        col(CallAttempt.made_at) > now - HOURS_FROM,
    )
    counts: dict[str, dict[int, int]] = {}
    for customer_id, made_at in session.exec(statement):
        hours = counts.setdefault(customer_id, {})
        hour = made_at.astimezone(zone).hour
        hours[hour] = hours.get(hour, 0) + 1
    return {
        customer_id: sorted(hours, key=lambda hour: (-hours[hour], hour))[:SHOWN]
        for customer_id, hours in counts.items()
    }
