"""Quiet hours: when a person is not to be disturbed."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.core.calendar import at_local


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of each local day in which messages may go out: [earliest, latest); None: to its end."""

    earliest: time
    latest: time | None

    def narrowed(self, earliest_hour: int | None, latest_hour: int | None) -> "Hours":
        """These hours within a person's own (`latest_hour` up to 24); as they are where the two do not meet."""
        earliest = max(self.earliest, time(earliest_hour or 0))
        latest = self.latest
        if latest_hour is not None and latest_hour < 24:
            latest = min(latest or time.max, time(latest_hour))
        return self if latest is not None and earliest >= latest else Hours(earliest, latest)


ANY_HOUR = Hours(time(0), None)
SERVICE_HOURS = Hours(time(8), time(21))


def quiet_until(moment: datetime, zone: ZoneInfo, hours: Hours = SERVICE_HOURS) -> datetime | None:
    """When the quiet hours (21:00 to 08:00 local, unless told) that hold at `moment` end; None when none hold."""
    local = moment.astimezone(zone)
    if hours.latest is not None and local.time() >= hours.latest:
        return at_local(local.date() + timedelta(days=1), hours.earliest, zone)
    if local.time() < hours.earliest:
        return at_local(local.date(), hours.earliest, zone)
    return None
