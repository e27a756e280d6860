"""What is to be done: visits by type of work, with urgency classes P0 to P5 and their points."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from benchmarks.days.crews import CLOSES, HOUR, OPENS, Roster
from benchmarks.days.ground import Ground
from optimizer.problem import Visit, Window

POINTS = {
    0: (200_000_000, 200),
    1: (20_000_000, 50),
    2: (2_000_000, 10),
    3: (300_000, 4),
    4: (50_000, 1),
    5: (10_000, 0),
}
"""By class: points of leaving a visit out, and of each second after its due time."""
SHIFT_MINUTES = 480
DRIVE_MINUTES = 8
"""Usual drive between two stops of a good plan."""
LOAD = {"plain": 1.02, "hard": 1.0, "soft": 1.15, "linked": 0.98, "replanned": 0.88, "week": 0.98}
"""By kind of day, work offered over work that would fit without waiting, so that a few visits are left out."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type of work: how often of a hundred, what it asks for, minutes, urgency classes."""

    often: int
    skills: dict[str, int]
    members: int
    minutes: tuple[int, int]
    setup: int
    parts: dict[str, int]
    classes: tuple[int, ...]


_KINDS = (
    _Kind(30, {"meter": 1}, 1, (15, 30), 300, {"meter": 1}, (3, 3, 4, 5)),
    _Kind(10, {"meter": 2}, 1, (20, 40), 300, {"meter": 1}, (2, 3, 3)),
    _Kind(20, {"hv": 1}, 1, (20, 40), 600, {}, (4, 5, 5)),
    _Kind(14, {"hv": 2}, 2, (45, 90), 600, {}, (3, 4, 4)),
    _Kind(9, {"cable": 2}, 2, (60, 120), 900, {"cable": 1}, (2, 3, 4)),
    _Kind(12, {"hv": 1, "cable": 1}, 2, (30, 60), 600, {"fuse": 1}, (1, 2, 2)),
    _Kind(4, {"live": 1}, 3, (60, 100), 900, {}, (3, 4)),
    _Kind(1, {"hv": 2}, 2, (40, 60), 600, {"fuse": 2}, (0,)),
)
_MEAN = sum(kind.often * sum(kind.minutes) / 200 for kind in _KINDS)
_MEAN_SETUP = sum(kind.often * kind.setup / 6000 for kind in _KINDS)
_PROMISES = ((8, 10), (9, 12), (10, 12), (13, 15), (13, 17), (14, 16), (15, 17))
"""Windows offered to customers, hours of the day."""


class Desk:
    """Takes the orders of a day: `stops` visits a shift on average."""

    def __init__(
        self, chance: Random, ground: Ground, crews: Roster, kind: str, stops: float
    ) -> None:
        self.chance, self.ground, self.crews, self.kind = chance, ground, crews, kind
        # Service takes what a shift has left beside driving.
        a_stop = LOAD[kind] * SHIFT_MINUTES / stops - DRIVE_MINUTES - _MEAN_SETUP
        self.scale = max(0.4, a_stop / _MEAN)
        self.able = [kind for kind in _KINDS if self._some_crew(kind)]

    def _some_crew(self, kind: _Kind) -> bool:
        return any(
            crew.members >= kind.members
            and all(crew.skills.get(skill, 0) >= level for skill, level in kind.skills.items())
            for crew in self.crews.crews
        )

    def visits(self, size: int) -> tuple[Visit, ...]:
        """The day's visits; about one in a hundred needs a skill that nobody has."""
        impossible = set(self.chance.sample(range(size), max(1, size // 100)))
        found = []
        for index in range(size):
            visit = self._visit(f"V{index + 1}")
            if index in impossible:
                visit = replace(visit, skills={"tower": 1})
            found.append(visit)
        return tuple(found)

    def urgent(self, visit: Visit) -> Visit:
        """The same as a new outage: no promise, class P1 or P2."""
        worth, _ = POINTS[self.chance.choice((1, 2, 2))]
        return replace(visit, windows=(), unserved_cost=worth)

    def _visit(self, name: str) -> Visit:
        chance = self.chance
        kind = chance.choices(self.able, [kind.often for kind in self.able])[0]
        urgency = chance.choice(kind.classes)
        worth, late = POINTS[urgency]
        minutes = chance.randint(*kind.minutes) * self.scale
        keys: dict[str, Any] = {"skills": dict(kind.skills), "members": kind.members}
        if "live" in kind.skills and chance.random() < 0.3:
            keys["skills"] = {"live": 2}
        if chance.random() < 0.02:
            keys["forbidden_crews"] = (chance.choice(self.crews.crews).id,)
        if self.kind == "soft" and chance.random() < 0.25:
            keys["preferred_crews"] = (chance.choice(self.crews.crews).id,)
        keys |= self._times(urgency, late)
        return Visit(
            id=name,
            place=self.ground.premises(),
            duration=60 * max(5, int(minutes)),
            setup=kind.setup,
            parts=kind.parts,
            # Age and customer class add at most half of the class's own figure.
            unserved_cost=worth + worth * chance.randint(0, 10) // 20,
            **keys,
        )

    def _times(self, urgency: int, late: int) -> dict[str, Any]:
        if self.kind == "week":
            return self._week_times(urgency, late)
        promised = urgency == 3 and self.chance.random() < (0.3 if self.kind == "soft" else 0.7)
        if promised:
            return {"windows": self._promise(0)}
        if self.kind != "soft" or not late:
            return {}
        hours = {0: (1, 1), 1: (2, 3), 2: (2, 5), 3: (3, 9), 4: (9, 9)}[urgency]
        return {"due": OPENS + HOUR * self.chance.randint(*hours), "late_cost": late}

    def _promise(self, day: int) -> tuple[Window, ...]:
        """A window on a day, now and then two to choose from."""
        count = 2 if self.chance.random() < 0.15 else 1
        return tuple(
            Window(day + opens * HOUR, day + closes * HOUR)
            for opens, closes in sorted(self.chance.sample(_PROMISES, count))
        )

    def _week_times(self, urgency: int, late: int) -> dict[str, Any]:
        """Promised on one day, followed up on any of some days, or due by the end of one."""
        chance, days = self.chance, self.crews.days
        if urgency == 3 and chance.random() < 0.7:
            return {"windows": self._promise(chance.choice(days))}
        if urgency >= 4 and chance.random() < 0.3:
            first = chance.randrange(len(days) - 1)
            tolerated = days[first : first + chance.randint(1, 2)]
            return {"windows": tuple(Window(day + OPENS, day + CLOSES) for day in tolerated)}
        if not late:
            return {}
        day = days[0] if urgency <= 2 else chance.choice(days)
        return {"due": day + CLOSES, "late_cost": late}
