"""How far what happens lies from what was planned: service, travel and setting out, learnt from history.

A spread holds quantiles of a ratio, actual over planned. Until there is history, service has the catalogue's 50 %
and 90 % points and travel a plain guess; what has been seen takes over smoothly, with the weight n / (n + half):
at `half` observations it counts as much as what was assumed. All is done in logarithms, where ratios add up;
setting out alone is late or early by seconds.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp, log

import numpy as np

Z90 = 1.2815515655446004
"""The standard normal distribution's 90 % point."""
HALF_TYPE, HALF_CREW, HALF_HOUR = 20, 15, 30
"""How many observations count as much as what is assumed: of a work type (of all drives), a crew, an hour."""
MOST = 8.0
"""Ratios beyond this, or below its inverse, are taken for wrong records and count as this."""
SHORTEST_S = 60
"""Plans shorter than this say nothing as ratios."""
LATEST_S = 3600
"""Who sets out later than this, or earlier, is taken to have set out so late: another matter came between."""


class Measure(StrEnum):
    """What is compared with its plan."""

    SERVICE = "service"
    TRAVEL = "travel"
    SETTING_OUT = "setting_out"


class Occasion(StrEnum):
    """After what a crew sets out: the begin of its shift, a break, or waiting for the planned departure."""

    BEGIN = "begin"
    BREAK = "break"
    WAITING = "waiting"


class Part(StrEnum):
    """Whose observations they are: all, those of a work type, of a crew, or of an hour of the local day."""

    ALL = "all"
    WORK_TYPE = "work_type"
    CREW = "crew"
    HOUR = "hour"


