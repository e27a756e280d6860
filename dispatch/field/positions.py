"""Where crews are while they are at work: reported by their telephones, kept for that day and the next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.upserts import insert_into
from dispatch.field.tables import CrewAction, CrewPosition
from dispatch.registry import crews
from dispatch.registry.tables import Shift

KEPT = timedelta(hours=48)
"""How long a position is kept: the shift's day and the next."""
AROUND = timedelta(hours=1)
"""How long before and after its shift a crew may be followed."""
AHEAD = timedelta(minutes=5)
"""How far ahead of the server's clock a telephone's may be."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in WGS 84 at a moment of the device's clock; `accuracy_m` is how far off it may be."""

    lat: float
    lon: float
    device_at: datetime
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class LastSeen:
    """Where a crew was last, and by what that is known: a `report` of its position or an `action` on a visit."""

    crew_id: str
    lat: float
    lon: float
    at: datetime
    by: str


def report(session: Session, *, crew_id: str, positions: Sequence[Position], now: datetime) -> int:
    """Keep where the crew was, as its device recorded it; how many were kept.

    What was recorded outside the crew's shifts, too long ago or in the future is not kept: nobody is followed after
    work. The same moment again is no other position. Raises NoSuchCrew.
    """
    crews.get(session, crew_id)
    spans = session.execute(
        sa.select(col(Shift.starts_at), col(Shift.ends_at), col(Shift.max_overtime_s)).where(
            col(Shift.crew_id) == crew_id,
            col(Shift.starts_at) < now + AHEAD + AROUND,
            col(Shift.ends_at) > now - 2 * KEPT,
        )
    ).all()
    at_work = [
        (starts - AROUND, ends + timedelta(seconds=overtime) + AROUND)
        for starts, ends, overtime in spans
    ]
    kept = {
        one.device_at: {
            "crew_id": crew_id, "device_at": one.device_at, "lat": one.lat, "lon": one.lon,
            "accuracy_m": one.accuracy_m,
        }
        for one in positions
        if now - KEPT < one.device_at <= now + AHEAD
        and any(begin <= one.device_at <= end for begin, end in at_work)
    }  # fmt: skip
    if not kept:
        return 0
    statement = (
        insert_into(session, CrewPosition).values(list(kept.values())).on_conflict_do_nothing()
    )
    return len(session.execute(statement.returning(col(CrewPosition.device_at))).all())


def last_seen(
    session: Session, *, crew_ids: Collection[str], since: datetime, until: datetime
) -> dict[str, LastSeen]:
    """Where each crew was last between two moments, as far as anybody knows, in two statements."""
    found: dict[str, LastSeen] = {}
    for table, by in ((CrewPosition, "report"), (CrewAction, "action")):
        newest = sa.func.row_number().over(
            partition_by=col(table.crew_id), order_by=col(table.device_at).desc()
        )
        rows = (
            sa.select(
                col(table.crew_id), col(table.lat), col(table.lon), col(table.device_at), newest.label("nth")
            )
            .where(
                col(table.crew_id).in_(sorted(crew_ids)),
                col(table.device_at).between(since, until),
                col(table.lat).is_not(None),
            )
            .subquery()
        )  # fmt: skip
        for crew_id, lat, lon, at, _ in session.execute(sa.select(rows).where(rows.c.nth == 1)):
            if crew_id not in found or found[crew_id].at < at:
                found[crew_id] = LastSeen(crew_id, lat, lon, at, by)
    return found


def forget(session: Session, *, now: datetime, limit: int = 10_000) -> int:
    """Remove positions that are kept no longer, the oldest first; how many."""
    oldest = (
        select(CrewPosition.device_at)
        .where(col(CrewPosition.device_at) < now - KEPT)
        .order_by(col(CrewPosition.device_at))
        .limit(limit)
    )
    statement = sa.delete(CrewPosition).where(col(CrewPosition.device_at).in_(oldest))
    result = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]
