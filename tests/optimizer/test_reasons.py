"""Why a visit is left out: one legible problem for each reason of the format."""

from typing import Any

import pytest

from optimizer.check import check
from optimizer.insert import retime
from optimizer.plan import Unserved
from optimizer.problem import After, Crew, DifferentCrew, Pin, Problem, Together, Visit, Window
from optimizer.solve import Limits, solve
from tests.optimizer.builders import problem, shift, visit


def explained(given: Problem, name: str) -> Unserved:
    """Why the visit is left out of the plan, which must be without fault."""
    result = solve(given, Limits(iterations=5))
    assert check(given, result).ok
    return next(entry for entry in result.unserved if entry.visit == name)


@pytest.mark.parametrize(
    ("reason", "keys", "hint"),
    [
        ("skill", {"skills": {"hv": 2}}, "It needs hv at level 2; the highest on duty is 1."),
        ("members", {"members": 3}, "It needs a crew of 3"),
        ("crew_not_allowed", {"allowed_crews": ()}, "allow one"),
        ("crew_not_allowed", {"forbidden_crews": ("C",)}, "allow one"),
        ("parts", {"parts": {"fuse": 2}}, "It needs 2 x fuse"),
        ("shift_hours", {"duration": 9000}, "within its shift"),
        ("window", {"windows": ((0, 599),)}, "within its windows"),
        ("cost", {"unserved_cost": 1000}, "cost 1200 points; leaving it out costs 1000."),
    ],
)
def test_the_first_rule_that_fails_is_the_reason(
    reason: str, keys: dict[str, Any], hint: str
) -> None:
    crew = Crew("C", skills={"hv": 1}, members=2)
    given = problem(visit("A", **keys), crews=(crew,), shifts=(shift(stock={"fuse": 1}),))

    entry = explained(given, "A")

    assert (entry.reason, dict(entry.shifts)) == (reason, {reason: 1})
    assert entry.hint is not None
    assert hint in entry.hint


def test_the_hint_on_crew_size_speaks_of_crews_with_the_skills() -> None:
    crews = (Crew("C1", skills={"hv": 1}, members=2), Crew("C2", members=4))
    shifts = (shift("S1", "C1"), shift("S2", "C2"))

    entry = explained(
        problem(visit("A", skills={"hv": 1}, members=3), crews=crews, shifts=shifts), "A"
    )

    assert entry.hint == "It needs a crew of 3; the largest with the skills, C1, has 2."


def test_a_visit_pinned_to_a_shift_that_cannot_is_told_by_both_shifts() -> None:
    shifts = (shift("S1", "C1", max_visits=0), shift("S2", "C2"))

    entry = explained(problem(visit("A", pinned=Pin("S1")), shifts=shifts), "A")

    assert (entry.reason, dict(entry.shifts)) == ("shift_hours", {"pinned": 1, "shift_hours": 1})


def test_travel_beyond_the_shifts_most_is_a_matter_of_its_hours() -> None:
    entry = explained(problem(visit("A"), shifts=(shift(max_travel=1199),)), "A")

    assert entry.reason == "shift_hours"


def test_a_second_without_its_first_fails_by_the_relation() -> None:
    first: Visit = visit("A", skills={"hv": 1})

    entry = explained(problem(first, visit("B"), relations=(After("A", "B"),)), "B")

    assert entry.reason == "relation"
    assert entry.hint is not None
    assert "A, which is left out" in entry.hint


def test_the_second_of_two_crews_wanted_fails_by_the_relation() -> None:
    visits = (visit("A", unserved_cost=20_000), visit("B"))

    entry = explained(problem(*visits, relations=(DifferentCrew(("A", "B")),)), "B")

    assert entry.reason == "relation"


def test_visits_together_without_a_second_crew_name_each_other() -> None:
    entry = explained(problem(visit("A"), visit("B"), relations=(Together(("A", "B")),)), "A")

    assert entry.hint is not None
    assert "B can begin" in entry.hint


def test_visits_together_lack_room_where_they_would_fit_into_empty_shifts() -> None:
    shifts = (
        shift("S1", "C1", max_visits=1),
        shift("S2", "C2", max_visits=1),
        shift("S3", "C3", start=9000, end=12_000),
    )
    visits = (
        visit("A", windows=(Window(0, 8000),)),
        visit("B", skills={"hv": 1}),
        visit("C", unserved_cost=90_000),
    )
    crews = (Crew("C1"), Crew("C2", skills={"hv": 1}), Crew("C3", skills={"hv": 1}))
    given = problem(*visits, shifts=shifts, crews=crews, relations=(Together(("A", "B")),))
    plan = retime(given, {"S1": ["C"]})

    reasons = {entry.visit: entry.shifts for entry in plan.unserved}

    # B has the skill for C2 and C3 only, and on C3 it would begin too late for A.
    assert reasons["A"] == {"capacity": 1, "relation": 1, "window": 1}
    assert reasons["B"] == {"skill": 1, "capacity": 1, "relation": 1}
    assert check(given, plan).ok


def test_a_full_shift_is_a_matter_of_capacity() -> None:
    visits = (visit("A", unserved_cost=20_000), visit("B"))

    entry = explained(problem(*visits, shifts=(shift(max_visits=1),)), "B")

    assert entry.reason == "capacity"


def test_the_reason_furthest_down_wins_and_every_shift_is_counted() -> None:
    crews = (Crew("C1"), Crew("C2", skills={"hv": 1}), Crew("C3"))
    shifts = (shift("S1", "C1"), shift("S2", "C2", end=500), shift("S3", "C3"))

    entry = explained(problem(visit("A", skills={"hv": 1}), crews=crews, shifts=shifts), "A")

    assert (entry.reason, dict(entry.shifts)) == ("shift_hours", {"skill": 2, "shift_hours": 1})