HALVES: Mapping[Part, int] = {
    Part.ALL: HALF_TYPE, Part.WORK_TYPE: HALF_TYPE, Part.CREW: HALF_CREW, Part.HOUR: HALF_HOUR,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spread:
    """The 10 %, 50 % and 90 % points of actual over planned time."""

    low: float
    mid: float
    high: float

    def times(self, factor: float) -> "Spread":
        """The spread of what takes `factor` times as long."""
        return Spread(self.low * factor, self.mid * factor, self.high * factor)

    def towards(self, other: "Spread", weight: float) -> "Spread":
        """Between this one (weight 0) and the other (weight 1), in logarithms."""
        return Spread(
            _between(self.low, other.low, weight),
            _between(self.mid, other.mid, weight),
            _between(self.high, other.high, weight),
        )


def _between(one: float, other: float, weight: float) -> float:
    return exp((1 - weight) * log(one) + weight * log(other))


ON_TIME = Spread(0.0, 0.0, 0.0)
"""How many seconds late crews set out before any was seen."""
ASSUMED_TRAVEL = Spread(0.8, 1.0, 1.35)
"""How drives compare with their estimates before any was seen."""
ASSUMED_SERVICE = Spread(0.6, 0.95, 1.5)
"""The same of work whose type is not in the catalogue."""


def of_catalogue(*, p50_s: float, p90_s: float, planned_s: float) -> Spread:
    """The spread that a work type's 50 % and 90 % points mean for visits planned with `planned_s` seconds."""
    if min(p50_s, planned_s) <= 0:
        return ASSUMED_SERVICE
    mid, high = p50_s / planned_s, max(p90_s, p50_s * 1.01) / planned_s
    return Spread(mid * mid / high, mid, high)


@dataclass(frozen=True, slots=True)
class Observation:
    """One service or drive that took `ratio` times its plan; `work_type` is empty for a drive."""

    measure: Measure
    work_type: str
    crew_id: str
    hour: int
    ratio: float


@dataclass(frozen=True, slots=True)
class Departure:
    """A crew that could keep to its plan and set out so many seconds late; below 0 it set out early."""

    occasion: Occasion
    late_s: float


@dataclass(frozen=True, slots=True)
class Learnt:
    """What `count` observations say: for a crew or an hour, beside what type, crew and hour before it explain.

    Of setting out, the spread is in seconds and the key is the occasion.
    """

    measure: Measure
    part: Part
    key: str
    count: int
    spread: Spread

    @property
    def weight(self) -> float:
        """How much it counts against what is assumed, 0 to 1."""
        return self.count / (self.count + HALVES[self.part])


def learn(seen: Iterable[Observation | Departure]) -> list[Learnt]:
    """The spreads by work type (of all drives), by crew and by hour; what has no observation has no entry.

    The crews' and hours' effects are taken out of the types' spreads, so that these are as narrow as they can be.
    """
    by_measure: dict[Measure, list[Observation]] = defaultdict(list)
    departures: dict[Occasion, list[float]] = defaultdict(list)
    for one in seen:
        if isinstance(one, Departure):
            departures[one.occasion].append(one.late_s)
        else:
            by_measure[one.measure].append(one)
    found = [
        learnt for measure in Measure for learnt in _learn_one(measure, by_measure.get(measure, []))
    ]
    return found + [_set_out(occasion, late_s) for occasion, late_s in sorted(departures.items())]


def _set_out(occasion: Occasion, late_s: Sequence[float]) -> Learnt:
    bounded = np.clip(np.array(late_s), -LATEST_S, LATEST_S)
    spread = Spread(*(float(point) for point in np.quantile(bounded, (0.1, 0.5, 0.9))))
    return Learnt(Measure.SETTING_OUT, Part.ALL, occasion, len(late_s), spread)


def _learn_one(measure: Measure, seen: Sequence[Observation]) -> list[Learnt]:
    if not seen:
        return []
    ratios = np.clip(np.array([one.ratio for one in seen]), 1 / MOST, MOST)
    first = Part.WORK_TYPE if measure is Measure.SERVICE else Part.ALL
    groups = {
        first: _grouped([one.work_type for one in seen]),
        Part.CREW: _grouped([one.crew_id for one in seen]),
        Part.HOUR: _grouped([str(one.hour) for one in seen]),
    }
    logs = np.log(ratios)
    rest = logs.copy()
    found: dict[Part, list[Learnt]] = {}
    for part, rows_of in groups.items():
        found[part] = []
        for key, rows in sorted(rows_of.items()):
            learnt = Learnt(measure, part, key, len(rows), _spread_of(rest[rows]))
            found[part].append(learnt)
            weight = 1.0 if part is first else learnt.weight
            rest[rows] -= weight * log(learnt.spread.mid)
    for place, learnt in enumerate(found[first]):
        rows = groups[first][learnt.key]
        # Its own median is back in; the crews' and hours' stay out.
        spread = _spread_of(rest[rows] + log(learnt.spread.mid))
        found[first][place] = Learnt(measure, first, learnt.key, learnt.count, spread)
    return [learnt for part in found.values() for learnt in part]


def _grouped(keys: Sequence[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        rows[key].append(place)
    return rows


def _spread_of(logs: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Spread:
    low, mid, high = np.exp(np.quantile(logs, (0.1, 0.5, 0.9)))
    return Spread(float(low), float(mid), float(high))


@dataclass(frozen=True, slots=True)
class Spreads:
    """What is expected of a territory's crews: what was learnt, and the catalogue's spreads by work type."""

    catalogue: Mapping[str, Spread] = field(default_factory=dict)
    learnt: Mapping[tuple[Measure, Part, str], Learnt] = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Mapping[str, Spread], learnt: Iterable[Learnt]) -> "Spreads":
        """Put together from a catalogue and what `learn` says."""
        return cls(catalogue, {(one.measure, one.part, one.key): one for one in learnt})

    def service(self, work_type: str, *, crew_id: str, hour: int) -> Spread:
        """Work of this type by this crew, begun in this hour of the local day, over its planned time."""
        return self._shaped(Measure.SERVICE, self.by_type(work_type), crew_id, hour)

    def travel(self, *, crew_id: str, hour: int) -> Spread:
        """A drive of this crew, begun in this hour of the local day, over its planned time."""
        return self._shaped(Measure.TRAVEL, self.all_travel(), crew_id, hour)

    def by_type(self, work_type: str) -> Spread:
        """Work of this type, whoever does it and whenever."""
        assumed = self.catalogue.get(work_type, ASSUMED_SERVICE)
        return self._towards((Measure.SERVICE, Part.WORK_TYPE, work_type), assumed)

    def all_travel(self) -> Spread:
        """A drive, whoever drives and whenever."""
        return self._towards((Measure.TRAVEL, Part.ALL, ""), ASSUMED_TRAVEL)

    def setting_out(self, occasion: Occasion) -> Spread:
        """How many seconds late a crew that can keep to its plan sets out on this occasion."""
        learnt = self.learnt.get((Measure.SETTING_OUT, Part.ALL, occasion))
        return ON_TIME if learnt is None else learnt.spread.times(learnt.weight)

    def _towards(self, key: tuple[Measure, Part, str], assumed: Spread) -> Spread:
        learnt = self.learnt.get(key)
        return assumed if learnt is None else assumed.towards(learnt.spread, learnt.weight)

    def _shaped(self, measure: Measure, spread: Spread, crew_id: str, hour: int) -> Spread:
        factor = self.factor(measure, Part.CREW, crew_id) * self.factor(
            measure, Part.HOUR, str(hour)
        )
        return spread if factor == 1.0 else spread.times(factor)

    def factor(self, measure: Measure, part: Part, key: str) -> float:
        """How many times longer it takes a crew, or takes in an hour; 1 where nothing was learnt."""
        learnt = self.learnt.get((measure, part, key))
        return 1.0 if learnt is None else float(learnt.spread.mid**learnt.weight)
