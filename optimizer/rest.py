"""The rest of a day: what of a problem is still to decide at `now`, as a problem of its own.

The plan in force is taken to have been kept to the second. Whatever had begun stays as it was: a
visit under way or driven to is pinned to its shift and start, at the highest cost of leaving it out;
a shift under way begins where and
when its crew was last bound, and what its crew has used up (stops, driving, stock, breaks, the cost
of its use) is taken off.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

from optimizer.plan import Plan, Route, Stop
from optimizer.problem import (
    After,
    Incumbent,
    IncumbentRoute,
    Pin,
    Problem,
    Relation,
    SameCrew,
    Shift,
    Together,
    Visit,
    Window,
)
from optimizer.travel import compile_travel
from optimizer.values import MAX_COST, MAX_TIME

NEVER = (Window(-MAX_TIME, -MAX_TIME),)
"""Windows of a visit that has none left."""


class Bound(NamedTuple):
    """Where and when the crew of a shift under way was last bound.

    `current` is the stop it is at or driving to; `finished` are the stops before that.
    """

    place: str
    start: int
    finished: tuple[Stop, ...]
    current: Stop | None


@dataclass(frozen=True, slots=True)
class _Done:
    """A stop that is over or bound: its crew and its times."""

    crew: str
    start: int
    end: int
    over: bool


def rest_of_day(problem: Problem, plan: Plan, now: int) -> Problem:
    """The problem that is left of the day at `now`, seconds after its start.

    The plan's other stops are its `incumbent`, so that `weights.change` counts what moves. Shifts
    that are over are left out; a visit whose `after` or windows can no longer be kept stays, to be
    left out with its reason. Routes and stops that the problem does not have are ignored.
    """
    return _Rest(problem, plan, now).problem()


class _Rest:
    def __init__(self, problem: Problem, plan: Plan, now: int) -> None:
        self.whole = problem
        self.now = now
        self.visits = {visit.id: visit for visit in problem.visits}
        self.routes = {route.shift: route for route in plan.routes if route.stops}
        self.legs = _Legs(problem)
        self.bounds: dict[str, Bound] = {}
        self.free: dict[str, int] = {}
        """Until when each crew is kept beyond the end of an earlier shift."""
        for shift in problem.shifts:
            route = self.routes.get(shift.id)
            bound = None if route is None else self._bound(shift, route)
            if bound is not None:
                self.bounds[shift.id] = bound
        self.done = dict(self._done())

    def problem(self) -> Problem:
        """The rest as a problem."""
        in_time = sorted(self.whole.shifts, key=lambda shift: (shift.start, shift.end))
        rests = {shift.id: rest for shift in in_time if (rest := self._shift(shift)) is not None}
        shifts = tuple(rests[shift.id] for shift in self.whole.shifts if shift.id in rests)
        kept = set(rests)
        over = {name for name, done in self.done.items() if done.over}
        limits = _Limits(self.whole, self.done)
        visits = tuple(
            self._visit(limits.narrowed(visit), kept)
            for visit in self.whole.visits
            if visit.id not in over
        )
        return replace(
            self.whole,
            shifts=shifts,
            visits=visits,
            relations=tuple(limits.relations()),
            incumbent=Incumbent(tuple(self._incumbent(kept, over))),
        )

    def _bound(self, shift: Shift, route: Route) -> Bound | None:
        """Where the crew was last bound; None when it has not set out by now."""
        stops = [stop for stop in route.stops if stop.visit in self.visits]
        finished: list[Stop] = []
        place = shift.from_
        for stop in stops:
            at = self.visits[stop.visit].place
            sets_out = stop.arrive - self.legs.between(shift, place, at)
            if stop.end <= self.now:
                finished.append(stop)
                place = at
            elif min(sets_out, stop.start) <= self.now:
                return Bound(at, stop.start, tuple(finished), stop)
            else:
                break
        if not finished:
            return None
        start = self.now
        home = shift.to if len(finished) == len(stops) else None
        if home is not None and route.returns - self.legs.between(shift, place, home) <= start:
            place, start = home, max(start, route.returns)
        return Bound(place, start, tuple(finished), None)

    def _done(self) -> Iterator[tuple[str, _Done]]:
        for shift in self.whole.shifts:
            bound = self.bounds.get(shift.id)
            if bound is None:
                continue
            for stop in bound.finished:
                yield stop.visit, _Done(shift.crew, stop.start, stop.end, over=True)
            if bound.current is not None:
                stop = bound.current
                yield stop.visit, _Done(shift.crew, stop.start, stop.end, over=False)

    def _shift(self, shift: Shift) -> Shift | None:
        """What is left of the shift, None when it is over."""
        bound = self.bounds.get(shift.id)
        pauses = self._pauses(shift)
        start = max(shift.start, self.now, self.free.get(shift.crew, self.now))
        if bound is not None:
            start = bound.start
        if bound is None or bound.current is None:
            under_way = (end for begin, end in pauses.values() if begin <= self.now < end)
            start = max([start, *under_way])
        if start > shift.end:
            self.free[shift.crew] = start
        limit = shift.end + shift.max_overtime
        if start > limit or self._is_past(shift):
            return None
        end = max(shift.end, start)
        keys: dict[str, Any] = {
            "start": start,
            "end": end,
            "max_overtime": limit - end,
            "breaks": tuple(
                pause
                for pause in shift.breaks
                if pause.latest >= start and pauses.get(pause.id, (start, start))[0] >= start
            ),
        }
        if bound is not None:
            keys |= self._used(shift, bound) | {"from_": bound.place, "use_cost": 0}
        return replace(shift, **keys)

    def _is_past(self, shift: Shift) -> bool:
        """Whether the crew has set out on a later shift."""
        return any(
            other.crew == shift.crew and other.start >= shift.end and other is not shift
            for other in self.whole.shifts
            if other.id in self.bounds
        )

    def _pauses(self, shift: Shift) -> dict[str, tuple[int, int]]:
        """When the plan has the shift's breaks, those before departure that it need not list too."""
        route = self.routes.get(shift.id)
        if route is None:
            return {}
        found = {pause.id: (pause.start, pause.end) for pause in route.breaks}
        free = shift.start
        for pause in sorted(shift.breaks, key=lambda pause: pause.latest):
            if pause.id not in found and route.returns > pause.latest:
                begin = max(pause.earliest, free)
                free = begin + pause.duration
                found[pause.id] = (begin, free)
        return found

    def _used(self, shift: Shift, bound: Bound) -> dict[str, Any]:
        """What is left of the shift's limits once the stops made, and the drive bound, are off."""
        stock = dict(shift.stock)
        for stop in bound.finished:
            for part, count in self.visits[stop.visit].parts.items():
                stock[part] = stock.get(part, 0) - count
        keys: dict[str, Any] = {"stock": {part: max(0, n) for part, n in stock.items()}}
        if shift.max_visits is not None:
            keys["max_visits"] = max(0, shift.max_visits - len(bound.finished))
        if shift.max_travel is not None:
            way = [shift.from_, *(self.visits[stop.visit].place for stop in bound.finished)]
            way.append(bound.place)
            driven = sum(self.legs.between(shift, a, b) for a, b in pairwise(way))
            keys["max_travel"] = max(0, shift.max_travel - driven)
        return keys

    def _visit(self, visit: Visit, kept: set[str]) -> Visit:
        """The visit as the rest knows it: pinned to its start when it is bound."""
        for shift, bound in self.bounds.items():
            if bound.current is not None and bound.current.visit == visit.id and shift in kept:
                last = bound.finished[-1].visit if bound.finished else None
                same = last is not None and self.visits[last].place == visit.place
                setup = 0 if same else visit.setup
                pin = Pin(shift, bound.current.start)
                # What has begun is not given up for anything that has not.
                return replace(visit, pinned=pin, setup=setup, unserved_cost=MAX_COST)
        if visit.pinned is not None and visit.pinned.shift not in kept:
            return replace(visit, pinned=None, allowed_crews=())
        return visit

    def _incumbent(self, kept: set[str], over: set[str]) -> Iterator[IncumbentRoute]:
        for shift, route in self.routes.items():
            visits = tuple(stop.visit for stop in route.stops if stop.visit not in over)
            if shift in kept and visits:
                yield IncumbentRoute(shift, visits)


