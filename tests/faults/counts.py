"""How often the fault tests repeat: a few times in the normal run, very often in the full one."""

import os

FULL = os.environ.get("GRIDCREW_FAULT_COUNTS") == "full"


def times(few: int, many: int) -> int:
    """`few` repetitions, or `many` with GRIDCREW_FAULT_COUNTS=full."""
    return many if FULL else few
