"""A bound proven of one problem, and for which others it holds."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from optimizer.codec import problem_document
from optimizer.problem import Incumbent, IncumbentRoute, Pin, Problem, Visit, Weights, Window
from optimizer.proof import holds_for
from tests.optimizer.brute_force import cheapest
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem

SHIFTS = (shift("S1", "C1"), shift("S2", "C2"))


def holds(after: Problem, before: Problem) -> bool:
    return holds_for(problem_document(after), problem_document(before))


@pytest.mark.parametrize(
    ("free", "bound"),
    [
        ({}, {"pinned": Pin("S1")}),
        ({}, {"pinned": Pin("S1", 700)}),
        ({}, {"allowed_crews": ("C1",)}),
        ({}, {"forbidden_crews": ("C1",)}),
        ({}, {"windows": (Window(600, 700),)}),
        ({"windows": (Window(0, 9000),)}, {"windows": (Window(600, 700), Window(800, 900))}),
        ({"windows": (Window(0, 9000),)}, {"pinned": Pin("S1", 700), "windows": ()}),
        ({"allowed_crews": ("C1", "C2")}, {"allowed_crews": ("C2",)}),
        ({"pinned": Pin("S1")}, {"pinned": Pin("S1", 700)}),
    ],
)
def test_a_visit_of_which_more_is_asked_keeps_the_bound_and_one_set_free_does_not(
    free: dict[str, Any], bound: dict[str, Any]
) -> None:
    before = problem(visit("A", **free), visit("B"), shifts=SHIFTS)
    after = problem(visit("A", **bound), visit("B"), shifts=SHIFTS)

    assert holds(after, before)
    assert holds(before, before)
    assert not holds(before, after)


@pytest.mark.parametrize(
    "change",
    [
        {"unserved_cost": 9},
        {"duration": 9},
        {"late_cost": 1, "due": 0},
        {"preferred_crews": ("C1",)},
        {"id": "C"},
    ],
)
def test_another_visit_is_another_problem(change: dict[str, Any]) -> None:
    before = problem(visit("A"), visit("B"), shifts=SHIFTS)
    after = problem(visit("A"), replace(visit("B"), **change), shifts=SHIFTS)

    assert not holds(after, before)


def test_a_pin_to_a_time_outside_the_windows_is_more_than_was_allowed() -> None:
    before = problem(visit("A", windows=(Window(0, 600),)), shifts=SHIFTS)
    after = problem(visit("A", windows=(Window(0, 600),), pinned=Pin("S1", 700)), shifts=SHIFTS)

    assert not holds(after, before)


def test_one_visit_more_or_less_and_another_shift_are_another_problem() -> None:
    before = problem(visit("A"), visit("B"), shifts=SHIFTS)

    assert not holds(problem(visit("A"), shifts=SHIFTS), before)
    assert not holds(problem(visit("A"), visit("B"), visit("C"), shifts=SHIFTS), before)
    later = (shift("S1", "C1", end=9999), SHIFTS[1])
    assert not holds(problem(visit("A"), visit("B"), shifts=later), before)


def test_a_plan_in_force_only_adds_the_points_of_changes_to_it() -> None:
    weights = Weights(change=100)
    bare = problem(visit("A"), shifts=SHIFTS, weights=weights)
    moved = replace(bare, incumbent=Incumbent((IncumbentRoute("S1", ("A",)),)))
    other = replace(bare, incumbent=Incumbent((IncumbentRoute("S2", ("A",)),)))

    assert holds(moved, bare)
    assert not holds(bare, moved)
    assert not holds(other, moved)
    assert holds(replace(other, weights=Weights()), replace(moved, weights=Weights()))


def harder(entry: Visit, given: Problem, chance: Random) -> Visit:
    """The visit with something about where and when it may be served changed, more or less allowed."""
    key = chance.choice(["pinned", "allowed_crews", "forbidden_crews", "windows"])
    crews = tuple(crew.id for crew in given.crews if chance.random() < 0.5)
    opens = chance.randint(0, 40_000)
    wide = (Window(opens, opens + chance.randint(0, 40_000)),)
    pin = Pin(chance.choice(given.shifts).id, chance.choice([None, opens]))
    value = {"pinned": pin, "windows": wide}.get(key, crews)
    return replace(entry, **{key: value})


def test_where_a_bound_is_said_to_hold_no_plan_is_cheaper() -> None:
    held = lost = 0
    for seed in range(150):
        given, chance = random_problem(seed, most_visits=5), Random(seed)
        if not given.visits or not given.shifts:
            continue
        asked = chance.choice(given.visits)
        changed = replace(
            given,
            visits=tuple(
                harder(entry, given, chance) if entry is asked else entry for entry in given.visits
            ),
        )
        if holds(changed, given):
            held += 1
            assert cheapest(changed).cost.total >= cheapest(given).cost.total, seed
        else:
            lost += 1
    assert min(held, lost) > 20
