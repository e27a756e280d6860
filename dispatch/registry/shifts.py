"""Shifts: when a crew works, and whether it came."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.calendar import zone_named
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, NotFoundError
from dispatch.core.events import Actor
from dispatch.registry import crews, hours
from dispatch.registry.hours import BadShift, Break
from dispatch.registry.lifecycle import SHIFTS
from dispatch.registry.tables import (
    Crew,
    Member,
    Shift,
    ShiftMember,
    ShiftStatus,
    Territory,
)

MOST_OVERTIME = timedelta(hours=3)
"""How much overtime a day may be given that was not planned with it (Labour Law of China, article 41)."""


class NoSuchShift(NotFoundError):
    """No shift has this id."""

    code = "no_such_shift"


class OverlappingShifts(ConflictError):
    """The crew already works at that time."""

    code = "overlapping_shifts"


class ShiftOver(ConflictError):
    """The shift has ended, so nobody can be missing from it any more."""

    code = "shift_over"


class TooMuchOvertime(ConflictError):
    """The shift would be longer than a crew may work."""

    code = "too_much_overtime"


def create(
    session: Session,
    *,
    crew_id: str,
    day: date,
    starts: time | datetime,
    ends: time | datetime,
    breaks: Sequence[Break] = (),
    max_overtime_s: int = 0,
    members: Sequence[str] | None = None,
    actor: Actor,
    now: datetime,
) -> Shift:
    """Give the crew a shift on the local `day`; `members` are all of the crew's when None.

    Local times mean `day` in the territory's zone; a shift past midnight gives its end as an instant. Raises
    NoSuchCrew, OverlappingShifts, ShiftEndsBeforeItBegins, SkippedTime, BreakOutsideShift and BadShift.
    """
    crew = crews.get(session, crew_id)
    territory = session.get(Territory, crew.territory_id)
    assert territory is not None, "a foreign key holds"
    zone = zone_named(territory.zone)
    starts_at = hours.instant(starts, day, zone, "starts")
    ends_at = hours.instant(ends, day, zone, "ends")
    hours.check_span(starts_at, ends_at, day, zone, max_overtime_s)
    who = _members(session, crew_id, members)
    lock_for(session, f"shifts:{crew_id}")
    _refuse_overlap(session, crew_id, starts_at, ends_at, zone)
    shift = Shift(
        id=_free_id(session, crew_id, day),
        crew_id=crew_id,
        day=day,
        starts_at=starts_at,
        ends_at=ends_at,
        max_overtime_s=max_overtime_s,
    )
    session.add(shift)
    session.flush()
    session.add_all(hours.breaks_of(shift, breaks, day, zone))
    session.add_all(ShiftMember(shift_id=shift.id, member_id=member_id) for member_id in who)
    _record(session, "shift.created", shift, crew, actor, now, members=who)
    return shift


def get(session: Session, shift_id: str) -> Shift:
    """The shift of this id; raises NoSuchShift."""
    shift = session.get(Shift, shift_id)
    if shift is None:
        raise NoSuchShift(f"There is no shift {shift_id}.", field="shift_id")
    return shift


def mark_absent(
    session: Session, *, shift_id: str, reason: str, actor: Actor, now: datetime
) -> Shift:
    """Record that the crew cannot come, or cannot go on; the same again changes nothing.

    Raises ShiftOver when the shift has ended, and BadShift without a reason.
    """
    shift = get(session, shift_id)
    if not reason.strip():
        raise BadShift("Say why the crew cannot come, as in: ill, vehicle broken.", field="reason")
    if shift.status is ShiftStatus.OFF_DUTY:
        raise ShiftOver(f"The shift {shift_id} has ended.", shift=shift_id)
    if not shift.absent:
        shift.absent = True
        _record(
            session,
            "shift.absent",
            shift,
            crews.get(session, shift.crew_id),
            actor,
            now,
            reason=reason,
        )
    return shift


def mark_present(session: Session, *, shift_id: str, actor: Actor, now: datetime) -> Shift:
    """Take an absence back; the same again changes nothing."""
    shift = get(session, shift_id)
    if shift.absent:
        shift.absent = False
        _record(session, "shift.present", shift, crews.get(session, shift.crew_id), actor, now)
    return shift


def allow_overtime(
    session: Session, *, shift_id: str, seconds: int, reason: str, actor: Actor, now: datetime
) -> Shift:
    """Let this shift, and no other of the crew's, last up to `seconds` beyond its end.

    Raises NoSuchShift, ShiftOver, TooMuchOvertime, and BadShift without a reason.
    """
    shift = get(session, shift_id)
    if not reason.strip():
        raise BadShift("Say why the crew works longer, and who agreed to it.", field="reason")
    if shift.status is ShiftStatus.OFF_DUTY:
        raise ShiftOver(f"The shift {shift_id} has ended.", shift=shift_id)
    if not 0 <= seconds <= MOST_OVERTIME.total_seconds():
        raise TooMuchOvertime(
            f"Crew {shift.crew_id} would work {seconds // 60} minutes beyond its shift; "
            f"{MOST_OVERTIME.total_seconds() // 60:.0f} are the most. Give the visit to another crew or day.",
            field="minutes",
            shift=shift_id,
        )
    set_overtime(session, shift, seconds, reason=reason, actor=actor, now=now)
    return shift


def set_overtime(
    session: Session, shift: Shift, seconds: int, *, reason: str, actor: Actor, now: datetime
) -> None:
    """Change how long the shift may last, and record what was before."""
    before, shift.max_overtime_s = shift.max_overtime_s, seconds
    _record(
        session, "shift.overtime_changed", shift, crews.get(session, shift.crew_id), actor, now,
        max_overtime_s=seconds, before_s=before, reason=reason,
    )  # fmt: skip


def move(session: Session, shift: Shift, action: str, *, actor: Actor, now: datetime) -> Shift:
    """Change the shift's status, the only way to do so; raises IllegalMove, MoveNotYours and ShiftOver.

    A crew that reports on duty is there: an absence noted before is taken back.
    """
    before = shift.status
    shift.status = SHIFTS.target(before, action, role=actor.role, subject=shift.id)
    if shift.status is ShiftStatus.ON_DUTY:
        shift.absent = False
    events.record(
        session,
        f"shift.{shift.status.value}",
        entity="shift",
        entity_id=shift.id,
        from_status=before.value,
        to_status=shift.status.value,
        actor=actor,
        now=now,
        territory_id=crews.get(session, shift.crew_id).territory_id,
        data={"crew_id": shift.crew_id},
    )
    session.flush()
    return shift


def _members(session: Session, crew_id: str, chosen: Sequence[str] | None) -> list[str]:
    crew = session.exec(select(Member.id).where(Member.crew_id == crew_id).order_by(Member.id))
    everyone = list(crew)
    if chosen is None:
        return everyone
    strangers = sorted(set(chosen) - set(everyone))
    if strangers:
        raise BadShift(
            f"{', '.join(strangers)} {'is' if len(strangers) == 1 else 'are'} not of crew {crew_id}.",
            field="members",
        )
    return sorted(set(chosen))


def _refuse_overlap(
    session: Session, crew_id: str, starts_at: datetime, ends_at: datetime, zone: ZoneInfo
) -> None:
    # The planning format forbids two shifts of a crew to meet in [start, end], so touching ends count too.
    other = session.exec(
        select(Shift).where(
            Shift.crew_id == crew_id,
            col(Shift.starts_at) <= ends_at,
            col(Shift.ends_at) >= starts_at,
        )
    ).first()
    if other is not None:
        raise OverlappingShifts(
            f"Crew {crew_id} already has the shift {other.id}, "
            f"{other.starts_at.astimezone(zone):%Y-%m-%d %H:%M} to {other.ends_at.astimezone(zone):%H:%M}; "
            "a crew's shifts do not overlap or touch.",
            field="starts",
            shift=other.id,
        )


def _free_id(session: Session, crew_id: str, day: date) -> str:
    first = f"{crew_id}-{day:%Y%m%d}"
    taken = set(
        session.exec(select(Shift.id).where(Shift.crew_id == crew_id, Shift.day == day)).all()
    )
    number, name = 2, first
    while name in taken:
        name, number = f"{first}-{number}", number + 1
    return name


def _record(
    session: Session,
    type: str,
    shift: Shift,
    crew: Crew,
    actor: Actor,
    now: datetime,
    **data: object,
) -> None:
    events.record(
        session,
        type,
        entity="shift",
        entity_id=shift.id,
        actor=actor,
        now=now,
        territory_id=crew.territory_id,
        data={"crew_id": crew.id, "day": shift.day.isoformat(), **data},
    )
    session.flush()
