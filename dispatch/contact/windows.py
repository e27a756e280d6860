"""What a customer is told about the time of a visit, and whether it still holds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dispatch.work.tables import Visit

MARGIN = timedelta(hours=1)
STEP = timedelta(minutes=30)
ARRIVAL_STEP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Told:
    """A span [start_at, end_at) in which service begins; `promised` when it binds us."""

    start_at: datetime
    end_at: datetime
    promised: bool


def told_window(visit: Visit) -> Told | None:
    """The promised window; without one, the planned begin +/- 1 h, widened to half hours.

    The second is an expectation and is told as such: it books no promise and does not bind the optimizer. None
    when the visit has neither.
    """
    if visit.window_start_at is not None and visit.window_end_at is not None:
        return Told(visit.window_start_at, visit.window_end_at, promised=True)
    if visit.planned_start_at is None:
        return None
    start = _floor(visit.planned_start_at - MARGIN, STEP)
    return Told(start, _ceil(visit.planned_start_at + MARGIN, STEP), promised=False)


def still_holds(visit: Visit, start_at: datetime | None, end_at: datetime | None) -> bool:
    """Whether [start_at, end_at), told earlier, is still right for the visit as it is now.

    A promise must be the same one; an expectation holds while the planned begin lies inside it.
    """
    if start_at is None or end_at is None:
        return False
    if visit.window_start_at is not None and visit.window_end_at is not None:
        return (start_at, end_at) == (visit.window_start_at, visit.window_end_at)
    return visit.planned_start_at is not None and start_at <= visit.planned_start_at < end_at


def arrival_range(*, early_at: datetime, late_at: datetime) -> Told:
    """The range in which an arrival is expected, as it is told: rounded outward to 5 minutes."""
    start = _floor(early_at, ARRIVAL_STEP)
    return Told(start, max(_ceil(late_at, ARRIVAL_STEP), start + ARRIVAL_STEP), promised=False)


def _floor(moment: datetime, step: timedelta) -> datetime:
    seconds = step.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)


def _ceil(moment: datetime, step: timedelta) -> datetime:
    floor = _floor(moment, step)
    return floor if floor == moment else floor + step
