"""The board as shapes: an axis of hours, a lane for each crew, a map. Lengths are percent of the day shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from api.board_data import BoardData, Stop, Without
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.registry.queries import CrewDay
from dispatch.work.lifecycle import UNDER_WAY, WAITING
from dispatch.work.tables import VisitStatus

COLOURS = 16
MAP_WIDTH = 1000
_OPEN = (VisitStatus.PLANNED, *WAITING, VisitStatus.EN_ROUTE, VisitStatus.ARRIVED)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a lane: where it begins and how long it is, in percent."""

    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Block:
    """A visit on a lane, with the drive to it and the promised window behind it."""

    stop: Stop
    at: Span
    drive: Span | None
    promised: Span | None
    late: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """A crew's day."""

    row: CrewDay
    colour: int
    hours: Span
    breaks: tuple[Span, ...]
    blocks: tuple[Block, ...]
    done: int
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
    without: tuple[Dot, ...]


def axis_of(data: BoardData, *, now: datetime) -> Axis:
    """The hours that hold every shift and every visit of the day, at least eight."""
    zone = zone_named(data.territory.zone)
    opens_at, closes_at = day_bounds(data.day, zone)
    begins = [row.shift.starts_at for row in data.crews] + [stop.begins_at for stop in data.stops]
    ends = [row.shift.ends_at for row in data.crews] + [stop.ends_at for stop in data.stops]
    first = min(begins, default=opens_at + timedelta(hours=8))
    last = max([*ends, first + timedelta(hours=8)])
    hour = timedelta(hours=1)
    start = opens_at + hour * math.floor((first - opens_at) / hour)
    end = opens_at + hour * math.ceil((last - opens_at) / hour)
    axis = Axis(start, end, (), None)
    count = round((end - start) / hour)
    step = 1 if count <= 12 else 2
    marks = tuple((axis.at(start + hour * n), start + hour * n) for n in range(0, count + 1, step))
    return Axis(start, end, marks, axis.at(now) if opens_at <= now < closes_at else None)


def lanes_of(data: BoardData, axis: Axis, *, now: datetime) -> list[Lane]:
    """A lane for each shift of the day, in the crews' order."""
    stops: dict[str, list[Stop]] = {}
    for stop in data.stops:
        stops.setdefault(stop.shift_id, []).append(stop)
    colours = colours_of(data)
    breaks = _planned_breaks(data)
    return [
        _lane(row, stops.get(row.shift.id, []), breaks, colours[row.shift.id], axis, now=now)
        for row in data.crews
    ]


def colours_of(data: BoardData) -> dict[str, int]:
    """The colour of each shift: its crew's place in the day's list."""
    return {row.shift.id: place % COLOURS for place, row in enumerate(data.crews)}


def map_of(data: BoardData) -> MapView | None:
    """The map of depots, visits and routes; None when the territory has no boundary."""
    rings = _rings(data.territory.boundary)
    if not rings:
        return None
    project, height = _projection(rings)
    land = " ".join(
        "M"
        + " ".join(f"{x:.0f},{y:.0f}" for x, y in (project(lat, lon) for lon, lat in ring))
        + "Z"
        for ring in rings
    )
    colours = colours_of(data)
    depots = {depot.id: project(depot.lat, depot.lon) for depot in data.depots}
    home = {row.shift.id: depots.get(row.crew.depot_id) for row in data.crews}
    paths: dict[str, list[tuple[float, float]]] = {}
    dots = []
    for stop in data.stops:
        if stop.lat is None or stop.lon is None:
            continue
        x, y = project(stop.lat, stop.lon)
        paths.setdefault(stop.shift_id, []).append((x, y))
        dots.append((colours.get(stop.shift_id, 0), Dot(x, y, stop)))
    routes = []
    for shift_id, points in paths.items():
        base = home.get(shift_id)
        line = [base, *points, base] if base else points
        routes.append(
            (colours.get(shift_id, 0), " ".join(f"{x:.0f},{y:.0f}" for x, y in line if line))
        )
    return MapView(
        width=MAP_WIDTH,
        height=height,
        land=land,
        depots=tuple(_dot(depots[depot.id], depot) for depot in data.depots),
        routes=tuple(routes),
        stops=tuple(dots),
        without=tuple(_placed(data.without, project)),
    )


