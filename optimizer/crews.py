"""Crews and the periods in which they work."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from optimizer.values import (
    MAX_COST,
    FrozenDict,
    ProblemError,
    amounts,
    cost,
    duration,
    factor,
    identifier,
    integer,
    listed,
    put,
    refuse_doubles,
    time,
)


@dataclass(frozen=True, slots=True)
class Crew:
    """Who goes: certified skills with levels, how many, how fast they travel and work."""

    id: str
    skills: Mapping[str, int] = field(default_factory=FrozenDict)
    members: int = 1
    travel_factor: float = 1.0
    service_factor: float = 1.0
    profile: str | None = None

    def __post_init__(self) -> None:
        identifier(self.id, "id")
        integer(self.members, "members", 1, MAX_COST)
        if self.profile is not None:
            identifier(self.profile, "profile")
        put(
            self,
            skills=amounts(self.skills, "skills", 1),
            travel_factor=factor(self.travel_factor, "travel_factor"),
            service_factor=factor(self.service_factor, "service_factor"),
        )


@dataclass(frozen=True, slots=True)
class Break:
    """A pause of `duration` seconds that begins in `[earliest, latest]`."""

    id: str
    earliest: int
    latest: int
    duration: int

    def __post_init__(self) -> None:
        identifier(self.id, "id")
        time(self.earliest, "earliest")
        time(self.latest, "latest")
        duration(self.duration, "duration")
        if self.latest < self.earliest:
            raise ProblemError("latest", f"must not be before earliest ({self.earliest})")


@dataclass(frozen=True, slots=True)
class Shift:
    """A crew's working period `[start, end]`, where it sets out and where it must return to.

    `from_` is the document's `from`; a `to` of None lets the shift end at its last visit.
    """

    id: str
    crew: str
    start: int
    end: int
    from_: str
    max_overtime: int = 0
    to: str | None = None
    breaks: tuple[Break, ...] = ()
    stock: Mapping[str, int] = field(default_factory=FrozenDict)
    max_visits: int | None = None
    max_travel: int | None = None
    use_cost: int = 0

    def __post_init__(self) -> None:
        for key in ("id", "crew"):
            identifier(getattr(self, key), key)
        identifier(self.from_, "from")
        if self.to is not None:
            identifier(self.to, "to")
        time(self.start, "start")
        time(self.end, "end")
        duration(self.max_overtime, "max_overtime")
        if self.max_visits is not None:
            integer(self.max_visits, "max_visits", 0, MAX_COST)
        if self.max_travel is not None:
            duration(self.max_travel, "max_travel")
        cost(self.use_cost, "use_cost")
        put(self, stock=amounts(self.stock, "stock", 0), breaks=listed(self.breaks, "breaks"))
        if self.end < self.start:
            raise ProblemError("end", f"must not be before start ({self.start})")
        self._check_breaks()

    def _check_breaks(self) -> None:
        refuse_doubles((pause.id for pause in self.breaks), "breaks", "id")
        for index, pause in enumerate(self.breaks):
            if pause.latest < self.start:
                raise ProblemError(
                    f"breaks[{index}].latest",
                    f"must not be before the start of the shift ({self.start})",
                )
