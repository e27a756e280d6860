"""A crew's day: everything its page shows, in the order of the plan."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.desk.photos import numbers
from dispatch.field.door import check_number
from dispatch.field.named import NEEDS
from dispatch.field.sheet import Break, CheckIn, CrewDay, CrewShift, Stop
from dispatch.field.steps import allowed, next_of
from dispatch.field.tables import LoneWatch
from dispatch.registry import crews
from dispatch.registry.tables import (
    Customer,
    Member,
    Premises,
    Shift,
    ShiftBreak,
    ShiftMember,
    Stock,
    Territory,
)
from dispatch.work.lifecycle import BUSY, WAITING
from dispatch.work.tables import Visit, VisitStatus, WorkOrder, WorkType


def crew_day(
    session: Session, *, crew_id: str, day: date, now: datetime, key: bytes | None = None
) -> CrewDay:
    """The crew's shifts and visits of a local day, in nine statements however many there are.

    `key` is the installation's, for the numbers to check at the door. Finished and cancelled visits stay in the
    list. Raises NoSuchCrew.
    """
    crew = crews.get(session, crew_id)
    shifts = session.exec(
        select(Shift)
        .where(Shift.crew_id == crew_id, Shift.day == day)
        .order_by(col(Shift.starts_at))
    ).all()
    stops = _stops(session, crew_id, [shift.id for shift in shifts], now=now, key=key)
    remaining = [stop for stop in stops if stop.status in (*WAITING, *BUSY, VisitStatus.PAUSED)]
    needed: Counter[str] = Counter()
    for stop in remaining:
        needed.update(stop.parts)
    stock = session.exec(select(Stock).where(Stock.crew_id == crew_id)).all()
    return CrewDay(
        crew_id=crew.id,
        name_zh=crew.name_zh,
        name_en=crew.name_en,
        vehicle=crew.vehicle,
        phone=crew.phone,
        zone=session.get_one(Territory, crew.territory_id).zone,
        day=day,
        shifts=_shifts(session, shifts),
        stops=tuple(stops),
        next_visit_id=_at_hand(remaining),
        parts_to_take=dict(sorted(needed.items())),
        stock={row.part: row.quantity for row in stock},
    )


def _at_hand(remaining: Sequence[Stop]) -> str | None:
    """The visit that the crew is busy with, else the first of the rest by plan."""
    busy = [stop for stop in remaining if stop.status in BUSY]
    return next((stop.visit_id for stop in [*busy, *remaining]), None)


def _stops(
    session: Session, crew_id: str, shift_ids: Sequence[str], *, now: datetime, key: bytes | None
) -> list[Stop]:
    rows = session.execute(
        sa.select(Visit, WorkOrder, WorkType, Premises, Customer)
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .join(Premises, col(Premises.id) == col(WorkOrder.premises_id))
        .join(Customer, col(Customer.id) == col(WorkOrder.customer_id))
        .where(col(Visit.crew_id) == crew_id, col(Visit.shift_id).in_(shift_ids))
        .order_by(col(Visit.planned_start_at), col(Visit.id))
    ).all()
    busy_with = next((visit.id for visit, *_ in rows if visit.status in BUSY), None)
    watches = {
        watch.visit_id: CheckIn(watch.every_s, watch.due_at, watch.missed_at)
        for watch in session.exec(
            select(LoneWatch).where(
                LoneWatch.crew_id == crew_id,
                col(LoneWatch.ended_at).is_(None),
                col(LoneWatch.visit_id).in_([visit.id for visit, *_ in rows]),
            )
        )
    }
    sent = numbers(
        session, {order.request_id for _, order, *_ in rows if order.request_id is not None}
    )
    return [  # one crew is busy with one visit at most
        _stop(
            *row,
            free=busy_with in (None, row[0].id),
            now=now,
            key=key,
            watches=watches,
            photos=sent.get(row[1].request_id or "", ()),
        )
        for row in rows
    ]


def _stop(
    visit: Visit,
    order: WorkOrder,
    kind: WorkType,
    premises: Premises,
    customer: Customer,
    *,
    free: bool,
    now: datetime,
    key: bytes | None,
    watches: Mapping[str, CheckIn],
    photos: tuple[int, ...],
) -> Stop:
    possible = allowed(visit.status, crew_is_free=free)
    return Stop(
        visit_id=visit.id,
        version=visit.version,
        work_order_id=order.id,
        status=visit.status,
        work_type=kind.code,
        name_zh=kind.name_zh,
        name_en=kind.name_en,
        window_start_at=visit.window_start_at,
        window_end_at=visit.window_end_at,
        planned_arrive_at=visit.planned_arrive_at,
        planned_start_at=visit.planned_start_at,
        planned_end_at=visit.planned_end_at,
        travel_s=visit.travel_s or 0,
        duration_s=visit.duration_s,
        arrived_at=visit.arrived_at,
        started_at=visit.started_at,
        finished_at=visit.finished_at,
        customer=customer.name,
        phone=customer.phone,
        address=premises.address,
        district=premises.district,
        lat=premises.lat,
        lon=premises.lon,
        accuracy_m=premises.accuracy_m,
        access_notes=" · ".join(filter(None, (visit.access_note, premises.access_notes))),
        description=order.description,
        photos=photos,
        needs=NEEDS[premises.site_class],
        permit=kind.permit,
        parts=dict(kind.parts),
        checklist=tuple(kind.checklist),
        closing_codes=tuple(kind.closing_codes),
        allowed=possible,
        next=next_of(possible),
        reason=visit.reason,
        note=visit.note,
        late_s=_late(visit, now),
        check_number=check_number(key, visit.id) if key else "",
        check_in_s=60 * kind.check_in_minutes,
        check_in=watches.get(visit.id),
    )


def _late(visit: Visit, now: datetime) -> int:
    begins = visit.planned_start_at
    if begins is None or visit.status not in (*WAITING, VisitStatus.EN_ROUTE, VisitStatus.ARRIVED):
        return 0
    return max(0, int((now - begins).total_seconds()))


def _shifts(session: Session, shifts: Sequence[Shift]) -> tuple[CrewShift, ...]:
    ids = [shift.id for shift in shifts]
    breaks = session.exec(
        select(ShiftBreak)
        .where(col(ShiftBreak.shift_id).in_(ids))
        .order_by(col(ShiftBreak.earliest_at))
    ).all()
    members = session.exec(
        select(ShiftMember.shift_id, Member.name)
        .join(Member, col(Member.id) == col(ShiftMember.member_id))
        .where(col(ShiftMember.shift_id).in_(ids))
        .order_by(col(Member.id))
    ).all()
    return tuple(
        CrewShift(
            id=shift.id,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
            status=shift.status,
            absent=shift.absent,
            members=tuple(name for shift_id, name in members if shift_id == shift.id),
            breaks=tuple(
                Break(row.earliest_at, row.latest_at, row.duration_s)
                for row in breaks
                if row.shift_id == shift.id
            ),
        )
        for shift in shifts
    )
