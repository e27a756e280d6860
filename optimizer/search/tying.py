"""Routes whose visits are tied to each other, made at once: their times are found together.

Built one after the other, a first would begin as early as it can, whatever its second needs. Here
the routes are walked again and again, and whatever a tie asks for is made a lower bound: a second
waits for its first, a first is put off until its second is near enough, visits that begin together
wait for the last of them, a shift waits for the crew's shift before. Bounds only ever rise, so that
this ends; where waiting costs nothing the earliest times that keep every tie are the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from optimizer.search.instance import Gap, Instance
from optimizer.search.route import Route, build, narrowed
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY, Windows, last_begin
from optimizer.search.timing import StopTime

MOST_ROUNDS = 60
"""How often the bounds of tied routes are raised before the routes are given up."""
MOST_FIRST = 6
"""How many routes of paid work come first, at their own cheapest times, before the others."""
MOST_TRIED = 60
"""How many routes of paid work are built for that, so that many tied routes take no minutes."""
MOST_POLISHING = 6
"""How often tied routes are made cheaper in turn."""

Orders = Mapping[int, tuple[int, ...]]
"""The visits of each shift that has some, in order."""


def components(instance: Instance, orders: Orders) -> list[list[int]]:
    """The shifts in groups within which visits are tied or routes of one crew could meet."""
    on = {v: s for s, order in orders.items() for v in order}
    left, found = set(orders), list[list[int]]()
    for s in orders:
        if s not in left:
            continue
        left.discard(s)
        group = [s]
        for here in group:  # grows while it is read
            near = {*instance.earlier[here], *instance.later[here]}
            for v in orders[here]:
                near |= {on[other] for other in _tied_to(instance, v) if other in on}
            more = near & left
            left -= more
            group.extend(sorted(more))
        found.append(sorted(group))
    return found


def _tied_to(instance: Instance, v: int) -> set[int]:
    ends = {other for gap in instance.gaps_of[v] for other in (gap.first, gap.second)}
    return ends | instance.together_with[v] | instance.apart_from[v] | instance.same_as[v]


def place_jointly(state: State, shifts: Sequence[int], orders: Orders) -> bool:
    """Give these unused shifts these orders; False, and nothing changed, when no times are found."""
    instance = state.instance
    if not _may_all_be(instance, shifts, orders):
        return False
    if len(shifts) == 1 and not any(instance.timed_pairs[v] for v in orders[shifts[0]]):
        return state.place(shifts[0], orders[shifts[0]])
    routes = _earliest(instance, shifts, orders)
    if routes is None:
        return False
    for s in sorted(shifts, key=lambda s: instance.lanes[s].begin):
        exact: dict[int, Windows] = {
            stop.visit: ((stop.begin, stop.begin),)
            for stop in routes[s].timing.stops
            if instance.timed_pairs[stop.visit]
        }
        if not state.place(s, orders[s], exact):
            for placed in shifts:
                state.place(placed, ())
            return False
    polish(state, shifts)
    if instance.problem.weights.work:
        _put_off(state, shifts, orders, routes)
    return True


def polish(state: State, shifts: Sequence[int]) -> None:
    """Make the routes of these shifts cheaper in turn, beside the times of the others."""
    for _ in range(MOST_POLISHING):
        better = False
        for s in shifts:
            order = state.order(s)
            route = state.built(s, order) if order else None
            if route is not None and route.cost < state.route_cost(s):
                better = state.place(s, order)
        if not better:
            break


def _may_all_be(instance: Instance, shifts: Sequence[int], orders: Orders) -> bool:
    """Whether the visits may be on these shifts, and with each other, whatever the time."""
    on = {v: s for s in shifts for v in orders[s]}
    if instance.free:
        return all(instance.may_serve(v, s) for v, s in on.items())
    crew = {v: instance.crew_of[s] for v, s in on.items()}
    return all(
        instance.may_serve(v, s)
        and all(first in on for first in instance.firsts_of[v])
        and all(other in on for other in instance.groups[v])
        and all(crew.get(other, -1) != crew[v] for other in instance.apart_from[v])
        and all(crew.get(other, crew[v]) == crew[v] for other in instance.same_as[v])
        for v, s in on.items()
    )


def keeps_ties(state: State) -> bool:
    """Whether what ties the visits served holds for their shifts and seconds, however they came there."""
    instance, where, begins, ends = state.instance, state.where, state.begins, state.ends
    orders = {s: state.order(s) for s in range(instance.shifts)}
    return _may_all_be(instance, range(instance.shifts), orders) and all(
        all(begins[other] == begins[v] for other in instance.together_with[v])
        and all(
            gap.least <= begins[gap.second] - ends[gap.first] <= gap.most
            for gap in instance.gaps_of[v]
            if where[gap.first] >= 0 and where[gap.second] >= 0
        )
        for order in orders.values()
        for v in order
    )


class _Earliest:
    """The earliest times of tied routes, as far as they are known: lower bounds that rise."""

    def __init__(self, instance: Instance, shifts: Sequence[int], orders: Orders) -> None:
        self.instance, self.orders = instance, orders
        self.on = {v: s for s in shifts for v in orders[s]}
        self.lows: dict[int, int] = {}
        """The first begin that ties with other routes allow a visit."""
        self.opens = dict.fromkeys(shifts, -INFINITY)
        """The last return of the crew's routes before, by shift."""
        self.routes: dict[int, Route] = {}
        self.stops: dict[int, StopTime] = {}
        self.changed = set(shifts)

    def walk(self) -> bool:
        """Walk the routes whose bounds have risen; False when one has become impossible."""
        instance, lows = self.instance, self.lows
        for s in sorted(self.changed):
            order = self.orders[s]
            windows = {
                v: narrowed(instance.windows[v], lows[v], INFINITY) for v in order if v in lows
            }
            # The earliest times are wanted: no pay is saved by later ones.
            lane = replace(instance.lane(s, self.opens[s]), work_rate=0)
            route = build(instance, s, order, lane=lane, windows=windows)
            if route is None:
                return False
            self.routes[s] = route
            self.stops.update((stop.visit, stop) for stop in route.timing.stops)
        self.changed = set()
        return True

    def raise_bounds(self) -> None:
        """Raise what the ties between the routes ask for, noting the routes it changes."""
        instance = self.instance
        for v in self.on:
            for gap in instance.gaps_of[v]:
                if gap.first == v and gap.second in self.on:
                    self._keep_gap(gap)
            for other in instance.together_with[v]:
                self._raise(other, self.stops[v].begin)
        for s, route in self.routes.items():
            for later in instance.later[s]:
                if later in self.opens and route.timing.returns > self.opens[later]:
                    self.opens[later] = route.timing.returns
                    self.changed.add(later)

    def _keep_gap(self, gap: Gap) -> None:
        if self.on[gap.first] == self.on[gap.second]:
            return  # kept where the route is built
        first, second = self.stops[gap.first], self.stops[gap.second]
        self._raise(gap.second, first.end + gap.least)
        if gap.most < INFINITY:
            self._raise(gap.first, second.begin - gap.most - (first.end - first.begin))

    def _raise(self, v: int, low: int) -> None:
        if self.stops[v].begin < low:
            self.lows[v] = low
            self.changed.add(self.on[v])


