"""The values a planning document may hold, and the refusal of every other value.

Paths are written as in the document: `visits[3].windows[0]`.
"""

import math
import sys
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar

MAX_TIME = 100_000_000
"""Largest absolute time and largest duration, seconds."""
MAX_COST = 1_000_000_000
"""Largest weight and cost, points; also the largest level, crew size and number of parts."""
MAX_NESTING = 100
"""Deepest nesting of a free object (`meta`, `search`)."""
UNREACHABLE = 1_000_000_000
"""Seconds that stand for any drive or service too long for every shift (those end by 2e8)."""

V = TypeVar("V")


class ProblemError(ValueError):
    """A planning document is refused.

    `path` names the faulty key (empty for the document itself), `message` says what is wrong and
    what would be right.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(path, message)
        self.path = path
        self.message = message

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message

    def under(self, parent: str) -> "ProblemError":
        """The same refusal, seen from a document in which the object stands at `parent`."""
        return ProblemError(joined(parent, self.path), self.message)


class FrozenDict(dict[str, V]):
    """A mapping that cannot change, hashable when its values are."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise TypeError("the mappings of a problem or a plan cannot be changed")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type, tuple[dict[str, V]]]:
        return type(self), (dict(self),)

    def __copy__(self) -> "FrozenDict[V]":
        return self

    def __deepcopy__(self, _memo: object) -> "FrozenDict[V]":
        return self


def joined(parent: str, path: str) -> str:
    """`visits[3]` and `windows[0]` make `visits[3].windows[0]`."""
    if not parent or not path or path.startswith("["):
        return parent + path
    return f"{parent}.{path}"


def shown(value: object) -> str:
    """A value as an error message shows it: short, and never failing."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**20:
        return "a huge integer"
    if isinstance(value, (dict, list, tuple)):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    word = ascii(value)
    return word if len(word) <= 60 else word[:57] + "..."


def integer(value: object, path: str, low: int, high: int) -> int:
    """The value, when it is an integer (no boolean, no 1.0) in `low..high`."""
    if type(value) is not int:
        raise ProblemError(path, f"must be an integer, not {shown(value)}")
    if not low <= value <= high:
        raise ProblemError(path, f"must be an integer in {low:,}..{high:,}, not {shown(value)}")
    return value


def time(value: object, path: str) -> int:
    """A time in seconds after `start`; may be negative."""
    return integer(value, path, -MAX_TIME, MAX_TIME)


def duration(value: object, path: str) -> int:
    """A length of time in seconds."""
    return integer(value, path, 0, MAX_TIME)


def cost(value: object, path: str) -> int:
    """A cost or a weight in points."""
    return integer(value, path, 0, MAX_COST)


def number(value: object, path: str) -> float:
    """A finite number; whole numbers are numbers too."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ProblemError(path, f"must be a number, not {shown(value)}")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise ProblemError(path, "must be a finite number")
    return result


def factor(value: object, path: str) -> float:
    """A finite number above 0."""
    result = number(value, path)
    if result < sys.float_info.min:
        raise ProblemError(path, f"must be above 0, not {shown(value)}")
    return result


def text(value: object, path: str) -> str:
    """A string that can be written as UTF-8."""
    if not isinstance(value, str):
        raise ProblemError(path, f"must be a string, not {shown(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ProblemError(path, "holds half of a surrogate pair, which is no character") from None
    return value


def identifier(value: object, path: str) -> str:
    """A name: a string with at least one character."""
    if not text(value, path):
        raise ProblemError(path, "must not be empty")
    return str(value)


def listed(value: object, path: str) -> tuple[Any, ...]:
    """The members of a list or tuple."""
    if not isinstance(value, (list, tuple)):
        raise ProblemError(path, f"must be a list, not {shown(value)}")
    return tuple(value)


def identifiers(value: object, path: str) -> tuple[str, ...]:
    """Names, none of them twice."""
    names = tuple(
        identifier(name, f"{path}[{index}]") for index, name in enumerate(listed(value, path))
    )
    refuse_doubles(names, path)
    return names


def refuse_doubles(names: Iterable[str], path: str, key: str = "") -> None:
    """Raise ProblemError at the first name that has been met before."""
    met: dict[str, int] = {}
    for index, name in enumerate(names):
        if name in met:
            at = joined(f"{path}[{index}]", key)
            raise ProblemError(at, f"{shown(name)} is already at {path}[{met[name]}]")
        met[name] = index


def amounts(value: object, path: str, low: int) -> FrozenDict[int]:
    """Names with integers of at least `low`: skills and levels, parts and numbers."""
    if not isinstance(value, dict):
        raise ProblemError(path, f"must be an object, not {shown(value)}")
    result: dict[str, int] = {}
    for name, amount in value.items():
        result[identifier(name, path)] = integer(amount, joined(path, name), low, MAX_COST)
    return FrozenDict(result)


def free_object(value: object, path: str) -> FrozenDict[Any]:
    """A copy of an object whose keys are free, when JSON can hold all of it."""
    if not isinstance(value, dict):
        raise ProblemError(path, f"must be an object, not {shown(value)}")
    copied: FrozenDict[Any] = _json_copy(value, path, 1)
    return copied


def _json_copy(value: object, path: str, depth: int) -> Any:
    if depth > MAX_NESTING:
        raise ProblemError(path, f"is nested more than {MAX_NESTING} deep")
    if isinstance(value, str):
        return text(value, path)
    if isinstance(value, dict):
        return FrozenDict(
            {
                text(key, path): _json_copy(item, joined(path, key), depth + 1)
                for key, item in value.items()
            }
        )
    if isinstance(value, (list, tuple)):
        return [_json_copy(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
    if value is None or isinstance(value, (bool, int)):
        return value
    return number(value, path)


def put(instance: object, **values: object) -> None:
    """Set fields of a frozen dataclass while it is being made."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


def round_half_up(value: float) -> int:
    """`floor(value + 0.5)`, the format's rounding; at most 10**15, far beyond any day."""
    return math.floor(min(value, 1e15) + 0.5)
