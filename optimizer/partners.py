"""Visits that begin together: their places, and on which shifts one of them could were all empty."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from optimizer.problem import Problem
from optimizer.search.route import narrowed
from optimizer.search.state import State
from optimizer.search.timeline import (
    INFINITY,
    Windows,
    extend,
    first_begin,
    last_begin,
    latest_at_end,
)


@dataclass(frozen=True, slots=True)
class Partner:
    """The place of a visit that begins together with one that is asked about.

    `position` stops of the shift's route come before it; the times are seconds after the problem's
    start.
    """

    visit: str
    shift: str
    position: int
    arrive: int
    start: int
    end: int


def place_of(problem: Problem, state: State, v: int) -> Partner:
    """Where the state has a visit that it serves."""
    route = state.routes[state.where[v]]
    assert route is not None
    position = route.order.index(v)
    stop = route.timing.stops[position]
    name, shift = problem.visits[v].id, problem.shifts[route.shift].id
    return Partner(name, shift, position, stop.arrive, stop.begin, stop.end)


def partners_of(problem: Problem, state: State, v: int) -> tuple[Partner, ...]:
    """Where the state has those that begin together with a visit that it serves."""
    return tuple(place_of(problem, state, u) for u in state.instance.groups[v] if u != v)


class _Span(NamedTuple):
    """When a visit can begin on an empty shift: in `windows`, from `early` to `late`."""

    crew: int
    windows: Windows
    early: int
    late: int

    def has(self, begin: int) -> bool:
        return self.early <= begin <= self.late and first_begin(self.windows, begin) == begin


def shifts_alone(state: State, v: int, low: int = -INFINITY, high: int = INFINITY) -> set[int]:
    """The shifts on which the visit and all that begin with it could in [low, high], were all empty.

    Visits tied to them in other ways stand as they do.
    """
    spans = [dict(_spans(state, u, low, high)) for u in state.instance.groups[v]]
    mine = spans.pop(state.instance.groups[v].index(v))
    found: set[int] = set()
    every = [span for own in (mine, *spans) for span in own.values()]
    begins = {span.early for span in every}
    begins |= {opens for span in every for opens, _ in span.windows}
    for begin in begins:
        waiting = {s for s, span in mine.items() if s not in found and span.has(begin)}
        if waiting:
            crews = [{span.crew for span in own.values() if span.has(begin)} for own in spans]
            found |= {s for s in waiting if _are_apart(crews, {mine[s].crew})}
    return found


def _spans(state: State, v: int, low: int, high: int) -> Iterator[tuple[int, _Span]]:
    """The shifts that could serve the visit alone, with the begins in [low, high] they have for it."""
    instance = state.instance
    for s in instance.candidates[v]:
        if instance.barrier[v][s] or state.blocked(v, s):
            continue
        service, lane = instance.services[s][v], instance.lanes[s]
        windows = state.windows(v, s)
        windows = narrowed(service.windows if windows is None else windows, low, high)
        service = service._replace(windows=windows)
        leg = lane.legs[lane.home][service.place]
        labels = extend(lane.origin(), leg, service, service.first, lane)
        latest = max(latest_at_end(service.place, lane)) - service.first
        late = last_begin(service.windows, latest)
        early = min((label[5] for label in labels), default=INFINITY)
        if early <= late:
            yield s, _Span(instance.crew_of[s], service.windows, early, late)


def _are_apart(crews: Sequence[set[int]], taken: set[int]) -> bool:
    """Whether each can have a crew that no other has, and that is not taken."""
    if not crews:
        return True
    return any(_are_apart(crews[1:], {*taken, crew}) for crew in crews[0] - taken)
