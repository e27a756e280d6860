"""The planning format's JSON: text to types and back.

Reading refuses every document that the format refuses, with a ProblemError that names the path of
the faulty key; whatever the text holds, no other error leaves this module. What is written is read
back equal, the offset of `start` included; keys that hold their defaults are left out.
"""

import json
import re
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from optimizer.plan import Cost, Plan, Route, Stop, TakenBreak, Unserved
from optimizer.problem import (
    After,
    Break,
    Crew,
    DifferentCrew,
    Estimate,
    FrozenDict,
    Incumbent,
    IncumbentRoute,
    Matrix,
    Pin,
    Place,
    Problem,
    ProblemError,
    Profiles,
    SameCrew,
    Shift,
    Together,
    Visit,
    Weights,
)
from optimizer.reading import (
    Reader,
    each,
    free,
    is_required,
    key_of,
    made,
    maker,
    needed,
    object_at,
    or_null,
    parsed,
)
from optimizer.values import joined, listed, shown, text

_RELATIONS: dict[str, type] = {
    "after": After,
    "together": Together,
    "same_crew": SameCrew,
    "different_crew": DifferentCrew,
}
_RELATION_NAMES = {kind: name for name, kind in _RELATIONS.items()}
_HOUR_MINUTE = r"(?:[01]\d|2[0-3]):[0-5]\d"
_OFFSET = re.compile(rf"Z|[+-]{_HOUR_MINUTE}", re.ASCII)
_TIMESTAMP = re.compile(rf"(\d{{4}}-\d\d-\d\dT{_HOUR_MINUTE}:\d\d)({_OFFSET.pattern})", re.ASCII)


_visit: Reader = maker(Visit, pinned=or_null(maker(Pin)))


def read_problem(document: str | bytes) -> Problem:
    """The problem in a JSON text (UTF-8); raise ProblemError when it is refused."""
    return problem_from(parsed(document))


def write_problem(problem: Problem) -> str:
    """The problem as JSON text."""
    return _text(problem_document(problem))


def read_plan(document: str | bytes) -> Plan:
    """The plan in a JSON text (UTF-8); raise ProblemError when it is refused."""
    return plan_from(parsed(document))


def write_plan(plan: Plan) -> str:
    """The plan as JSON text."""
    return _text(plan_document(plan))


def problem_from(document: object) -> Problem:
    """The problem in what JSON decoded to: dicts, lists, strings, numbers."""
    readers: dict[str, Reader] = {
        "start": _start,
        "places": each(maker(Place)),
        "travel": _travel,
        "crews": each(maker(Crew)),
        "shifts": each(maker(Shift, breaks=each(maker(Break)))),
        "visits": each(_visit),
        "relations": each(_relation),
        "weights": maker(Weights),
        "incumbent": or_null(_incumbent),
        "meta": free,
    }
    problem: Problem = made(Problem, _versioned(document), "", readers)
    return problem


def visit_from(document: object) -> Visit:
    """One visit of a problem in what JSON decoded to."""
    visit: Visit = _visit(document, "visit")
    return visit


def plan_from(document: object) -> Plan:
    """The plan in what JSON decoded to: dicts, lists, strings, numbers."""
    route = maker(Route, stops=each(maker(Stop)), breaks=each(maker(TakenBreak)))
    readers: dict[str, Reader] = {
        "routes": each(route),
        "unserved": each(maker(Unserved)),
        "cost": maker(Cost),
        "search": free,
    }
    plan: Plan = made(Plan, _versioned(document), "", readers)
    return plan


def problem_document(problem: Problem) -> dict[str, Any]:
    """The problem as JSON's own types."""
    document: dict[str, Any] = {"version": 1, **_plain(problem)}
    document["weights"] = _plain(problem.weights)
    return document


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON's own types."""
    return {"version": 1, **_plain(plan)}


# Reading


def _versioned(document: object) -> dict[str, Any]:
    """The keys of a document beside its version."""
    keys = object_at(document, "")
    if "version" not in keys:
        raise ProblemError("version", "is required")
    if type(keys["version"]) is not int or keys["version"] != 1:
        raise ProblemError("version", f"must be 1, not {shown(keys['version'])}")
    return {key: value for key, value in keys.items() if key != "version"}


