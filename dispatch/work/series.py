"""Series: recurring follow-ups of a customer that become work orders when they fall due."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from dispatch.core import events, numbers
from dispatch.core.calendar import day_bounds, local_day, zone_named
from dispatch.core.db import lock_for
from dispatch.core.errors import InvalidError, NotFoundError
from dispatch.core.events import SYSTEM, Actor
from dispatch.core.pages import Page, page
from dispatch.registry.tables import Customer, Territory
from dispatch.work import catalogue, orders, recurrence
from dispatch.work.beginnings import premises_of
from dispatch.work.lifecycle import OPEN_ORDERS, SERIES
from dispatch.work.tables import Mode, Series, SeriesOccurrence, SeriesStatus, WorkOrder

ENTITY = "series"
TYPE_OF = {Mode.VISIT: "FU-VIS", Mode.PHONE: "FU-TEL"}
MAX_TOLERANCE_DAYS = 366


class NoSuchSeries(NotFoundError):
    """No series has this number."""

    code = "no_such_series"


class ModeMismatch(InvalidError):
    """The work type is done the other way: by a visit, or by telephone."""

    code = "mode_mismatch"


class BadTolerance(InvalidError):
    """The tolerance is no number of days from 0 to a year."""

    code = "bad_tolerance"


def get(session: Session, series_id: str) -> Series:
    """The series with this number; raises NoSuchSeries."""
    series = session.get(Series, series_id)
    if series is None:
        raise NoSuchSeries(f"There is no series {series_id}.", subject=series_id)
    return series


def create(
    session: Session,
    *,
    territory_id: str,
    customer_id: str,
    premises_id: str,
    actor: Actor,
    now: datetime,
    work_type: str | None = None,
    mode: Mode | None = None,
    rrule: str | None = None,
    starts_on: date | None = None,
    tolerance_days: int = 7,
    owner: str | None = None,
) -> Series:
    """Begin a recurring follow-up on `starts_on` (today in the territory unless given).

    Its orders belong to `owner`, or to who made the series. Without `rrule` the customer's class sets the cadence:
    A monthly, B quarterly, both by visit, C yearly by telephone.

    Raises BadRecurrence, NoCadence, PremisesUnknown, NoSuchWorkType, ModeMismatch and BadTolerance.
    """
    if not 0 <= tolerance_days <= MAX_TOLERANCE_DAYS:
        raise BadTolerance(
            f"tolerance_days must be 0 to {MAX_TOLERANCE_DAYS}.", field="tolerance_days"
        )
    premises_of(session, territory_id, customer_id, premises_id)
    zone = session.get_one(Territory, territory_id).zone
    first = starts_on or local_day(now, zone_named(zone))
    if rrule is None:
        customer = session.get_one(Customer, customer_id)
        rule, usual = recurrence.cadence(customer.customer_class, first)
    else:
        rule, usual = rrule, Mode.VISIT
    way = mode or (catalogue.get(session, work_type).mode if work_type else usual)
    kind = catalogue.get(session, work_type or TYPE_OF[way])
    if kind.mode != way:
        raise ModeMismatch(
            f"{kind.code} is done by {kind.mode.value}, not by {way.value}.", field="work_type"
        )
    rule = recurrence.check(rule, first)
    series = Series(
        id=numbers.next_number(session, "series", "S"),
        territory_id=territory_id,
        customer_id=customer_id,
        premises_id=premises_id,
        work_type=kind.code,
        mode=way,
        owner=owner or actor.id,
        rrule=rule,
        starts_on=first,
        zone=zone,
        tolerance_days=tolerance_days,
        next_on=recurrence.next_day(rule, first, on_or_after=first),
    )
    session.add(series)
    _record(session, series, "created", None, actor=actor, now=now)
    session.flush()
    return series


def generate(session: Session, *, territory_id: str, day: date, now: datetime) -> list[WorkOrder]:
    """Make the work orders of every follow-up that is due on `day` or was missed before; safe to repeat.

    Of several missed days of one series only the latest becomes an order; the others are recorded as skipped. So
    is a day on which the order before is still open.
    """
    lock_for(session, f"series.generate:{territory_id}")
    statement = (
        select(Series)
        .where(
            Series.territory_id == territory_id,
            Series.status == SeriesStatus.ACTIVE,
            col(Series.next_on) <= day,
        )
        .order_by(col(Series.next_on), col(Series.id))
    )
    due = session.exec(statement).all()
    busy = _open_orders(session, [series.id for series in due])
    made: list[WorkOrder] = []
    for series in due:
        order = _advance(session, series, day, busy.get(series.id), now=now)
        if order is not None:
            made.append(order)
    session.flush()
    return made


def suspend(session: Session, series: Series, *, actor: Actor, now: datetime) -> Series:
    """Let nothing fall due until it is resumed; raises IllegalMove."""
    return move(session, series, "suspend", actor=actor, now=now)


def resume(session: Session, series: Series, *, actor: Actor, now: datetime) -> Series:
    """Go on from today; what fell due in between is not made up for. Raises IllegalMove."""
    move(session, series, "resume", actor=actor, now=now)
    today = local_day(now, zone_named(series.zone))
    series.next_on = recurrence.next_day(series.rrule, series.starts_on, on_or_after=today)
    if (
        _occurrence(session, series.id, series.next_on) is not None
    ):  # today's was made before the suspension
        series.next_on = _after(series, today)
    session.flush()
    return series


def end(session: Session, series: Series, *, actor: Actor, now: datetime) -> Series:
    """Let nothing fall due any more; orders that exist stay. Raises IllegalMove."""
    move(session, series, "end", actor=actor, now=now)
    series.next_on = None
    session.flush()
    return series


def move(session: Session, series: Series, action: str, *, actor: Actor, now: datetime) -> Series:
    """Change a series' status by one move of its life cycle; the only writer of it."""
    before = series.status
    series.status = SERIES.target(before, action, role=actor.role, subject=series.id)
    _record(session, series, series.status.value, before, actor=actor, now=now)
    session.flush()
    return series


