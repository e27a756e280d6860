"""A right and tight plan, changed anywhere: the checker finds every change."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from optimizer.check import check
from optimizer.codec import plan_document, plan_from
from optimizer.plan import Plan
from optimizer.problem import After, Break, Incumbent, IncumbentRoute, Problem, Weights
from tests.optimizer.builders import left_out, plan, problem, route, shift, visit

TIGHT: Problem = problem(
    visit("A", due=500, late_cost=2),
    visit("B", "far", setup=40),
    visit("C", "far", setup=40, windows=((2140, 2150),)),
    visit("D", "far", windows=((1000, 1000),)),
    visit("E", skills={"HV": 1}),
    shifts=(
        shift("S", "C1", end=3400, max_overtime=100, breaks=(Break("tea", 900, 1300, 100),)),
        shift("T", "C2", use_cost=30),
        shift("U", "C3", end=10),
    ),
    relations=(After("A", "B", 0, 500),),
    weights=Weights(1, 1, 2, 0, 900),
    incumbent=Incumbent((IncumbentRoute("T", ("A",)),)),
)
RIGHT: Plan = plan(
    TIGHT,
    route(
        ("A", 600, 600, 900), ("B", 1400, 1400, 1740), ("C", 1740, 2140, 2440),
        breaks=(("tea", 900, 1000),), returns=3440, travel=2000, overtime=40,
    ),
    route(("D", 1000, 1000, 1300), returns=2300, travel=2000, on="T"),
    unserved=(left_out("E", "skill", skill=3),),
)  # fmt: skip
FREE_TO_CHANGE = {
    ("version",),
    ("routes", 0, "stops", 2, "arrive"),  # there is time to wait before the window opens
}


def test_the_plan_is_right() -> None:
    assert check(TIGHT, RIGHT).violations == ()
    assert check(TIGHT, RIGHT).figures == ()


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        if isinstance(item, (dict, list)):
            yield from _leaves(item, (*path, key))
        else:
            yield (*path, key)


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def _is_found(document: dict[str, Any]) -> bool:
    return not check(TIGHT, plan_from(document)).ok


NUMBERS = [
    path
    for path in _leaves(plan_document(RIGHT))
    if isinstance(_at(plan_document(RIGHT), path), int) and path not in FREE_TO_CHANGE
]


@pytest.mark.parametrize("path", NUMBERS, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.parametrize("change", [-1, 1])
def test_every_number_matters(path: tuple[Any, ...], change: int) -> None:
    document = copy.deepcopy(plan_document(RIGHT))
    _at(document, path[:-1])[path[-1]] += change

    if _at(document, path) < 0 and path[-1] != "departs":
        _at(document, path[:-1])[path[-1]] = 7
    assert _is_found(document)


LISTS: list[tuple[Any, ...]] = [
    ("routes",),
    ("unserved",),
    ("routes", 0, "stops"),
    ("routes", 0, "breaks"),
    ("routes", 1, "stops"),
]


@pytest.mark.parametrize("path", LISTS, ids=lambda path: ".".join(map(str, path)))
def test_every_entry_of_a_list_matters(path: tuple[Any, ...]) -> None:
    for index in range(len(_at(plan_document(RIGHT), path))):
        without, doubled = (copy.deepcopy(plan_document(RIGHT)) for _ in range(2))
        del _at(without, path)[index]
        _at(doubled, path).append(_at(doubled, path)[index])

        assert _is_found(without)
        assert _is_found(doubled)


def test_the_order_of_stops_matters() -> None:
    document = copy.deepcopy(plan_document(RIGHT))
    document["routes"][0]["stops"].reverse()

    assert _is_found(document)


def test_the_order_of_routes_does_not() -> None:
    document = copy.deepcopy(plan_document(RIGHT))
    document["routes"].reverse()

    assert not _is_found(document)


def test_every_name_matters() -> None:
    names = [
        path
        for path in _leaves(plan_document(RIGHT))
        if path[-1] in ("visit", "shift", "id", "reason")
    ]
    others = {"visit": ["A", "E"], "shift": ["S", "U"], "id": ["lunch"], "reason": ["cost"]}
    for path in names:
        for other in others[path[-1]]:
            document = copy.deepcopy(plan_document(RIGHT))
            if _at(document, path) != other:
                _at(document, path[:-1])[path[-1]] = other
                assert _is_found(document), path
