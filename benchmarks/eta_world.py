"""Days of crews for judging expected arrivals: a world that the product's forecast knows nothing of.

Nothing here is shared with `dispatch.planning.spread` or `arrivals`. Work is gamma and drives are Weibull
distributed, not lognormal; work types, crews, hours, and every crew's every day have biases of their own; some work
takes two to three times as long, some drives meet a jam, and some customers are not at home. Crews sometimes set
out early, take their break when it suits, and only half of them are followed by position.
"""

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, gamma

from dispatch.work.catalogue import SHIPPED

CREWS, VISITS_A_DAY = 8, 7
BEGIN, NOON = 8 * 3600, 12 * 3600
BREAK_S = 45 * 60
_WINDOW_S, _HALF_HOUR = 2 * 3600, 1800
_TYPES = (
    "OUT-LV",
    "FUSE",
    "INT",
    "MTR-XCH",
    "MTR-TST",
    "SAFE-DIS",
    "INSP-U",
    "VIP-VIS",
    "NC-SRV",
    "MTR-COM",
)
_RUSH = {7: 1.15, 8: 1.3, 9: 1.1, 12: 0.92, 13: 0.95, 16: 1.08, 17: 1.3, 18: 1.25}
_TIRED = {8: 1.06, 13: 1.08, 14: 1.05, 16: 0.96, 17: 0.92}


@dataclass(frozen=True, slots=True)
class Planned:
    """A visit as planned, seconds of the day; `window_end` is None when nothing was promised."""

    work_type: str
    travel_s: float
    departs: float
    arrives: float
    starts: float
    service_s: float
    window: tuple[float, float] | None
    breaks: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """The same visit as it went; `done` is false where nobody was at home."""

    departed: float
    arrived: float
    started: float
    ended: float
    done: bool
    jam: tuple[float, float]


@dataclass(frozen=True, slots=True)
class CrewDay:
    """One crew's day; `is_followed` when its telephone reports positions."""

    day: int
    crew: str
    is_followed: bool
    planned: tuple[Planned, ...]
    happened: tuple[Happened, ...]


class World:
    """Crews with habits that nobody knows, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(f"eta:{seed}")
        rows = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["work_type"]
        self.minutes: dict[str, tuple[float, float]] = {
            row["code"]: tuple(row["minutes"]) for row in rows if row["code"] in _TYPES
        }
        bias = self.chance.lognormvariate
        self.of_type = {code: bias(0, 0.15) for code in self.minutes}
        self.crews = [f"C{number}" for number in range(1, CREWS + 1)]
        self.slow_work = {crew: bias(0, 0.15) for crew in self.crews}
        self.slow_drive = {crew: bias(0, 0.08) for crew in self.crews}

    def days(self, count: int) -> Iterator[list[CrewDay]]:
        """So many days, each the days of all crews."""
        for day in range(count):
            yield [self._crew_day(day, number, crew) for number, crew in enumerate(self.crews)]

    def _crew_day(self, day: int, number: int, crew: str) -> CrewDay:
        planned = tuple(self._planned())
        return CrewDay(day, crew, number % 2 == 0, planned, tuple(self._happened(crew, planned)))

    def _planned(self) -> Iterator[Planned]:
        chance, free, rested = self.chance, float(BEGIN), False
        for _ in range(VISITS_A_DAY):
            code = chance.choice(sorted(self.minutes))
            p50, p90 = self.minutes[code]
            service_s = 60 * (p50 + (p90 - p50) / 4)
            travel_s = 60 * chance.uniform(6, 28)
            breaks: tuple[tuple[float, float], ...] = ()
            if not rested and free + travel_s + service_s > NOON:
                rested, begins = True, max(free, NOON - 1800.0)
                breaks, free = ((begins, float(BREAK_S)),), begins + BREAK_S
            departs = free + chance.choice((0, 0, 0, 300, 900))
            arrives = departs + travel_s
            window = self._window(arrives) if chance.random() < 0.5 else None
            starts = max(arrives, window[0]) if window else arrives
            yield Planned(code, travel_s, departs, arrives, starts, service_s, window, breaks)
            free = starts + service_s

    def _window(self, arrives: float) -> tuple[float, float]:
        """Two hours on the half hour; the planned arrival lies a quarter of an hour before their end or more."""
        end = ceil((arrives + 900) / _HALF_HOUR) * _HALF_HOUR
        end += self.chance.choice((0, 0, 1, 2)) * _HALF_HOUR
        return end - _WINDOW_S, float(end)

    def _happened(self, crew: str, planned: tuple[Planned, ...]) -> Iterator[Happened]:
        chance = self.chance
        mood = chance.lognormvariate(0, 0.06)
        free = BEGIN + max(0.0, chance.gauss(180, 240))
        for one in planned:
            for begins, lasts in one.breaks:
                free = max(free, begins + chance.uniform(-600, 900)) + lasts * chance.uniform(
                    0.85, 1.2
                )
            early = chance.uniform(0, 480) if chance.random() < 0.3 else 0.0
            departed = max(free, one.departs - early)
            jam = 60 * chance.uniform(8, 25) if chance.random() < 0.025 else 0.0
            pure = one.travel_s * self.slow_drive[crew] * _RUSH.get(int(departed // 3600), 1.0)
            drive = pure * chance.weibullvariate(1 / gamma(1 + 1 / 5.5), 5.5) + jam
            arrived = departed + drive
            if chance.random() < 0.02:
                free = arrived + 600
                yield Happened(departed, arrived, arrived, free, False, (departed + drive / 3, jam))
                continue
            started = max(arrived, one.window[0]) if one.window else arrived
            ended = started + self._work_s(crew, one.work_type, started, mood)
            yield Happened(departed, arrived, started, ended, True, (departed + drive / 3, jam))
            free = ended

    def _work_s(self, crew: str, code: str, started: float, mood: float) -> float:
        p50, p90 = self.minutes[code]
        shape = (1.0 / (0.55 * (p90 / p50 - 1) + 0.12)) ** 2  # wide where the catalogue is
        drawn = self.chance.gammavariate(shape, 1 / shape)
        if self.chance.random() < 0.03:
            drawn *= self.chance.uniform(2, 3)
        hour = _TIRED.get(int(started // 3600), 1.0)
        return 60 * p50 * 1.05 * self.of_type[code] * self.slow_work[crew] * hour * mood * drawn
