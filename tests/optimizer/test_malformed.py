"""Every key of a problem, spoiled in every way: refused at its path, or legal and listed here.

The whole document holds every key that the format has. Each mutation is made at each of its
values; what the format allows there is derived from the tables below and asserted to be read.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest

from optimizer.codec import read_problem
from optimizer.problem import Crew, Place, Problem, ProblemError, Shift, Visit, Weights

Path = tuple[str | int, ...]

WHOLE: dict[str, Any] = {
    "version": 1,
    "start": "2026-03-02T00:00:00+08:00",
    "places": [{"id": "P", "lat": 22.8, "lon": 113.6}, {"id": "Q", "lat": 22.9, "lon": 113.7}],
    "travel": {
        "profiles": {
            "van": {"seconds": [[0, 60], [70, 0]], "metres": [[0, 600], [700, 0]]},
            "boat": {"estimate": {"speed_kmh": 30.5, "detour": 1.35, "overhead": 60}},
        }
    },
    "crews": [
        {"id": "C", "skills": {"hv": 2}, "members": 2, "travel_factor": 1.5, "service_factor": 0.5,
         "profile": "van"},
        {"id": "D", "profile": "boat"},
    ],
    "shifts": [
        {"id": "S", "crew": "C", "start": 0, "end": 900, "max_overtime": 60, "from": "P", "to": "Q",
         "breaks": [{"id": "b", "earliest": 10, "latest": 20, "duration": 30}],
         "stock": {"fuse": 3}, "max_visits": 5, "max_travel": 800, "use_cost": 7},
        {"id": "T", "crew": "D", "start": 1000, "end": 2000, "from": "Q"},
    ],
    "visits": [
        {"id": "V", "place": "P", "duration": 9, "setup": 4, "windows": [[1, 5], [8, 9]], "due": 6,
         "late_cost": 2, "unserved_cost": 50, "skills": {"hv": 1}, "members": 1,
         "parts": {"fuse": 1}, "allowed_crews": ["C"], "forbidden_crews": ["D"],
         "preferred_crews": ["C"], "pinned": {"shift": "S", "start": 3}},
        {"id": "W", "place": "Q", "duration": 9, "unserved_cost": 50},
    ],
    "relations": [
        {"type": "after", "first": "V", "second": "W", "min_gap": 5, "max_gap": 8},
        {"type": "together", "visits": ["V", "W"]},
        {"type": "same_crew", "visits": ["W", "V"]},
        {"type": "different_crew", "visits": ["V", "W"]},
    ],
    "weights": {"travel": 1, "work": 2, "overtime": 3, "not_preferred": 4, "change": 5},
    "incumbent": {"routes": [{"shift": "S", "stops": [{"visit": "V"}]}]},
    "meta": {"free": {"n": 1}},
}  # fmt: skip
"""A small problem in which every key of the format stands."""


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every value below the whole document."""
    inner: Any = value.items() if isinstance(value, dict) else ()
    for key, item in enumerate(value) if isinstance(value, list) else inner:
        yield (*path, key)
        yield from _paths(item, (*path, key))


def at(path: Path) -> Any:
    value: Any = WHOLE
    for key in path:
        value = value[key]
    return value


def dotted(path: Path) -> str:
    """The path as the format writes it: `visits[0].windows[1]`."""
    steps = (f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)
    return "".join(steps).lstrip(".")


def pattern(path: Path) -> str:
    """The path without its numbers: `visits[].windows[]`."""
    return re.sub(r"\d+", "", dotted(path))


def changed(path: Path, value: Any) -> str:
    """The text of the whole document with another value at a path."""
    document = copy.deepcopy(WHOLE)
    parent: Any = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = value
    return json.dumps(document)


def refusal(text: str) -> str | None:
    """The path at which the document is refused, None when it is read."""
    try:
        read_problem(text)
    except ProblemError as error:
        return error.path
    return None


EVERY = list(_paths(WHOLE))
NUMBERS = [path for path in EVERY if isinstance(at(path), (int, float))]
WHOLE_NUMBERS = [path for path in EVERY if isinstance(at(path), int)]
TEXTS = [path for path in EVERY if isinstance(at(path), str)]
KEYS = [path for path in EVERY if isinstance(path[-1], str)]
OBJECTS = [(), *(path for path in EVERY if isinstance(at(path), dict))]

