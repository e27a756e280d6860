"""How a crew's day will go from here: when it is expected at its stops, and which of them may be late.

It follows the plan's order from what the crew has done so far, from where it was seen, and from how long work and
drives really take (`spread`, `arrivals`). A crew sets out as planned or when it is free, whichever is later. This
is the one source of expected times: the board, the watch list, delay notices and the customer's page tell the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import inf
from typing import Literal
from zoneinfo import ZoneInfo

from dispatch.planning.arrivals import Break, Expected, Leg, along
from dispatch.planning.spread import Occasion, Spreads
from dispatch.planning.tiles import CrewRow, StopRow, VisitRow
from dispatch.registry.geometry import metres_between
from dispatch.work.lifecycle import WAITING
from dispatch.work.tables import VisitStatus

RISK_FROM, LATE_FROM = 0.2, 0.5
"""From which probability of being too late a stop counts as at risk, and as late."""
OVER = (VisitStatus.DONE, VisitStatus.NOT_DONE, VisitStatus.CANCELLED)
FRESH = timedelta(minutes=5)
"""How old a position may be for the rest of a drive to be reckoned from it."""
NEAR_M = 300
"""A drive as the crow flies shorter than this says nothing in shares of itself."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a crew was at a moment, WGS 84."""

    lat: float
    lon: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when days are projected at `now`.

    `departed` is when crews set out for visits under way, `seen` where each crew was last.
    """

    now: datetime
    zone: ZoneInfo
    spreads: Spreads = field(default_factory=Spreads)
    departed: Mapping[str, datetime] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)

    def after(self, moment: datetime) -> float:
        """Seconds from now until then."""
        return (moment - self.now).total_seconds()

    def at(self, seconds: float) -> datetime:
        """The instant so many seconds from now, to the second."""
        return self.now + timedelta(seconds=round(seconds))


def project(crew: CrewRow, known: Known) -> CrewRow:
    """The crew's day with what is expected of its stops, those without times as they are."""
    timed = [stop for stop in crew.stops if stop.start_at and stop.end_at and stop.arrive_at]
    begins = crew.departs_at or crew.starts_at or known.now
    free_s, ahead, legs = known.after(begins), list[StopRow](), list[Leg]()
    breaks = list(crew.breaks)
    places = _places_before(crew, timed)
    for stop in timed:
        due = [pause for pause in breaks if stop.start_at is None or pause[0] < stop.start_at]
        breaks = breaks[len(due) :]
        if stop.visit.status in OVER:
            if stop.visit.finished_at is not None:
                free_s = max(free_s, known.after(stop.visit.finished_at))
            continue
        if stop.visit.status not in WAITING:  # what was to be before a visit under way has been
            due = []
        ahead.append(stop)
        is_first = stop is timed[0]
        legs.append(_leg(crew, stop, due, places[stop.visit.id], known, is_first=is_first))
    expected = dict(zip((stop.visit.id for stop in ahead), along(legs, free_s=free_s), strict=True))
    return replace(crew, stops=tuple(_judged(stop, expected, known) for stop in crew.stops))


def _places_before(
    crew: CrewRow, stops: Sequence[StopRow]
) -> dict[str, tuple[float, float] | None]:
    """Where the crew sets out from to each stop: the one before it, or its depot."""
    places: dict[str, tuple[float, float] | None] = {}
    before: tuple[float, float] | None = (crew.lat, crew.lon)
    for stop in stops:
        places[stop.visit.id] = before
        visit = stop.visit
        before = None if visit.lat is None or visit.lon is None else (visit.lat, visit.lon)
    return places


