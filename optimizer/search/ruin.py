"""Ruin and recreate on the exact cost: take neighbours out of a few routes, put them back.

The ruin takes strings of stops out of routes near a random visit and the recreation inserts
greedily with blinks, after Christiaens & Vanden Berghe, "Slack Induction by String Removals for
Vehicle Routing Problems", Transportation Science 54 (2020). Worse states are accepted as in
simulated annealing.
"""

import math
from random import Random

from optimizer.search.greedy import insert_all
from optimizer.search.instance import Instance
from optimizer.search.state import State

MEAN_REMOVED = 8
LONGEST_STRING = 8
BLINK = 0.01
MOST_RETRIED = 12
"""Visits left out before the ruin that are tried again in one recreation."""


class Ruiner:
    """One walk of ruin and recreate from state to state, by its own random numbers."""

    def __init__(self, instance: Instance, seed: int) -> None:
        self.instance = instance
        self.chance = Random(seed)  # noqa: S311 - a search, not a secret
        self._near: dict[int, list[int]] = {}

    def step(self, state: State) -> State:
        """Another state near this one, itself unchanged."""
        trial = state.copy()
        removed = sorted(trial.remove(self._ruined(trial)))
        gone = set(removed)
        left = [v for v, s in enumerate(trial.where) if s < 0 and v not in gone]
        if len(left) > MOST_RETRIED:
            left = self.chance.sample(left, MOST_RETRIED)
        waiting = removed + left
        self._sort(waiting)
        return insert_all(trial, waiting, chance=self.chance, blink=BLINK)

    def _ruined(self, state: State) -> set[int]:
        """Visits to take out: strings of stops around a random visit."""
        chance = self.chance
        seed = chance.randrange(self.instance.visits)
        length = 1 + chance.randrange(LONGEST_STRING)
        strings = max(1, round(MEAN_REMOVED * 2 * chance.random() / length))
        gone: set[int] = set()
        touched: set[int] = set()
        for v in self._neighbours(seed):
            s = state.where[v]
            if s < 0 or s in touched:
                continue
            touched.add(s)
            order = state.order(s)
            count = min(len(order), length)
            at = order.index(v)
            low = max(0, at - count + 1)
            high = min(at, len(order) - count)
            begin = chance.randint(low, high)
            gone.update(order[begin : begin + count])
            if len(touched) >= strings:
                break
        return gone

    def _neighbours(self, v: int) -> list[int]:
        """Visits by the travel from this one as the first crew drives, itself first."""
        if v not in self._near:
            instance = self.instance
            row = instance.legs[0][instance.place[v]]
            self._near[v] = sorted(
                range(instance.visits), key=lambda other: (other != v, row[instance.place[other]])
            )
        return self._near[v]

    def _sort(self, visits: list[int]) -> None:
        instance, chance = self.instance, self.chance
        draw = chance.random()
        chance.shuffle(visits)
        if draw < 0.4:
            return
        if draw < 0.6:
            visits.sort(key=lambda v: -instance.drop_cost[v])
        elif draw < 0.8:
            visits.sort(key=lambda v: sum(close - open_ for open_, close in instance.windows[v]))
        else:
            lane = instance.lanes[0]
            row = lane.legs[lane.home]
            far = draw < 0.9
            visits.sort(key=lambda v: -row[instance.place[v]] if far else row[instance.place[v]])


def accepts(cost: int, current: int, temperature: float, chance: Random) -> bool:
    """Whether simulated annealing goes from `current` to a state of this cost."""
    if cost <= current:
        return True
    return temperature > 0 and cost < current - temperature * math.log(1.0 - chance.random())
