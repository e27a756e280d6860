"""Quiet hours: when a person is not to be disturbed."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.core.calendar import at_local

QUIET_FROM = time(21)
QUIET_UNTIL = time(8)


def quiet_until(moment: datetime, zone: ZoneInfo) -> datetime | None:
    """When the quiet hours (21:00 to 08:00 local) that hold at `moment` end; None when none hold."""
    local = moment.astimezone(zone)
    if local.time() >= QUIET_FROM:
        return at_local(local.date() + timedelta(days=1), QUIET_UNTIL, zone)
    if local.time() < QUIET_UNTIL:
        return at_local(local.date(), QUIET_UNTIL, zone)
    return None
