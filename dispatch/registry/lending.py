"""Members lent to another crew's shift, for that shift alone: the crew's skills and size follow from who works."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core import events
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor
from dispatch.registry import crews, shifts
from dispatch.registry.crews import NoSuchMember
from dispatch.registry.hours import BadShift
from dispatch.registry.shifts import ShiftOver
from dispatch.registry.tables import Certificate, Crew, Member, Shift, ShiftMember, ShiftStatus


class MemberNotFree(ConflictError):
    """The member works on the shift already, or on several others at that time."""

    code = "member_not_free"


@dataclass(frozen=True, slots=True)
class Lendable:
    """A member of another crew; `shift_id` is the shift that would be left for it, None for who is off that day."""

    member_id: str
    name: str
    crew_id: str
    shift_id: str | None
    level: int | None


def lendable(
    session: Session, *, shift_id: str, skill: str | None = None, level: int = 1
) -> list[Lendable]:
    """Who of the territory's other crews could join the shift, by crew; with a `skill`, those who have it that day.

    `level` is the skill's lowest that will do; in the answer it is the member's highest, None without a skill.
    Raises NoSuchShift.
    """
    shift = shifts.get(session, shift_id)
    territory_id = crews.get(session, shift.crew_id).territory_id
    statement = (
        sa.select(col(Member.id), col(Member.name), col(Member.crew_id), sa.literal(None))
        .join(Crew, col(Crew.id) == col(Member.crew_id))
        .where(col(Crew.territory_id) == territory_id)
        .order_by(col(Member.crew_id), col(Member.id))
    )
    if skill is not None:
        highest = (
            sa.select(
                col(Certificate.member_id), sa.func.max(col(Certificate.level)).label("level")
            )
            .where(
                col(Certificate.skill) == skill,
                col(Certificate.valid_from) <= shift.day,
                col(Certificate.valid_until) >= shift.day,
            )
            .group_by(col(Certificate.member_id))
            .having(sa.func.max(col(Certificate.level)) >= level)
            .subquery()
        )
        statement = statement.with_only_columns(
            col(Member.id), col(Member.name), col(Member.crew_id), highest.c.level
        ).join(highest, highest.c.member_id == col(Member.id))
    at_work = _at_work(session, shift)
    found = []
    for member_id, name, crew_id, highest_level in session.execute(statement):
        elsewhere = at_work.get(member_id, [])
        if shift.id not in elsewhere and len(elsewhere) <= 1:
            left = elsewhere[0] if elsewhere else None
            found.append(Lendable(member_id, name, crew_id, left, highest_level))
    return found


def lend(
    session: Session, *, shift_id: str, member_id: str, reason: str, actor: Actor, now: datetime
) -> str | None:
    """Let a member of another crew work on this shift; the shift that the member leaves for it, if there is one.

    Raises NoSuchShift, NoSuchMember (of another territory, too), ShiftOver, MemberNotFree, and BadShift without a
    reason.
    """
    shift = shifts.get(session, shift_id)
    crew = crews.get(session, shift.crew_id)
    member = session.get(Member, member_id)
    if member is None or crews.get(session, member.crew_id).territory_id != crew.territory_id:
        raise NoSuchMember(
            f"No crew of this territory has a member {member_id}.", field="member_id"
        )
    if not reason.strip():
        raise BadShift("Say why the member is lent, and who agreed to it.", field="reason")
    if shift.status is ShiftStatus.OFF_DUTY:
        raise ShiftOver(f"The shift {shift_id} has ended.", shift=shift_id)
    lock_for(session, f"member:{member_id}")
    elsewhere = _at_work(session, shift).get(member_id, [])
    if shift.id in elsewhere or len(elsewhere) > 1:
        raise MemberNotFree(
            f"{member.name} works on {', '.join(elsewhere)} at that time.", field="member_id"
        )
    left = elsewhere[0] if elsewhere else None
    _swap(session, member_id, leaves=left, joins=shift.id)
    _record(session, "shift.member_lent", shift, crew, member_id, left, reason, actor, now)
    return left


def give_back(
    session: Session,
    *,
    shift_id: str,
    member_id: str,
    to_shift_id: str | None,
    actor: Actor,
    now: datetime,
) -> bool:
    """Take the loan back, unless somebody has changed since where the member works: whether it was taken back."""
    shift = shifts.get(session, shift_id)
    lock_for(session, f"member:{member_id}")
    if _at_work(session, shift).get(member_id, []) != [shift_id]:
        return False
    _swap(session, member_id, leaves=shift_id, joins=to_shift_id)
    crew = crews.get(session, shift.crew_id)
    _record(session, "shift.member_given_back", shift, crew, member_id, to_shift_id, "", actor, now)
    return True


def _at_work(session: Session, shift: Shift) -> dict[str, list[str]]:
    """The shifts on which each member works while this one lasts, itself with them, those ended early without."""
    rows = session.execute(
        sa.select(col(ShiftMember.member_id), col(Shift.id))
        .join(Shift, col(Shift.id) == col(ShiftMember.shift_id))
        .where(
            col(Shift.starts_at) < shift.ends_at,
            col(Shift.ends_at) > shift.starts_at,
            sa.or_(col(Shift.status) != ShiftStatus.OFF_DUTY, col(Shift.id) == shift.id),
        )
        .order_by(col(Shift.id))
    )
    found: dict[str, list[str]] = {}
    for member_id, shift_id in rows:
        found.setdefault(member_id, []).append(shift_id)
    return found


def _swap(session: Session, member_id: str, *, leaves: str | None, joins: str | None) -> None:
    if leaves is not None:
        session.delete(session.get_one(ShiftMember, (leaves, member_id)))
    if joins is not None:
        session.add(ShiftMember(shift_id=joins, member_id=member_id))
    session.flush()


def _record(
    session: Session,
    type: str,
    shift: Shift,
    crew: Crew,
    member_id: str,
    other_shift_id: str | None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    other = None if other_shift_id is None else shifts.get(session, other_shift_id).crew_id
    events.record(
        session,
        type,
        entity="shift",
        entity_id=shift.id,
        actor=actor,
        now=now,
        territory_id=crew.territory_id,
        data={
            "crew_id": crew.id,
            "day": shift.day.isoformat(),
            "member_id": member_id,
            "other_shift_id": other_shift_id,
            "other_crew_id": other,
            "reason": reason,
        },
    )
    session.flush()
