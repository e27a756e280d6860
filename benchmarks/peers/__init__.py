"""What plans an instance: our own engines and what a dispatcher could use instead.

Each peer takes a problem and wall seconds and answers with orders: the visits of each shift in order. Our own layer
then times these exactly, so that a peer is judged on its sequences; what breaks a rule of the format on the way is
left out. What a peer cannot express it refuses with CannotExpress.
"""

from collections.abc import Callable, Sequence
from importlib import import_module

from benchmarks.peers.features import CannotExpress
from optimizer.plan import Plan

__all__ = ["PEERS", "PROVING", "CannotExpress", "Planner", "names", "planner"]

Planner = Callable[..., Plan]
"""Plans a problem in so many wall seconds with a seed; those in PROVING take seconds for a `bound` too."""

PEERS: dict[str, tuple[str, str]] = {
    "gridcrew": ("gridcrew", "searched"),
    "gridcrew x2": ("gridcrew", "searched_by_two"),
    "gridcrew without CP-SAT": ("gridcrew", "searched_without_choice"),
    "ortools": ("ortools", "planned"),
    "vroom": ("vroom", "planned"),
    "pyvrp": ("pyvrp", "planned"),
    "naive": ("gridcrew", "ruled"),
}
"""Each peer's module here and function in it."""
PROVING = ("gridcrew", "gridcrew x2")
SHORT = {"gridcrew2": "gridcrew x2", "gridcrew-nochoice": "gridcrew without CP-SAT"}


def planner(name: str) -> Planner:
    """The peer of this name; only its own library is loaded."""
    module, function = PEERS[name]
    found: Planner = getattr(import_module(f"benchmarks.peers.{module}"), function)
    return found


def names(wanted: Sequence[str]) -> list[str]:
    """The peers of these names, short forms included; raise ValueError for another one."""
    found = [SHORT.get(name, name) for name in wanted]
    for name in found:
        if name not in PEERS:
            known = ", ".join((*PEERS, *SHORT))
            raise ValueError(f"there is no engine {name!r}; known are {known}")
    return found
