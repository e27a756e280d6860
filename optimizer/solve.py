"""From a problem to a plan within limits: search, OR-Tools' choice, the exact finish."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.answer import answer
from optimizer.search.cooling import Budget
from optimizer.search.given import from_orders, from_outline, incumbent_orders, seconds_of
from optimizer.search.greedy import by_worth, insert_worthwhile
from optimizer.search.instance import Instance
from optimizer.search.rounds import Rounds
from optimizer.search.searcher import Met, Outline, Searcher
from optimizer.search.state import State

if TYPE_CHECKING:
    from optimizer.exact.bound import Bound

ENGINES = ("search", "routing")
DEFAULT_SECONDS = 10.0
"""Limit of a search that was given none."""
CHOOSING, MOST_CHOOSING = 0.15, 20.0
"""Share of the bound's time in which CP-SAT chooses from its routes, and its most seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a search ends: wall seconds, iterations, or whichever of both comes first."""

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and not self.seconds >= 0:
            raise ValueError(f"seconds must be 0 or more, not {self.seconds}")
        if self.iterations is not None and self.iterations < 0:
            raise ValueError(f"iterations must be 0 or more, not {self.iterations}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is: wall seconds, iterations, cost of the best plan, visits in it."""

    seconds: float
    iterations: int
    total: int
    served: int


def solve(
    problem: Problem,
    limits: Limits,
    seed: int = 0,
    workers: int = 1,
    engine: str = "search",
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
    *,
    choice: bool = True,
    bound_seconds: float = 0.0,
) -> Plan:
    """The best plan found within the limits; every problem has one.

    The same problem, seed, workers and iteration limit give the same plan, as long as neither
    `limits.seconds` nor `stop` cuts the search short. `progress` is told of every better plan;
    once `stop` answers True the best plan so far is returned. `workers` walks search at once, each
    on a core; the engine `routing` uses one whatever `workers` says. Without `choice` CP-SAT does
    not choose among the routes met. `bound_seconds` after the search go into proving a lower bound
    on the total, which may fail: then the plan has none. Without a limit on iterations CP-SAT also
    chooses from the routes that this meets, for a better plan. Raise ValueError for an unknown
    engine or no worker.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {engine!r}")
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, not {workers}")
    if limits.seconds is None and limits.iterations is None:
        limits = Limits(seconds=DEFAULT_SECONDS)
    run = _Run(problem, limits, seed, workers, progress, stop)
    state, story = run.search(choice=choice) if engine == "search" else run.route()
    told = {
        "seconds": round(run.budget.elapsed(), 3),
        "iterations": run.iterations,
        "seed": seed,
        "workers": workers,
        "engine": engine,
        "trace": [[round(seconds, 3), total] for seconds, total in run.trace],
    }
    if not bound_seconds:
        return answer(state, {**told, **story})
    state, proven = run.bounded(state, bound_seconds)
    story["bound"] = {"rounds": proven.rounds, "closed": proven.closed}
    return replace(answer(state, {**told, **story}), bound=proven.value)


@dataclass
class _Run:
    """One solve: its instance, its clock and what it tells on the way."""

    problem: Problem
    limits: Limits
    seed: int
    workers: int
    progress: Callable[[Progress], None] | None
    stop: Callable[[], bool] | None
    iterations: int = 0
    trace: list[tuple[float, int]] = field(default_factory=list)

    rounds: Rounds | None = None
    """The rounds of the search, once it has run."""

    def __post_init__(self) -> None:
        self.budget = Budget(self.limits.seconds, self.limits.iterations, self.stop)
        self.instance = Instance(self.problem)

    def tell(self, seconds: float, iterations: int, total: int, served: int) -> None:
        """Note a better plan."""
        self.iterations = iterations
        if self.trace and total >= self.trace[-1][1]:
            return
        self.trace.append((seconds, total))
        if self.progress is not None:
            self.progress(Progress(seconds, iterations, total, served))

    def search(self, *, choice: bool) -> tuple[State, dict[str, Any]]:
        """Ruin and recreate with CP-SAT's choice; the plan and what there is to tell of it."""
        state = State(self.instance)
        if not self.instance.visits or not self.instance.shifts:
            self.tell(self.budget.elapsed(), 0, state.cost(), 0)
            return state, {}
        rounds = self.rounds = Rounds(
            self.instance, self.budget, seed=self.seed, workers=self.workers, choice=choice,
            told=self.tell,
        )  # fmt: skip
        outline = rounds.run(self._first())
        self.iterations = rounds.steps
        return self._finished(outline), dict(rounds.story())

    def _first(self) -> Outline:
        """The plan in force as far as it keeps today's rules."""
        instance = self.instance
        orders = incumbent_orders(instance)
        return Outline(
            orders, {} if instance.free else seconds_of(from_orders(instance, orders)), 0
        )

    def _finished(self, outline: Outline) -> State:
        """The outline in exact times, with whatever of the rest is worth it."""
        state = from_outline(self.instance, outline.orders, outline.begins)
        left = [v for v in by_worth(self.instance) if state.where[v] < 0]
        state = insert_worthwhile(state, left)
        self.tell(self.budget.elapsed(), self.iterations, state.cost(), state.served())
        return state

    def bounded(self, state: State, seconds: float) -> tuple[State, "Bound"]:
        """A plan as good or better, and what is proven within so many seconds."""
        from optimizer.exact.bound import lower_bound  # loading it takes as long as a short search

        end = time.monotonic() + seconds
        columns = [
            Met(s, tuple(state.order(s)), state.route_cost(s))
            for s in range(self.instance.shifts)
            if state.order(s)
        ]
        if self.rounds is not None:
            columns += self.rounds.met
        # How far the bound comes depends on the clock, and so would a plan made of its routes.
        choice = self.rounds is not None and self.rounds.choice and self.limits.iterations is None
        proven = lower_bound(
            self.problem, deadline=end - CHOOSING * seconds if choice else end, stop=self.stop,
            columns=columns, upper=state.cost(), workers=self.workers,
        )  # fmt: skip
        if choice and self.rounds is not None and (self.stop is None or not self.stop()):
            effort = max(0.0, min(MOST_CHOOSING, end - time.monotonic()))
            better = self._finished(self.rounds.choose_from(proven.columns, effort))
            state = min(state, better, key=lambda each: each.cost())
        return state, proven

    def route(self) -> tuple[State, dict[str, Any]]:
        """OR-Tools' routing from a greedy plan; a failure is told and costs nothing but the time."""
        from optimizer.exact.routing import RoutingFailed, route_with_ortools  # as for the bound

        instance, limits = self.instance, self.limits
        if not instance.visits or not instance.shifts:
            return self.search(choice=False)
        searcher = Searcher(instance.packed, self.seed)
        searcher.start(self._first(), fills=4)
        best = searcher.best()
        state = self._finished(best)
        seconds = (
            None if limits.seconds is None else max(0.0, limits.seconds - self.budget.elapsed())
        )
        checks = None
        if limits.iterations is not None:
            # Checks per iteration that take about as long as one: small models check seldom.
            checks = (20 + instance.visits**2 // 40) * limits.iterations
            self.iterations = limits.iterations
        if self.budget.halted() or checks == 0:
            return state, {"routing": {"status": "skipped"}}
        try:
            found = route_with_ortools(
                state, seconds=seconds, checks=checks, stop=self.stop, found=self._see
            )
        except RoutingFailed as failure:
            return state, {"routing": {"status": "failed", "message": str(failure)}}
        # What OR-Tools could not express is put right, and what it left out is tried again.
        routed = searcher.settled(Outline(found.orders, seconds_of(state), 0))
        other = self._finished(routed)
        state = min(state, other, key=lambda each: each.cost())
        return state, {"routing": {"status": "done", "solutions": found.solutions}}

    def _see(self, orders: list[list[int]]) -> None:
        state = from_orders(self.instance, orders)
        self.tell(self.budget.elapsed(), self.iterations, state.cost(), state.served())
