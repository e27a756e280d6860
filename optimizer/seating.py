"""Where visits that begin together fit beside a plan: all at one second, each on another crew.

A member's *seat* is a position on a route. Seats are combined in the order of what they cost at
least, and of every combination that can be cheaper than the best one the common second is looked
for: an interval of seconds is halved wherever the members' own cheapest begins in it differ. What is
found is the cheapest, and where nothing is found there is nothing, unless a limit below is met (or,
where work is paid for, points look even over an interval that are not).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from optimizer.search.insertion import spots_on
from optimizer.search.route import Route, narrowed
from optimizer.search.state import State
from optimizer.search.timeline import (
    INFINITY,
    Windows,
    extend,
    last_begin,
    latest_at_end,
    latest_before,
)

MOST_STEPS = 100_000
"""Seats looked at in one search for a place."""
MOST_BUILT = 1_500
"""Routes built in one search for a place."""


class Seat(NamedTuple):
    """A position for one visit, which costs at least `cost` points there at any time.

    It begins neither before `early` nor after `late`; both are outer bounds.
    """

    cost: int
    shift: int
    position: int
    early: int
    late: int


class Seated(NamedTuple):
    """The state with the whole group served from the second `begin` on, for `cost` more points.

    What leaving the group out costs is not taken off.
    """

    cost: int
    begin: int
    state: State


class _Combination(NamedTuple):
    """Seats for the first members; `bound` is what all members cost at least with them."""

    bound: int
    left: int
    """Members without a seat."""
    chosen: tuple[int, ...]
    early: int
    late: int


Allowed = Callable[[int, Seat], bool]


class Seating:
    """The seats of visits that begin together, beside a state that serves none of them."""

    def __init__(self, state: State, group: Iterable[int]) -> None:
        self.state = state
        found = {v: sorted(_seats(state, v)) for v in group}
        # Those with the fewest seats first: what they rule out is ruled out once.
        self.group = tuple(sorted(found, key=lambda v: (len(found[v]), v)))
        self.seats = found
        self._built: dict[tuple[int, int, int, int, int], tuple[int, int] | None] = {}

    def best(
        self,
        *,
        low: int = -INFINITY,
        high: int = INFINITY,
        allowed: Allowed | None = None,
        ceiling: int = INFINITY,
    ) -> Seated | None:
        """The cheapest way to serve all for less than `ceiling` points from a second in [low, high].

        Seats that are not `allowed` for a visit do not count.
        """
        rows = [
            [
                seat
                for seat in self.seats[v]
                if seat.early <= high and seat.late >= low and (not allowed or allowed(v, seat))
            ]
            for v in self.group
        ]
        best: Seated | None = None
        if not rows or not all(rows):
            return None
        most_built = len(self._built) + MOST_BUILT
        for combination in _combinations(self.state, rows, low, high):
            if combination.bound >= ceiling or len(self._built) > most_built:
                break
            seats = [row[i] for row, i in zip(rows, combination.chosen, strict=True)]
            found = self._timed(seats, combination.early, combination.late, ceiling)
            made = None if found is None else self._made(seats, found[1])
            if made is not None and made.cost < ceiling:
                best, ceiling = made, made.cost
        return best

    def best_on(self, v: int, shifts: Collection[int]) -> Seated | None:
        """The cheapest way to serve all with this one on one of the shifts."""
        return self.best(allowed=lambda u, seat: u != v or seat.shift in shifts)

    def _timed(
        self, seats: Sequence[Seat], low: int, high: int, ceiling: int
    ) -> tuple[int, int] | None:
        """The least points below `ceiling`, and the second, at which all can begin in their seats."""
        best: tuple[int, int] | None = None
        waiting = [(low, high)]
        while waiting:
            early, late = waiting.pop()
            found = self._within(seats, early, late)
            if found is None or found[0] >= ceiling:
                continue
            least, begins = found
            first, last = min(begins), max(begins)
            exact = found if first == last else self._within(seats, last, last)
            if exact is not None and exact[0] < ceiling:
                best, ceiling = (exact[0], last), exact[0]
            if ceiling > least and self._is_even(seats, early, late):
                for begin in (early, late):
                    ends = self._within(seats, begin, begin)
                    if ends is not None and ends[0] < ceiling:
                        best, ceiling = (ends[0], begin), ends[0]
            elif ceiling > least:
                middle = (first + last) // 2
                waiting += [(middle + 1, late), (early, middle)]
        return best

    def _is_even(self, seats: Sequence[Seat], early: int, late: int) -> bool:
        """Whether the points of each seat rise or fall evenly, so that the ends are all that counts.

        Where work is paid for, one member may gain by every second that another loses; the points
        are then looked at at both ends and in the middle.
        """
        if not self.state.instance.problem.weights.work:
            return False
        moments = (early, (early + late) // 2, late)
        for v, seat in zip(self.group, seats, strict=True):
            found = [self._cheapest(v, seat, begin, begin) for begin in moments]
            points = [each[0] for each in found if each is not None]
            if len(points) < len(moments):
                return False
            before, after = moments[1] - early, late - moments[1]
            if points[1] * (before + after) != points[0] * after + points[2] * before:
                return False
        return True

    def _within(self, seats: Sequence[Seat], early: int, late: int) -> tuple[int, list[int]] | None:
        """What the members cost at least when each begins in [early, late], and when they do then."""
        total, begins = 0, []
        for v, seat in zip(self.group, seats, strict=True):
            found = self._cheapest(v, seat, early, late)
            if found is None:
                return None
            total += found[0]
            begins.append(found[1])
        return total, begins

    def _cheapest(self, v: int, seat: Seat, early: int, late: int) -> tuple[int, int] | None:
        key = (v, seat.shift, seat.position, early, late)
        if key not in self._built:
            self._built[key] = self._walked(v, seat, early, late)
        return self._built[key]

    def _walked(self, v: int, seat: Seat, early: int, late: int) -> tuple[int, int] | None:
        state, s = self.state, seat.shift
        windows = narrowed(_windows(state, v, s), early, late)
        if not windows:
            return None
        order = state.order(s)
        route = state.built(s, (*order[: seat.position], v, *order[seat.position :]), {v: windows})
        if route is None:
            return None
        return route.cost - state.route_cost(s), route.timing.stops[seat.position].begin

    def _made(self, seats: Sequence[Seat], begin: int) -> Seated | None:
        """The state with all in their seats at that second; None where ties between them forbid it."""
        members = list(zip(self.group, seats, strict=True))
        for turn in (members, members[::-1]):
            made = self.state.copy()
            if all(_sat_down(made, v, seat, begin) for v, seat in turn):
                touched = {seat.shift for seat in seats}
                cost = sum(made.route_cost(s) - self.state.route_cost(s) for s in touched)
                return Seated(cost, begin, made)
        return None


def _combinations(
    state: State, rows: Sequence[Sequence[Seat]], low: int, high: int
) -> Iterator[_Combination]:
    """Seats for all that are on different crews and have seconds in common, by least points."""
    crew_of = state.instance.crew_of
    least = sum(row[0].cost for row in rows)
    waiting = [_Combination(least, len(rows) - 1, (0,), low, high)]
    for _ in range(MOST_STEPS):
        if not waiting:
            return
        bound, left, chosen, early, late = heappop(waiting)
        row, i = rows[len(chosen) - 1], chosen[-1]
        seat, before = row[i], chosen[:-1]
        if i + 1 < len(row):
            dearer = bound - seat.cost + row[i + 1].cost
            heappush(waiting, _Combination(dearer, left, (*before, i + 1), early, late))
        early, late = max(early, seat.early), min(late, seat.late)
        crews = {crew_of[rows[m][j].shift] for m, j in enumerate(before)}
        if early > late or crew_of[seat.shift] in crews:
            continue
        if left:
            heappush(waiting, _Combination(bound, left - 1, (*chosen, 0), early, late))
        else:
            yield _Combination(bound, left, chosen, early, late)


def _seats(state: State, v: int) -> Iterator[Seat]:
    for s in state.instance.candidates[v]:
        spots = spots_on(state, v, s)
        if not spots:
            continue
        route, more = state.routes[s], 0
        if route is not None and any(state.instance.timed_pairs[other] for other in route.order):
            # Spots are compared with the route as it would be walked now, seats with what it costs.
            route = state.built(s, route.order) or route
            more = route.cost - state.route_cost(s)
        for spot in spots:
            early, late = _bounds(state, v, s, spot.position, route)
            yield Seat(spot.cost + more, s, spot.position, early, late)


def _bounds(state: State, v: int, s: int, position: int, route: Route | None) -> tuple[int, int]:
    """No begin before the first and after the second can be had in the seat."""
    instance, lane = state.instance, state.lane(s)
    if route is not None and (route.gapped or instance.gaps_of[v]):
        return -INFINITY, INFINITY  # what ties it to the route's stops moves with them
    service = instance.services[s][v]._replace(windows=_windows(state, v, s))
    labels, at, before = lane.origin(), lane.home, -1
    if route is not None:
        labels = route.labels[position]
        if position:
            at = before = route.services[position - 1].place
    seconds = service.again if before == service.place else service.first
    entered = extend(labels, lane.legs[at][service.place], service, seconds, lane)
    early = min((label[5] for label in entered), default=INFINITY)
    if route is None or position == len(route.order):
        after = latest_at_end(service.place, lane)
    else:
        following = route.services[position]
        then = following.again if following.place == service.place else following.first
        leg = lane.legs[service.place][following.place]
        after = latest_before(route.latest[position + 1], leg, following, then, lane)
    return early, last_begin(service.windows, max(after) - seconds)


def _windows(state: State, v: int, s: int) -> Windows:
    """The visit's windows on the shift beside what it is tied to."""
    windows = state.windows(v, s)
    return state.instance.services[s][v].windows if windows is None else windows


def _sat_down(state: State, v: int, seat: Seat, begin: int) -> bool:
    """Put the visit into its seat at that second; False when a rule forbids it."""
    if state.blocked(v, seat.shift):
        return False
    exact = narrowed(_windows(state, v, seat.shift), begin, begin)
    order = state.order(seat.shift)
    order = (*order[: seat.position], v, *order[seat.position :])
    return bool(exact) and state.place(seat.shift, order, {v: exact})
