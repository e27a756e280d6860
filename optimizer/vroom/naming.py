"""The numbers by which VROOM knows what a problem knows by name."""

from collections.abc import Sequence
from typing import Any

from optimizer.problem import Problem


def numbers(names: Sequence[str]) -> dict[str, int]:
    """A number for each name: the one it spells, when all spell one, else its position from 1."""
    if all(name.isascii() and name.isdecimal() and str(int(name)) == name for name in names):
        return {name: int(name) for name in names}
    return {name: index for index, name in enumerate(names, start=1)}


def told(problem: Problem) -> dict[str, Any]:
    """What the reader of a VROOM document left in `meta`: the offset of times, descriptions."""
    kept = problem.meta.get("vroom", {})
    return dict(kept) if isinstance(kept, dict) else {}


def described(problem: Problem, kind: str, name: str, number: int) -> dict[str, str]:
    """The description of a vehicle or a job: what VROOM's document said, else the name, if it is none."""
    descriptions = told(problem).get(kind, {})
    text = descriptions.get(name, "") if isinstance(descriptions, dict) else ""
    if not text and name != str(number):
        text = name
    return {"description": text} if text else {}
