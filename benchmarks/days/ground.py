"""Where things are: towns around Humen, depots in some of them, premises in and between them."""

import math
from random import Random

from optimizer.problem import Place

CENTRE = (22.8, 113.67)
"""Humen: latitude and longitude, degrees."""
MOST_REACH = 0.32
"""Half the width of the largest territory, degrees."""
TOWN = 0.011
"""Half the width of a town, degrees: a little over a kilometre."""
SHARED = 0.15
"""Share of visits at a place where another one is."""


class Ground:
    """The places of a territory with room for `size` visits and depots for `shifts` crews."""

    def __init__(self, chance: Random, size: int, shifts: int) -> None:
        self.chance = chance
        self.reach = min(MOST_REACH, 0.055 * math.sqrt(size / 100))
        towns = max(4, size // 30)
        self.towns = [self._around(CENTRE, self.reach) for _ in range(towns)]
        self.places: list[Place] = []
        depots = max(2, shifts // 20)
        self.depots = [
            self._place(f"depot {index}", self.towns[index]) for index in range(min(depots, towns))
        ]
        self._premises: list[str] = []

    def premises(self) -> str:
        """The place of one more visit, now and then one that has a visit already."""
        chance = self.chance
        if self._premises and chance.random() < SHARED:
            return chance.choice(self._premises)
        spot = chance.choice(self.towns)
        lat, lon = self._around(spot, TOWN if chance.random() < 0.8 else 4 * TOWN)
        name = self._place(f"P{len(self._premises) + 1}", (lat, lon))
        self._premises.append(name)
        return name

    def _around(self, spot: tuple[float, float], reach: float) -> tuple[float, float]:
        """A point near a spot, more often close to it: the mean of two even draws."""
        chance = self.chance
        lat, lon = (at + reach * (chance.random() + chance.random() - 1.0) for at in spot)
        return round(lat, 6), round(lon, 6)

    def _place(self, name: str, at: tuple[float, float]) -> str:
        self.places.append(Place(name, *at))
        return name
