"""Interruptions of supply, planned or faults: the notice of one, and what becomes of it."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact.extent import BadOutage, concerned
from dispatch.contact.tables import OutageNotice
from dispatch.core import numbers
from dispatch.core.errors import ConflictError, NotFoundError
from dispatch.core.events import Actor, record
from dispatch.registry import territories

LONGEST = timedelta(days=7)


class NoSuchOutage(NotFoundError):
    """No outage notice has this number."""

    code = "no_such_outage"


class OutageOver(ConflictError):
    """Supply is back, or the notice was withdrawn: there is nothing left to change."""

    code = "outage_over"


def announce(
    session: Session,
    *,
    territory_id: str,
    starts_at: datetime,
    ends_at: datetime,
    reason_zh: str,
    reason_en: str,
    premises: Collection[str] = (),
    feeders: Collection[str] = (),
    area: dict[str, Any] | None = None,
    unplanned: bool = False,
    actor: Actor,
    now: datetime,
) -> OutageNotice:
    """Give notice that supply will be off in [starts_at, ends_at) at these premises, on feeders or inside an area.

    A fault (`unplanned`) is there already, and `ends_at` is when supply is expected back. `area` is a GeoJSON
    polygon, [lon, lat] in WGS 84. All customers of the premises are told, each once. Raises NoSuchTerritory,
    BadBoundary, and BadOutage: for times that are over, too long or in the wrong order, premises or feeders
    that are not the territory's, and when nobody is concerned.
    """
    territories.get(session, territory_id)
    _check_times(starts_at, ends_at, now, has_begun=unplanned)
    for name, reason in (("reason_zh", reason_zh), ("reason_en", reason_en)):
        if not 1 <= len(reason.strip()) <= 200 or not reason.isprintable():
            raise BadOutage("A reason is one line of 1 to 200 characters.", field=name)
    meant = concerned(session, territory_id, premises, feeders, area)
    notice = OutageNotice(
        id=numbers.next_number(session, "outage_notice", "N"),
        territory_id=territory_id,
        starts_at=starts_at,
        ends_at=ends_at,
        reason_zh=reason_zh.strip(),
        reason_en=reason_en.strip(),
        premises=meant,
        feeders=sorted(set(feeders)),
        unplanned=unplanned,
        created_by=actor.id,
        created_at=now,
    )
    session.add(notice)
    session.flush()
    return _record(session, notice, "announced", actor, now, premises=len(meant))


def move(
    session: Session,
    *,
    notice_id: str,
    ends_at: datetime,
    starts_at: datetime | None = None,
    expect: int | None = None,
    actor: Actor,
    now: datetime,
) -> OutageNotice:
    """Give the interruption other times; everybody is told anew. Raises NoSuchOutage, OutageOver, BadOutage.

    Of one that has begun the end alone can be another.
    """
    notice = _open(session, notice_id, expect)
    starts_at = starts_at or notice.starts_at
    has_begun = notice.unplanned or notice.starts_at <= now
    if has_begun and starts_at != notice.starts_at:
        raise BadOutage("It has begun: its end alone can be another.", field="starts_at")
    _check_times(starts_at, ends_at, now, has_begun=has_begun)
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


def is_standing(notice: OutageNotice) -> bool:
    """Whether it was neither withdrawn nor said that supply is back."""
    return notice.withdrawn_at is None and notice.restored_at is None


def standing() -> sa.ColumnElement[bool]:
    """The condition that `is_standing` is, of rows."""
    return col(OutageNotice.withdrawn_at).is_(None) & col(OutageNotice.restored_at).is_(None)


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


def _check_times(starts_at: datetime, ends_at: datetime, now: datetime, *, has_begun: bool) -> None:
    if ends_at <= starts_at or ends_at - starts_at > LONGEST:
        raise BadOutage("It ends after it begins, and within 7 days.", field="ends_at")
    if not has_begun and starts_at <= now:
        raise BadOutage("A notice is given before the interruption begins.", field="starts_at")
    if has_begun and starts_at > now:
        raise BadOutage("A fault has begun already.", field="starts_at")
    if ends_at <= now:
        raise BadOutage("Supply is expected back later than now.", field="ends_at")


def _open(session: Session, notice_id: str, expect: int | None) -> OutageNotice:
    notice = get(session, notice_id)
    notice.expect(expect)
    if not is_standing(notice):
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
