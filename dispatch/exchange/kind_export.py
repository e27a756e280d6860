"""A territory's rows of one kind in the columns that imports of the kind read: importing them changes nothing."""

from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core.calendar import zone_named
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.tables import Request
from dispatch.exchange.checking import check_kind
from dispatch.exchange.columns import COLUMNS
from dispatch.exchange.export import Cells, moment_text, on_day
from dispatch.exchange.served import is_served
from dispatch.exchange.sheets import lines
from dispatch.registry import territories
from dispatch.registry.tables import (
    Certificate,
    Crew,
    Customer,
    Member,
    Premises,
    Shift,
    ShiftBreak,
    ShiftMember,
)
from dispatch.work.tables import Series, SeriesStatus

BATCH = 1000

Rows = Iterator[Any]
Made = Callable[[Session, Any, ZoneInfo], Cells]


def exported_lines(session: Session, *, kind: str, territory_id: str) -> Iterator[str]:
    """The lines of a CSV file, read as they are written out; no cell is a formula.

    Requests that are settled and series that have ended are left out. Raises NoSuchKind and NoSuchTerritory.
    """
    check_kind(kind)
    territory = territories.get(session, territory_id)
    names = [column.name for column in COLUMNS[kind]]
    rows = _rows(session, kind, territory_id, zone_named(territory.zone), names)
    return lines(names, rows)


def _rows(
    session: Session, kind: str, here: str, zone: ZoneInfo, names: list[str]
) -> Iterator[Cells]:
    made: Made | None = _MADE.get(kind)
    found = session.execute(_statement(kind, here).execution_options(yield_per=BATCH)).scalars()
    for batch in found.partitions():
        for row in batch:
            if made is not None:
                yield made(session, row, zone)
            else:
                yield [getattr(row, name) for name in names]


def _statement(kind: str, here: str) -> sa.Select[Any]:
    """The rows of a kind in a stable order."""
    crew = sa.select(Crew.__table__.c.id).where(col(Crew.territory_id) == here)  # type: ignore[attr-defined]
    members = sa.select(Member.__table__.c.id).where(col(Member.crew_id).in_(crew))  # type: ignore[attr-defined]
    statements: dict[str, sa.Select[Any]] = {
        "customers": sa.select(Customer).where(is_served(here)).order_by(col(Customer.id)),
        "premises": sa.select(Premises)
        .where(col(Premises.territory_id) == here)
        .order_by(col(Premises.id)),
        "crews": sa.select(Crew).where(col(Crew.territory_id) == here).order_by(col(Crew.id)),
        "members": sa.select(Member).where(col(Member.crew_id).in_(crew)).order_by(col(Member.id)),
        "skills": sa.select(Certificate)
        .where(col(Certificate.member_id).in_(members))
        .order_by(col(Certificate.member_id), col(Certificate.skill), col(Certificate.valid_from)),
        "shifts": sa.select(Shift).where(col(Shift.crew_id).in_(crew)).order_by(col(Shift.id)),
        "series": sa.select(Series)
        .where(col(Series.territory_id) == here, col(Series.status) != SeriesStatus.ENDED)
        .order_by(col(Series.id)),
        "requests": sa.select(Request)
        .where(col(Request.territory_id) == here, col(Request.status).in_(OPEN))
        .order_by(col(Request.id)),
    }
    return statements[kind]


def _shift(session: Session, shift: Shift, zone: ZoneInfo) -> Cells:
    rests = session.execute(
        sa.select(ShiftBreak)
        .where(col(ShiftBreak.shift_id) == shift.id)
        .order_by(col(ShiftBreak.earliest_at))
    ).scalars()
    breaks = list(rests)
    # Members lent to the shift are not of its crew: a loan is of that day, and no file brings it back.
    members = session.execute(
        sa.select(ShiftMember.__table__.c.member_id)  # type: ignore[attr-defined]
        .join(Member, col(Member.id) == col(ShiftMember.member_id))
        .where(col(ShiftMember.shift_id) == shift.id, col(Member.crew_id) == shift.crew_id)
        .order_by(col(ShiftMember.member_id))
    ).scalars()
    return (
        shift.crew_id,
        shift.day,
        on_day(shift.starts_at, shift.day, zone),
        on_day(shift.ends_at, shift.day, zone),
        ";".join(on_day(rest.earliest_at, shift.day, zone) for rest in breaks),
        ";".join(on_day(rest.latest_at, shift.day, zone) for rest in breaks),
        ";".join(str(rest.duration_s // 60) for rest in breaks),
        shift.max_overtime_s // 60,
        ";".join(members),
    )


def _request(_session: Session, row: Request, zone: ZoneInfo) -> Cells:
    return (
        row.kind.value,
        row.customer_id,
        row.premises_id,
        row.channel,
        moment_text(row.received_at, zone),
        " ".join(row.subject.split()),
        " ".join(row.text.split())[:1000],
    )


_MADE: dict[str, Made] = {"shifts": _shift, "requests": _request}
