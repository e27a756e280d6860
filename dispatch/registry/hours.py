"""Hours of work: when a shift and its breaks may lie."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.core.calendar import at_local, is_skipped, local_day
from dispatch.core.errors import InvalidError
from dispatch.registry.tables import Shift, ShiftBreak

LONGEST = timedelta(hours=24)


class ShiftEndsBeforeItBegins(InvalidError):
    """The end is not after the begin."""

    code = "shift_ends_before_it_begins"


class BadShift(InvalidError):
    """A value of the shift is wrong."""

    code = "bad_shift"


class SkippedTime(InvalidError):
    """The local time does not exist on that day: the spring change leaves it out."""

    code = "skipped_time"


class BreakOutsideShift(InvalidError):
    """A break cannot be taken within the shift."""

    code = "break_outside_shift"


@dataclass(frozen=True, slots=True)
class Break:
    """A break of `minutes` that begins between `earliest` and `latest`: local times or instants."""

    earliest: time | datetime
    latest: time | datetime
    minutes: int


def instant(value: time | datetime, day: date, zone: ZoneInfo, field: str) -> datetime:
    """The instant of a local time on `day`, or the aware instant itself; raises BadShift and SkippedTime."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise BadShift(f"{value.isoformat()} needs a time zone, as in +08:00.", field=field)
        return value
    if value.tzinfo is not None:
        raise BadShift("A local time has no time zone; give an instant instead.", field=field)
    if is_skipped(day, value, zone):
        raise SkippedTime(
            f"{day} {value:%H:%M} does not exist in {zone.key}: the clocks go forward over it. "
            "Take a time before or after the gap.",
            field=field,
        )
    return at_local(day, value, zone)


def check_span(
    starts_at: datetime, ends_at: datetime, day: date, zone: ZoneInfo, max_overtime_s: int
) -> None:
    """Raise ShiftEndsBeforeItBegins or BadShift unless a shift of `day` may last from `starts_at` to `ends_at`."""
    if ends_at <= starts_at:
        raise ShiftEndsBeforeItBegins(
            f"The shift would end at {ends_at.astimezone(zone):%H:%M}, not after its begin at "
            f"{starts_at.astimezone(zone):%H:%M}. For a night shift give the end with its date.",
            field="ends",
        )
    if ends_at - starts_at > LONGEST:
        raise BadShift("A shift lasts 24 hours at most; make several.", field="ends")
    if local_day(starts_at, zone) != day:
        raise BadShift(
            f"The shift begins on {local_day(starts_at, zone)}, not on {day}.", field="starts"
        )
    if not 0 <= max_overtime_s <= LONGEST.total_seconds():
        raise BadShift("Overtime is 0 to 86,400 seconds.", field="max_overtime_s")


def breaks_of(shift: Shift, breaks: Iterable[Break], day: date, zone: ZoneInfo) -> list[ShiftBreak]:
    """The rows of the shift's breaks; raises BreakOutsideShift, SkippedTime and BadShift."""
    rows = []
    for number, given in enumerate(breaks):
        field = f"breaks[{number}]"
        earliest = instant(given.earliest, day, zone, f"{field}.earliest")
        latest = instant(given.latest, day, zone, f"{field}.latest")
        if given.minutes <= 0:
            raise BadShift("A break lasts a minute or more.", field=f"{field}.minutes")
        if latest < earliest:
            raise BadShift(
                "A break's latest begin lies before its earliest.", field=f"{field}.latest"
            )
        end = latest + timedelta(minutes=given.minutes)
        if earliest < shift.starts_at or end > shift.ends_at:
            raise BreakOutsideShift(
                f"A break from {earliest.astimezone(zone):%H:%M} to {end.astimezone(zone):%H:%M} at the latest "
                f"does not lie in the shift {shift.starts_at.astimezone(zone):%H:%M} to "
                f"{shift.ends_at.astimezone(zone):%H:%M}.",
                field=field,
            )
        rows.append(
            ShiftBreak(
                shift_id=shift.id,
                earliest_at=earliest,
                latest_at=latest,
                duration_s=given.minutes * 60,
            )
        )
    return rows
