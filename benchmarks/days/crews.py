"""Who works: crews of four kinds and their shifts."""

from dataclasses import dataclass
from random import Random

from benchmarks.days.ground import Ground
from optimizer.problem import Break, Crew, Shift

HOUR = 3600
DAY = 24 * HOUR
OPENS, CLOSES = 8 * HOUR, 17 * HOUR
LUNCH = (11 * HOUR + 1800, 13 * HOUR, HOUR)
"""Earliest begin, latest begin, length."""
USE_COST = 3600

_KINDS: tuple[tuple[dict[str, int], int, float], ...] = (
    ({"hv": 1, "meter": 2, "cable": 1}, 2, 1.0),
    ({"hv": 3, "live": 2, "cable": 2}, 3, 1.0),
    ({"hv": 1, "meter": 2, "cable": 1}, 2, 1.0),
    ({"hv": 2, "cable": 2, "meter": 1}, 3, 1.0),
    ({"meter": 2}, 1, 0.9),
    ({"hv": 2, "cable": 2}, 2, 1.0),
)
"""Skills, members and travel factor of general, live-line, general, line, meter (by scooter) and cable crews."""


@dataclass(frozen=True, slots=True)
class Roster:
    """The crews and their shifts, and when the days begin, seconds."""

    crews: tuple[Crew, ...]
    shifts: tuple[Shift, ...]
    days: tuple[int, ...]


def roster(chance: Random, ground: Ground, kind: str, count: int, days: int) -> Roster:
    """Crews of all kinds in turn, each with a shift a day, from and to its depot."""
    crews: list[Crew] = []
    shifts: list[Shift] = []
    for index in range(count):
        skills, members, pace = _KINDS[index % len(_KINDS)]
        crew = Crew(
            id=f"C{index + 1}",
            skills=skills,
            members=members,
            travel_factor=pace,
            service_factor=1.1 if index % 10 == 9 else 1.0,
        )
        crews.append(crew)
        depot = ground.depots[index % len(ground.depots)]
        parts = {"meter": chance.randint(5, 9), "fuse": chance.randint(3, 6), "cable": 3}
        if len(skills) == 1:
            # Who only sees to meters carries more of them.
            parts["meter"] += 6
        shifts += [_shift(crew.id, depot, kind, day, parts) for day in range(days)]
    return Roster(tuple(crews), tuple(shifts), tuple(DAY * day for day in range(days)))


def _shift(crew: str, depot: str, kind: str, day: int, parts: dict[str, int]) -> Shift:
    begin = DAY * day
    lunch = Break("lunch", begin + LUNCH[0], begin + LUNCH[1], LUNCH[2])
    return Shift(
        id=f"{crew} day {day + 1}" if kind == "week" else crew,
        crew=crew,
        start=begin + OPENS,
        # Without a lunch break the shift is as much shorter.
        end=begin + CLOSES - (HOUR if kind == "plain" else 0),
        max_overtime=2 * HOUR if kind == "soft" else 0,
        from_=depot,
        to=depot,
        breaks=() if kind == "plain" else (lunch,),
        stock=parts,
        use_cost=USE_COST if kind == "soft" else 0,
    )
