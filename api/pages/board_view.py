"""The board as shapes: an axis of hours, a lane for each crew, a map. Lengths are percent of the day shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.board_data import BoardData
from api.pages.ground import MAP_WIDTH, Ground, ground_of
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.tiles import CrewRow, QueueRow, StopRow, VisitRow
from dispatch.work.lifecycle import WAITING
from dispatch.work.tables import VisitStatus

COLOURS = 16
_OPEN = (VisitStatus.PLANNED, *WAITING, VisitStatus.EN_ROUTE, VisitStatus.ARRIVED)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a lane: where it begins and how long it is, in percent."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Block:
    """A visit on a lane, with the drive to it and the promised window behind it."""

    visit: VisitRow
    begins_at: datetime
    ends_at: datetime
    at: Span
    drive: Span | None
    promised: Span | None
    late: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """A crew's day."""

    row: CrewRow
    colour: int
    hours: Span
    breaks: tuple[Span, ...]
    blocks: tuple[Block, ...]
    travel_s: int


@dataclass(frozen=True, slots=True)
class Axis:
    """The hours shown: from `begins` to `ends`, a mark for every second hour, and where now is."""

    begins: datetime
    ends: datetime
    marks: tuple[tuple[float, datetime], ...]
    now: float | None

    def span(self, start: datetime, end: datetime) -> Span:
        """Where a stretch of time lies."""
        left, right = self.at(start), self.at(end)
        return Span(left, round(max(right - left, 0.25), 3))

    def at(self, moment: datetime) -> float:
        """Where a moment lies, in percent, kept within the axis."""
        share = (moment - self.begins) / (self.ends - self.begins)
        return round(100 * min(max(share, 0.0), 1.0), 3)


@dataclass(frozen=True, slots=True)
class Dot:
    """A place on the map."""

    x: float
    y: float
    title: Any


@dataclass(frozen=True, slots=True)
class MapView:
    """The territory in the units of its SVG."""

    width: int
    height: int
    land: str
    depots: tuple[Dot, ...]
    routes: tuple[tuple[int, str], ...]
    stops: tuple[tuple[int, Dot], ...]
    queue: tuple[Dot, ...]


def axis_of(data: BoardData, *, now: datetime) -> Axis:
    """The hours that hold every shift and every visit of the day, at least eight."""
    opens_at = data.page.opens_at
    moments = [stop for row in data.crews for stop in row.stops]
    begins = [row.starts_at for row in data.crews] + [stop.start_at for stop in moments]
    ends = [row.ends_at for row in data.crews] + [stop.end_at for stop in moments]
    hour = timedelta(hours=1)
    first = min((begin for begin in begins if begin), default=opens_at + 8 * hour)
    last = max([*(end for end in ends if end), first + 8 * hour])
    start = opens_at + hour * math.floor((first - opens_at) / hour)
    end = opens_at + hour * math.ceil((last - opens_at) / hour)
    axis = Axis(start, end, (), None)
    count = round((end - start) / hour)
    step = 1 if count <= 12 else 2
    marks = tuple((axis.at(start + hour * n), start + hour * n) for n in range(0, count + 1, step))
    is_today = opens_at <= now < data.page.closes_at
    return Axis(start, end, marks, axis.at(now) if is_today and start <= now <= end else None)


def lanes_of(data: BoardData, axis: Axis, *, now: datetime) -> list[Lane]:
    """A lane for each shift of the day, in the crews' order."""
    happens = data.shown is not None and data.shown.status in IN_FORCE
    return [
        _lane(row, place % COLOURS, axis, now=now, happens=happens)
        for place, row in enumerate(data.crews)
    ]


def map_of(data: BoardData) -> MapView | None:
    """The map of depots, visits and routes; None when the territory has no boundary."""
    project = ground_of(data.territory.boundary)
    if project is None:
        return None
    routes, dots = [], []
    for place, row in enumerate(data.crews):
        placed = [stop for stop in row.stops if stop.visit.lat is not None]
        points = [project(stop.visit.lat or 0.0, stop.visit.lon or 0.0) for stop in placed]
        dots += [
            (place % COLOURS, _dot(point, stop)) for point, stop in zip(points, placed, strict=True)
        ]
        if points:
            home = project(row.lat, row.lon)
            line = " ".join(f"{x:.0f},{y:.0f}" for x, y in (home, *points, home))
            routes.append((place % COLOURS, line))
    return MapView(
        width=MAP_WIDTH,
        height=project.height,
        land=project.land,
        depots=tuple(_dot(project(depot.lat, depot.lon), depot) for depot in data.depots),
        routes=tuple(routes),
        stops=tuple(dots),
        queue=tuple(_placed(data.page.queue, project)),
    )


def _lane(row: CrewRow, colour: int, axis: Axis, *, now: datetime, happens: bool) -> Lane:
    assert row.starts_at is not None, "only crews with a shift have a lane"
    assert row.ends_at is not None, "a shift has an end"
    blocks = [_block(stop, axis, now=now, happens=happens) for stop in row.stops]
    return Lane(
        row=row,
        colour=colour,
        hours=axis.span(row.starts_at, row.ends_at),
        breaks=tuple(axis.span(*pause) for pause in row.breaks),
        blocks=tuple(block for block in blocks if block is not None),
        travel_s=sum(stop.travel_s for stop in row.stops),
    )


def _block(stop: StopRow, axis: Axis, *, now: datetime, happens: bool) -> Block | None:
    """The visit as planned or, on a plan in force, as it has gone so far."""
    visit = stop.visit
    begins = (visit.started_at if happens else None) or stop.start_at
    ends = (visit.finished_at if happens else None) or stop.end_at
    if begins is None or ends is None:
        return None
    ends = max(ends, begins + timedelta(minutes=5))  # begun after its planned end
    drive = promised = None
    arrive = (visit.arrived_at if happens else None) or stop.arrive_at
    if stop.travel_s and arrive:
        drive = axis.span(arrive - timedelta(seconds=stop.travel_s), arrive)
    if visit.window_start_at is not None and visit.window_end_at is not None:
        promised = axis.span(visit.window_start_at, visit.window_end_at)
    late = _is_late(visit, begins, now if happens else begins)
    return Block(visit, begins, ends, axis.span(begins, ends), drive, promised, late)


def _is_late(visit: VisitRow, begins: datetime, now: datetime) -> bool:
    """Whether it began, or cannot but begin, after its promised window or its deadline."""
    if visit.status is VisitStatus.CANCELLED:
        return False
    at = max(begins, now) if visit.status in _OPEN else begins
    limits = [limit for limit in (visit.window_end_at, visit.due_at) if limit is not None]
    return any(at > limit for limit in limits)


def _dot(place: tuple[float, float], title: object) -> Dot:
    x, y = place
    return Dot(x, y, title)


def _placed(rows: Sequence[QueueRow], project: Ground) -> list[Dot]:
    return [
        _dot(project(row.visit.lat, row.visit.lon), row.visit)
        for row in rows
        if row.visit.lat is not None and row.visit.lon is not None
    ]


def done_of(data: BoardData) -> tuple[int, int]:
    """How far the day has come: visits done, and all on the crews' days."""
    statuses = [stop.visit.status for row in data.crews for stop in row.stops]
    return statuses.count(VisitStatus.DONE), len(statuses)
