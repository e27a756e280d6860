"""From VROOM's JSON to a problem.

A vehicle becomes a crew with one shift, a job a visit. Ids become the same numbers as text. Skill 7 becomes the
skill "7" at level 1, the third amount the part "2". VROOM's priority only ranks jobs: leaving one out costs
`PRIORITY_STEP` points for each step of it, and one more, so that a job is left out for want of room only.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from optimizer.crews import Break, Crew, Shift
from optimizer.places import Estimate, Matrix, Place, Profiles, Travel
from optimizer.problem import Problem, Weights
from optimizer.reading import object_at
from optimizer.values import (
    MAX_COST,
    MAX_TIME,
    FrozenDict,
    ProblemError,
    factor,
    integer,
    joined,
    listed,
    number,
    text,
)
from optimizer.vroom.keys import DOCUMENT, JOB, VEHICLE, At, in_matrix, in_vroom, keys_of, offset_of
from optimizer.work import Visit, Window

PRIORITY_STEP = 1_000_000
"""Points of one step of a job's priority: more than any detour of a day is worth."""
MOST_INTEGER = 2**53
"""Largest integer that JSON carries between programs without loss."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def problem_from_vroom(document: object) -> Problem:
    """The problem in a VROOM document as JSON decoded it.

    Locations without matrices are driven to by the format's estimate. Unix timestamps are told by their size: then
    `start` is the earliest of them. Raise ProblemError, with the path in the VROOM document, for what is no VROOM
    document and for what the planning format has no word for (shipments, for one).
    """
    found = keys_of(document, "", DOCUMENT, ("vehicles", "jobs"))
    if listed(found.get("shipments", ()), "shipments"):
        raise ProblemError("shipments[0]", "shipments are not read: a visit has one place")
    reader = _Reader(offset_of(found))
    reader.matrices(found)
    for index, vehicle in enumerate(listed(found["vehicles"], "vehicles")):
        reader.vehicle(vehicle, f"vehicles[{index}]")
    for index, job in enumerate(listed(found["jobs"], "jobs")):
        reader.job(job, f"jobs[{index}]")
    return reader.problem()


@dataclass
class _Reader:
    """The problem in the making."""

    offset: int
    places: dict[str, Place] = field(default_factory=dict)
    ways: dict[str, Matrix] = field(default_factory=dict)
    crews: list[Crew] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)
    names: dict[str, dict[str, str]] = field(default_factory=lambda: {"vehicles": {}, "jobs": {}})
    rate: int | None = None
    """Points a second of driving, which all vehicles share."""
    amount_key: tuple[str, str] | None = None
    """Whether jobs are deliveries or pickups, and where that was first said."""

    def problem(self) -> Problem:
        """All that was read, as a problem."""
        travel: Travel = Profiles(FrozenDict(self.ways)) if self.ways else Estimate()
        try:
            return Problem(
                start=EPOCH + timedelta(seconds=self.offset),
                places=tuple(self.places.values()),
                travel=travel,
                crews=tuple(self.crews),
                shifts=tuple(self.shifts),
                visits=tuple(self.visits),
                weights=Weights(travel=1 if self.rate is None else self.rate),
                meta={"vroom": {"offset": self.offset, **self.names}},
            )
        except ProblemError as error:
            raise in_vroom(error) from None
        except OverflowError:
            raise ProblemError("vehicles", "holds times beyond any calendar") from None

    def matrices(self, found: dict[str, Any]) -> None:
        """The matrices, and a place for each of their rows."""
        for name, way in object_at(found.get("matrices", {}), "matrices").items():
            path = joined("matrices", name)
            keys = keys_of(way, path, ("durations", "distances"), ("durations",))
            try:
                self.ways[name] = Matrix(keys["durations"], keys.get("distances"))
            except ProblemError as error:
                raise ProblemError(joined(path, in_matrix(error.path)), error.message) from None
            size = len(self.ways[name].seconds)
            if self.places and size != len(self.places):
                raise ProblemError(
                    f"{path}.durations", f"must have {len(self.places)} rows, as the first one"
                )
            self.places = {str(row): Place(str(row)) for row in range(size)}

    def vehicle(self, value: object, path: str) -> None:
        """A vehicle as a crew and its shift."""
        found = keys_of(value, path, VEHICLE, ("id",))
        name = self._name("vehicles", found, path)
        start = self._place(found, path, "start")
        if start is None:
            raise ProblemError(joined(path, "start"), "is required: a shift sets out from a place")
        profile = text(found.get("profile", "car"), joined(path, "profile"))
        if self.ways and profile not in self.ways:
            raise ProblemError(joined(path, "profile"), f"has no matrix in matrices.{profile}")
        if not self.ways and profile != "car":
            raise ProblemError(joined(path, "profile"), "needs its matrix; only car is estimated")
        speed = factor(found.get("speed_factor", 1), joined(path, "speed_factor"))
        opens, closes = 0, MAX_TIME
        if "time_window" in found:
            opens, closes = self._window(found["time_window"], joined(path, "time_window"))
        capacity = self._amounts(found, path, "capacity")
        with At(path, {"from_": "start", "stock": "capacity"}):
            self.crews.append(
                Crew(
                    id=name,
                    skills=self._skills(found, path),
                    travel_factor=1 / speed,
                    profile=profile if self.ways else None,
                )
            )
            self.shifts.append(
                Shift(
                    id=name,
                    crew=name,
                    start=opens,
                    end=closes,
                    from_=start,
                    to=self._place(found, path, "end"),
                    breaks=self._breaks(found, path),
                    stock=capacity,
                    max_visits=found.get("max_tasks"),
                    max_travel=found.get("max_travel_time"),
                    use_cost=self._costs(found, path),
                )
            )

    def job(self, value: object, path: str) -> None:
        """A job as a visit."""
        found = keys_of(value, path, JOB, ("id",))
        name = self._name("jobs", found, path)
        place = self._place(found, path, "location")
        if place is None:
            raise ProblemError(joined(path, "location"), "is required")
        priority = integer(found.get("priority", 0), joined(path, "priority"), 0, 100)
        windows = listed(found.get("time_windows", ()), joined(path, "time_windows"))
        at = joined(path, "time_windows")
        with At(path, {"duration": "service"}):
            self.visits.append(
                Visit(
                    id=name,
                    place=place,
                    duration=found.get("service", 0),
                    setup=found.get("setup", 0),
                    unserved_cost=PRIORITY_STEP * (1 + priority),
                    windows=tuple(
                        self._window(window, f"{at}[{index}]")
                        for index, window in enumerate(windows)
                    ),
                    skills=self._skills(found, path),
                    parts=self._parts(found, path),
                )
            )

    def _name(self, kind: str, found: dict[str, Any], path: str) -> str:
        name = str(integer(found["id"], joined(path, "id"), 0, MOST_INTEGER))
        if name in self.names[kind]:
            raise ProblemError(joined(path, "id"), f"{name} is the id of two {kind}")
        self.names[kind][name] = text(found.get("description", ""), joined(path, "description"))
        return name

    def _place(self, found: dict[str, Any], path: str, key: str) -> str | None:
        """The place a key or its `_index` names; None when neither stands there."""
        index = f"{key}_index"
        if self.ways:
            # With matrices VROOM's coordinates are for show; the index says where it is.
            if index not in found:
                if key in found:
                    raise ProblemError(joined(path, index), "is required beside matrices")
                return None
            return str(integer(found[index], joined(path, index), 0, len(self.places) - 1))
        if key not in found:
            if index in found:
                raise ProblemError(joined(path, index), "needs matrices")
            return None
        at = joined(path, key)
        pair = listed(found[key], at)
        if len(pair) != 2:
            raise ProblemError(at, "must be a pair [lon, lat]")
        lon, lat = number(pair[0], f"{at}[0]"), number(pair[1], f"{at}[1]")
        name = f"{lon},{lat}"
        if name not in self.places:
            with At(at, {"lon": "[0]", "lat": "[1]"}):
                self.places[name] = Place(name, lat, lon)
        return name

    def _window(self, value: object, path: str) -> Window:
        pair = listed(value, path)
        if len(pair) != 2:
            raise ProblemError(path, "must be a pair [start, end]")
        low, high = (
            integer(t, f"{path}[{i}]", 0, MOST_INTEGER) - self.offset for i, t in enumerate(pair)
        )
        if high < low:
            raise ProblemError(path, "ends before it starts")
        return Window(low, high)

    def _breaks(self, found: dict[str, Any], path: str) -> tuple[Break, ...]:
        breaks = []
        for index, value in enumerate(listed(found.get("breaks", ()), joined(path, "breaks"))):
            at = f"{joined(path, 'breaks')}[{index}]"
            known = ("id", "time_windows", "service", "description")
            keys = keys_of(value, at, known, ("id", "time_windows"))
            windows = listed(keys["time_windows"], joined(at, "time_windows"))
            if len(windows) != 1:
                raise ProblemError(joined(at, "time_windows"), "must be one: a break has one span")
            earliest, latest = self._window(windows[0], f"{at}.time_windows[0]")
            name = str(integer(keys["id"], joined(at, "id"), 0, MOST_INTEGER))
            with At(at, {"duration": "service"}):
                breaks.append(Break(name, earliest, latest, keys.get("service", 0)))
        return tuple(breaks)

    def _skills(self, found: dict[str, Any], path: str) -> dict[str, int]:
        at = joined(path, "skills")
        return {
            str(integer(skill, f"{at}[{index}]", 0, MOST_INTEGER)): 1
            for index, skill in enumerate(listed(found.get("skills", ()), at))
        }

    def _amounts(self, found: dict[str, Any], path: str, key: str) -> dict[str, int]:
        at = joined(path, key)
        return {
            str(k): integer(amount, f"{at}[{k}]", 0, MAX_COST)
            for k, amount in enumerate(listed(found.get(key, ()), at))
        }

    def _parts(self, found: dict[str, Any], path: str) -> dict[str, int]:
        """What a job takes of the stock. Deliveries or pickups alone only add up over a route."""
        parts: dict[str, int] = {}
        for key in ("delivery", "pickup", "amount"):
            amounts = self._amounts(found, path, key)
            if any(amounts.values()):
                # VROOM reads the older word `amount` as a delivery.
                kind = "pickup" if key == "pickup" else "delivery"
                if self.amount_key is None:
                    self.amount_key = kind, joined(path, key)
                if self.amount_key[0] != kind or parts:
                    raise ProblemError(
                        joined(path, key),
                        f"must not stand beside {self.amount_key[1]}: parts are only handed out",
                    )
                parts = amounts
        return parts

    def _costs(self, found: dict[str, Any], path: str) -> int:
        at = joined(path, "costs")
        keys = keys_of(found.get("costs", {}), at, ("fixed", "per_hour"), ())
        hourly = integer(keys.get("per_hour", 3600), joined(at, "per_hour"), 0, MAX_COST)
        if hourly % 3600:
            raise ProblemError(joined(at, "per_hour"), "must be whole points a second: 3600 n")
        if self.rate is not None and self.rate != hourly // 3600:
            raise ProblemError(joined(at, "per_hour"), "must be the same for all vehicles")
        self.rate = hourly // 3600
        return integer(keys.get("fixed", 0), joined(at, "fixed"), 0, MAX_COST)