FREE = {"meta.free", "meta.free.n"}
"""What `meta` holds may be anything that JSON can hold."""

MAY_BE_MISSING = FREE | {
    "travel.profiles.van.metres", "travel.profiles.boat.estimate.speed_kmh",
    "travel.profiles.boat.estimate.detour", "travel.profiles.boat.estimate.overhead",
    "crews[].skills", "crews[].skills.hv", "crews[].members", "crews[].travel_factor",
    "crews[].service_factor", "shifts[].max_overtime", "shifts[].to", "shifts[].breaks",
    "shifts[].stock", "shifts[].stock.fuse", "shifts[].max_visits", "shifts[].max_travel",
    "shifts[].use_cost", "visits[].setup", "visits[].windows", "visits[].due",
    "visits[].late_cost", "visits[].skills", "visits[].skills.hv", "visits[].members",
    "visits[].parts", "visits[].parts.fuse", "visits[].allowed_crews",
    "visits[].forbidden_crews", "visits[].preferred_crews", "visits[].pinned",
    "visits[].pinned.start", "relations", "relations[].min_gap", "relations[].max_gap",
    "weights", "weights.travel", "weights.work", "weights.overtime", "weights.not_preferred",
    "weights.change", "incumbent", "meta",
}  # fmt: skip
MAY_BE_NULL = FREE | {
    "travel.profiles.van.metres", "shifts[].to", "shifts[].max_visits", "shifts[].max_travel",
    "visits[].due", "visits[].allowed_crews", "visits[].pinned", "visits[].pinned.start",
    "relations[].max_gap", "incumbent",
}  # fmt: skip
MAY_BE_NEGATIVE = {
    "places[].lat", "places[].lon", "shifts[].start", "shifts[].breaks[].earliest",
    "visits[].windows[][]", "visits[].due", "visits[].pinned.start", "meta.free.n",
}  # fmt: skip
MAY_BE_HUGE = {
    "travel.profiles.boat.estimate.speed_kmh", "travel.profiles.boat.estimate.detour",
    "crews[].travel_factor", "crews[].service_factor", "meta.free.n",
}  # fmt: skip
MAY_BE_UNKNOWN = {
    "shifts[].id", "shifts[].breaks[].id", "incumbent.routes[].shift",
    "incumbent.routes[].stops[].visit",
}  # fmt: skip
"""A new name for what nothing else names; and the plan in force may name what is gone."""

ELSEWHERE = {
    "missing": {
        "travel.profiles": "travel.seconds",  # without profiles it would have to be a matrix
        "travel.profiles.boat.estimate": "travel.profiles.boat.seconds",
        "travel.profiles.van": "crews[0].profile",
        "travel.profiles.boat": "crews[1].profile",
    },
    "negative": {f"visits[0].windows[{i}][1]": f"visits[0].windows[{i}]" for i in range(2)},
    "unknown": {  # whoever names what has another name now
        "places[0].id": "shifts[0].from",
        "places[1].id": "shifts[0].to",
        "crews[0].id": "shifts[0].crew",
        "crews[1].id": "shifts[1].crew",
        "shifts[0].id": "visits[0].pinned.shift",
        "visits[0].id": "relations[0].first",
        "visits[1].id": "relations[0].second",
    },
}
"""Faults that show at another path than that of the value that was changed."""


def without(path: Path) -> str:
    """The text of the whole document without a key."""
    rest = {key: value for key, value in at(path[:-1]).items() if key != path[-1]}
    return changed(path[:-1], rest) if path[:-1] else json.dumps(rest)


