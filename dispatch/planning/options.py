"""The options of a run, and what else its answer depends on."""

from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from typing import Any

from dispatch.core.errors import InvalidError

DEFAULT_ENGINE = "search"
NAIVE = "naive"
"""The rule of thumb, answered at once."""
ENGINES = (DEFAULT_ENGINE, "routing", NAIVE)
UNLIMITED_S = 3600.0
"""Seconds for a search that is limited by its iterations."""
_MAKERS = ("gridcrew", "ortools", "numba", "numpy")


class BadOption(InvalidError):
    """An option of the run is unknown or out of range."""

    code = "bad_option"


def checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options when each is known and in range; raises BadOption."""
    ranges = {
        "seconds": (0.1, 3600),
        "iterations": (1, 100_000_000),
        "seed": (0, 2**31 - 1),
        "workers": (1, 64),
    }
    for name, value in options.items():
        if name == "engine":
            if value not in ENGINES:
                raise BadOption(f"engine must be one of {', '.join(ENGINES)}.", field="engine")
            continue
        if name not in ranges:
            known = ", ".join([*ranges, "engine"])
            raise BadOption(f"{name} is no option of a run; there are {known}.", field=name)
        low, high = ranges[name]
        kinds = (int, float) if name == "seconds" else int
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise BadOption(f"{name} must be a number in {low:,}..{high:,}.", field=name)
    return dict(options)


def completed(options: Mapping[str, Any], *, seconds: float, workers: int) -> dict[str, Any]:
    """The options with everything that they leave open, as a run takes it: enough to repeat it.

    `seconds` and `workers` are the installation's own. A run limited by iterations has time enough for them.
    """
    return {
        "seconds": UNLIMITED_S if "iterations" in options else seconds,
        "seed": 0,
        "engine": DEFAULT_ENGINE,
        "workers": workers,
        **options,
    }


@lru_cache(maxsize=1)
def versions() -> Mapping[str, str]:
    """The versions of what makes a plan: another one may answer the same problem and seed differently."""
    return {name: metadata.version(name) for name in _MAKERS}
