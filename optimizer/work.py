"""Visits and what ties them to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from optimizer.values import (
    MAX_COST,
    FrozenDict,
    ProblemError,
    amounts,
    cost,
    duration,
    identifier,
    identifiers,
    integer,
    listed,
    put,
    time,
)


class Window(NamedTuple):
    """Service may begin from `open` to `close`, both included."""

    open: int
    close: int


@dataclass(frozen=True, slots=True)
class Pin:
    """A visit bound to a shift, and to the second at which it begins where `start` is given."""

    shift: str
    start: int | None = None

    def __post_init__(self) -> None:
        identifier(self.shift, "shift")
        if self.start is not None:
            time(self.start, "start")


@dataclass(frozen=True, slots=True)
class Visit:
    """One trip of one crew to one place; the fields are those of the format."""

    id: str
    place: str
    duration: int
    unserved_cost: int
    setup: int = 0
    windows: tuple[Window, ...] = ()
    due: int | None = None
    late_cost: int = 0
    skills: Mapping[str, int] = field(default_factory=FrozenDict)
    members: int = 1
    parts: Mapping[str, int] = field(default_factory=FrozenDict)
    allowed_crews: tuple[str, ...] | None = None
    forbidden_crews: tuple[str, ...] = ()
    preferred_crews: tuple[str, ...] = ()
    pinned: Pin | None = None

    def __post_init__(self) -> None:
        identifier(self.id, "id")
        identifier(self.place, "place")
        duration(self.duration, "duration")
        duration(self.setup, "setup")
        if self.due is not None:
            time(self.due, "due")
        cost(self.late_cost, "late_cost")
        cost(self.unserved_cost, "unserved_cost")
        integer(self.members, "members", 1, MAX_COST)
        put(
            self,
            windows=_windows(self.windows),
            skills=amounts(self.skills, "skills", 1),
            parts=amounts(self.parts, "parts", 0),
            forbidden_crews=identifiers(self.forbidden_crews, "forbidden_crews"),
            preferred_crews=identifiers(self.preferred_crews, "preferred_crews"),
        )
        if self.allowed_crews is not None:
            put(self, allowed_crews=identifiers(self.allowed_crews, "allowed_crews"))

    @property
    def begins(self) -> tuple[Window, ...]:
        """The windows in force: a pinned start replaces those of the visit; none means any time."""
        if self.pinned is not None and self.pinned.start is not None:
            return (Window(self.pinned.start, self.pinned.start),)
        return self.windows


def _windows(value: object) -> tuple[Window, ...]:
    result = []
    for index, pair in enumerate(listed(value, "windows")):
        path = f"windows[{index}]"
        if len(listed(pair, path)) != 2:
            raise ProblemError(path, "must be a pair [open, close]")
        window = Window(time(pair[0], f"{path}[0]"), time(pair[1], f"{path}[1]"))
        if window.close < window.open:
            raise ProblemError(path, f"closes at {window.close}, before it opens at {window.open}")
        result.append(window)
    return tuple(result)


@dataclass(frozen=True, slots=True)
class After:
    """`second` begins `min_gap` to `max_gap` seconds after `first` ends."""

    first: str
    second: str
    min_gap: int = 0
    max_gap: int | None = None

    def __post_init__(self) -> None:
        identifier(self.first, "first")
        if identifier(self.second, "second") == self.first:
            raise ProblemError("second", "must be another visit than first")
        duration(self.min_gap, "min_gap")
        if self.max_gap is not None and duration(self.max_gap, "max_gap") < self.min_gap:
            raise ProblemError("max_gap", f"must not be below min_gap ({self.min_gap})")


@dataclass(frozen=True, slots=True)
class _Group:
    visits: tuple[str, ...]

    def __post_init__(self) -> None:
        put(self, visits=identifiers(self.visits, "visits"))
        if len(self.visits) < 2:
            raise ProblemError("visits", "must name at least two visits")


@dataclass(frozen=True, slots=True)
class Together(_Group):
    """All begin at the same second, on different crews; all are served or none."""


@dataclass(frozen=True, slots=True)
class SameCrew(_Group):
    """Those served share one crew."""


@dataclass(frozen=True, slots=True)
class DifferentCrew(_Group):
    """No two of those served share a crew."""


Relation = After | Together | SameCrew | DifferentCrew
