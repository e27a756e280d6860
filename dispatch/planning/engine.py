"""What answers small questions about a plan at once: the optimizer here, or the warm process that the API asks."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from optimizer.explain import Explanation, explain
from optimizer.insert import Insertion, apply, insert, relocate, retime
from optimizer.offers import Offer, offers
from optimizer.plan import Plan
from optimizer.problem import Problem, Visit
from optimizer.trials import Trial, trials


class Engine(Protocol):
    """The optimizer's questions about a plan that stands; see the modules of their names in `optimizer`."""

    def insert(
        self,
        problem: Problem,
        plan: Plan,
        visit_id: str,
        k: int = 3,
        *,
        displacing: bool = False,
        shift: str | None = None,
    ) -> list[Insertion]:
        """The `k` cheapest places for an unserved visit."""
        ...

    def apply(self, problem: Problem, plan: Plan, insertion: Insertion) -> Plan:
        """The plan with the insertion made."""
        ...

    def retime(self, problem: Problem, orders: Mapping[str, Sequence[str]]) -> Plan:
        """The plan of visits in these orders."""
        ...

    def relocate(
        self,
        problem: Problem,
        orders: Mapping[str, Sequence[str]],
        visit_id: str,
        shift_id: str,
        position: int | None = None,
    ) -> Plan:
        """The plan of these orders with the visit taken to this place, the shift's cheapest when None."""
        ...

    def offers(
        self, problem: Problem, plan: Plan, visit: str | Visit, windows: Iterable[Sequence[int]]
    ) -> list[Offer]:
        """What each window costs, or why the visit cannot have it."""
        ...

    def explain(self, problem: Problem, plan: Plan, visit_id: str) -> Explanation:
        """Why the visit is left out, or where it is."""
        ...

    def trials(self, problem: Problem, plan: Plan, visit_id: str) -> list[Trial]:
        """The visit on each shift: what it would change there, or why it cannot be there."""
        ...


class InProcess:
    """The optimizer in this process: every question compiles its problem anew."""

    insert = staticmethod(insert)
    apply = staticmethod(apply)
    retime = staticmethod(retime)
    relocate = staticmethod(relocate)
    offers = staticmethod(offers)
    explain = staticmethod(explain)
    trials = staticmethod(trials)


in_process: Engine = InProcess()
