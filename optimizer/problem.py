"""The problem of the planning format: everything a plan is made from.

Times are seconds after `start`, distances metres, costs points. Every type refuses nonsense when
it is made, by raising ProblemError with the path of the faulty key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from optimizer.crews import Break, Crew, Shift
from optimizer.places import Estimate, Matrix, Place, Profiles, Travel
from optimizer.values import (
    FrozenDict,
    ProblemError,
    cost,
    free_object,
    identifier,
    listed,
    put,
    refuse_doubles,
    shown,
)
from optimizer.work import (
    After,
    DifferentCrew,
    Pin,
    Relation,
    SameCrew,
    Together,
    Visit,
    Window,
)

__all__ = [
    "After",
    "Break",
    "Crew",
    "DifferentCrew",
    "Estimate",
    "FrozenDict",
    "Incumbent",
    "IncumbentRoute",
    "Matrix",
    "Pin",
    "Place",
    "Problem",
    "ProblemError",
    "Profiles",
    "Relation",
    "SameCrew",
    "Shift",
    "Together",
    "Travel",
    "Visit",
    "Weights",
    "Window",
]

_ROOM = timedelta(seconds=1_000_000_000)
"""All times of a problem and its plans lie within this of `start`."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Points per second of travel, work and overtime, and per visit not preferred or changed."""

    travel: int = 1
    work: int = 0
    overtime: int = 2
    not_preferred: int = 0
    change: int = 0

    def __post_init__(self) -> None:
        for key in ("travel", "work", "overtime", "not_preferred", "change"):
            cost(getattr(self, key), key)


class IncumbentRoute(NamedTuple):
    """The visits of a shift, in order, in the plan in force."""

    shift: str
    visits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The plan in force. It may break every rule and name what is gone: it is never refused."""

    routes: tuple[IncumbentRoute, ...] = ()

    def __post_init__(self) -> None:
        routes = []
        for index, (shift, visits) in enumerate(self.routes):
            identifier(shift, f"routes[{index}].shift")
            for position, visit in enumerate(visits):
                identifier(visit, f"routes[{index}].stops[{position}].visit")
            routes.append(IncumbentRoute(shift, tuple(visits)))
        put(self, routes=tuple(routes))

    def shift_of(self) -> dict[str, str]:
        """The shift of each visit; the first one counts for a visit that stands there twice."""
        result: dict[str, str] = {}
        for route in self.routes:
            for visit in route.visits:
                result.setdefault(visit, route.shift)
        return result


@dataclass(frozen=True, slots=True)
class Problem:
    """A territory's visits, crews and shifts over one or more days."""

    start: datetime
    places: tuple[Place, ...]
    travel: Travel
    crews: tuple[Crew, ...]
    shifts: tuple[Shift, ...]
    visits: tuple[Visit, ...]
    relations: tuple[Relation, ...] = ()
    weights: Weights = field(default_factory=Weights)
    incumbent: Incumbent | None = None
    meta: Mapping[str, Any] = field(default_factory=FrozenDict)

    def __post_init__(self) -> None:
        for key in ("places", "crews", "shifts", "visits", "relations"):
            put(self, **{key: listed(getattr(self, key), key)})
        put(self, meta=free_object(self.meta, "meta"))
        _check_start(self.start)
        for key in ("places", "crews", "shifts", "visits"):
            refuse_doubles((item.id for item in getattr(self, key)), key, "id")
        _check_travel(self)
        places = {place.id for place in self.places}
        crews = {crew.id for crew in self.crews}
        _check_shifts(self.shifts, places, crews)
        _check_visits(self.visits, places, crews, {shift.id for shift in self.shifts})
        _check_relations(self.relations, {visit.id for visit in self.visits})


def _check_start(start: datetime) -> None:
    offset = start.utcoffset()
    if offset is None:
        raise ProblemError("start", "must have an offset from UTC, as in 2026-03-02T00:00:00+08:00")
    if start.microsecond or offset % timedelta(minutes=1):
        raise ProblemError("start", "must be in whole seconds, its offset in whole minutes")
    try:
        _ = start - _ROOM, start + _ROOM
    except OverflowError:
        raise ProblemError("start", "must be a year in 33..9967, so that times fit") from None


