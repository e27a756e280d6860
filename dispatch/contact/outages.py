"""Planned interruptions: who is concerned, and what becomes of the notice of one."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact.tables import OutageNotice
from dispatch.core import numbers
from dispatch.core.errors import ConflictError, InvalidError, NotFoundError
from dispatch.core.events import Actor, record
from dispatch.registry import geometry, territories
from dispatch.registry.tables import Premises

LONGEST = timedelta(days=7)
MOST_PREMISES = 20_000
SHOWN = 5
"""Addresses that are shown of those concerned."""
_AT_ONCE = 500
"""Premises in one statement: databases allow only so many parameters."""


class NoSuchOutage(NotFoundError):
    """No outage notice has this number."""

    code = "no_such_outage"


class BadOutage(InvalidError):
    """A value of the notice is wrong."""

    code = "bad_outage"


class OutageOver(ConflictError):
    """Supply is back, or the notice was withdrawn: there is nothing left to change."""

    code = "outage_over"


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a notice would concern; `addresses` are the first few of them."""

    premises: int
    customers: int
    addresses: tuple[str, ...]


def whom(
    session: Session,
    *,
    territory_id: str,
    premises: Collection[str] = (),
    area: dict[str, Any] | None = None,
) -> Whom:
    """Whom `announce` would tell, to look at before it is done; raises as it does."""
    territories.get(session, territory_id)
    concerned = _concerned(session, territory_id, premises, area)
    customers: set[str] = set()
    addresses: list[str] = []
    for begin in range(0, len(concerned), _AT_ONCE):
        some = col(Premises.id).in_(concerned[begin : begin + _AT_ONCE])
        statement = select(Premises.customer_id, Premises.address).where(some)
        for customer_id, address in session.exec(statement.order_by(col(Premises.id))):
            customers.add(customer_id)
            addresses.append(address)
    return Whom(len(concerned), len(customers), tuple(addresses[:SHOWN]))


def announce(
    session: Session,
    *,
    territory_id: str,
    starts_at: datetime,
    ends_at: datetime,
    reason_zh: str,
    reason_en: str,
    premises: Collection[str] = (),
    area: dict[str, Any] | None = None,
    actor: Actor,
    now: datetime,
) -> OutageNotice:
    """Give notice that supply will be off in [starts_at, ends_at) at these premises or inside an area.

    `area` is a GeoJSON polygon, [lon, lat] in WGS 84. All customers of the premises are told, each once. Raises
    NoSuchTerritory, BadBoundary, and BadOutage: for times that are over, too long or in the wrong order, premises
    that are not the territory's, and when nobody is concerned.
    """
    territories.get(session, territory_id)
    _check_times(starts_at, ends_at, now)
    for name, reason in (("reason_zh", reason_zh), ("reason_en", reason_en)):
        if not 1 <= len(reason.strip()) <= 200 or not reason.isprintable():
            raise BadOutage("A reason is one line of 1 to 200 characters.", field=name)
    concerned = _concerned(session, territory_id, premises, area)
    notice = OutageNotice(
        id=numbers.next_number(session, "outage_notice", "N"),
        territory_id=territory_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason_zh=reason_zh.strip(),
        reason_en=reason_en.strip(),
        premises=concerned,
        created_by=actor.id,
        created_at=now,
    )
    session.add(notice)
    session.flush()
    return _record(session, notice, "announced", actor, now, premises=len(concerned))


def move(
    session: Session,
    *,
    notice_id: str,
    starts_at: datetime,
    ends_at: datetime,
    expect: int | None = None,
    actor: Actor,
    now: datetime,
) -> OutageNotice:
    """Give the interruption other times; everybody is told anew. Raises NoSuchOutage, OutageOver, BadOutage."""
    notice = _open(session, notice_id, expect)
    _check_times(starts_at, ends_at, now)
    if (starts_at, ends_at) != (notice.starts_at, notice.ends_at):
        notice.starts_at, notice.ends_at = starts_at, ends_at
        _record(session, notice, "announced", actor, now, premises=len(notice.premises))
    return notice


