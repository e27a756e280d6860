"""The plan of the planning format: who goes where and when, and what is left out and why.

Times are seconds after the problem's `start`, distances metres, costs points. These types refuse
what is no plan at all; whether a plan keeps its problem's rules is for `optimizer.check` to say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from optimizer.values import (
    FrozenDict,
    ProblemError,
    free_object,
    identifier,
    integer,
    joined,
    listed,
    put,
    shown,
    text,
)

REASONS: Final = (
    "skill",
    "members",
    "crew_not_allowed",
    "pinned",
    "parts",
    "shift_hours",
    "window",
    "relation",
    "capacity",
    "cost",
)
"""Why a shift does not serve a visit, in the order in which they are looked for."""

_MOST_TIME = 1_000_000_000
"""A plan's times add up times and durations of its problem, so they may go beyond those."""
_MOST = 10**18
"""Largest sum in a plan, metres or points."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A visit on a route: the crew arrives, begins the service and ends it."""

    visit: str
    arrive: int
    start: int
    end: int

    def __post_init__(self) -> None:
        identifier(self.visit, "visit")
        _times(self, "arrive", "start", "end")


@dataclass(frozen=True, slots=True)
class TakenBreak:
    """A break of the shift with the time at which it is taken."""

    id: str
    start: int
    end: int

    def __post_init__(self) -> None:
        identifier(self.id, "id")
        _times(self, "start", "end")


@dataclass(frozen=True, slots=True)
class Route:
    """What a used shift does, its stops in order; `metres` is None when unknown."""

    shift: str
    departs: int
    returns: int
    stops: tuple[Stop, ...]
    breaks: tuple[TakenBreak, ...]
    travel_seconds: int
    metres: int | None
    overtime: int

    def __post_init__(self) -> None:
        identifier(self.shift, "shift")
        _times(self, "departs", "returns")
        integer(self.travel_seconds, "travel_seconds", 0, _MOST)
        if self.metres is not None:
            integer(self.metres, "metres", 0, _MOST)
        integer(self.overtime, "overtime", 0, _MOST)
        put(self, stops=listed(self.stops, "stops"), breaks=listed(self.breaks, "breaks"))


def _times(instance: object, *keys: str) -> None:
    for key in keys:
        integer(getattr(instance, key), key, -_MOST_TIME, _MOST_TIME)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a plan costs, points: each term already weighted, and their sum."""

    total: int
    travel: int
    work: int
    overtime: int
    late: int
    unserved: int
    not_preferred: int
    change: int
    use: int

    def __post_init__(self) -> None:
        for key in self.__slots__:
            # The working seconds of a faulty plan can be negative; no fault of the document.
            integer(getattr(self, key), key, -(10**30), 10**30)


@dataclass(frozen=True, slots=True)
class Unserved:
    """A visit left out: the reason, in how many shifts each reason held, and what would help."""

    visit: str
    reason: str
    shifts: Mapping[str, int]
    hint: str | None = None

    def __post_init__(self) -> None:
        identifier(self.visit, "visit")
        _known_reason(self.reason, "reason")
        if not isinstance(self.shifts, dict):
            raise ProblemError("shifts", f"must be an object, not {shown(self.shifts)}")
        for reason, count in self.shifts.items():
            _known_reason(reason, joined("shifts", reason))
            integer(count, joined("shifts", reason), 1, _MOST)
        put(self, shifts=FrozenDict(self.shifts))
        if self.hint is not None:
            text(self.hint, "hint")


def _known_reason(reason: object, path: str) -> None:
    if reason not in REASONS:
        raise ProblemError(path, f"must be one of {', '.join(REASONS)}, not {shown(reason)}")


@dataclass(frozen=True, slots=True)
class Plan:
    """Routes of the used shifts, the visits left out, and the cost of it all.

    `bound` is a proven lower bound on the total or None; `search` tells how the plan was found.
    """

    routes: tuple[Route, ...]
    unserved: tuple[Unserved, ...]
    cost: Cost
    bound: int | None = None
    search: Mapping[str, Any] = field(default_factory=FrozenDict)

    def __post_init__(self) -> None:
        put(
            self,
            routes=listed(self.routes, "routes"),
            unserved=listed(self.unserved, "unserved"),
            search=free_object(self.search, "search"),
        )
        if self.bound is not None:
            integer(self.bound, "bound", -(10**30), 10**30)


def same(one: Plan, other: Plan) -> bool:
    """Whether two plans are equal but for the story of their search."""
    return replace(one, search={}) == replace(other, search={})
