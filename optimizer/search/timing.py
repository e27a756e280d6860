"""From the labels of a route to the times a crew reads: departure, stops, breaks, return."""

from typing import NamedTuple

from optimizer.search.timeline import (
    DRIVE,
    ORIGIN,
    Ending,
    Label,
    Lane,
    Service,
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


def timed(ending: Ending, services: list[Service], lane: Lane) -> Timing:
    """The times of a route that ends so; its departure as late as that moves nothing else.

    They are the best ones where working seconds cost nothing.
    """
    events = _events(ending, services, lane)
    first = next(i for i, event in enumerate(events) if event.kind == DRIVE)
    departs = events[first + 1].begin - events[first].length
    stops: list[StopTime] = []
    pauses: list[tuple[int, int, int]] = []
    late, inside, arrive = 0, 0, departs
    for i, event in enumerate(events):
        end = event.begin + event.length
        if event.kind == DRIVE:
            arrive = end if i > first else departs + event.length
        elif event.service is None:
            pauses.append((event.pause, event.begin, end))
            inside += event.length if i > first else 0
        else:
            late += max(0, event.begin - event.service.due) * event.service.late_cost
            stops.append(StopTime(event.service.visit, arrive, event.begin, end))
    returns = ending.returns
    work = returns - departs - inside
    cost = late + max(0, returns - lane.end) * lane.overtime_rate + work * lane.work_rate
    return Timing(departs, returns, tuple(stops), tuple(pauses), work, cost)


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
