"""Instants of a day as the planning format's whole seconds, each rounded to its safe side."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class DayClock:
    """Counts seconds after `start`, the first instant of a local day.

    They are elapsed seconds, so that days of 23 and 25 hours need no care.
    """

    start: datetime

    @classmethod
    def of(cls, opens_at: datetime, zone: ZoneInfo) -> "DayClock":
        """The clock of the local day that opens then; its start carries the zone's offset of that instant."""
        offset = opens_at.astimezone(zone).utcoffset() or timedelta(0)
        return cls(opens_at.astimezone(timezone(offset)))

    def not_before(self, moment: datetime) -> int:
        """The first whole second at or after `moment`."""
        return math.ceil(self._seconds(moment))

    def not_after(self, moment: datetime) -> int:
        """The last whole second at or before `moment`."""
        return math.floor(self._seconds(moment))

    def before(self, moment: datetime) -> int:
        """The last whole second before `moment`: how a window `[start, end)` closes."""
        return math.ceil(self._seconds(moment)) - 1

    def instant(self, seconds: int) -> datetime:
        """The instant so many seconds after the start."""
        return self.start + timedelta(seconds=seconds)

    def _seconds(self, moment: datetime) -> float:
        return (moment - self.start) / timedelta(seconds=1)
