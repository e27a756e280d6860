"""The exact timeline of one route: hard windows, breaks, setups, working hours.

Waiting is free and every service time is fixed, so for a given set of breaks already taken the
earliest moment is the best one. A route is therefore walked with *labels*, one for each useful set
of breaks: (breaks taken, time, lateness cost so far, label before, event, begin of the event). The
mirror image, walked backwards, gives for each set of breaks the latest moment from which the rest
of the route is still possible. All times are seconds after the problem's start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

INFINITY = 1 << 60
DRIVE = -1_000_000
"""Event of a label that is a drive; its time is the arrival."""
ORIGIN = -2_000_000
"""Event of the label every route begins with."""

Label = tuple[int, int, int, Any, int, int]
Windows = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """What a shift lets a route do: its hours, travel matrix and breaks.

    `pauses` are the breaks that a route can need: (earliest, latest, duration), the earliest not
    before the shift. `deadline[mask]` is the first latest begin among the breaks not in `mask`.
    `rests` are those that a route may take: where work is paid for, breaks that it does not need
    save their pay. They begin with `pauses`; `names` are theirs.
    """

    begin: int
    end: int
    limit: int
    home: int
    destination: int | None
    legs: Sequence[Sequence[int]]
    pauses: tuple[tuple[int, int, int], ...]
    rests: tuple[tuple[int, int, int], ...]
    names: tuple[str, ...]
    full: int
    deadline: tuple[int, ...]
    overtime_rate: int
    work_rate: int

    def origin(self) -> list[Label]:
        """The labels with which a route begins."""
        return [(0, self.begin, 0, None, ORIGIN, self.begin)]


class Service(NamedTuple):
    """One visit as a route meets it: where, in which windows, for how long, due when."""

    visit: int
    place: int
    windows: Windows
    first: int
    """Service seconds after coming from another place."""
    again: int
    """Service seconds after a stop at the same place."""
    due: int
    late_cost: int


class Ending(NamedTuple):
    """The best way to end a route: its cost in time, when it returns, and how it came there."""

    cost: int
    returns: int
    label: Label


def make_lane(
    *,
    begin: int,
    end: int,
    limit: int,
    home: int,
    destination: int | None,
    legs: Sequence[Sequence[int]],
    breaks: Sequence[tuple[str, int, int, int]],
    overtime_rate: int,
    work_rate: int,
) -> Lane:
    """A lane from a shift's hours and its breaks (id, earliest, latest, duration).

    A break that may begin after every permitted return is never needed. It is left out, unless it
    may lie within a route whose work is paid for.
    """
    needed = [entry for entry in breaks if entry[2] < limit]
    spare = [entry for entry in breaks if entry[2] >= limit and entry[1] < limit and work_rate]
    rests = tuple((max(early, begin), late, length) for _, early, late, length in needed + spare)
    pauses = rests[: len(needed)]
    full = (1 << len(pauses)) - 1
    deadline = tuple(
        min((p[1] for b, p in enumerate(pauses) if not mask >> b & 1), default=INFINITY)
        for mask in range(full + 1)
    )
    return Lane(
        begin, end, limit, home, destination, legs, pauses, rests,
        tuple(entry[0] for entry in needed + spare), full, deadline, overtime_rate, work_rate,
    )  # fmt: skip


def first_begin(windows: Windows, ready: int) -> int:
    """The first moment from `ready` on that lies in a window, or INFINITY; windows are sorted."""
    for opens, closes in windows:
        if ready <= closes:
            return max(ready, opens)
    return INFINITY


def last_begin(windows: Windows, latest: int) -> int:
    """The last moment up to `latest` that lies in a window, or -INFINITY."""
    for opens, closes in reversed(windows):
        if opens <= latest:
            return min(latest, closes)
    return -INFINITY


def extend(
    labels: list[Label], leg: int, service: Service, seconds: int, lane: Lane
) -> list[Label]:
    """The labels after driving `leg` seconds and serving for `seconds`; empty when impossible."""
    out: list[Label] = []
    visit, _, windows, _, _, due, rate = service
    limit, full, deadline = lane.limit, lane.full, lane.deadline
    for label in labels:
        mask = label[0]
        if mask == full:
            ways = [label]
            drive = leg
        else:
            ways = _arrivals(label, leg, lane, windows, seconds)
            drive = 0
        for way in ways:
            ready = way[1] + drive
            for opens, closes in windows:
                if ready <= closes:
                    begin = opens if opens > ready else ready
                    end = begin + seconds
                    if end <= limit and end <= deadline[way[0]]:
                        late = way[2]
                        if begin > due:
                            late += (begin - due) * rate
                        out.append((way[0], end, late, way, visit, begin))
                    break
    return _useful(out) if len(out) > 1 else out


def _arrivals(label: Label, leg: int, lane: Lane, windows: Windows, seconds: int) -> list[Label]:
    """The labels on arrival, with breaks taken before or after the drive where that can pay."""
    before = _paused_before(label, leg, lane)
    arrived: list[Label] = []
    for way in before:
        mask, time = way[0], way[1] + leg
        if time <= lane.deadline[mask]:
            arrived.append((mask, time, way[2], way, DRIVE, way[1]))
    for way in arrived:  # grows while it is read: breaks may follow each other
        mask, time = way[0], way[1]
        undone = lane.full ^ mask
        single = undone & (undone - 1) == 0
        for b, (early, late, length) in enumerate(lane.pauses):
            if mask >> b & 1:
                continue
            begin = early if early > time else time
            if begin > late:
                continue
            # Waiting for a break that could as well follow the service is never better.
            if single and early >= first_begin(windows, time) + seconds:
                continue
            arrived.append((mask | 1 << b, begin + length, way[2], way, -2 * b - 2, begin))
    return arrived


def _paused_before(label: Label, leg: int, lane: Lane) -> list[Label]:
    """The label, and those with breaks taken before the next drive where that can pay."""
    ways = [label]
    for way in ways:  # grows while it is read
        mask, time = way[0], way[1]
        undone = lane.full ^ mask
        single = undone & (undone - 1) == 0
        for b, (early, late, length) in enumerate(lane.pauses):
            # The last break is as well taken after the drive, unless that is too late for it.
            if mask >> b & 1 or (single and time + leg <= late):
                continue
            begin = early if early > time else time
            if begin <= late:
                ways.append((mask | 1 << b, begin + length, way[2], way, -2 * b - 1, begin))
    return ways


def _useful(labels: list[Label]) -> list[Label]:
    """The labels without those that another one beats in breaks, time and cost."""
    kept: list[Label] = []
    for label in sorted(labels, key=_by_time):
        mask, late = label[0], label[2]
        if not any(other[0] & mask == mask and other[2] <= late for other in kept):
            kept.append(label)
    return kept


def _by_time(label: Label) -> tuple[int, int, int]:
    return label[1], label[2], -label[0]


def endings(labels: list[Label], place: int, lane: Lane) -> list[Ending]:
    """Every useful way to end the route after its last service at `place`."""
    result: list[Ending] = []
    leg = 0 if lane.destination is None else lane.legs[place][lane.destination]
    for label in labels:
        ways = [label]
        if lane.destination is not None and label[0] != lane.full:
            ways = _paused_before(label, leg, lane)
        for way in ways:
            returns = way[1] + leg
            if returns <= lane.limit and returns <= lane.deadline[way[0]]:
                over = max(0, returns - lane.end) * lane.overtime_rate
                result.append(Ending(way[2] + over, returns, way))
    return result


def latest_at_end(place: int, lane: Lane) -> list[int]:
    """For each set of breaks taken, the latest end of the last service at `place`."""
    leg = 0 if lane.destination is None else lane.legs[place][lane.destination]
    latest = [min(lane.limit, deadline) - leg for deadline in lane.deadline]
    return _with_pauses(latest, lane) if leg else latest


def latest_before(
    after: list[int], leg: int, service: Service, seconds: int, lane: Lane
) -> list[int]:
    """For each set of breaks taken, the latest moment to have ended the stop before.

    `after` is the same for the end of this service, `leg` the drive to it.
    """
    arrive = [
        last_begin(service.windows, min(end, lane.limit, lane.deadline[mask]) - seconds)
        for mask, end in enumerate(after)
    ]
    if not lane.pauses:
        return [arrive[0] - leg]
    return _with_pauses([time - leg for time in _with_pauses(arrive, lane)], lane)


def _with_pauses(latest: list[int], lane: Lane) -> list[int]:
    """The same latest moments when breaks may be taken at this point."""
    latest = list(latest)
    for mask in range(lane.full, -1, -1):
        for b, (early, late, length) in enumerate(lane.pauses):
            if not mask >> b & 1:
                then = latest[mask | 1 << b]
                if early + length <= then:
                    latest[mask] = max(latest[mask], min(late, then - length))
    return latest