class _Legs:
    """Travel seconds from place to place, as each crew drives."""

    def __init__(self, problem: Problem) -> None:
        self._place = {place.id: i for i, place in enumerate(problem.places)}
        crews = (crew.id for crew in problem.crews)
        self._travel = dict(zip(crews, compile_travel(problem), strict=True))

    def between(self, shift: Shift, a: str, b: str) -> int:
        """Seconds from one place to another."""
        return int(self._travel[shift.crew].seconds[self._place[a]][self._place[b]])


class _Limits:
    """What relations with visits that have begun ask of those that have not."""

    def __init__(self, problem: Problem, done: Mapping[str, _Done]) -> None:
        self._relations = problem.relations
        self._done = done

    def narrowed(self, visit: Visit) -> Visit:
        """The visit with windows and crews that keep its relations with what is done."""
        if visit.id in self._done:
            return visit
        for relation in self._relations:
            if isinstance(relation, After):
                if relation.second == visit.id and relation.first in self._done:
                    visit = _following(visit, relation, self._done[relation.first].end)
            elif visit.id in relation.visits:
                crews = {self._done[v].crew for v in relation.visits if v in self._done}
                if crews:
                    visit = _on_crews(visit, relation, crews)
                if isinstance(relation, Together):
                    begun = [self._done[v].start for v in relation.visits if v in self._done]
                    visit = _within(visit, begun[0], begun[0]) if begun else visit
        return visit

    def relations(self) -> Iterator[Relation]:
        """What still ties the visits that have not begun."""
        for relation in self._relations:
            if isinstance(relation, After):
                if relation.first not in self._done and relation.second not in self._done:
                    yield relation
                continue
            # Those with a visit that has begun have become windows and crews of the others.
            left = tuple(visit for visit in relation.visits if visit not in self._done)
            if len(left) > 1:
                yield replace(relation, visits=left)


def _following(visit: Visit, relation: After, ended: int) -> Visit:
    latest = MAX_TIME if relation.max_gap is None else ended + relation.max_gap
    return _within(visit, ended + relation.min_gap, latest)


def _within(visit: Visit, low: int, high: int) -> Visit:
    """The visit with its windows cut to `[low, high]`."""
    low, high = max(low, -MAX_TIME), min(high, MAX_TIME)
    own = visit.begins or (Window(-MAX_TIME, MAX_TIME),)
    cut = tuple(
        Window(max(each.open, low), min(each.close, high))
        for each in own
        if max(each.open, low) <= min(each.close, high)
    )
    pin = visit.pinned
    if pin is not None and pin.start is not None and not cut:
        return replace(visit, windows=NEVER, pinned=Pin(pin.shift))
    return replace(visit, windows=cut or NEVER)


def _on_crews(visit: Visit, relation: Relation, crews: set[str]) -> Visit:
    if isinstance(relation, SameCrew):
        allowed = visit.allowed_crews
        chosen = sorted(crews if allowed is None else crews.intersection(allowed))
        return replace(visit, allowed_crews=tuple(chosen))
    forbidden = {*visit.forbidden_crews, *crews}
    return replace(visit, forbidden_crews=tuple(sorted(forbidden)))