def _leg(
    crew: CrewRow,
    stop: StopRow,
    due: Sequence[tuple[datetime, datetime]],
    origin: tuple[float, float] | None,
    known: Known,
    *,
    is_first: bool,
) -> Leg:
    visit, after = stop.visit, known.after
    assert stop.arrive_at is not None, "a stop without times is not projected"
    assert stop.start_at is not None, "a stop without times is not projected"
    assert stop.end_at is not None, "a stop without times is not projected"
    departs = stop.arrive_at - timedelta(seconds=stop.travel_s)
    on_the_way = visit.status is VisitStatus.EN_ROUTE
    departed = known.departed.get(visit.id, departs)
    there = [pause for pause in due if pause[0] >= stop.arrive_at]
    rests = sum((ends - begins for begins, ends in there), timedelta(0))
    waits = stop.start_at > stop.arrive_at + rests and visit.arrived_at is None
    opens = stop.start_at if waits else visit.window_start_at
    breaks_before = [_rest(pause, known) for pause in due if pause not in there]
    later = Occasion.BREAK if breaks_before else Occasion.WAITING
    return Leg(
        travel_s=stop.travel_s,
        travel=known.spreads.travel(
            crew_id=crew.crew_id, hour=max(departs, known.now).astimezone(known.zone).hour
        ),
        service_s=max((stop.end_at - stop.start_at).total_seconds(), 0.0),
        service=known.spreads.service(
            visit.work_type,
            crew_id=crew.crew_id,
            hour=(visit.started_at or max(stop.start_at, known.now)).astimezone(known.zone).hour,
        ),
        departs_s=after(departs),
        opens_s=after(opens) if opens is not None else -inf,
        setting_out=known.spreads.setting_out(Occasion.BEGIN if is_first else later),
        breaks_before=breaks_before,
        breaks_there=[_rest(pause, known) for pause in there],
        driven_s=max(-after(departed), 0.0) if on_the_way else None,
        left_s=_left(crew, stop, origin, departed, known) if on_the_way else None,
        arrived_s=min(after(visit.arrived_at), 0.0) if visit.arrived_at is not None else None,
        worked_s=max(-after(visit.started_at), 0.0) if visit.started_at is not None else None,
        arrive_by_s=after(visit.window_end_at) if visit.window_end_at is not None else None,
        start_by_s=after(visit.due_at) if visit.due_at is not None else None,
    )


def _rest(pause: tuple[datetime, datetime], known: Known) -> Break:
    begins, ends = pause
    return known.after(begins), (ends - begins).total_seconds()


def _left(
    crew: CrewRow,
    stop: StopRow,
    origin: tuple[float, float] | None,
    departed: datetime,
    known: Known,
) -> float | None:
    """Seconds that the drive still takes by plan from where the crew was seen; None when that says nothing."""
    seen, visit = known.seen.get(crew.crew_id), stop.visit
    if seen is None or origin is None or visit.lat is None or visit.lon is None:
        return None
    if seen.at < departed or known.now - seen.at > FRESH:
        return None
    whole = metres_between(*origin, visit.lat, visit.lon)
    if whole < NEAR_M:
        return None
    share = metres_between(seen.lat, seen.lon, visit.lat, visit.lon) / whole
    return max(stop.travel_s * share + known.after(seen.at), 0.0)


def _judged(stop: StopRow, expected: Mapping[str, Expected], known: Known) -> StopRow:
    visit = stop.visit
    found = expected.get(visit.id)
    if found is None:
        return _as_it_was(stop)
    start = visit.started_at or known.at(found.start_s)
    limit = limit_of(visit)
    return replace(
        stop,
        arrive_early_at=known.at(found.early_s),
        projected_arrive_at=visit.arrived_at or known.at(found.mid_s),
        arrive_late_at=known.at(found.late_s),
        projected_start_at=start,
        projected_end_at=known.at(found.end_s),
        spare_s=None if limit is None else round((limit - start).total_seconds()),
        late_probability=None if limit is None else round(found.too_late, 3),
        break_probability=round(found.broken, 3) if visit.window_end_at else None,
        risk="none" if limit is None else _risk(visit, found.too_late),
    )


def _as_it_was(stop: StopRow) -> StopRow:
    """A stop that is over: when the crew was there, as far as it was."""
    visit = stop.visit
    if visit.status not in OVER or stop.arrive_at is None:
        return stop
    arrive = visit.arrived_at or visit.finished_at or stop.arrive_at
    start = visit.started_at or arrive
    limit = limit_of(visit)
    return replace(
        stop,
        projected_arrive_at=arrive,
        projected_start_at=start,
        projected_end_at=visit.finished_at or stop.end_at,
        spare_s=None if limit is None else round((limit - start).total_seconds()),
    )


def limit_of(visit: VisitRow) -> datetime | None:
    """The latest begin of work that keeps the promise and the deadline; None when nothing was pledged."""
    limits = [limit for limit in (visit.window_end_at, visit.due_at) if limit is not None]
    return min(limits, default=None)


def _risk(visit: VisitRow, too_late: float) -> Literal["none", "risk", "late"]:
    if too_late >= LATE_FROM:
        return "late"
    begun = visit.started_at is not None
    return "risk" if not begun and too_late >= RISK_FROM else "none"


def at_risk(crews: Sequence[CrewRow]) -> list[tuple[CrewRow, StopRow]]:
    """The stops that are late or at risk and not begun yet, with their crews."""
    return [
        (crew, stop)
        for crew in crews
        for stop in crew.stops
        if stop.risk != "none" and stop.visit.started_at is None
    ]