def _start(value: object, path: str) -> datetime:
    match = _TIMESTAMP.fullmatch(text(value, path))
    if match is None:
        raise ProblemError(
            path,
            "must be a timestamp with an offset and no fraction, as in 2026-03-02T00:00:00+08:00",
        )
    offset = _offset(match[2])
    try:
        # The zone keeps the offset as it is written: Z, +00:00 and -00:00 come back as they were.
        zone = timezone(offset, match[2])
        return datetime.fromisoformat(match[1]).replace(tzinfo=zone)
    except ValueError as error:
        raise ProblemError(path, f"is no time: {error}") from None


def _offset(written: str) -> timedelta:
    if written == "Z":
        return timedelta(0)
    offset = timedelta(hours=int(written[1:3]), minutes=int(written[4:6]))
    return -offset if written[0] == "-" else offset


def _travel(value: object, path: str) -> Matrix | Estimate | Profiles:
    found = object_at(value, path)
    if "profiles" not in found:
        return _way(found, path)
    _refuse_beside("profiles", found, path)
    at = joined(path, "profiles")
    ways = object_at(found["profiles"], at)
    every = {name: _way(way, joined(at, name)) for name, way in ways.items()}
    try:
        return Profiles(FrozenDict(every))
    except ProblemError as error:
        raise error.under(path) from None


def _way(value: object, path: str) -> Matrix | Estimate:
    found = object_at(value, path)
    if "estimate" not in found:
        matrix: Matrix = made(Matrix, found, path, {})
        return matrix
    _refuse_beside("estimate", found, path)
    estimate: Estimate = made(Estimate, found["estimate"], joined(path, "estimate"), {})
    return estimate


def _refuse_beside(key: str, found: dict[str, Any], path: str) -> None:
    for other in found:
        if other != key:
            raise ProblemError(joined(path, other), f"must not stand beside {key}")


def _relation(value: object, path: str) -> object:
    found = object_at(value, path)
    at = joined(path, "type")
    if "type" not in found:
        raise ProblemError(at, "is required")
    kind = _RELATIONS.get(found["type"]) if isinstance(found["type"], str) else None
    if kind is None:
        raise ProblemError(at, f"must be one of {', '.join(_RELATIONS)}")
    rest = {key: item for key, item in found.items() if key != "type"}
    return made(kind, rest, path, {})


def _incumbent(value: object, path: str) -> Incumbent:
    """Of the plan in force only the visits of each shift are read."""
    free(value, path)
    routes = []
    for index, route in enumerate(listed(needed(value, path, "routes"), joined(path, "routes"))):
        at = joined(path, f"routes[{index}]")
        shift = needed(route, at, "shift")
        stops = listed(needed(route, at, "stops"), joined(at, "stops"))
        visits = tuple(
            needed(stop, joined(at, f"stops[{position}]"), "visit")
            for position, stop in enumerate(stops)
        )
        routes.append(IncumbentRoute(shift, visits))
    try:
        return Incumbent(tuple(routes))
    except ProblemError as error:
        raise error.under(path) from None


# Writing


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _start_text(value)
    if isinstance(value, Incumbent):
        return {
            "routes": [
                {"shift": route.shift, "stops": [{"visit": visit} for visit in route.visits]}
                for route in value.routes
            ]
        }
    if isinstance(value, Estimate):
        return {"estimate": _fields(value, whole=True)}
    if isinstance(value, Weights):
        return _fields(value, whole=True)
    if is_dataclass(value):
        name = _RELATION_NAMES.get(type(value))
        return ({"type": name} if name else {}) | _fields(value, whole=False)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _fields(instance: Any, *, whole: bool) -> dict[str, Any]:
    """The keys of an instance, those that hold their defaults only in a `whole` one."""
    result = {}
    for field in fields(instance):
        value = getattr(instance, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if whole or is_required(field) or value != default:
            result[key_of(field)] = _plain(value)
    return result


def _start_text(start: datetime) -> str:
    name = start.tzname() or ""
    if _OFFSET.fullmatch(name) and _offset(name) == start.utcoffset():
        return start.replace(tzinfo=None).isoformat() + name
    return start.isoformat()
