"""The rules that hold between a visit and its crew, and between the routes of a plan."""

from itertools import combinations

from optimizer.check.facts import Facts
from optimizer.check.report import Findings
from optimizer.plan import Plan, Route, Stop
from optimizer.problem import (
    After,
    Crew,
    DifferentCrew,
    Relation,
    SameCrew,
    Shift,
    Together,
    Visit,
)


class Served:
    """Where each visit of a plan is served: its shift, stop and path by visit id."""

    def __init__(self, routes: list[tuple[str, Shift, Route]]) -> None:
        self.shift: dict[str, Shift] = {}
        self.stop: dict[str, Stop] = {}
        self.path: dict[str, str] = {}
        for path, shift, route in routes:
            for index, stop in enumerate(route.stops):
                if stop.visit not in self.stop:
                    self.shift[stop.visit] = shift
                    self.stop[stop.visit] = stop
                    self.path[stop.visit] = f"{path}.stops[{index}]"

    def crew(self, visit: str) -> str:
        """The crew that serves a visit."""
        return self.shift[visit].crew


def check_served_once(facts: Facts, plan: Plan, found: Findings) -> None:
    """Every visit is served once or listed as unserved; nothing else is in the plan."""
    met: dict[str, str] = {}
    entries = [
        (f"routes[{i}].stops[{j}].visit", stop.visit)
        for i, route in enumerate(plan.routes)
        for j, stop in enumerate(route.stops)
    ]
    entries += [(f"unserved[{i}].visit", entry.visit) for i, entry in enumerate(plan.unserved)]
    for path, visit in entries:
        if visit not in facts.visits:
            found.broken("unknown", path, f"{visit} is no visit of the problem")
        elif visit in met:
            found.broken("served_once", path, f"{visit} is already at {met[visit]}")
        met.setdefault(visit, path)
    for visit in facts.visits:
        if visit not in met:
            found.broken("served_once", "unserved", f"{visit} is neither served nor listed here")


def check_routes_of_shifts(facts: Facts, plan: Plan, found: Findings) -> None:
    """Each used shift has one route, with at least one stop."""
    met: dict[str, int] = {}
    for index, route in enumerate(plan.routes):
        path = f"routes[{index}]"
        if route.shift not in facts.shifts:
            message = f"{route.shift} is no shift of the problem"
            found.broken("unknown", f"{path}.shift", message)
        elif route.shift in met:
            message = f"{route.shift} already has routes[{met[route.shift]}]"
            found.broken("one_route", f"{path}.shift", message)
        met.setdefault(route.shift, index)
        if not route.stops:
            found.broken("one_route", f"{path}.stops", "is empty: an unused shift has no route")


def check_crew(crew: Crew, shift: Shift, visit: Visit, path: str, found: Findings) -> None:
    """The crew and the shift are such as the visit asks for."""
    for rule in misfits(crew, shift, visit):
        found.broken(rule, path, f"{visit.id} cannot go to crew {crew.id} on shift {shift.id}")


def misfits(crew: Crew, shift: Shift, visit: Visit) -> list[str]:
    """What a visit asks for that a crew on a shift does not have, in the order of the reasons."""
    shut_out = visit.allowed_crews is not None and crew.id not in visit.allowed_crews
    fails = {
        "skill": any(crew.skills.get(name, 0) < level for name, level in visit.skills.items()),
        "members": crew.members < visit.members,
        "crew_not_allowed": shut_out or crew.id in visit.forbidden_crews,
        "pinned": visit.pinned is not None and visit.pinned.shift != shift.id,
    }
    return [rule for rule, failed in fails.items() if failed]


def check_crew_routes(routes: list[tuple[str, Shift, Route]], found: Findings) -> None:
    """A crew is on one route at a time; it may set out at the second of its last return."""
    by_time = sorted(routes, key=lambda entry: (entry[2].departs, entry[2].returns))
    last: dict[str, tuple[int, str]] = {}
    for path, shift, route in by_time:
        returns, other = last.get(shift.crew, (route.departs, ""))
        if route.departs < returns:
            message = f"crew {shift.crew} departs at {route.departs}, {other} returns at {returns}"
            found.broken("crew_overlap", path, message)
        last[shift.crew] = max((returns, other), (route.returns, path))


def check_relation(relation: Relation, served: Served, found: Findings) -> None:
    """The rule of one relation; what breaks it is noted at a stop that it names."""
    if isinstance(relation, After):
        _check_after(relation, served, found)
        return
    here = [visit for visit in relation.visits if visit in served.stop]
    if not here:
        return
    path = served.path[here[-1]]
    if isinstance(relation, Together):
        _check_together(relation, here, served, path, found)
    if isinstance(relation, SameCrew) and len({served.crew(visit) for visit in here}) > 1:
        found.broken("same_crew", path, f"{', '.join(here)} are served by several crews")
    if isinstance(relation, Together | DifferentCrew):
        rule = "together" if isinstance(relation, Together) else "different_crew"
        for one, other in combinations(here, 2):
            if served.crew(one) == served.crew(other):
                message = f"{one} and {other} are served by one crew"
                found.broken(rule, served.path[other], message)


def _check_after(relation: After, served: Served, found: Findings) -> None:
    if relation.second not in served.stop:
        return
    path = served.path[relation.second]
    if relation.first not in served.stop:
        message = f"{relation.second} is served, but {relation.first} is not"
        found.broken("after", path, message)
        return
    gap = served.stop[relation.second].start - served.stop[relation.first].end
    if gap < relation.min_gap or (relation.max_gap is not None and gap > relation.max_gap):
        most = " or more" if relation.max_gap is None else f" to {relation.max_gap}"
        message = f"{relation.second} begins {gap} s after {relation.first} ends"
        found.broken("after", path, f"{message}, not {relation.min_gap}{most} s")


def _check_together(
    relation: Together, here: list[str], served: Served, path: str, found: Findings
) -> None:
    if len(here) < len(relation.visits):
        missing = next(visit for visit in relation.visits if visit not in served.stop)
        found.broken("together", path, f"{here[0]} is served, but {missing} is not")
    if len({served.stop[visit].start for visit in here}) > 1:
        found.broken("together", path, f"{', '.join(here)} do not begin at the same second")
