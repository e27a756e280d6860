"""From the labels of a route to the times a crew reads: departure, stops, breaks, return."""

from typing import NamedTuple

from optimizer.search.timeline import (
    DRIVE,
    INFINITY,
    ORIGIN,
    Ending,
    Label,
    Lane,
    Service,
    first_begin,
)


class StopTime(NamedTuple):
    """One service of a route, seconds after the problem's start."""

    visit: int
    arrive: int
    begin: int
    end: int


class Timing(NamedTuple):
    """The whole of a route in time; `pauses` are (index of the lane's break, begin, end)."""

    departs: int
    returns: int
    stops: tuple[StopTime, ...]
    pauses: tuple[tuple[int, int, int], ...]
    work: int
    cost: int
    """Points for lateness, overtime and work."""


class _Event(NamedTuple):
    """A step of a route: a drive of `length`, a break, or a service."""

    kind: int
    begin: int
    length: int
    pause: int = -1
    service: Service | None = None


def timed(ending: Ending, services: list[Service], lane: Lane, *, fixed: bool = False) -> Timing:
    """The times of a route that ends so; its departure as late as that costs nothing.

    Where working seconds cost, the departure is put off further when that pays, which may move
    services within their windows; not when the times are `fixed` by gaps inside the route.
    """
    events = _events(ending, services, lane)
    best = _settle(events, lane, None)
    assert best is not None
    if not lane.work_rate or fixed:
        return best
    for delay in _delays(events, best):
        other = _settle(events, lane, best.departs + delay)
        if other is not None and other.cost < best.cost:
            best = other
    return best


def _events(ending: Ending, services: list[Service], lane: Lane) -> list[_Event]:
    chain: list[Label] = []
    label: Label | None = ending.label
    while label is not None:
        chain.append(label)
        label = label[3]
    chain.reverse()
    events: list[_Event] = []
    place, index, driven = lane.home, 0, False
    for mask, time, _late, before, kind, begin in chain:
        del mask
        if kind == ORIGIN:
            continue
        if kind == DRIVE:
            driven = True
            events.append(_Event(DRIVE, begin, time - begin))
        elif kind < 0:
            pause = (-kind - 1) // 2
            events.append(_Event(kind, begin, lane.pauses[pause][2], pause))
        else:
            service = services[index]
            if not driven:
                events.append(_Event(DRIVE, before[1], lane.legs[place][service.place]))
            events.append(_Event(kind, begin, time - begin, -1, service))
            place, index, driven = service.place, index + 1, False
    if lane.destination is not None:
        events.append(_Event(DRIVE, ending.label[1], lane.legs[place][lane.destination]))
    return events


def _settle(events: list[_Event], lane: Lane, departs: int | None) -> Timing | None:
    """The times when the first drive begins at `departs`; None: as late as it moves nothing.

    None as the result when the route does not keep its windows, breaks or hours that way.
    """
    first = next(i for i, event in enumerate(events) if event.kind == DRIVE)
    if departs is None:
        departs = events[first + 1].begin - events[first].length
    stops: list[StopTime] = []
    pauses = [(e.pause, e.begin, e.begin + e.length) for e in events[:first]]
    time, late, inside, arrive = departs, 0, 0, departs
    for event in events[first:]:
        if event.kind == DRIVE:
            time += event.length
            arrive = time
            continue
        if event.service is None:
            begin = max(time, lane.pauses[event.pause][0])
            if begin > lane.pauses[event.pause][1]:
                return None
            inside += event.length
            pauses.append((event.pause, begin, begin + event.length))
        else:
            begin = first_begin(event.service.windows, time)
            if begin == INFINITY:
                return None
            late += max(0, begin - event.service.due) * event.service.late_cost
            stops.append(StopTime(event.service.visit, arrive, begin, begin + event.length))
        time = begin + event.length
    taken = sum(1 << pause for pause, _, _ in pauses)
    if time > lane.limit or time > lane.deadline[taken]:
        return None
    work = time - departs - inside
    cost = late + max(0, time - lane.end) * lane.overtime_rate + work * lane.work_rate
    return Timing(departs, time, tuple(stops), tuple(pauses), work, cost)


def _delays(events: list[_Event], timing: Timing) -> list[int]:
    """Delays of the departure at which something begins to move or to be late, seconds."""
    first = next(i for i, event in enumerate(events) if event.kind == DRIVE)
    delays: set[int] = set()
    slack, time = 0, timing.departs
    for event in events[first:]:
        if event.kind == DRIVE:
            time += event.length
            continue
        begin = max(event.begin, time)
        slack += begin - time
        time = begin + event.length
        delays.add(slack)
        if event.service is not None and begin <= event.service.due < INFINITY:
            delays.add(slack + event.service.due - begin)
    return sorted(delay for delay in delays if 0 < delay <= slack)
