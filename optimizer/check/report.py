"""What a check finds: broken rules, and figures that are not what the problem makes them."""

from dataclasses import dataclass
from typing import NamedTuple

from optimizer.plan import Cost


class Violation(NamedTuple):
    """A rule that the plan breaks, at a path of the plan such as `routes[0].stops[2].start`."""

    rule: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message} ({self.rule})"


class Figure(NamedTuple):
    """A figure of the plan at a path, and what it comes to when computed from the problem."""

    path: str
    stated: int | None
    recomputed: int | None

    def __str__(self) -> str:
        stated, recomputed = ("null" if n is None else n for n in (self.stated, self.recomputed))
        return f"{self.path}: says {stated}, comes to {recomputed}"


@dataclass(frozen=True, slots=True)
class Report:
    """The judgement on a plan; `cost` is the plan's cost as recomputed from the problem, points.

    The cost leaves out what the problem does not know: routes and visits of unknown ids.
    """

    violations: tuple[Violation, ...]
    figures: tuple[Figure, ...]
    cost: Cost

    @property
    def ok(self) -> bool:
        """Whether every rule holds and every figure is right."""
        return not self.violations and not self.figures


class Findings:
    """The report while it is being written."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.figures: list[Figure] = []

    def broken(self, rule: str, path: str, message: str) -> None:
        """Note a broken rule."""
        self.violations.append(Violation(rule, path, message))

    def compare(self, path: str, stated: int | None, recomputed: int | None) -> None:
        """Note a figure that differs."""
        if stated != recomputed:
            self.figures.append(Figure(path, stated, recomputed))
