"""Visits that begin together: on which shifts one of them could, and where all of them fit."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from optimizer.search.groups import insert_group
from optimizer.search.state import State
from optimizer.search.timeline import (
    INFINITY,
    Windows,
    extend,
    first_begin,
    last_begin,
    latest_at_end,
)


class _Span(NamedTuple):
    """When a visit can begin on an empty shift: in `windows`, from `early` to `late`."""

    crew: int
    windows: Windows
    early: int
    late: int

    def has(self, begin: int) -> bool:
        return self.early <= begin <= self.late and first_begin(self.windows, begin) == begin


def shifts_alone(state: State, v: int) -> set[int]:
    """The shifts on which the visit and all that begin with it could, were every shift empty.

    Visits tied to them in other ways stand as they do.
    """
    spans = [dict(_spans(state, u)) for u in state.instance.groups[v]]
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


def _spans(state: State, v: int) -> Iterator[tuple[int, _Span]]:
    """The shifts that could serve the visit alone, with the begins that they have for it."""
    instance = state.instance
    for s in instance.candidates[v]:
        if instance.barrier[v][s] or state.blocked(v, s):
            continue
        service, lane = instance.services[s][v], instance.lanes[s]
        windows = state.windows(v, s)
        service = service if windows is None else service._replace(windows=windows)
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


def together_on(state: State, v: int, shifts: Iterable[int]) -> State | None:
    """The state with the visit on one of the shifts and all that begin with it, at the least cost."""
    group, everywhere = state.instance.groups[v], _positions(state, range(state.instance.shifts))
    only = dict.fromkeys(group, everywhere) | {v: _positions(state, shifts)}
    return insert_group(state, group, INFINITY, only)


def _positions(state: State, shifts: Iterable[int]) -> set[tuple[int, int]]:
    return {(s, position) for s in shifts for position in range(len(state.order(s)) + 1)}
