"""Relations between visits in the model that chooses routes.

Ties in time become a begin for each tied visit, free between the earliest and the latest that its
route allows by itself; ties of crews become pairs of routes that exclude each other.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ortools.sat.python import cp_model

from optimizer.search.instance import Instance
from optimizer.search.route import build
from optimizer.search.searcher import Met
from optimizer.search.timeline import INFINITY


class Span(NamedTuple):
    """Where a route lets a tied visit begin, its service seconds, and its rank on the route."""

    early: int
    late: int
    service: int
    rank: int


class Relations:
    """What ties the visits of a problem, and how routes by themselves bear on it."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.timed = [v for v in range(instance.visits) if instance.timed_pairs[v]]
        self._known: dict[tuple[int, tuple[int, ...]], dict[int, Span] | None] = {}

    def spans(self, s: int, order: tuple[int, ...]) -> dict[int, Span] | None:
        """The spans of the tied visits of a route; None when it is impossible by itself."""
        key = (s, order)
        if key not in self._known:
            self._known[key] = self._spans(s, order)
        return self._known[key]

    def _spans(self, s: int, order: tuple[int, ...]) -> dict[int, Span] | None:
        instance = self.instance
        crew_wise = any(instance.apart_from[v] & set(order) for v in order)
        tied = any(instance.timed_pairs[v] for v in order)
        meets = bool(instance.earlier[s] or instance.later[s])
        if crew_wise:
            return None
        if not tied and not meets:
            return {}
        route = build(instance, s, order)
        if route is None:
            return None
        spans = {}
        for rank, stop in enumerate(route.timing.stops):
            if instance.timed_pairs[stop.visit]:
                late = max(route.latest[rank + 1]) - (stop.end - stop.begin)
                late = min(late, max(close for _, close in route.services[rank].windows))
                early = min(label[5] for label in route.labels[rank + 1])
                spans[stop.visit] = Span(early, max(early, late), stop.end - stop.begin, rank)
        if meets:
            timing = route.timing
            spans[-1] = Span(timing.departs, timing.returns, 0, -1)
        return spans


def relate(
    model: cp_model.CpModel,
    relations: Relations,
    shown: Sequence[Met],
    spans: Sequence[Mapping[int, Span]],
    taken: Sequence[cp_model.IntVar],
    by_visit: Mapping[int, Sequence[int]],
) -> dict[int, cp_model.IntVar]:
    """Add the relations to the model; the begin of every tied visit that some route serves."""
    made = _Ties(model, relations.instance, shown, spans, taken, by_visit)
    made.times()
    made.crews()
    made.shifts()
    return made.begin


