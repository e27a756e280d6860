"""Learning how long work and drives really take: a territory's history, read once a night."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.calendar import zone_named
from dispatch.planning import setting_out
from dispatch.planning.spread import (
    SHORTEST_S,
    Learnt,
    Measure,
    Observation,
    Occasion,
    Part,
    Spread,
    Spreads,
    learn,
    of_catalogue,
)
from dispatch.planning.tables import LearntSpread
from dispatch.registry import territories
from dispatch.work.catalogue import planned_seconds
from dispatch.work.tables import Visit, VisitStatus, WorkOrder, WorkType

HISTORY = timedelta(days=120)
"""How far back is looked: long enough for rare work, short enough to follow the seasons."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One learnt spread, and what is made of it: the catalogue counts `1 - weight`."""

    learnt: Learnt
    applied: Spread
    learnt_at: datetime


def relearn(session: Session, *, territory_id: str, now: datetime) -> int:
    """Replace what was learnt about a territory by what the last days say; how many spreads.

    Raises NoSuchTerritory.
    """
    zone = zone_named(territories.get(session, territory_id).zone)
    departures = setting_out.observed(session, territory_id=territory_id, since=now - HISTORY)
    found = learn([*_observed(session, territory_id, zone, now), *departures])
    session.execute(
        sa.delete(LearntSpread).where(col(LearntSpread.territory_id) == territory_id),
        execution_options={"synchronize_session": False},
    )
    session.expire_all()
    rows = [
        LearntSpread(
            territory_id=territory_id, measure=one.measure, part=one.part, key=one.key,
            visits=one.count, low=one.spread.low, mid=one.spread.mid, high=one.spread.high,
            learnt_at=now,
        )
        for one in found
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return len(rows)


def spreads_of(session: Session, *, territory_id: str) -> Spreads:
    """What is expected of a territory's crews, in two statements."""
    return Spreads.of(_catalogue(session), (_learnt(row) for row in _rows(session, territory_id)))


def applied(session: Session, *, territory_id: str) -> list[Applied]:
    """Everything learnt about a territory and what it comes to, by measure, part and key.

    Raises NoSuchTerritory.
    """
    territories.get(session, territory_id)
    rows = _rows(session, territory_id)
    spreads = Spreads.of(_catalogue(session), (_learnt(row) for row in rows))
    return [Applied(_learnt(row), _applied(spreads, row), row.learnt_at) for row in rows]


def _applied(spreads: Spreads, row: LearntSpread) -> Spread:
    if row.measure is Measure.SETTING_OUT:
        return spreads.setting_out(Occasion(row.key))
    if row.part is Part.WORK_TYPE:
        return spreads.by_type(row.key)
    if row.part is Part.ALL:
        return spreads.all_travel()
    factor = spreads.factor(row.measure, row.part, row.key)
    return Spread(factor, factor, factor)


def _rows(session: Session, territory_id: str) -> list[LearntSpread]:
    statement = select(LearntSpread).where(LearntSpread.territory_id == territory_id)
    order = (col(LearntSpread.measure), col(LearntSpread.part), col(LearntSpread.key))
    return list(session.exec(statement.order_by(*order)))


def _learnt(row: LearntSpread) -> Learnt:
    return Learnt(row.measure, row.part, row.key, row.visits, Spread(row.low, row.mid, row.high))


def _catalogue(session: Session) -> dict[str, Spread]:
    return {
        kind.code: of_catalogue(
            p50_s=60 * kind.p50_minutes, p90_s=60 * kind.p90_minutes, planned_s=planned_seconds(kind)
        )
        for kind in session.exec(select(WorkType))
    }  # fmt: skip


def _observed(
    session: Session, territory_id: str, zone: ZoneInfo, now: datetime
) -> Iterator[Observation]:
    """The services and drives of the last days that were planned and are over, in one statement."""
    for (
        work_type,
        crew_id,
        starts,
        ends,
        travel_s,
        arrived,
        started,
        finished,
        departed,
    ) in session.execute(_history(territory_id, now)):
        planned_s = (ends - starts).total_seconds()
        if started is not None and finished is not None and planned_s >= SHORTEST_S:
            took_s = (finished - started).total_seconds()
            if took_s > 0:
                hour = started.astimezone(zone).hour
                yield Observation(Measure.SERVICE, work_type, crew_id, hour, took_s / planned_s)
        if departed is not None and arrived is not None and (travel_s or 0) >= SHORTEST_S:
            took_s = (arrived - departed).total_seconds()
            if took_s > 0:
                hour = departed.astimezone(zone).hour
                yield Observation(Measure.TRAVEL, "", crew_id, hour, took_s / travel_s)


def _history(territory_id: str, now: datetime) -> Any:
    """Service of what was not done in the end says nothing: its start is left out."""
    departed = setting_out.departed_since(now - HISTORY)
    return (
        sa.select(
            col(WorkOrder.work_type), col(Visit.crew_id), col(Visit.planned_start_at),
            col(Visit.planned_end_at), col(Visit.travel_s), col(Visit.arrived_at),
            sa.case((col(Visit.status) == VisitStatus.DONE, col(Visit.started_at))),
            col(Visit.finished_at), departed.c.at,
        )
        .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
        .join(departed, departed.c.entity_id == col(Visit.id), isouter=True)
        .where(
            col(Visit.territory_id) == territory_id,
            col(Visit.status).in_((VisitStatus.DONE, VisitStatus.NOT_DONE)),
            col(Visit.planned_start_at) > now - HISTORY,
            col(Visit.planned_end_at).is_not(None),
            col(Visit.crew_id).is_not(None),
        )
    )  # fmt: skip
