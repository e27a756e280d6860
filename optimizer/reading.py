"""Reading JSON strictly: text to objects, objects to types, and the path of whatever is wrong."""

import json
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any

from optimizer.values import ProblemError, free_object, joined, listed, shown, text

Reader = Callable[[Any, str], Any]
"""Makes a value of what JSON holds at a path."""


class _Doubled(dict[str, Any]):
    """An object of which a key stands twice in the text; the reader that meets it refuses it."""

    key: str


def parsed(document: str | bytes) -> object:
    """What a JSON text holds; raise ProblemError when it is no JSON text."""
    try:
        words = document.decode("utf-8-sig") if isinstance(document, bytes) else document
        return json.loads(words, object_pairs_hook=_pairs)
    except UnicodeDecodeError as error:
        raise ProblemError("", f"is no UTF-8 text: byte {error.start} is wrong") from None
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        raise ProblemError("", f"is no JSON text: {error.msg} at {at}") from None
    except RecursionError:
        raise ProblemError("", "is nested too deeply") from None
    except ValueError:
        # Python refuses to read integers of thousands of digits.
        raise ProblemError("", "holds a number with too many digits") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    doubled, met = _Doubled(result), set[str]()
    for key, _ in pairs:
        if key in met:
            doubled.key = key
        met.add(key)
    return doubled


def object_at(value: object, path: str) -> dict[str, Any]:
    """The object at a path, none of its keys twice."""
    if not isinstance(value, dict):
        raise ProblemError(path, f"must be an object, not {shown(value)}")
    if isinstance(value, _Doubled):
        raise ProblemError(joined(path, value.key), "stands twice in the same object")
    for key in value:
        text(key, path)
    return value


def key_of(field: Field[Any]) -> str:
    """The key of a field in the document."""
    return "from" if field.name == "from_" else field.name


def is_required(field: Field[Any]) -> bool:
    """Whether a key may not be left out."""
    return field.default is MISSING and field.default_factory is MISSING


def made(kind: type, value: object, path: str, readers: dict[str, Reader]) -> Any:
    """An instance of a dataclass from the object at `path`; its type checks plain values."""
    found = object_at(value, path)
    known = {key_of(field): field for field in fields(kind)}
    for key in found:
        if key not in known:
            raise ProblemError(joined(path, key), f"is unknown; known are {', '.join(known)}")
    for key, field in known.items():
        if is_required(field) and key not in found:
            raise ProblemError(joined(path, key), "is required")
    values = {
        known[key].name: readers.get(key, _as_it_is)(item, joined(path, key))
        for key, item in found.items()
    }
    try:
        return kind(**values)
    except ProblemError as error:
        raise error.under(path) from None


def maker(kind: type, **readers: Reader) -> Reader:
    """A reader of such objects; `readers` read the keys that hold more than plain values."""
    return lambda value, path: made(kind, value, path, readers)


def each(reader: Reader) -> Reader:
    """A reader of lists."""
    return lambda value, path: tuple(
        reader(item, f"{path}[{index}]") for index, item in enumerate(listed(value, path))
    )


def or_null(reader: Reader) -> Reader:
    """A reader that also takes null."""
    return lambda value, path: None if value is None else reader(value, path)


def _as_it_is(value: object, path: str) -> object:
    return object_at(value, path) if isinstance(value, dict) else value


def free(value: object, path: str) -> object:
    """An object with free keys, none of them twice."""
    copied = free_object(value, path)
    _refuse_doubled(value, path)
    return copied


def _refuse_doubled(value: object, path: str) -> None:
    if isinstance(value, dict):
        for key, item in object_at(value, path).items():
            _refuse_doubled(item, joined(path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _refuse_doubled(item, f"{path}[{index}]")


def needed(value: object, path: str, key: str) -> Any:
    """What stands under a key that may not be left out, in an object of which no more is read."""
    found = object_at(value, path)
    if key not in found:
        raise ProblemError(joined(path, key), "is required")
    return found[key]