def of_another_type(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return 7
    return {} if isinstance(value, list) else []


MUTATIONS: dict[str, tuple[list[Path], Callable[[Path], str], set[str]]] = {
    "missing": (KEYS, without, MAY_BE_MISSING),
    "null": (EVERY, lambda path: changed(path, None), MAY_BE_NULL),
    "another type": (EVERY, lambda path: changed(path, of_another_type(at(path))), FREE),
    "a boolean": (NUMBERS, lambda path: changed(path, True), {"meta.free.n"}),
    "a fraction": (WHOLE_NUMBERS, lambda path: changed(path, float(at(path))), {"meta.free.n"}),
    "negative": (NUMBERS, lambda path: changed(path, -7), MAY_BE_NEGATIVE),
    "huge": (NUMBERS, lambda path: changed(path, 10**30), MAY_BE_HUGE),
    "not a number": (NUMBERS, lambda path: changed(path, float("nan")), set()),
    "infinite": (NUMBERS, lambda path: changed(path, float("inf")), set()),
    "unknown": (TEXTS, lambda path: changed(path, "nobody"), MAY_BE_UNKNOWN),
    "an empty name": (TEXTS, lambda path: changed(path, ""), set()),
}
"""For each way to spoil a value: which values, how, and where the format allows the outcome."""


def test_the_whole_document_is_read_and_holds_every_key_of_the_format() -> None:
    assert refusal(json.dumps(WHOLE)) is None
    written = {kind: set[str]() for kind in ("places", "crews", "shifts", "visits", "relations")}
    for kind, keys in written.items():
        keys.update(*WHOLE[kind])
    kinds = {"places": Place, "crews": Crew, "shifts": Shift, "visits": Visit}
    for kind, type_ in kinds.items():
        names = {"from" if field.name == "from_" else field.name for field in fields(type_)}
        assert written[kind] == names
    assert written["relations"] == {"type", "first", "second", "min_gap", "max_gap", "visits"}
    assert set(WHOLE) == {"version", *(field.name for field in fields(Problem))}
    assert set(WHOLE["weights"]) == {field.name for field in fields(Weights)}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_every_spoiled_value_is_refused_at_its_path_or_legal_by_the_format(kind: str) -> None:
    paths, spoiled, legal = MUTATIONS[kind]
    for path in paths:
        here = dotted(path)
        refused = refusal(spoiled(path))
        if refused is None:
            assert pattern(path) in legal, f"{here} was read"
        else:
            assert refused == ELSEWHERE.get(kind, {}).get(here, here)


@pytest.mark.parametrize("kind", MUTATIONS)
def test_what_the_format_allows_is_read(kind: str) -> None:
    paths, spoiled, legal = MUTATIONS[kind]
    assert legal <= {pattern(path) for path in paths}
    for path in paths:
        if pattern(path) in legal and dotted(path) not in ELSEWHERE.get(kind, {}):
            assert refusal(spoiled(path)) is None


@pytest.mark.parametrize("path", KEYS, ids=dotted)
def test_a_key_that_stands_twice_is_refused_wherever_it_stands(path: Path) -> None:
    mark = "stands twice"
    twin = json.dumps(at(path))
    text = (
        changed(path[:-1], at(path[:-1]) | {mark: 0})
        if path[:-1]
        else json.dumps(WHOLE | {mark: 0})
    )

    doubled = text.replace(f'"{mark}": 0', f"{json.dumps(path[-1])}: {twin}")

    assert refusal(doubled) == dotted(path)


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: dotted(path) or "document")
def test_an_unknown_key_is_refused_wherever_it_stands(path: Path) -> None:
    extra = at(path) | {"colour": "red"}
    refused = refusal(changed(path, extra) if path else json.dumps(extra))
    if path[:1] == ("meta",):
        assert refused is None  # what is free
    elif path[:1] == ("incumbent",):
        assert refused is None  # a whole plan may stand there, of which little is read
    else:
        assert refused == dotted((*path, "colour"))


MATRIX: Path = ("travel", "profiles", "van")
ROWS = {
    "a row too few": [[0, 60]],
    "a row too many": [[0, 60], [70, 0], [80, 80]],
    "a number too few": [[0, 60], [70]],
    "a number too many": [[0, 60], [70, 0, 80]],
}


@pytest.mark.parametrize("key", ["seconds", "metres"])
@pytest.mark.parametrize("what", ROWS)
def test_a_matrix_that_is_not_square_or_not_of_all_places_is_refused(key: str, what: str) -> None:
    path = (*MATRIX, key)
    refused = refusal(changed(path, ROWS[what]))

    assert refused is not None
    assert re.fullmatch(re.escape(dotted(path)) + r"(\[\d\])?", refused)


def test_a_square_matrix_of_another_number_of_places_is_refused() -> None:
    square = [[0, 1, 2], [1, 0, 2], [2, 2, 0]]

    assert refusal(changed(MATRIX, {"seconds": square})) == dotted((*MATRIX, "seconds"))
    metres = {"seconds": [[0, 1], [1, 0]], "metres": square}
    assert refusal(changed(MATRIX, metres)) == dotted((*MATRIX, "metres"))
