"""An instance of the benchmarks: a problem with its name, its class and what is known of it."""

from dataclasses import dataclass

from optimizer.problem import Problem


@dataclass(frozen=True, slots=True)
class Named:
    """A problem to plan. `kind` is the class it is averaged in; `best_known` a cost, points, or None."""

    suite: str
    kind: str
    name: str
    problem: Problem
    best_known: int | None = None

    @property
    def size(self) -> int:
        """How many visits there are."""
        return len(self.problem.visits)
