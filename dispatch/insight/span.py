"""The day that a report is about."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from dispatch.core.calendar import day_bounds, zone_named
from dispatch.registry import territories


@dataclass(frozen=True, slots=True)
class Span:
    """A local day of a territory: [begin, end), seen at `now`; `until` is the earlier of `end` and `now`."""

    territory_id: str
    day: date
    begin: datetime
    end: datetime
    until: datetime


def span_of(session: Session, *, territory_id: str, day: date, now: datetime) -> Span:
    """The span of a local day; raises NoSuchTerritory."""
    zone = zone_named(territories.get(session, territory_id).zone)
    begin, end = day_bounds(day, zone)
    return Span(territory_id, day, begin, end, min(now, end))