def _check_travel(problem: Problem) -> None:
    travel, crews = problem.travel, problem.crews
    if not isinstance(travel, Profiles):
        _check_fits(travel, problem.places, "travel")
    else:
        for name, way in travel.profiles.items():
            _check_fits(way, problem.places, f"travel.profiles.{name}")
    for index, crew in enumerate(crews):
        path = f"crews[{index}].profile"
        if not isinstance(travel, Profiles):
            if crew.profile is not None:
                raise ProblemError(path, "must be null: the travel has no profiles")
        elif crew.profile is None:
            raise ProblemError(path, "is required: the travel has profiles")
        else:
            _check_known(crew.profile, travel.profiles, path, "profile")


def _check_fits(way: Matrix | Estimate, places: tuple[Place, ...], path: str) -> None:
    if isinstance(way, Matrix):
        if len(way.seconds) != len(places):
            raise ProblemError(
                f"{path}.seconds",
                f"must have {len(places)} rows, one per place, not {len(way.seconds)}",
            )
        return
    for index, place in enumerate(places):
        if place.lat is None:
            raise ProblemError(f"places[{index}].lat", f"is required: {path} is an estimate")


def _check_known(name: str, known: Iterable[str], path: str, kind: str) -> None:
    if name not in known:
        raise ProblemError(path, f"{shown(name)} is no {kind} of this problem")


def _check_shifts(shifts: tuple[Shift, ...], places: set[str], crews: set[str]) -> None:
    for index, shift in enumerate(shifts):
        path = f"shifts[{index}]"
        _check_known(shift.crew, crews, f"{path}.crew", "crew")
        _check_known(shift.from_, places, f"{path}.from", "place")
        if shift.to is not None:
            _check_known(shift.to, places, f"{path}.to", "place")
    latest: dict[str, tuple[int, str]] = {}
    by_time = sorted(enumerate(shifts), key=lambda item: (item[1].start, item[1].end))
    for index, shift in by_time:
        # One shift may begin at the second at which the one before it ends.
        end, other = latest.get(shift.crew, (shift.start, ""))
        if shift.start < end:
            raise ProblemError(
                f"shifts[{index}]", f"overlaps shift {shown(other)} of the same crew"
            )
        latest[shift.crew] = (shift.end, shift.id)


def _check_visits(
    visits: tuple[Visit, ...], places: set[str], crews: set[str], shifts: set[str]
) -> None:
    for index, visit in enumerate(visits):
        path = f"visits[{index}]"
        _check_known(visit.place, places, f"{path}.place", "place")
        for key in ("allowed_crews", "forbidden_crews", "preferred_crews"):
            for position, crew in enumerate(getattr(visit, key) or ()):
                _check_known(crew, crews, f"{path}.{key}[{position}]", "crew")
        if visit.pinned is not None:
            _check_known(visit.pinned.shift, shifts, f"{path}.pinned.shift", "shift")


def _check_relations(relations: tuple[Relation, ...], visits: set[str]) -> None:
    for index, relation in enumerate(relations):
        path = f"relations[{index}]"
        if isinstance(relation, After):
            _check_known(relation.first, visits, f"{path}.first", "visit")
            _check_known(relation.second, visits, f"{path}.second", "visit")
        else:
            for position, visit in enumerate(relation.visits):
                _check_known(visit, visits, f"{path}.visits[{position}]", "visit")
    _refuse_cycle(relations)


def _refuse_cycle(relations: tuple[Relation, ...]) -> None:
    waits: dict[str, dict[str, int]] = {}
    for index, relation in enumerate(relations):
        if isinstance(relation, After):
            waits.setdefault(relation.second, {})[relation.first] = index
            waits.setdefault(relation.first, {})
    # Visits that wait for nothing go, and set free those that waited for them.
    frees: dict[str, list[str]] = {visit: [] for visit in waits}
    for second, firsts in waits.items():
        for first in firsts:
            frees[first].append(second)
    left = {visit: len(firsts) for visit, firsts in waits.items()}
    ready = [visit for visit, count in left.items() if count == 0]
    while ready:
        visit = ready.pop()
        del left[visit]
        for second in frees[visit]:
            left[second] -= 1
            if left[second] == 0:
                ready.append(second)
    if not left:
        return
    # Each visit left waits for another one left: going back leads into the cycle.
    visit, met = next(iter(left)), set[str]()
    while visit not in met:
        met.add(visit)
        visit = next(first for first in waits[visit] if first in left)
    first = next(first for first in waits[visit] if first in left)
    raise ProblemError(
        f"relations[{waits[visit][first]}]",
        f"closes a cycle: {shown(visit)} would come after itself",
    )
