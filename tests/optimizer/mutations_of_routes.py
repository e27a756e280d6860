"""Ways to spoil one route of a right plan: its times, hours, load and breaks."""

from collections.abc import Callable
from dataclasses import replace

from optimizer.plan import Stop, TakenBreak
from optimizer.problem import Shift, Visit
from tests.optimizer.spoiled import Given, Spoiled, delayed, first_of, moved, on_another_shift

# Timeline


def overlap(given: Given) -> Spoiled | None:
    """A drive begins one second before the service ahead of it ends."""

    def spoiled(r: int, i: int) -> Spoiled:
        arrive = given.stop(r, i - 1).end + given.leg(r, i) - 1
        return given.with_stop(r, i, moved(given.stop(r, i), arrive - given.stop(r, i).arrive))

    return first_of(spoiled(r, i) for r, i in given.stops() if i > 0)


def start_before_arrival(given: Given) -> Spoiled | None:
    """A service begins one second before the crew is there."""

    def spoiled(r: int, i: int) -> Spoiled:
        stop = given.stop(r, i)
        begin = stop.arrive - 1
        return given.with_stop(
            r, i, Stop(stop.visit, stop.arrive, begin, begin + stop.end - stop.start)
        )

    return first_of(spoiled(r, i) for r, i in given.stops())


def other_departure(given: Given) -> Spoiled | None:
    """The departure is not the first arrival less the drive."""
    by = given.chance.choice([-60, -1, 1, 60])
    routes = given.plan.routes
    return first_of(
        given.with_route(r, replace(route, departs=route.departs + by))
        for r, route in enumerate(routes)
    )


def early_return(given: Given) -> Spoiled | None:
    """The crew is back one second before it can be."""
    return first_of(
        given.with_route(
            r, replace(route, returns=route.stops[-1].end + given.leg(r, len(route.stops)) - 1)
        )
        for r, route in enumerate(given.plan.routes)
    )


def short_service(given: Given) -> Spoiled | None:
    """A service lasts a second less, or longer."""
    by = given.chance.choice([-1, 1, 300])
    stops = given.stops()
    return first_of(
        given.with_stop(r, i, replace(given.stop(r, i), end=given.stop(r, i).end + by))
        for r, i in stops
    )


def outside_windows(given: Given) -> Spoiled | None:
    """A service begins a second after its last window closes."""

    def spoiled(r: int, i: int) -> Spoiled:
        late = max(window.close for window in given.visit(r, i).windows) + 1
        return given.with_stop(r, i, moved(given.stop(r, i), late - given.stop(r, i).start))

    free = (at for at in given.stops() if given.visit(*at).pinned is None)
    return first_of(spoiled(r, i) for r, i in free if given.visit(r, i).windows)


# Hours, crews and load


def beyond_the_hours(given: Given) -> Spoiled | None:
    """The whole route is one second before its shift, or beyond its overtime."""
    for r, route in enumerate(given.plan.routes):
        shift = given.shift(r)
        early = shift.start - 1 - route.departs
        late = shift.end + shift.max_overtime + 1 - route.returns
        return given.with_route(r, delayed(route, given.chance.choice([early, late])))
    return None


def crew_on_two_routes(given: Given) -> Spoiled | None:
    """A crew departs one second before it is back from another route."""
    routes = [
        (r, route) for r, route in enumerate(given.plan.routes) if route.returns > route.departs
    ]
    return first_of(
        given.with_route(r, delayed(later, earlier.returns - 1 - later.departs))
        for _, earlier in routes
        for r, later in routes
        if given.shift(r).crew == given.facts.shifts[earlier.shift].crew
        and later.departs >= earlier.returns
    )


def _for_unfit(given: Given, unfit: Callable[[Shift, Visit], bool]) -> Spoiled | None:
    """A visit that was left out is appended to a route that is not fit for it."""

    def spoiled(r: int, visit: Visit) -> Spoiled:
        route, end = given.plan.routes[r], given.plan.routes[r].stops[-1].end
        stops = (*route.stops, Stop(visit.id, end, end, end))
        grown = given.with_route(r, replace(route, stops=stops))
        left = tuple(entry for entry in given.plan.unserved if entry.visit != visit.id)
        return replace(grown, plan=replace(grown.plan, unserved=left))

    left = [given.facts.visits[entry.visit] for entry in given.plan.unserved]
    given.chance.shuffle(left)
    return first_of(
        spoiled(r, visit)
        for visit in left
        for r in range(len(given.plan.routes))
        if unfit(given.shift(r), visit)
    )