def occurrences(session: Session, series_id: str) -> Sequence[SeriesOccurrence]:
    """The days of a series so far, the oldest first: the order each became, or why it was skipped."""
    statement = (
        select(SeriesOccurrence)
        .where(SeriesOccurrence.series_id == series_id)
        .order_by(col(SeriesOccurrence.due_on))
    )
    return session.exec(statement).all()


def listing(
    session: Session,
    *,
    territory_id: str | None = None,
    customer_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Series]:
    """Series by number; raises BadCursor and BadPageSize."""
    statement = select(Series)
    if territory_id is not None:
        statement = statement.where(Series.territory_id == territory_id)
    if customer_id is not None:
        statement = statement.where(Series.customer_id == customer_id)
    return page(
        session, statement, key=Series.id, key_of=lambda row: row.id, cursor=cursor, limit=limit
    )


def _advance(
    session: Session, series: Series, day: date, busy: str | None, *, now: datetime
) -> WorkOrder | None:
    """Account for every day of the series up to `day`; the order that its latest one became, if it did."""
    assert series.next_on is not None, "only series with a next day are read"
    due = [
        found
        for found in recurrence.days(series.rrule, series.starts_on, until=day)
        if found >= series.next_on
    ]
    order: WorkOrder | None = None
    for found in due:
        if _occurrence(session, series.id, found) is not None:
            continue
        row = SeriesOccurrence(series_id=series.id, due_on=found)
        if found != due[-1]:
            row.skipped = f"missed; {due[-1].isoformat()} makes up for it"
        elif busy is not None:
            row.skipped = f"{busy} is still open"
        else:
            order = _order(session, series, found, day, now=now)
            row.work_order_id = order.id
            if series.mode is Mode.PHONE:
                _record_call(session, series, order, now=now)
        session.add(row)
    series.next_on = _after(series, day)
    if series.next_on is None:
        move(session, series, "end", actor=SYSTEM, now=now)
    return order


def _order(
    session: Session, series: Series, due_on: date, day: date, *, now: datetime
) -> WorkOrder:
    """The order of one due day: to be done within the tolerance, and by today when that has passed."""
    last = max(due_on + timedelta(days=series.tolerance_days), day)
    _, due_at = day_bounds(last, zone_named(series.zone))
    return orders.create(
        session,
        territory_id=series.territory_id,
        work_type=series.work_type,
        customer_id=series.customer_id,
        premises_id=series.premises_id,
        series_id=series.id,
        owner=series.owner or SYSTEM.id,
        earliest_day=max(due_on, day),
        due_at=due_at if due_at > now else None,
        actor=SYSTEM,
        now=now,
    )


def _record_call(session: Session, series: Series, order: WorkOrder, *, now: datetime) -> None:
    events.record(
        session,
        "series.call_due",
        entity=ENTITY,
        entity_id=series.id,
        actor=SYSTEM,
        now=now,
        territory_id=series.territory_id,
        data={"work_order_id": order.id},
    )


def _after(series: Series, day: date) -> date | None:
    return recurrence.next_day(series.rrule, series.starts_on, on_or_after=day + timedelta(days=1))


def _open_orders(session: Session, series_ids: Sequence[str]) -> dict[str, str]:
    """The open work order of each series that has one."""
    statement = select(WorkOrder.series_id, WorkOrder.id).where(
        col(WorkOrder.series_id).in_(series_ids), col(WorkOrder.status).in_(OPEN_ORDERS)
    )
    return {series_id: order_id for series_id, order_id in session.exec(statement) if series_id}


def _occurrence(session: Session, series_id: str, due_on: date | None) -> SeriesOccurrence | None:
    return session.get(SeriesOccurrence, (series_id, due_on)) if due_on else None


def _record(
    session: Session,
    series: Series,
    what: str,
    before: SeriesStatus | None,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    events.record(
        session,
        f"series.{what}",
        entity=ENTITY,
        entity_id=series.id,
        actor=actor,
        now=now,
        from_status=before.value if before else None,
        to_status=series.status.value,
        territory_id=series.territory_id,
        data={"rrule": series.rrule, "mode": series.mode.value},
    )
