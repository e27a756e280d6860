"""A walk through a part of a search: the temperature falls with what is spent of it, by the clock or by steps."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from optimizer.search.searcher import Searcher

HOT, COLD = 2.0, 0.01
"""First and last temperature of a search, shares of what one visit's drive costs."""
BOLD = 0.6
"""Share of a search whose walks are bold: they change which visits stay out, at a price."""
ROOM = 2.5
"""That price, and how much dearer than the best plan one may be whose routes are remembered, shares of the same."""
WALKED = 0.97
"""Share of the seconds that walks take; the rest is CP-SAT's."""
FIRST_CHUNK = 50
"""Steps before the first look at the clock, when nobody knows yet how long one takes."""
LOOK_EVERY = 0.03
"""Seconds between two looks at the clock."""
STEPS_BETWEEN_LOOKS = 500
"""Steps between two looks at what `stop` says, under a limit on steps."""


@dataclass
class Budget:
    """How much of a search is spent: wall seconds, steps, and whether it was told to stop."""

    seconds: float | None
    iterations: int | None
    stop: Callable[[], bool] | None
    began: float = field(default_factory=time.monotonic)
    stopped: bool = False

    def elapsed(self) -> float:
        """Wall seconds since the search began."""
        return time.monotonic() - self.began

    def until(self, share: float) -> float | None:
        """Wall seconds until this share of the walks' time is over; None without a limit on time."""
        if self.seconds is None:
            return None
        return max(0.0, WALKED * share * self.seconds - self.elapsed())

    def halted(self) -> bool:
        """Whether the search must end at once."""
        if not self.stopped and self.stop is not None and self.stop():
            self.stopped = True
        return self.stopped or (self.seconds is not None and self.elapsed() >= self.seconds)


class Stretch(NamedTuple):
    """From one share of a search to another, within seconds, steps, or whichever of both comes first."""

    begin: float
    end: float
    seconds: float | None
    steps: int | None

    def at(self, done: float) -> float:
        """The share of the search when `done` of the stretch is."""
        return self.begin + min(1.0, done) * (self.end - self.begin)


def walk(
    searcher: Searcher, stretch: Stretch, budget: Budget, *, drive: float, told: Callable[[], None]
) -> None:
    """Walk the stretch, or until the budget halts; `told` is called some thirty times a second.

    `drive` is what one visit's drive costs, points.
    """
    began, first, bold = time.monotonic(), searcher.steps, stretch.begin < BOLD
    # Under a limit on steps the pieces of a walk must not depend on the clock: they are part of what it does.
    chunk = FIRST_CHUNK if stretch.steps is None else STEPS_BETWEEN_LOOKS
    while not budget.halted():
        steps = searcher.steps - first
        done = max(_share(steps, stretch.steps), _share(time.monotonic() - began, stretch.seconds))
        if done >= 1.0:
            break
        size = chunk if stretch.steps is None else min(chunk, stretch.steps - steps)
        hot, cold = stretch.at(done), stretch.at(done + _share(size, stretch.steps))
        looked = time.monotonic()
        searcher.walk(
            size,
            drive * _temperature(hot),
            drive * _temperature(cold),
            round(ROOM * drive),
            bold=bold,
        )
        if stretch.steps is None:
            took = max(time.monotonic() - looked, 1e-6)
            chunk = max(10, min(3 * chunk, int(size * LOOK_EVERY / took)))
        told()


def _temperature(share: float) -> float:
    cooled: float = HOT * (COLD / HOT) ** share
    return cooled


def _share(spent: float, limit: float | None) -> float:
    if limit is None:
        return 0.0
    return spent / limit if limit > 0 else 1.0