def _earliest(instance: Instance, shifts: Sequence[int], orders: Orders) -> dict[int, Route] | None:
    """Routes of the earliest times that keep every tie between them, None when none are found."""
    times = _Earliest(instance, shifts, orders)
    for _ in range(MOST_ROUNDS):
        if not times.walk():
            return None
        times.raise_bounds()
        if not times.changed:
            return times.routes
    return None


def _put_off(
    state: State, shifts: Sequence[int], orders: Orders, routes: Mapping[int, Route]
) -> None:
    """Put the tied visits of the routes off where that saves work that is paid for.

    Each route in turn comes first, at its own cheapest times within what all the ties allow, and
    the others follow it; that need not find the cheapest times of all.
    """
    latest = _Latest(state.instance, orders, routes)
    if not latest.found():
        return
    for first in shifts[: min(MOST_FIRST, MOST_TRIED // len(shifts))]:
        trial = state.copy()
        for s in shifts:
            trial.place(s, ())
        for s in (first, *(other for other in shifts if other != first)):
            windows: dict[int, Windows] = {}
            for service in latest.routes[s].services:
                own = trial.windows(service.visit, s)
                if own is not None:
                    spans = service.windows
                    windows[service.visit] = narrowed(own, spans[0][0], spans[-1][1])
            if not trial.place(s, orders[s], windows):
                break
        else:
            polish(trial, shifts)
            if trial.cost() < state.cost():
                state.become(trial)


class _Latest:
    """The latest begins of the visits of tied routes: upper bounds that fall."""

    def __init__(self, instance: Instance, orders: Orders, routes: Mapping[int, Route]) -> None:
        self.instance, self.orders = instance, orders
        self.routes = dict(routes)
        """The routes, their windows cut to what the ties allow."""
        self.highs: dict[int, int] = {}
        self.on = {v: s for s in routes for v in orders[s]}
        self.lengths = {
            stop.visit: stop.end - stop.begin
            for route in routes.values()
            for stop in route.timing.stops
        }
        self.changed = set(routes)

    def found(self) -> bool:
        """Whether bounds were found that every route can keep."""
        for _ in range(MOST_ROUNDS):
            for s in sorted(self.changed):
                self._read(s)
            self.changed = set()
            for v in list(self.highs):
                self._lower_by_ties(v)
            if not self.changed:
                return True
            for s in sorted(self.changed):
                before = self.routes[s]
                windows = {
                    each.visit: narrowed(each.windows, -INFINITY, self.highs[each.visit])
                    for each in before.services
                }
                route = build(self.instance, s, self.orders[s], lane=before.lane, windows=windows)
                if route is None:
                    return False
                self.routes[s] = route
        return False

    def _read(self, s: int) -> None:
        """Take the bounds that a route sets by itself."""
        route = self.routes[s]
        for service, latest in zip(route.services, route.latest[1:], strict=True):
            v = service.visit
            high = last_begin(service.windows, max(latest) - self.lengths[v])
            self.highs[v] = min(self.highs.get(v, INFINITY), high)

    def _lower_by_ties(self, v: int) -> None:
        for gap in self.instance.gaps_of[v]:
            if gap.first == v and gap.second in self.highs:
                length = self.lengths[v]
                self._lower(v, self.highs[gap.second] - gap.least - length)
                self._lower(gap.second, self.highs[v] + length + gap.most)
        for other in self.instance.together_with[v]:
            self._lower(other, self.highs[v])

    def _lower(self, v: int, high: int) -> None:
        if high < self.highs[v]:
            self.highs[v] = high
            self.changed.add(self.on[v])
