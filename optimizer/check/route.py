"""The rules that one route must keep by itself: its timeline, breaks, hours and load."""

from collections import Counter
from itertools import pairwise

from optimizer.check.facts import Facts
from optimizer.check.report import Findings
from optimizer.plan import Route, Stop
from optimizer.problem import Shift, Visit

Span = tuple[int, int]


def check_route(facts: Facts, shift: Shift, route: Route, path: str, found: Findings) -> None:
    """Note every rule that the route breaks and every figure of it that differs.

    All its visits must be known.
    """
    visits = [facts.visits[stop.visit] for stop in route.stops]
    legs = _Legs(facts, shift, visits)
    busy = _check_timeline(facts, shift, route, legs, path, found)
    for index, (visit, stop) in enumerate(zip(visits, route.stops, strict=True)):
        _check_begin(visit, stop, f"{path}.stops[{index}].start", found)
    _check_hours(shift, route, path, found)
    _check_load(shift, visits, legs, path, found)
    _check_taken_breaks(shift, route, busy, path, found)
    _check_unlisted_breaks(shift, route, path, found)
    found.compare(f"{path}.travel_seconds", route.travel_seconds, sum(legs.seconds))
    found.compare(f"{path}.metres", route.metres, legs.metres)
    found.compare(f"{path}.overtime", route.overtime, overtime(shift, route))


def overtime(shift: Shift, route: Route) -> int:
    """Seconds that the route returns after the end of its shift."""
    return max(0, route.returns - shift.end)


def working(shift: Shift, route: Route) -> int:
    """Seconds from departure to return without the breaks that lie inside."""
    lengths = {pause.id: pause.duration for pause in shift.breaks}
    inside = (
        lengths.get(taken.id, 0)
        for taken in route.breaks
        if route.departs <= taken.start and taken.end <= route.returns
    )
    return route.returns - route.departs - sum(inside)


def travel(facts: Facts, shift: Shift, route: Route) -> int:
    """Seconds of driving, first and last leg included."""
    return sum(_Legs(facts, shift, [facts.visits[stop.visit] for stop in route.stops]).seconds)


class _Legs:
    """The drives of a route: to each visit in turn, and to the shift's end place if it has one."""

    def __init__(self, facts: Facts, shift: Shift, visits: list[Visit]) -> None:
        crew = facts.crew_of(shift)
        points = [shift.from_, *(visit.place for visit in visits)]
        if shift.to is not None:
            points.append(shift.to)
        pairs = list(pairwise(points))
        self.seconds = [facts.seconds(crew, a, b) for a, b in pairs]
        metres = [facts.metres(crew, a, b) for a, b in pairs]
        known = [length for length in metres if length is not None]
        self.metres = sum(known) if len(known) == len(metres) else None


def _check_timeline(
    facts: Facts, shift: Shift, route: Route, legs: _Legs, path: str, found: Findings
) -> list[tuple[Span, str]]:
    """Note breaches of the order of drives and services; return when the crew does what."""
    crew, busy = facts.crew_of(shift), list[tuple[Span, str]]()
    free_from, place = route.departs, None
    for index, (stop, leg) in enumerate(zip(route.stops, legs.seconds, strict=False)):
        at, visit = f"{path}.stops[{index}]", facts.visits[stop.visit]
        if index == 0 and stop.arrive != route.departs + leg:
            due = f"departs {route.departs} + {leg} s of travel = {route.departs + leg}"
            found.broken("timeline", f"{at}.arrive", f"is {stop.arrive}, but {due}")
        if index > 0 and stop.arrive - leg < free_from:
            due = f"{leg} s of travel from {free_from} take until {free_from + leg}"
            found.broken("timeline", f"{at}.arrive", f"is {stop.arrive}, but {due}")
        if stop.start < stop.arrive:
            late = f"is {stop.start}, before the arrival at {stop.arrive}"
            found.broken("timeline", f"{at}.start", late)
        service = facts.service(crew, visit, setup=visit.place != place)
        if stop.end != stop.start + service:
            due = f"start {stop.start} + {service} s of service = {stop.start + service}"
            found.broken("service", f"{at}.end", f"is {stop.end}, but {due}")
        busy.append(((stop.arrive - leg, stop.arrive), "drive"))
        busy.append(((stop.start, stop.end), "service"))
        free_from, place = stop.end, visit.place
    if shift.to is None:
        if route.returns != free_from:
            message = f"is {route.returns}, but the last service ends at {free_from}"
            found.broken("timeline", f"{path}.returns", message)
    elif legs.seconds:
        leg = legs.seconds[-1]
        if route.returns - leg < free_from:
            due = f"{leg} s of travel from {free_from} take until {free_from + leg}"
            found.broken("timeline", f"{path}.returns", f"is {route.returns}, but {due}")
        busy.append(((route.returns - leg, route.returns), "drive"))
    return busy


