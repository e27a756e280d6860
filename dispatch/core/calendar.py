"""Local days, working days and the two odd hours of the year."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from dispatch.core.errors import InvalidError

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
"""Days beyond these are mistakes, and calendars run out not far beyond."""


class UnknownZone(InvalidError):
    """The name is no IANA time zone."""

    code = "unknown_zone"


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone `name`; raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UnknownZone(
            f"{name!r} is no IANA time zone such as Asia/Shanghai.", field="zone"
        ) from error


def at_local(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local wall time.

    A time that the spring change skips moves forward by the gap; one that the autumn change repeats means its
    first occurrence (fold=0).
    """
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def is_skipped(day: date, clock: time, zone: ZoneInfo) -> bool:
    """Whether the spring change leaves this wall time out."""
    return at_local(day, clock, zone).astimezone(zone).replace(tzinfo=None) != datetime.combine(
        day, clock
    )


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The local date at `moment`."""
    return moment.astimezone(zone).date()


def day_bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of a local day and the first of the next; 23 to 25 hours apart."""
    return at_local(day, time(0), zone), at_local(day + timedelta(days=1), time(0), zone)


@lru_cache(maxsize=16)
def _official(country: str, year: int) -> tuple[frozenset[date], frozenset[date]]:
    table = holidays.country_holidays(country, years=year)
    makeups = frozenset(getattr(table, "weekend_workdays", set()) or set())
    return frozenset(table), frozenset(day for day in makeups if day.year == year)


def is_working_day(
    day: date, *, country: str = "CN", off: Collection[date] = (), on: Collection[date] = ()
) -> bool:
    """Whether the office works that day: overrides first, then make-up days, holidays and weekends.

    `off` and `on` are the installation's own overrides of the official calendar.
    """
    if day in on or day in off:
        return day in on
    free, makeup = _official(country, day.year)
    if day in makeup:
        return True
    return day.weekday() < 5 and day not in free


def next_working_day(
    now: datetime, zone: ZoneInfo, *, begins: time = time(7, 30), country: str = "CN"
) -> date:
    """The first working day whose work (`begins`, local) has not begun at `now`."""
    day = local_day(now, zone)
    if now >= at_local(day, begins, zone):
        day += timedelta(days=1)
    while not is_working_day(day, country=country):
        day += timedelta(days=1)
    return day
