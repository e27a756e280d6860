"""The moments that the tests play at: a Tuesday in Humen, before the day's work."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

HUMEN = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 9, 23, 0, tzinfo=UTC)
"""07:00 in Humen on DAY."""


def at(clock: str, day: date = DAY) -> datetime:
    """The UTC instant of a wall time such as "09:30" in Humen."""
    hour, minute = map(int, clock.split(":"))
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=HUMEN).astimezone(UTC)


def minutes(count: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)