def restore(
    session: Session,
    *,
    notice_id: str,
    restored_at: datetime | None = None,
    expect: int | None = None,
    actor: Actor,
    now: datetime,
) -> OutageNotice:
    """Supply is back since `restored_at` (now, unless given): those who knew of the interruption are told.

    Raises NoSuchOutage, OutageOver, and BadOutage for a time before the interruption or in the future.
    """
    notice = _open(session, notice_id, expect)
    moment = restored_at or now
    if not notice.starts_at <= moment <= now:
        raise BadOutage(
            "Supply comes back after it went off, and not later than now.", field="restored_at"
        )
    notice.restored_at = moment
    return _record(session, notice, "restored", actor, now)


def withdraw(
    session: Session, *, notice_id: str, expect: int | None = None, actor: Actor, now: datetime
) -> OutageNotice:
    """The interruption does not take place: those who know of it are told, what is not sent yet is not sent.

    Raises NoSuchOutage, OutageOver.
    """
    notice = _open(session, notice_id, expect)
    notice.withdrawn_at = now
    return _record(session, notice, "withdrawn", actor, now)


def get(session: Session, notice_id: str) -> OutageNotice:
    """The notice of this number; raises NoSuchOutage."""
    notice = session.get(OutageNotice, notice_id)
    if notice is None:
        raise NoSuchOutage(f"There is no outage notice {notice_id}.", field="notice_id")
    return notice


def listing(session: Session, *, territory_id: str, limit: int = 100) -> list[OutageNotice]:
    """The territory's notices, the latest interruption first."""
    statement = (
        select(OutageNotice)
        .where(OutageNotice.territory_id == territory_id)
        .order_by(col(OutageNotice.starts_at).desc(), col(OutageNotice.id).desc())
        .limit(limit)
    )
    return list(session.exec(statement))


def _check_times(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if ends_at <= starts_at or ends_at - starts_at > LONGEST:
        raise BadOutage("It ends after it begins, and within 7 days.", field="ends_at")
    if starts_at <= now:
        raise BadOutage("A notice is given before the interruption begins.", field="starts_at")


def _concerned(
    session: Session, territory_id: str, premises: Collection[str], area: dict[str, Any] | None
) -> list[str]:
    """The premises meant, by id; those named and those inside the area."""
    if not premises and area is None:
        raise BadOutage("Name the premises, or the area that they lie in.", field="premises")
    if area is not None:
        geometry.check_boundary(area)
    statement = sa.select(col(Premises.id), col(Premises.lat), col(Premises.lon)).where(
        col(Premises.territory_id) == territory_id
    )
    named, known, found = set(premises), set(), set()
    for premises_id, lat, lon in session.execute(statement):
        known.add(premises_id)
        inside = area is not None and lat is not None and geometry.contains(area, lat, lon)
        if premises_id in named or inside:
            found.add(premises_id)
    if unknown := sorted(named - known):
        raise BadOutage(f"{unknown[0]} are no premises of {territory_id}.", field="premises")
    if not found:
        raise BadOutage("Nobody's premises lie in this area.", field="area")
    if len(found) > MOST_PREMISES:
        raise BadOutage(f"A notice concerns at most {MOST_PREMISES} premises.", field="area")
    return sorted(found)


def _open(session: Session, notice_id: str, expect: int | None) -> OutageNotice:
    notice = get(session, notice_id)
    notice.expect(expect)
    if notice.restored_at or notice.withdrawn_at:
        how = "Supply is back" if notice.restored_at else "The notice was withdrawn"
        raise OutageOver(f"{how}: {notice_id} cannot be changed any more.", subject=notice_id)
    return notice


def _record(
    session: Session, notice: OutageNotice, what: str, actor: Actor, now: datetime, **data: Any
) -> OutageNotice:
    session.flush()
    record(
        session,
        f"outage.{what}",
        entity="outage",
        entity_id=notice.id,
        actor=actor,
        now=now,
        territory_id=notice.territory_id,
        data=data,
    )
    session.flush()
    return notice