def _lane(
    row: CrewDay,
    stops: Sequence[Stop],
    breaks: dict[str, list[tuple[datetime, datetime]]],
    colour: int,
    axis: Axis,
    *,
    now: datetime,
) -> Lane:
    planned = breaks.get(row.shift.id)
    pauses = planned if planned is not None else [
        (pause.earliest_at, pause.earliest_at + timedelta(seconds=pause.duration_s))
        for pause in row.breaks
    ]  # fmt: skip
    return Lane(
        row=row,
        colour=colour,
        hours=axis.span(row.shift.starts_at, row.shift.ends_at),
        breaks=tuple(axis.span(*pause) for pause in pauses),
        blocks=tuple(_block(stop, axis, now=now) for stop in stops),
        done=sum(1 for stop in stops if stop.status is VisitStatus.DONE),
        travel_s=sum(stop.travel_s for stop in stops),
    )


def _block(stop: Stop, axis: Axis, *, now: datetime) -> Block:
    drive = promised = None
    if stop.travel_s:
        drive = axis.span(stop.arrive_at - timedelta(seconds=stop.travel_s), stop.arrive_at)
    if stop.window_start_at is not None and stop.window_end_at is not None:
        promised = axis.span(stop.window_start_at, stop.window_end_at)
    ends = max(stop.ends_at, stop.begins_at + timedelta(minutes=5))  # begun after its planned end
    return Block(stop, axis.span(stop.begins_at, ends), drive, promised, _late(stop, now))


def _late(stop: Stop, now: datetime) -> bool:
    """Whether it began, or cannot but begin, after its promised window or its deadline."""
    if stop.status is VisitStatus.CANCELLED:
        return False
    begins = max(stop.begins_at, now) if stop.status in _OPEN else stop.begins_at
    limits = [limit for limit in (stop.window_end_at, stop.due_at) if limit is not None]
    return any(begins > limit for limit in limits)


def _planned_breaks(data: BoardData) -> dict[str, list[tuple[datetime, datetime]]]:
    """When the plan shown has each break, by shift."""
    answer = data.shown.answer if data.shown else None
    if not answer:
        return {}
    opens_at, _ = day_bounds(data.day, zone_named(data.territory.zone))
    return {
        route["shift"]: [
            (opens_at + timedelta(seconds=pause["start"]), opens_at + timedelta(seconds=pause["end"]))
            for pause in route.get("breaks", [])
        ]
        for route in answer.get("routes", [])
    }  # fmt: skip


def _rings(boundary: dict[str, Any]) -> list[list[tuple[float, float]]]:
    kind, content = boundary.get("type"), boundary.get("coordinates", [])
    polygons = [content] if kind == "Polygon" else content if kind == "MultiPolygon" else []
    return [[(point[0], point[1]) for point in ring] for polygon in polygons for ring in polygon]


def _projection(rings: list[list[tuple[float, float]]]) -> tuple[Any, int]:
    """Plate carrée with true lengths at the middle latitude: good enough for a town."""
    lons = [lon for ring in rings for lon, _ in ring]
    lats = [lat for ring in rings for _, lat in ring]
    west, east, south, north = min(lons), max(lons), min(lats), max(lats)
    narrow = math.cos(math.radians((south + north) / 2))
    margin = 30
    scale = (MAP_WIDTH - 2 * margin) / max((east - west) * narrow, 1e-6)
    height = round((north - south) * scale + 2 * margin)

    def project(lat: float, lon: float) -> tuple[float, float]:
        return (
            round((lon - west) * narrow * scale + margin, 1),
            round((north - lat) * scale + margin, 1),
        )

    return project, height


def _dot(place: tuple[float, float], title: object) -> Dot:
    x, y = place
    return Dot(x, y, title)


def _placed(rows: Sequence[Without], project: Any) -> list[Dot]:
    return [
        _dot(project(row.lat, row.lon), row)
        for row in rows
        if row.lat is not None and row.lon is not None
    ]


def progress_counts(data: BoardData) -> dict[str, int]:
    """How far the day has come: visits done, under way, and on the plan."""
    return {
        "done": sum(1 for stop in data.stops if stop.status is VisitStatus.DONE),
        "under_way": sum(1 for stop in data.stops if stop.status in UNDER_WAY),
        "planned": len(data.stops),
    }
