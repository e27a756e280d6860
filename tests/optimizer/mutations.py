"""Ways to spoil a right plan, each of which breaks one known rule by construction.

A mutation gives None where the plan offers nothing to spoil in its way. Where a plan must first be
bound by a rule to break it, the mutation also gives a problem with that rule, which the plan keeps.
"""

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

from optimizer.plan import REASONS
from optimizer.problem import After, DifferentCrew, Pin, Problem, SameCrew, Together
from tests.optimizer.mutations_of_routes import (
    beyond_the_hours,
    break_during_service,
    break_missing,
    break_out_of_its_time,
    break_twice,
    crew_on_two_routes,
    early_return,
    not_allowed,
    other_departure,
    outside_windows,
    overlap,
    short_break,
    short_service,
    start_before_arrival,
    too_few_members,
    too_many_visits,
    without_the_parts,
    without_the_skill,
)
from tests.optimizer.spoiled import Given, Mutation, Spoiled, first_of, moved, on_another_shift
from tests.optimizer.written_out import told

# What is frozen


def frozen_start(given: Given) -> Spoiled | None:
    """A visit pinned to the second at which it begins is moved by a second."""

    def spoiled(r: int, i: int) -> Spoiled:
        stop = given.stop(r, i)
        pin = Pin(given.shift(r).id, stop.start)
        problem = given.with_visit(replace(given.visit(r, i), pinned=pin))
        return given.with_stop(r, i, moved(stop, given.chance.choice([-1, 1])), problem)

    return first_of(spoiled(r, i) for r, i in given.stops())


def frozen_shift(given: Given) -> Spoiled | None:
    """A visit pinned to its shift goes to another one with its route."""
    moved = on_another_shift(given, lambda route, shift: True)
    if moved is None:
        return None
    pairs = zip(given.plan.routes, moved.plan.routes, strict=True)
    route = next(old for old, new in pairs if old.shift != new.shift)
    visit = given.facts.visits[given.chance.choice(route.stops).visit]
    pinned = replace(visit, pinned=Pin(route.shift))
    return replace(moved, problem=given.with_visit(pinned))


# Relations


def _bound(given: Given, *relations: After | Together | SameCrew | DifferentCrew) -> Problem:
    return replace(given.problem, relations=relations)


def gap_too_long(given: Given) -> Spoiled | None:
    """A second begins a second later after its first than it may."""
    places = given.stops()
    for one in places:
        for r, i in places:
            gap = given.stop(r, i).start - given.stop(*one).end
            if gap >= 0 and (r, i) != one:
                rule = After(given.stop(*one).visit, given.stop(r, i).visit, 0, gap)
                return given.with_stop(r, i, moved(given.stop(r, i), 1), _bound(given, rule))
    return None


def second_without_first(given: Given) -> Spoiled | None:
    """A first is left out, but its second is served."""
    left = {entry.visit for entry in given.plan.unserved}
    for r, i in given.stops():
        for other in sorted(left):
            rule = After(other, given.stop(r, i).visit)
            return Spoiled(_bound(given, rule), given.plan)
    return None


def _pairs(given: Given, *, of_one_crew: bool) -> Iterable[tuple[tuple[int, int], tuple[int, int]]]:
    """Two stops of one crew or of two, by (route, position)."""
    for a, b in permutations(given.stops(), 2):
        if (given.shift(a[0]).crew == given.shift(b[0]).crew) == of_one_crew:
            yield a, b


def not_together(given: Given) -> Spoiled | None:
    """Visits that should begin together begin a second apart."""
    for a, b in _pairs(given, of_one_crew=False):
        one, other = given.stop(*a), given.stop(*b)
        rule = Together((one.visit, other.visit))
        later = moved(other, one.start + 1 - other.start)
        return given.with_stop(*b, later, _bound(given, rule))
    return None


def crew_not_the_same(given: Given) -> Spoiled | None:
    """Visits that should share a crew have two."""
    for a, b in _pairs(given, of_one_crew=False):
        rule = SameCrew((given.stop(*a).visit, given.stop(*b).visit))
        return Spoiled(_bound(given, rule), given.plan)
    return None


def crew_not_another(given: Given) -> Spoiled | None:
    """Visits that should have two crews share one."""
    for a, b in _pairs(given, of_one_crew=True):
        rule = DifferentCrew((given.stop(*a).visit, given.stop(*b).visit))
        return Spoiled(_bound(given, rule), given.plan)
    return None


# What is served, and what is said of the rest


def visit_lost(given: Given) -> Spoiled | None:
    """A visit is neither served nor left out."""
    if not given.plan.unserved:
        return None
    return Spoiled(given.problem, replace(given.plan, unserved=given.plan.unserved[1:]))


def visit_twice(given: Given) -> Spoiled | None:
    """A visit is served and left out."""
    for r, i in given.stops():
        entry = told(given.facts, given.visit(r, i))
        unserved = (*given.plan.unserved, entry)
        return Spoiled(given.problem, replace(given.plan, unserved=unserved))
    return None


def false_reason(given: Given) -> Spoiled | None:
    """A reason that a shift alone can show to be false."""
    if not given.problem.shifts or not given.plan.unserved:
        return None
    entry, *rest = given.plan.unserved
    reason = next(reason for reason in REASONS if reason != entry.reason)
    wrong = (replace(entry, reason=reason), *rest)
    return Spoiled(given.problem, replace(given.plan, unserved=wrong))


RULES: dict[Mutation, str] = {
    overlap: "timeline",
    start_before_arrival: "timeline",
    other_departure: "timeline",
    early_return: "timeline",
    short_service: "service",
    outside_windows: "window",
    beyond_the_hours: "shift_hours",
    crew_on_two_routes: "crew_overlap",
    without_the_skill: "skill",
    too_few_members: "members",
    not_allowed: "crew_not_allowed",
    without_the_parts: "parts",
    too_many_visits: "max_visits",
    frozen_start: "pinned",
    frozen_shift: "pinned",
    break_out_of_its_time: "break",
    short_break: "break",
    break_during_service: "break",
    break_twice: "break",
    break_missing: "break",
    gap_too_long: "after",
    second_without_first: "after",
    not_together: "together",
    crew_not_the_same: "same_crew",
    crew_not_another: "different_crew",
    visit_lost: "served_once",
    visit_twice: "served_once",
    false_reason: "reason",
}
"""The rule that each mutation breaks."""
