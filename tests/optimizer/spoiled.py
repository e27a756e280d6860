"""A right plan as a mutation looks at it, and what it makes of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random

from optimizer.check.facts import Facts
from optimizer.plan import Plan, Route, Stop, TakenBreak
from optimizer.problem import Problem, Shift, Visit
from tests.optimizer.written_out import legs


@dataclass(frozen=True)
class Spoiled:
    """A plan that breaks a rule of a problem."""

    problem: Problem
    plan: Plan


class Given:
    """A right plan, as the mutations look at it; choices are drawn from `chance`."""

    def __init__(self, problem: Problem, plan: Plan, chance: Random) -> None:
        self.problem, self.plan, self.chance = problem, plan, chance
        self.facts = Facts(problem)

    def stops(self) -> list[tuple[int, int]]:
        """Every (route, position) of the plan, in a random order."""
        places = [
            (r, i) for r, route in enumerate(self.plan.routes) for i in range(len(route.stops))
        ]
        self.chance.shuffle(places)
        return places

    def stop(self, r: int, i: int) -> Stop:
        """The stop of a route at a position."""
        return self.plan.routes[r].stops[i]

    def visit(self, r: int, i: int) -> Visit:
        """The visit served there."""
        return self.facts.visits[self.stop(r, i).visit]

    def shift(self, r: int) -> Shift:
        """The shift of a route."""
        return self.facts.shifts[self.plan.routes[r].shift]

    def leg(self, r: int, i: int) -> int:
        """Seconds of the drive to a position; the position after the last is the end place."""
        route = self.plan.routes[r]
        ways = legs(self.facts, route)
        crew = self.facts.crew_of(self.shift(r))
        return self.facts.seconds(crew, *ways[i]) if i < len(ways) else 0

    def with_route(self, r: int, route: Route, problem: Problem | None = None) -> Spoiled:
        """The plan with another route in the place of one."""
        routes = (*self.plan.routes[:r], route, *self.plan.routes[r + 1 :])
        return Spoiled(problem or self.problem, replace(self.plan, routes=routes))

    def with_stop(self, r: int, i: int, stop: Stop, problem: Problem | None = None) -> Spoiled:
        """The plan with another stop in the place of one."""
        route = self.plan.routes[r]
        stops = (*route.stops[:i], stop, *route.stops[i + 1 :])
        return self.with_route(r, replace(route, stops=stops), problem)

    def with_visit(self, visit: Visit) -> Problem:
        """The problem with another visit of the same id."""
        visits = (visit if old.id == visit.id else old for old in self.problem.visits)
        return replace(self.problem, visits=tuple(visits))


Mutation = Callable[[Given], Spoiled | None]


def moved(stop: Stop, by: int) -> Stop:
    return Stop(stop.visit, stop.arrive + by, stop.start + by, stop.end + by)


def delayed(route: Route, by: int) -> Route:
    return replace(
        route,
        departs=route.departs + by,
        returns=route.returns + by,
        stops=tuple(moved(stop, by) for stop in route.stops),
        breaks=tuple(TakenBreak(b.id, b.start + by, b.end + by) for b in route.breaks),
    )


def first_of(options: Iterable[Spoiled]) -> Spoiled | None:
    return next(iter(options), None)


def on_another_shift(given: Given, unfit: Callable[[Route, Shift], bool]) -> Spoiled | None:
    """A route as it is, on an idle shift that may not have it."""
    used = {route.shift for route in given.plan.routes}
    idle = [shift for shift in given.problem.shifts if shift.id not in used]
    return first_of(
        given.with_route(r, replace(route, shift=shift.id))
        for r, route in enumerate(given.plan.routes)
        for shift in idle
        if unfit(route, shift)
    )