def _check_begin(visit: Visit, stop: Stop, at: str, found: Findings) -> None:
    if visit.pinned is not None and visit.pinned.start is not None:
        if stop.start != visit.pinned.start:
            found.broken("pinned", at, f"is {stop.start}, but is pinned to {visit.pinned.start}")
    elif visit.windows and not any(w.open <= stop.start <= w.close for w in visit.windows):
        windows = ", ".join(f"[{w.open}, {w.close}]" for w in visit.windows)
        found.broken("window", at, f"is {stop.start}, in none of the windows {windows}")


def _check_hours(shift: Shift, route: Route, path: str, found: Findings) -> None:
    if route.departs < shift.start:
        message = f"is {route.departs}, before the shift starts at {shift.start}"
        found.broken("shift_hours", f"{path}.departs", message)
    limit = shift.end + shift.max_overtime
    ends = [(f"{path}.stops[{i}].end", stop.end) for i, stop in enumerate(route.stops)]
    for at, end in [*ends, (f"{path}.returns", route.returns)]:
        if end > limit:
            message = f"is {end}, after the shift and its overtime end at {limit}"
            found.broken("shift_hours", at, message)


def _check_load(shift: Shift, visits: list[Visit], legs: _Legs, path: str, found: Findings) -> None:
    if shift.max_visits is not None and len(visits) > shift.max_visits:
        message = f"has {len(visits)} stops, more than the {shift.max_visits} allowed"
        found.broken("max_visits", f"{path}.stops", message)
    seconds = sum(legs.seconds)
    if shift.max_travel is not None and seconds > shift.max_travel:
        message = f"drives {seconds} s, more than the {shift.max_travel} allowed"
        found.broken("max_travel", path, message)
    needed: Counter[str] = Counter()
    for visit in visits:
        needed.update(visit.parts)
    for part, count in needed.items():
        if count > shift.stock.get(part, 0):
            message = f"needs {count} of part {part}, has {shift.stock.get(part, 0)}"
            found.broken("parts", path, message)


def _check_taken_breaks(
    shift: Shift, route: Route, busy: list[tuple[Span, str]], path: str, found: Findings
) -> None:
    known = {pause.id: pause for pause in shift.breaks}
    taken: dict[str, Span] = {}
    for index, entry in enumerate(route.breaks):
        at, span = f"{path}.breaks[{index}]", (entry.start, entry.end)
        pause = known.get(entry.id)
        if pause is None:
            found.broken("break", f"{at}.id", f"{entry.id} is no break of this shift")
            continue
        if entry.id in taken:
            found.broken("break", f"{at}.id", f"{entry.id} is taken twice")
        # A break belongs to the shift, so it cannot have begun before the shift did.
        earliest = max(pause.earliest, shift.start)
        if not earliest <= entry.start <= pause.latest:
            message = f"is {entry.start}, not in [{earliest}, {pause.latest}]"
            found.broken("break", f"{at}.start", message)
        if entry.end != entry.start + pause.duration:
            message = f"is {entry.end}, but the break lasts {pause.duration} s"
            found.broken("break", f"{at}.end", message)
        for name, other in taken.items():
            if _overlap(span, other):
                found.broken("break", at, f"overlaps break {name}")
        for other, what in busy:
            # Where a drive takes no time, nobody drives.
            if _overlap(span, other) and (what == "service" or other[0] < other[1]):
                found.broken("break", at, f"overlaps the {what} from {other[0]} to {other[1]}")
        taken[entry.id] = span


def _check_unlisted_breaks(shift: Shift, route: Route, path: str, found: Findings) -> None:
    listed = {taken.id: (taken.start, taken.end) for taken in route.breaks}
    unlisted = [pause for pause in shift.breaks if pause.id not in listed]
    clock, all_before = shift.start, True
    for pause in sorted(unlisted, key=lambda pause: pause.latest):
        clock = max(clock, pause.earliest)
        span = clock, clock + pause.duration
        # One rests once at a time: what is listed stands, and is not moved for what is not.
        free = not any(_overlap(span, other) for other in listed.values())
        all_before = all_before and clock <= pause.latest and free
        clock = span[1]
    if all_before and clock <= route.departs:
        return
    for pause in unlisted:
        if route.returns > pause.latest:
            message = f"break {pause.id} is missing: it must begin by {pause.latest}"
            found.broken("break", f"{path}.breaks", message)


def _overlap(one: Span, other: Span) -> bool:
    """Whether two spans share more than an end; one without length may lie inside the other."""
    return one[0] < other[1] and other[0] < one[1]
