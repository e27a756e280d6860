"""How a crew's day will go from here: projected times of its stops, and which of them are at risk of being late.

It follows the plan's order from what the crew has done so far. A crew is not expected to be early: it begins no
visit before its planned time. What should have ended and has not is expected to take a few minutes more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from dispatch.planning.tiles import CrewRow, StopRow, VisitRow
from dispatch.planning.today import AT_LEAST_S
from dispatch.work.lifecycle import WAITING
from dispatch.work.tables import VisitStatus

MARGIN = timedelta(minutes=15)
"""A begin that is projected this close before its limit is at risk."""
OVER = (VisitStatus.DONE, VisitStatus.NOT_DONE, VisitStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class Projected:
    """When the crew will be there, begin and have done, or was, did and had."""

    arrive_at: datetime
    start_at: datetime
    end_at: datetime


def project(crew: CrewRow, departed: Mapping[str, datetime], *, now: datetime) -> CrewRow:
    """The crew's day with the projected times of its stops; `departed` is when it set out for visits under way."""
    free = crew.departs_at or crew.starts_at or now
    stops: list[StopRow] = []
    breaks = [pause for pause in crew.breaks if pause[1] > now]
    for stop in crew.stops:
        if stop.start_at is None or stop.end_at is None or stop.arrive_at is None:
            stops.append(stop)
            continue
        there: list[tuple[datetime, datetime]] = []
        if stop.visit.status in WAITING:
            due = [pause for pause in breaks if pause[0] < stop.start_at]
            breaks = breaks[len(due) :]
            there = [pause for pause in due if pause[0] >= stop.arrive_at]
            free = _after(due[: len(due) - len(there)], free)
        times = _times(stop, free, departed.get(stop.visit.id), now, there)
        free = max(free, times.end_at)
        stops.append(_judged(stop, times))
    return replace(crew, stops=tuple(stops))


def _after(breaks: Sequence[tuple[datetime, datetime]], free: datetime) -> datetime:
    """When a crew that is free then has taken its breaks, each at its planned time or later."""
    for begins, ends in breaks:
        free = max(free, begins) + (ends - begins)
    return free


def _times(
    stop: StopRow,
    free: datetime,
    departed: datetime | None,
    now: datetime,
    there: Sequence[tuple[datetime, datetime]],
) -> Projected:
    """The times of a stop whose crew is free then; it takes the breaks of `there` at the place, before its work."""
    visit = stop.visit
    assert stop.arrive_at is not None, "a stop without times is not projected"
    assert stop.start_at is not None, "a stop without times is not projected"
    assert stop.end_at is not None, "a stop without times is not projected"
    service = max(stop.end_at - stop.start_at, timedelta(0))
    drive = timedelta(seconds=stop.travel_s)
    if visit.arrived_at is not None:
        arrive = visit.arrived_at
    elif visit.status is VisitStatus.EN_ROUTE:
        arrive = max(now, (departed or stop.arrive_at - drive) + drive)
    elif visit.status in OVER:  # given up on the way
        arrive = visit.finished_at or stop.arrive_at
    else:
        arrive = max(stop.arrive_at, max(free, now) + drive)
    if visit.started_at is not None:
        start = visit.started_at
    elif visit.status in OVER:
        start = arrive
    elif visit.arrived_at is not None:
        start = max(now, visit.window_start_at or now)
    else:
        start = max(_after(there, arrive), stop.start_at)
    if visit.finished_at is not None:
        return Projected(arrive, start, visit.finished_at)
    end = start + service
    if visit.started_at is not None:
        end = max(end, now + timedelta(seconds=AT_LEAST_S))
    return Projected(arrive, start, end)


def _judged(stop: StopRow, times: Projected) -> StopRow:
    limit = limit_of(stop.visit)
    spare = None if limit is None else round((limit - times.start_at).total_seconds())
    return replace(
        stop,
        projected_arrive_at=times.arrive_at,
        projected_start_at=times.start_at,
        projected_end_at=times.end_at,
        spare_s=spare,
        risk=_risk(stop.visit, spare),
    )


def limit_of(visit: VisitRow) -> datetime | None:
    """The latest begin of work that keeps the promise and the deadline; None when nothing was pledged."""
    limits = [limit for limit in (visit.window_end_at, visit.due_at) if limit is not None]
    return min(limits, default=None)


def _risk(visit: VisitRow, spare: int | None) -> Literal["none", "risk", "late"]:
    if spare is None or visit.status in OVER:
        return "none"
    if spare < 0:
        return "late"
    begun = visit.started_at is not None
    return "risk" if not begun and spare < MARGIN.total_seconds() else "none"


def at_risk(crews: Sequence[CrewRow]) -> list[tuple[CrewRow, StopRow]]:
    """The stops that are late or at risk and not begun yet, with their crews."""
    return [
        (crew, stop)
        for crew in crews
        for stop in crew.stops
        if stop.risk != "none" and stop.visit.started_at is None
    ]
