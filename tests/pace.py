"""How fast the machine is just now: a limit in seconds asks the same of a slow one, and of one with other work."""

import time

ROUNDS, USUAL_S = 1_500_000, 0.07
"""A bare loop, and what it takes on a core of its own on the machine that the limits were set on."""


def slowness() -> float:
    """How many times longer a bare loop takes here and now than it usually does; at least 1."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        sum(number * number % 7 for number in range(ROUNDS))
        took.append(time.perf_counter() - began)
    return max(1.0, min(took) / USUAL_S)
