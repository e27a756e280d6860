"""Reads of the registry: pages of customers and premises, the crews of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.pages import Page, page
from dispatch.registry.skills import CrewSkills, shift_skills
from dispatch.registry.tables import (
    Account,
    Certificate,
    Crew,
    Customer,
    Member,
    Premises,
    Shift,
    ShiftBreak,
    ShiftMember,
    Stock,
)


@dataclass(frozen=True, slots=True)
class CrewDay:
    """One shift of a crew with all that planning and a page need to know of it."""

    crew: Crew
    shift: Shift
    breaks: tuple[ShiftBreak, ...]
    members: tuple[Member, ...]
    skills: CrewSkills
    stock: dict[str, int]


@dataclass(frozen=True, slots=True)
class Expiring:
    """A certificate and its holder."""

    certificate: Certificate
    member: Member


def find_customers(
    session: Session,
    *,
    text: str = "",
    territory_id: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Customer]:
    """Customers by id whose id, name, telephone number or one of whose addresses contains `text`.

    Raises BadCursor and BadPageSize.
    """
    statement = select(Customer)
    if territory_id is not None:
        statement = statement.where(
            sa.exists().where(
                col(Premises.customer_id) == Customer.id, col(Premises.territory_id) == territory_id
            )
        )
    if text.strip():
        term = text.strip()
        statement = statement.where(
            sa.or_(
                *(
                    column.icontains(term, autoescape=True)
                    for column in (col(Customer.id), col(Customer.name), col(Customer.phone))
                ),
                sa.exists().where(
                    col(Premises.customer_id) == Customer.id,
                    col(Premises.address).icontains(term, autoescape=True),
                ),
            )
        )
    return page(
        session, statement, key=Customer.id, key_of=lambda row: row.id, cursor=cursor, limit=limit
    )


def find_premises(
    session: Session,
    *,
    territory_id: str,
    without_position: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Premises]:
    """The territory's premises by id, or only those that nobody has located; raises BadCursor and BadPageSize."""
    statement = select(Premises).where(Premises.territory_id == territory_id)
    if without_position:
        statement = statement.where(col(Premises.lat).is_(None))
    return page(
        session, statement, key=Premises.id, key_of=lambda row: row.id, cursor=cursor, limit=limit
    )


def count_unplaced(session: Session, *, territory_id: str) -> int:
    """How many of the territory's premises nobody has located."""
    statement = (
        select(sa.func.count())
        .select_from(Premises)
        .where(Premises.territory_id == territory_id, col(Premises.lat).is_(None))
    )
    return session.exec(statement).one()


def accounts(session: Session, *, cursor: str | None = None, limit: int = 50) -> Page[Account]:
    """All accounts, by id; raises BadCursor and BadPageSize."""
    return page(
        session,
        select(Account),
        key=Account.id,
        key_of=lambda row: row.id,
        cursor=cursor,
        limit=limit,
    )


def shifts_of_day(session: Session, *, territory_id: str, day: date) -> list[Shift]:
    """The shifts of the territory's crews that begin on the local `day`, by crew and begin."""
    statement = (
        select(Shift)
        .join(Crew, col(Crew.id) == Shift.crew_id)
        .where(Crew.territory_id == territory_id, Shift.day == day)
        .order_by(Shift.crew_id, col(Shift.starts_at))
    )
    return list(session.exec(statement))


def next_day_of_work(
    session: Session, *, territory_id: str, today: date, crew_id: str | None = None
) -> date:
    """The first day from `today` on which the territory, or one crew of it, has a shift; `today` when none has."""
    statement = (
        select(sa.func.min(Shift.day))
        .join(Crew, col(Crew.id) == Shift.crew_id)
        .where(Crew.territory_id == territory_id, Shift.day >= today)
    )
    if crew_id is not None:
        statement = statement.where(Shift.crew_id == crew_id)
    return session.exec(statement).one() or today


def crews_of_day(session: Session, *, territory_id: str, day: date) -> list[CrewDay]:
    """Every shift of the day, absent crews' too, with breaks, members, skills and stock.

    Six queries, however many crews there are.
    """
    shifts = shifts_of_day(session, territory_id=territory_id, day=day)
    ids = [shift.id for shift in shifts]
    crew_ids = {shift.crew_id for shift in shifts}
    crews = {crew.id: crew for crew in session.exec(select(Crew).where(col(Crew.id).in_(crew_ids)))}
    breaks = session.exec(
        select(ShiftBreak)
        .where(col(ShiftBreak.shift_id).in_(ids))
        .order_by(col(ShiftBreak.earliest_at))
    ).all()
    members = _members(session, ids)
    skills = shift_skills(session, shift_ids=ids, day=day)
    stock = session.exec(select(Stock).where(col(Stock.crew_id).in_(crew_ids))).all()
    return [
        CrewDay(
            crew=crews[shift.crew_id],
            shift=shift,
            breaks=tuple(row for row in breaks if row.shift_id == shift.id),
            members=tuple(members.get(shift.id, ())),
            skills=skills[shift.id],
            stock={row.part: row.quantity for row in stock if row.crew_id == shift.crew_id},
        )
        for shift in shifts
    ]


def expiring_certificates(session: Session, *, territory_id: str, until: date) -> list[Expiring]:
    """Certificates of the territory's crews that end on or before `until`, the longest expired first."""
    statement = (
        select(Certificate, Member)
        .join(Member, col(Member.id) == Certificate.member_id)
        .join(Crew, col(Crew.id) == Member.crew_id)
        .where(Crew.territory_id == territory_id, col(Certificate.valid_until) <= until)
        .order_by(col(Certificate.valid_until), col(Certificate.id))
    )
    return [Expiring(certificate, member) for certificate, member in session.exec(statement)]


def _members(session: Session, shift_ids: Sequence[str]) -> dict[str, list[Member]]:
    statement = (
        select(ShiftMember.shift_id, Member)
        .join(Member, col(Member.id) == ShiftMember.member_id)
        .where(col(ShiftMember.shift_id).in_(shift_ids))
        .order_by(ShiftMember.shift_id, Member.id)
    )
    found: dict[str, list[Member]] = {}
    for shift_id, member in session.exec(statement):
        found.setdefault(shift_id, []).append(member)
    return found
