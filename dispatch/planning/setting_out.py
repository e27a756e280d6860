"""How late crews set out, read from what happened: at the begin of a shift, after a break, after waiting."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core.tables import Event
from dispatch.planning.spread import SHORTEST_S, Departure, Occasion
from dispatch.registry.tables import ShiftBreak
from dispatch.work.tables import Visit, VisitStatus


@dataclass(frozen=True, slots=True)
class _Trip:
    """A visit that is over; `rest_s` is the length of its shift's break, which begins between the two after it."""

    shift_id: str
    planned_arrive_at: datetime
    travel_s: int | None
    planned_end_at: datetime
    finished_at: datetime | None
    departed_at: datetime | None
    rest_s: int | None
    earliest_at: datetime | None
    latest_at: datetime | None

    @property
    def departs_at(self) -> datetime:
        """When the crew was to set out."""
        return self.planned_arrive_at - timedelta(seconds=self.travel_s or 0)

    def rests_after(self, planned_end_at: datetime) -> bool:
        """Whether the crew was to take its break between the visit that ends then and this one."""
        if self.rest_s is None or self.earliest_at is None or self.latest_at is None:
            return False
        begins = self.departs_at - timedelta(seconds=self.rest_s)
        return planned_end_at <= begins >= self.earliest_at and planned_end_at <= self.latest_at


def observed(session: Session, *, territory_id: str, since: datetime) -> Iterator[Departure]:
    """The departures since then that nothing but the crew itself kept from the plan, in one statement."""
    trips = (_Trip(*row) for row in session.execute(_trips(territory_id, since)))
    for _, shift in groupby(trips, key=lambda trip: trip.shift_id):
        before: _Trip | None = None
        for trip in shift:
            occasion = _occasion(before, trip)
            if occasion is not None and trip.departed_at is not None:
                late_s = (trip.departed_at - trip.departs_at).total_seconds()
                yield Departure(occasion, late_s)
            before = trip


def _occasion(before: _Trip | None, trip: _Trip) -> Occasion | None:
    """After what the crew set out; None when it was not free in time to keep to its plan."""
    if before is None:
        return Occasion.BEGIN
    if before.finished_at is None:
        return None
    if trip.rests_after(before.planned_end_at):
        return Occasion.BREAK if before.finished_at <= before.planned_end_at else None
    waits = before.finished_at <= trip.departs_at - timedelta(seconds=SHORTEST_S)
    return Occasion.WAITING if waits else None


def departed_since(since: datetime) -> Any:
    """When crews set out last for each visit, `at` by `entity_id`."""
    return (
        sa.select(col(Event.entity_id), sa.func.max(col(Event.happened_at)).label("at"))
        .where(
            col(Event.entity) == "visit",
            col(Event.type) == "visit.en_route",
            col(Event.happened_at) > since,
        )
        .group_by(col(Event.entity_id))
        .subquery()
    )


def _trips(territory_id: str, since: datetime) -> Any:
    departed = departed_since(since)
    rests = (
        sa.select(
            col(ShiftBreak.shift_id),
            sa.func.min(col(ShiftBreak.duration_s)).label("rest_s"),
            sa.func.min(col(ShiftBreak.earliest_at)).label("earliest_at"),
            sa.func.max(col(ShiftBreak.latest_at)).label("latest_at"),
        )
        .group_by(col(ShiftBreak.shift_id))
        .subquery()
    )
    return (
        sa.select(
            col(Visit.shift_id), col(Visit.planned_arrive_at), col(Visit.travel_s),
            col(Visit.planned_end_at), col(Visit.finished_at), departed.c.at,
            rests.c.rest_s, rests.c.earliest_at, rests.c.latest_at,
        )
        .join(departed, departed.c.entity_id == col(Visit.id), isouter=True)
        .join(rests, rests.c.shift_id == col(Visit.shift_id), isouter=True)
        .where(
            col(Visit.territory_id) == territory_id,
            col(Visit.status).in_((VisitStatus.DONE, VisitStatus.NOT_DONE)),
            col(Visit.planned_arrive_at) > since,
            col(Visit.planned_end_at).is_not(None),
            col(Visit.shift_id).is_not(None),
        )
        .order_by(col(Visit.shift_id), col(Visit.planned_start_at))
    )  # fmt: skip
