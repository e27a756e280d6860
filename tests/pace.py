"""How long work takes, the machine's own pace taken out: a slow one, or one with other work, is asked the same."""

import time
from collections.abc import Callable

ROUNDS, USUAL_S = 500_000, 0.023
"""A bare loop, and what it takes on a core of its own on the machine that the limits were set on."""


def quickest(work: Callable[[], object], *, times: int = 7) -> float:
    """The least seconds that a call of `work` takes, each measured by the bare loops just before and after it.

    A pace taken once says nothing of a moment later where others use the machine too. A machine that is faster than
    the usual one is not asked for more.
    """
    found = []
    before = _loop()
    for _ in range(times):
        began = time.perf_counter()
        work()
        took = time.perf_counter() - began
        after = _loop()
        found.append(took / max(1.0, max(before, after) / USUAL_S))
        before = after
    return min(found)


def _loop() -> float:
    began = time.perf_counter()
    sum(number * number % 7 for number in range(ROUNDS))
    return time.perf_counter() - began