class _Ties:
    def __init__(
        self,
        model: cp_model.CpModel,
        instance: Instance,
        shown: Sequence[Met],
        spans: Sequence[Mapping[int, Span]],
        taken: Sequence[cp_model.IntVar],
        by_visit: Mapping[int, Sequence[int]],
    ) -> None:
        self.model, self.instance = model, instance
        self.shown, self.spans, self.taken, self.by_visit = shown, spans, taken, by_visit
        self.begin: dict[int, cp_model.IntVar] = {}

    def served(self, v: int) -> cp_model.LinearExpr:
        """1 when a route with the visit is taken, else 0."""
        own = [self.taken[i] for i in self.by_visit.get(v, ())]
        return cp_model.LinearExpr.weighted_sum(own, [1] * len(own))

    def times(self) -> None:
        """Begins, and what `after` and `together` ask of them."""
        instance, model = self.instance, self.model
        for v in range(instance.visits):
            if instance.timed_pairs[v] and v in self.by_visit:
                self._begin_of(v)
        for i, own in enumerate(self.spans):
            self._along(i, {v: span for v, span in own.items() if v >= 0})
        for v in range(instance.visits):
            for gap in instance.gaps_of[v]:
                if gap.first != v or gap.second not in self.begin:
                    continue
                model.add(self.served(gap.second) <= self.served(v))
                if v in self.begin:
                    between = self.begin[gap.second] - self.begin[v] - self._service(v)
                    self._when_served(gap.second, between, gap.least, gap.most)
            for other in instance.together_with[v]:
                if other > v:
                    model.add(self.served(v) == self.served(other))
                    if v in self.begin and other in self.begin:
                        self._when_served(v, self.begin[other] - self.begin[v], 0, 0)

    def _begin_of(self, v: int) -> None:
        routes = self.by_visit[v]
        own = [self.spans[i][v] for i in routes]
        low, high = min(span.early for span in own), max(span.late for span in own)
        self.begin[v] = self.model.new_int_var(low, high, f"b{v}")
        for i, span in zip(routes, own, strict=True):
            if span.early > low:
                self.model.add(self.begin[v] >= span.early).only_enforce_if(self.taken[i])
            if span.late < high:
                self.model.add(self.begin[v] <= span.late).only_enforce_if(self.taken[i])

    def _along(self, i: int, own: Mapping[int, Span]) -> None:
        """Keep the tied visits of one route as far apart as it needs at least."""
        ranked = sorted(own, key=lambda v: own[v].rank)
        for a, b in itertools.pairwise(ranked):
            apart = self._apart(self.shown[i], own[a].rank, own[b].rank)
            between = self.begin[b] - self.begin[a]
            self.model.add(between >= apart).only_enforce_if(self.taken[i])

    def _apart(self, candidate: Met, a: int, b: int) -> int:
        instance, s = self.instance, candidate.shift
        legs, total = instance.legs[instance.crew_of[s]], 0
        for k in range(a, b):
            v, after = candidate.order[k], candidate.order[k + 1]
            before = instance.place[candidate.order[k - 1]] if k else -1
            service = instance.services[s][v]
            total += service.again if before == service.place else service.first
            total += legs[service.place][instance.place[after]]
        return total

    def _service(self, v: int) -> cp_model.LinearExpr:
        routes = self.by_visit[v]
        seconds = [self.spans[i][v].service for i in routes]
        return cp_model.LinearExpr.weighted_sum([self.taken[i] for i in routes], seconds)

    def _when_served(self, v: int, term: cp_model.LinearExpr, low: int, high: int) -> None:
        literals = [self.taken[i] for i in self.by_visit[v]]
        served = self.model.new_bool_var("")
        self.model.add(cp_model.LinearExpr.sum(literals) == served)
        self.model.add(term >= low).only_enforce_if(served)
        if high < INFINITY:
            self.model.add(term <= high).only_enforce_if(served)

    def crews(self) -> None:
        """What `same_crew`, `different_crew` and `together` ask of crews."""
        instance = self.instance
        for v in range(instance.visits):
            for other in instance.apart_from[v]:
                if other > v:
                    self._never_both(v, other, lambda one, two: one == two)
            for other in instance.same_as[v]:
                self._never_both(v, other, lambda one, two: one != two)

    def _never_both(self, v: int, other: int, clash: Callable[[int, int], bool]) -> None:
        crew_of = self.instance.crew_of
        by_crew: dict[int, list[int]] = {}
        for i in self.by_visit.get(v, ()):
            by_crew.setdefault(crew_of[self.shown[i].shift], []).append(i)
        for crew, mine in by_crew.items():
            theirs = [
                i
                for i in self.by_visit.get(other, ())
                if clash(crew, crew_of[self.shown[i].shift]) and i not in mine
            ]
            if theirs:
                self.model.add_at_most_one(self.taken[i] for i in (*mine, *theirs))

    def shifts(self) -> None:
        """Routes of one crew follow each other."""
        instance = self.instance
        by_shift: dict[int, list[int]] = {}
        for i, candidate in enumerate(self.shown):
            by_shift.setdefault(candidate.shift, []).append(i)
        for s, later in enumerate(instance.later):
            for other in later:
                between = self.model.new_int_var(-(10**9), 10**9, "")
                for i in by_shift.get(s, ()):
                    back = self.spans[i][-1].late
                    self.model.add(between >= back).only_enforce_if(self.taken[i])
                for i in by_shift.get(other, ()):
                    out = self.spans[i][-1].early
                    self.model.add(between <= out).only_enforce_if(self.taken[i])
