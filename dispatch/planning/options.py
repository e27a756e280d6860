"""The options of a run."""

from collections.abc import Mapping
from typing import Any

from dispatch.core.errors import InvalidError

DEFAULT_ENGINE = "search"
NAIVE = "naive"
"""The rule of thumb, answered at once."""
ENGINES = (DEFAULT_ENGINE, "routing", NAIVE)


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
