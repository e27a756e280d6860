"""A virtual clock: what is to happen, in the order of its time."""

import heapq
from collections.abc import Callable
from datetime import datetime
from itertools import count


class Agenda:
    """Things to do at virtual instants; doing one may add others, never before the present."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._waiting: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()

    def add(self, at: datetime, do: Callable[[], None]) -> None:
        """Do this at `at`, or now when that has passed; equal times keep their order."""
        heapq.heappush(self._waiting, (max(at, self.now), next(self._order), do))

    def play(self, until: datetime) -> None:
        """Do everything up to `until` and end there."""
        while self._waiting and self._waiting[0][0] <= until:
            self.now, _, do = heapq.heappop(self._waiting)
            do()
        self.now = max(self.now, until)
