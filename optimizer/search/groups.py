"""Visits that begin at the same second on different crews: inserted all at once or not at all."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from optimizer.search.insertion import spots_on
from optimizer.search.route import narrowed
from optimizer.search.state import State
from optimizer.search.timeline import (
    INFINITY,
    extend,
    first_begin,
    last_begin,
    latest_at_end,
    latest_before,
)

MOST_BEGINS = 60
"""Begins tried for a group, the earliest of those at which some member fits."""
MOST_TRIALS = 8
"""Assignments of a group built exactly, the cheapest by estimate first."""
MOST_SPOTS = 6
"""Spots of one member considered for one begin."""


class Span(NamedTuple):
    """A spot for one member: it may begin from `early` to `late`, waiting included."""

    cost: int
    shift: int
    position: int
    early: int
    late: int


def insert_group(
    state: State,
    group: tuple[int, ...],
    ceiling: int,
    only: Mapping[int, Collection[tuple[int, int]]] | None = None,
) -> State | None:
    """The state with the whole group served for less than `ceiling` more points, or None.

    `only` gives the (shift, position) pairs each member may have, where not all are meant. The
    begins tried are those at which some member first fits; a group that needs another one is not
    found.
    """
    spans = []
    for v in group:
        own = [span for s in state.instance.candidates[v] for span in _spans(state, v, s, ceiling)]
        if only is not None:
            own = [span for span in own if (span.shift, span.position) in only[v]]
        if not own:
            return None
        spans.append(sorted(own))
    trials: list[tuple[int, int, tuple[Span, ...]]] = []
    for begin in _begins(state, group, spans):
        fitting = [_fitting(own, begin) for own in spans]
        if all(fitting):
            chosen = _cheapest(state, fitting)
            if chosen is not None:
                trials.append((sum(span.cost for span in chosen), begin, chosen))
    for _, begin, chosen in sorted(trials)[:MOST_TRIALS]:
        built = _built(state, group, begin, chosen)
        if built is not None and _added(state, built) < ceiling:
            return built
    return None


def _added(state: State, built: State) -> int:
    """Points the routes cost more."""
    shifts = range(state.instance.shifts)
    return sum(built.route_cost(s) - state.route_cost(s) for s in shifts)


def _spans(state: State, v: int, s: int, ceiling: int) -> list[Span]:
    instance = state.instance
    windows = state.windows(v, s)
    spans = []
    for spot in spots_on(state, v, s, ceiling):
        service = instance.services[s][v]
        if windows is not None:
            service = service._replace(windows=windows)
        route, lane = state.routes[s], state.lane(s)
        following = None
        if route is None:
            labels, at, before = lane.origin(), lane.home, -1
        else:
            labels = route.labels[spot.position]
            at = route.services[spot.position - 1].place if spot.position else lane.home
            before = at if spot.position else -1
            if spot.position < len(route.order):
                following = route.services[spot.position]
        seconds = service.again if before == service.place else service.first
        entered = extend(labels, lane.legs[at][service.place], service, seconds, lane)
        if not entered:
            continue
        if following is None or route is None:
            after = latest_at_end(service.place, lane)
        else:
            same = following.place == service.place
            after = latest_before(
                route.latest[spot.position + 1],
                lane.legs[service.place][following.place],
                following,
                following.again if same else following.first,
                lane,
            )
        early = min(label[5] for label in entered)
        late = last_begin(service.windows, max(after) - seconds)
        spans.append(Span(spot.cost, s, spot.position, early, late))
    return spans


def _begins(state: State, group: tuple[int, ...], spans: list[list[Span]]) -> list[int]:
    """Seconds worth trying: where a member first fits, moved on into the windows of the others."""
    first = min(state.instance.candidates[group[0]], default=0)
    windows = [state.instance.services[first][v].windows for v in group]
    lowest = max(min(span.early for span in own) for own in spans)
    highest = min(max(span.late for span in own) for own in spans)
    found = set()
    for early in {span.early for own in spans for span in own} | {lowest}:
        begin = max(early, lowest)
        for _ in windows:
            begin = max(first_begin(each, begin) for each in windows)
        if begin <= highest and begin < INFINITY:
            found.add(begin)
    return sorted(found)[:MOST_BEGINS]


def _fitting(spans: Iterable[Span], begin: int) -> list[Span]:
    """The cheapest spots at which the member can begin then, one per shift."""
    found: dict[int, Span] = {}
    for span in spans:
        if span.early <= begin <= span.late and span.shift not in found:
            found[span.shift] = span
    return list(found.values())[:MOST_SPOTS]


def _cheapest(state: State, fitting: list[list[Span]]) -> tuple[Span, ...] | None:
    """One spot per member, no crew twice, cheapest in sum; depth first over few spots."""
    crew_of = state.instance.crew_of
    best: tuple[int, tuple[Span, ...]] | None = None
    stack: list[tuple[int, tuple[Span, ...]]] = [(0, ())]
    steps = 0
    while stack and steps < 2000:
        steps += 1
        cost, chosen = stack.pop()
        if best is not None and cost >= best[0]:
            continue
        if len(chosen) == len(fitting):
            best = (cost, chosen)
            continue
        used = {crew_of[span.shift] for span in chosen}
        stack.extend(
            (cost + span.cost, (*chosen, span))
            for span in reversed(fitting[len(chosen)])
            if crew_of[span.shift] not in used
        )
    return None if best is None else best[1]


def _built(
    state: State, group: tuple[int, ...], begin: int, chosen: tuple[Span, ...]
) -> State | None:
    """The state with every member in its spot at that second, all rules looked at again."""
    trial = state.copy()
    for v, span in zip(group, chosen, strict=True):
        if trial.blocked(v, span.shift):
            return None
        windows = trial.windows(v, span.shift)
        if windows is None:
            windows = trial.instance.services[span.shift][v].windows
        exact = narrowed(windows, begin, begin)
        order = trial.order(span.shift)
        order = (*order[: span.position], v, *order[span.position :])
        if not exact or not trial.place(span.shift, order, {v: exact}):
            return None
    return trial
