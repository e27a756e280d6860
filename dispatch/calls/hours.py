"""When customers are called about follow-ups, and when again who did not answer."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.contact.preferences import Preference
from dispatch.core.calendar import at_local, is_working_day

CALL_FROM, CALL_UNTIL = time(9), time(20)
"""Hours, local to the territory, in which customers are called about follow-ups."""
MORNING, EVENING, NOON = time(10), time(18, 30), time(12)


def next_try(now: datetime, zone: ZoneInfo, wished: Preference | None = None) -> datetime:
    """When to call again who did not answer: in the evening who was called in the morning, else the next morning.

    Mornings are those of working days. Who wishes no calls in the evening, or so early, is called when they do.
    """
    local = now.astimezone(zone)
    if local.time() < NOON and (wished is None or wished.allows(EVENING.hour)):
        return at_local(local.date(), EVENING, zone)
    day = local.date() + timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    if wished is None or wished.allows(MORNING.hour):
        return at_local(day, MORNING, zone)
    hours = range(CALL_FROM.hour, CALL_UNTIL.hour)
    return at_local(day, time(next(filter(wished.allows, hours), MORNING.hour)), zone)
