"""Places and the ways to know the travel between them."""

from dataclasses import dataclass

from optimizer.values import (
    MAX_COST,
    MAX_TIME,
    FrozenDict,
    ProblemError,
    duration,
    factor,
    identifier,
    integer,
    listed,
    number,
    put,
    shown,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A point on the map, WGS 84 degrees; without a point when every travel is a matrix."""

    id: str
    lat: float | None = None
    lon: float | None = None

    def __post_init__(self) -> None:
        identifier(self.id, "id")
        put(self, lat=_degrees(self.lat, "lat", 90), lon=_degrees(self.lon, "lon", 180))
        if (self.lat is None) != (self.lon is None):
            missing = "lat" if self.lat is None else "lon"
            raise ProblemError(missing, "is missing: lat and lon are given together or not at all")


def _degrees(value: object, path: str, limit: int) -> float | None:
    if value is None:
        return None
    degrees = number(value, path)
    if abs(degrees) > limit:
        raise ProblemError(path, f"must be in -{limit}..{limit} degrees, not {shown(value)}")
    return degrees


@dataclass(frozen=True, slots=True)
class Matrix:
    """Travel seconds, and metres where they are known, from each place (row) to each (column)."""

    seconds: tuple[tuple[int, ...], ...]
    metres: tuple[tuple[int, ...], ...] | None = None

    def __post_init__(self) -> None:
        put(self, seconds=_square(self.seconds, "seconds", MAX_TIME))
        if self.metres is not None:
            put(self, metres=_square(self.metres, "metres", MAX_COST))
            if len(self.metres) != len(self.seconds):
                raise ProblemError("metres", f"must have {len(self.seconds)} rows, as seconds has")


def _square(value: object, path: str, high: int) -> tuple[tuple[int, ...], ...]:
    rows = tuple(listed(row, f"{path}[{i}]") for i, row in enumerate(listed(value, path)))
    for i, row in enumerate(rows):
        at = f"{path}[{i}]"
        if len(row) != len(rows):
            raise ProblemError(at, f"must have {len(rows)} numbers, one per row, not {len(row)}")
        # The fast look at a whole row matters: a thousand places are a million numbers.
        if not all(type(cell) is int and 0 <= cell <= high for cell in row):
            for j, cell in enumerate(row):
                integer(cell, f"{at}[{j}]", 0, high)
        if row[i] != 0:
            raise ProblemError(f"{at}[{i}]", "must be 0, the way from a place to itself")
    return rows


@dataclass(frozen=True, slots=True)
class Estimate:
    """Travel estimated from the distance as the crow flies.

    `detour` makes road metres of it, `speed_kmh` makes seconds, `overhead` seconds are added.
    """

    speed_kmh: float = 30.0
    detour: float = 1.35
    overhead: int = 60

    def __post_init__(self) -> None:
        put(
            self,
            speed_kmh=factor(self.speed_kmh, "speed_kmh"),
            detour=factor(self.detour, "detour"),
        )
        duration(self.overhead, "overhead")


@dataclass(frozen=True, slots=True)
class Profiles:
    """Several ways to travel, each crew naming its own."""

    profiles: FrozenDict[Matrix | Estimate]

    def __post_init__(self) -> None:
        for name in self.profiles:
            identifier(name, "profiles")
        put(self, profiles=FrozenDict(self.profiles))


Travel = Matrix | Estimate | Profiles
