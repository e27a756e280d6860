"""A plan in the making: the routes of all shifts and the bounds they set on each other.

Only one route changes at a time. What `after` and `together` ask of it is then a matter of
constants, the times of the partners on the other routes, so that every state is consistent.
"""

from optimizer.search.instance import Instance
from optimizer.search.route import Route, build, narrowed
from optimizer.search.timeline import INFINITY, Lane, Windows

CACHE_LIMIT = 150_000
"""Routes remembered in an instance; a route of ten stops takes about 4 kB."""


class State:
    """Routes by shift (None when unused), and for every visit its shift or -1."""

    __slots__ = ("begins", "ends", "instance", "routes", "where")

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.routes: list[Route | None] = [None] * instance.shifts
        self.where = [-1] * instance.visits
        self.begins = [0] * instance.visits
        """Begin of service of the visits with relations in time, while they are served."""
        self.ends = [0] * instance.visits

    def copy(self) -> "State":
        """A state that can be changed without changing this one."""
        other = State.__new__(State)
        other.instance = self.instance
        other.routes = self.routes.copy()
        other.where = self.where.copy()
        other.begins = self.begins.copy()
        other.ends = self.ends.copy()
        return other

    def become(self, other: "State") -> None:
        """Take all that the other state of the same instance has; it must not be used again."""
        self.routes, self.where = other.routes, other.where
        self.begins, self.ends = other.begins, other.ends

    def cost(self) -> int:
        """The total of the format, points."""
        drop = self.instance.drop_cost
        return sum(route.cost for route in self.routes if route is not None) + sum(
            drop[v] for v, s in enumerate(self.where) if s < 0
        )

    def served(self) -> int:
        """How many visits are on a route."""
        return sum(1 for s in self.where if s >= 0)

    def order(self, s: int) -> tuple[int, ...]:
        """The visits of a shift in order; empty when it is unused."""
        route = self.routes[s]
        return () if route is None else route.order

    def route_cost(self, s: int) -> int:
        """Points of a shift's route; 0 when it is unused."""
        route = self.routes[s]
        return 0 if route is None else route.cost

    def lane(self, s: int) -> Lane:
        """The hours a shift has beside its crew's other shifts."""
        instance = self.instance
        if not instance.earlier[s] and not instance.later[s]:
            return instance.lanes[s]
        begin, limit = -INFINITY, INFINITY
        for other in instance.earlier[s]:
            route = self.routes[other]
            if route is not None:
                begin = max(begin, route.timing.returns)
        for other in instance.later[s]:
            route = self.routes[other]
            if route is not None:
                limit = min([limit, route.timing.departs, *(p[1] for p in route.timing.pauses)])
        return instance.lane(s, begin, limit)

    def blocked(self, v: int, s: int) -> bool:
        """Whether relations keep the visit from this shift whatever the time."""
        instance = self.instance
        if any(self.where[first] < 0 for first in instance.firsts_of[v]):
            return True
        if not instance.crew_pairs[v]:
            return False
        crew_of = instance.crew_of
        for other in instance.apart_from[v]:
            if self.where[other] >= 0 and crew_of[self.where[other]] == crew_of[s]:
                return True
        for other in instance.same_as[v]:
            if self.where[other] >= 0 and crew_of[self.where[other]] != crew_of[s]:
                return True
        return False

    def windows(self, v: int, s: int) -> Windows | None:
        """The visit's windows on a shift beside partners on other shifts; None: its own."""
        instance = self.instance
        if not instance.timed_pairs[v]:
            return None
        service = instance.services[s][v]
        low, high = -INFINITY, INFINITY
        for gap in instance.gaps_of[v]:
            other = gap.first if gap.second == v else gap.second
            if self.where[other] < 0 or self.where[other] == s:
                continue
            if gap.second == v:
                low = max(low, self.ends[other] + gap.least)
                high = min(high, self.ends[other] + gap.most)
            else:
                high = min(high, self.begins[other] - gap.least - service.first)
                low = max(low, self.begins[other] - gap.most - service.again)
        for other in instance.together_with[v]:
            if self.where[other] >= 0:
                low, high = max(low, self.begins[other]), min(high, self.begins[other])
        return narrowed(service.windows, low, high)

    def built(
        self, s: int, order: tuple[int, ...], extra: dict[int, Windows] | None = None
    ) -> Route | None:
        """The route of the shift with this order beside the other routes; None if impossible."""
        instance = self.instance
        lane = self.lane(s)
        plain = lane is instance.lanes[s]
        windows: dict[int, Windows] = {}
        if not instance.free:
            for v in order:
                if instance.timed_pairs[v]:
                    own = self.windows(v, s)
                    assert own is not None
                    windows[v] = own
                    plain = False
        if extra:
            windows.update(extra)
            plain = False
        if not plain:
            return build(instance, s, order, lane=lane, windows=windows)
        key = (s, order)
        if key in instance.cache:
            known: Route | None = instance.cache[key]
            return known
        if len(instance.cache) >= CACHE_LIMIT:
            instance.cache.clear()
        route = build(instance, s, order)
        instance.cache[key] = route
        return route

    def place(
        self, s: int, order: tuple[int, ...], extra: dict[int, Windows] | None = None
    ) -> bool:
        """Give the shift this order; False, and nothing changed, when that is impossible."""
        if not order:
            self._put(s, None)
            return True
        route = self.built(s, order, extra)
        if route is None:
            return False
        self._put(s, route)
        return True

    def _put(self, s: int, route: Route | None) -> None:
        old = self.routes[s]
        if old is not None:
            for v in old.order:
                self.where[v] = -1
        self.routes[s] = route
        if route is None:
            return
        for v in route.order:
            self.where[v] = s
        if not self.instance.free:
            for stop in route.timing.stops:
                self.begins[stop.visit], self.ends[stop.visit] = stop.begin, stop.end

    def dependents(self, visits: set[int]) -> set[int]:
        """The served visits that cannot stay without these, these included."""
        found: set[int] = set()
        queue = [v for v in visits if self.where[v] >= 0]
        while queue:
            v = queue.pop()
            if v in found:
                continue
            found.add(v)
            queue.extend(
                other
                for other in (*self.instance.groups[v], *self.instance.seconds_of[v])
                if self.where[other] >= 0 and other not in found
            )
        return found

    def remove(self, visits: set[int]) -> set[int]:
        """Leave these visits out with all that depends on them; answer what was left out.

        Where travel breaks the triangle inequality a route can fail without a stop; then all of
        its stops go.
        """
        gone = self.dependents(visits)
        queue = sorted({self.where[v] for v in gone})
        while queue:
            s = queue.pop(0)
            rest = tuple(v for v in self.order(s) if v not in gone)
            if self.place(s, rest):
                continue
            more = self.dependents(set(self.order(s)))
            queue = sorted({self.where[v] for v in more} | set(queue) | {s})
            gone |= more
        return gone
