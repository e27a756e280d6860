"""Days and times of a file that may be told relative to the day it is loaded onto.

A day is an ISO date (`2026-03-10`), or `day`, `day-1`, `day+30`. A moment is a day and a local wall time, as in
`day-1 19:40` or `2026-03-10 08:30`; a wall time alone means the loaded day.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.core.calendar import FIRST_DAY, LAST_DAY, at_local, is_skipped

_RELATIVE = re.compile(r"day(?:([+-])(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Moment:
    """A local wall time, `days` after the loaded day or on the `fixed` date."""

    clock: time
    days: int = 0
    fixed: date | None = None

    def on(self, day: date, zone: ZoneInfo) -> datetime:
        """The UTC instant when the file is loaded onto `day`.

        Raises ValueError for a time that the zone skips, and for a day out of reach.
        """
        local = within_reach(self.fixed or day + timedelta(days=self.days))
        if is_skipped(local, self.clock, zone):
            raise ValueError(
                f"{local} {self.clock:%H:%M} does not exist in {zone.key}: the clocks go forward."
            )
        return at_local(local, self.clock, zone)


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day, `days` after the loaded day or the `fixed` date."""

    days: int = 0
    fixed: date | None = None

    def on(self, day: date) -> date:
        """The date when the file is loaded onto `day`."""
        return self.fixed or day + timedelta(days=self.days)


def within_reach(day: date) -> date:
    """The day itself; raises ValueError beyond what calendars and zones are reckoned for."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{day} does not lie between {FIRST_DAY} and {LAST_DAY}.")
    return day


def read_day(text: str) -> Day:
    """The day that `text` names; raises ValueError with the reason."""
    relative = _RELATIVE.fullmatch(text)
    if relative:
        sign, count = relative.groups()
        return Day(int(count or 0) * (-1 if sign == "-" else 1))
    try:
        return Day(fixed=date.fromisoformat(text))
    except ValueError:
        raise ValueError(f"{text!r} is no day such as 2026-03-10, day, day-1 or day+30.") from None


def read_clock(text: str) -> time:
    """The wall time that `text` names, as in 08:30; raises ValueError with the reason."""
    if re.fullmatch(r"\d{2}:\d{2}", text):
        try:
            return time.fromisoformat(text)
        except ValueError:
            pass  # 25:00 has the right shape; the message below tells what is wrong with it
    raise ValueError(f"{text!r} is no time of day such as 08:30.")


def read_moment(text: str) -> Moment:
    """The moment that `text` names; raises ValueError with the reason."""
    first, _, last = text.partition(" ")
    if not last:
        return Moment(read_clock(first))
    day = read_day(first)
    return Moment(read_clock(last.strip()), day.days, day.fixed)