def without_the_skill(given: Given) -> Spoiled | None:
    """A crew serves what it has not the skill for."""

    def lacks(shift: Shift, visit: Visit) -> bool:
        skills = given.facts.crews[shift.crew].skills
        return any(skills.get(name, 0) < level for name, level in visit.skills.items())

    return _for_unfit(given, lacks)


def too_few_members(given: Given) -> Spoiled | None:
    """A crew serves what it is too small for."""
    crews = given.facts.crews
    return _for_unfit(given, lambda shift, visit: crews[shift.crew].members < visit.members)


def not_allowed(given: Given) -> Spoiled | None:
    """A crew serves what it is kept from."""

    def kept_from(shift: Shift, visit: Visit) -> bool:
        allowed = visit.allowed_crews
        return shift.crew in visit.forbidden_crews or (
            allowed is not None and shift.crew not in allowed
        )

    return _for_unfit(given, kept_from)


def without_the_parts(given: Given) -> Spoiled | None:
    """A visit needs more of a part than the whole stock of the shift."""

    def short(shift: Shift, visit: Visit) -> bool:
        return any(count > shift.stock.get(part, 0) for part, count in visit.parts.items())

    return _for_unfit(given, short)


def too_many_visits(given: Given) -> Spoiled | None:
    """A route has more stops than its shift may."""
    return on_another_shift(
        given, lambda route, s: s.max_visits is not None and len(route.stops) > s.max_visits
    )


# Breaks


def _with_break(
    given: Given, fits: Callable[[int, TakenBreak], TakenBreak | None]
) -> Spoiled | None:
    for r, route in enumerate(given.plan.routes):
        for taken in route.breaks:
            other = fits(r, taken)
            if other is not None:
                rest = tuple(entry for entry in route.breaks if entry is not taken)
                return given.with_route(r, replace(route, breaks=(*rest, other)))
    return None


def break_out_of_its_time(given: Given) -> Spoiled | None:
    """A break begins a second after its latest."""

    def late(r: int, taken: TakenBreak) -> TakenBreak:
        pause = next(pause for pause in given.shift(r).breaks if pause.id == taken.id)
        return TakenBreak(taken.id, pause.latest + 1, pause.latest + 1 + pause.duration)

    return _with_break(given, late)


def short_break(given: Given) -> Spoiled | None:
    """A break lasts a second less than it should."""
    return _with_break(
        given,
        lambda _, taken: replace(taken, end=taken.end - 1) if taken.end > taken.start else None,
    )


def break_during_service(given: Given) -> Spoiled | None:
    """A break begins with a service."""

    def during(r: int, taken: TakenBreak) -> TakenBreak | None:
        length = taken.end - taken.start
        busy = [stop for stop in given.plan.routes[r].stops if stop.end > stop.start]
        if not length or not busy:
            return None
        begin = given.chance.choice(busy).start
        return TakenBreak(taken.id, begin, begin + length)

    return _with_break(given, during)


def break_twice(given: Given) -> Spoiled | None:
    """A break is taken again, when the day is over."""
    for r, route in enumerate(given.plan.routes):
        for taken in route.breaks:
            again = replace(taken, start=taken.start + 10**6, end=taken.end + 10**6)
            return given.with_route(r, replace(route, breaks=(*route.breaks, again)))
    return None


def break_missing(given: Given) -> Spoiled | None:
    """A break is gone that is due before the return and cannot have been before departure."""
    for r, route in enumerate(given.plan.routes):
        for taken in route.breaks:
            pause = next(pause for pause in given.shift(r).breaks if pause.id == taken.id)
            if pause.latest < route.returns and pause.earliest + pause.duration > route.departs:
                rest = tuple(entry for entry in route.breaks if entry is not taken)
                return given.with_route(r, replace(route, breaks=rest))
    return None
