"""A crew's day: everything its page shows, in the order of the plan."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.field.door import check_number
from dispatch.field.steps import allowed, next_of
from dispatch.registry import crews
from dispatch.registry.tables import (
    Customer,
    Member,
    Premises,
    Shift,
    ShiftBreak,
    ShiftMember,
    ShiftStatus,
    SiteClass,
    Stock,
    Territory,
)
from dispatch.work.lifecycle import BUSY, WAITING
from dispatch.work.tables import Visit, VisitStatus, WorkOrder, WorkType


@dataclass(frozen=True, slots=True)
class Need:
    """What the people or the site need from a crew; never why."""

    code: str
    zh: str
    en: str


KEEP_SUPPLY = Need(
    "keep_supply",
    "此处不能断电：须有备用电源并经调度同意方可停电",
    "Must not lose supply: switch off only with a backup and the dispatcher's consent",
)
TELL_FIRST = Need(
    "tell_first",
    "停电前请先与现场负责人约定",
    "Agree with the person in charge before switching off",
)
NEEDS: dict[SiteClass, tuple[Need, ...]] = {
    SiteClass.LIFE_SUPPORT: (KEEP_SUPPLY,),
    SiteClass.CRITICAL: (
        KEEP_SUPPLY,
    ),  # the same words: the page tells nothing of anybody's health
    SiteClass.ESSENTIAL: (TELL_FIRST,),
    SiteClass.ORDINARY: (),
}


@dataclass(frozen=True, slots=True)
class Break:
    """A break of a shift: it begins between `earliest_at` and `latest_at` and lasts `duration_s` seconds."""

    earliest_at: datetime
    latest_at: datetime
    duration_s: int


@dataclass(frozen=True, slots=True)
class CrewShift:
    """A working period of the day, who works it and its breaks."""

    id: str
    starts_at: datetime
    ends_at: datetime
    status: ShiftStatus
    absent: bool
    members: tuple[str, ...]
    breaks: tuple[Break, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """One visit as the crew sees it. Times are instants, `travel_s`, `duration_s` and `late_s` seconds.

    `late_s` is how far the begin of work is behind the plan, 0 once it has begun. `allowed` are the actions that
    are possible now, `next` the step forward among them. Checklist points and closing codes are codes;
    `work.catalogue.label` words them. `check_number` is what the customer asks for at the door, empty when no key
    was given.
    """

    visit_id: str
    version: int
    work_order_id: str
    status: VisitStatus
    work_type: str
    name_zh: str
    name_en: str
    window_start_at: datetime | None
    window_end_at: datetime | None
    planned_arrive_at: datetime | None
    planned_start_at: datetime | None
    planned_end_at: datetime | None
    travel_s: int
    duration_s: int
    arrived_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    customer: str
    phone: str | None
    address: str
    district: str
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    access_notes: str
    description: str
    needs: tuple[Need, ...]
    permit: str
    parts: dict[str, int]
    checklist: tuple[str, ...]
    closing_codes: tuple[str, ...]
    allowed: tuple[str, ...]
    next: str | None
    reason: str
    note: str
    late_s: int
    check_number: str


@dataclass(frozen=True, slots=True)
class CrewDay:
    """A crew's day. `next_visit_id` is the visit at hand; `parts_to_take` is what the visits still to come need."""

    crew_id: str
    name_zh: str
    name_en: str
    vehicle: str
    phone: str | None
    zone: str
    day: date
    shifts: tuple[CrewShift, ...]
    stops: tuple[Stop, ...]
    next_visit_id: str | None
    parts_to_take: dict[str, int]
    stock: dict[str, int]


def crew_day(
    session: Session, *, crew_id: str, day: date, now: datetime, key: bytes | None = None
) -> CrewDay:
    """The crew's shifts and visits of a local day, in seven statements however many there are.

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
    return [
        _stop(*row, free=busy_with in (None, row[0].id), now=now, key=key) for row in rows
    ]  # one crew is busy with one visit at most


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
        access_notes=premises.access_notes,
        description=order.description,
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
