"""From a problem to a plan within limits: construction, search, OR-Tools, the exact finish."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from optimizer.exact.choice import Candidate, choose
from optimizer.exact.routing import RoutingFailed, route_with_ortools
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.search.answer import answer
from optimizer.search.given import from_orders
from optimizer.search.greedy import complete, construct
from optimizer.search.instance import Instance
from optimizer.search.ruin import Ruiner, accepts
from optimizer.search.state import State

ENGINES = ("routing",)
DEFAULT_SECONDS = 10.0
"""Limit of a search that was given none."""
FIRST_SHARE, ROUTING_SHARE = 0.1, 0.2
"""Shares of the limit for the search before OR-Tools and for OR-Tools; the rest follows it."""
HEAT = 0.15
"""First temperature as a share of the mean cost of a served visit."""
CHOICE_SHARE = 0.05
"""Share of a limit in seconds kept for CP-SAT at the end."""
MOST_CANDIDATES = 2500
"""Routes CP-SAT chooses from, those met last."""
CHOICE_EFFORT = 1.0
"""CP-SAT's deterministic time under an iteration limit, about seconds; less under a short clock."""
COOLING = 0.005
"""Last temperature as a share of the first."""


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
    engine: str = "routing",
    progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Plan:
    """The best plan found within the limits; every problem has one.

    The same problem, seed, workers and iteration limit give the same plan, as long as neither
    `limits.seconds` nor `stop` cuts the search short. `progress` is told of every better plan;
    once `stop` answers True the best plan so far is returned. This engine uses one worker
    whatever `workers` says. Raise ValueError for an unknown engine.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {engine!r}")
    if limits.seconds is None and limits.iterations is None:
        limits = Limits(seconds=DEFAULT_SECONDS)
    run = _Run(problem, limits, seed, progress, stop)
    story = run.search()
    story.update(
        seconds=round(run.seconds(), 3),
        iterations=run.iterations,
        seed=seed,
        workers=workers,
        engine=engine,
        trace=[[round(seconds, 3), total] for seconds, total in run.trace],
    )
    return answer(run.best, story)


@dataclass
class _Run:
    """One search: its best state, its clock and its counts."""

    problem: Problem
    limits: Limits
    seed: int
    progress: Callable[[Progress], None] | None
    stop: Callable[[], bool] | None
    iterations: int = 0
    trace: list[tuple[float, int]] = field(default_factory=list)
    pool: dict[tuple[int, frozenset[int]], Candidate] = field(default_factory=dict)
    """The cheapest route met for each shift and set of visits, those met last at the end."""

    def __post_init__(self) -> None:
        self.began = time.monotonic()
        self.instance = Instance(self.problem)
        self.best = State(self.instance)

    def seconds(self) -> float:
        """Wall seconds since the search began."""
        return time.monotonic() - self.began

    def over(self, share: float = 1.0) -> bool:
        """Whether this share of the limits is used up, or the search is told to stop."""
        if self.stop is not None and self.stop():
            return True
        seconds, iterations = self.limits.seconds, self.limits.iterations
        if iterations is not None and self.iterations >= share * iterations:
            return True
        return seconds is not None and self.seconds() >= share * seconds

    def keep(self, state: State) -> None:
        """Make the state the best one if it is cheaper, and tell of it."""
        cost = state.cost()
        if self.trace and cost >= self.trace[-1][1]:
            return
        self.best = state.copy()
        self.trace.append((self.seconds(), cost))
        if self.progress is not None:
            self.progress(Progress(self.trace[-1][0], self.iterations, cost, state.served()))

    def search(self) -> dict[str, Any]:
        """Run every stage; answer what there is to tell of them."""
        story: dict[str, Any] = {}
        self.keep(State(self.instance))
        self.keep(construct(self.instance, stop=self.halted))
        story["constructed"] = self.trace[-1][1]
        if self.instance.visits and self.instance.shifts:
            ruiner = Ruiner(self.instance, self.seed)
            self._anneal(ruiner, 0.0, FIRST_SHARE)
            if not self.over(FIRST_SHARE + ROUTING_SHARE):
                story["routing"] = self._route()
            last = 1.0 if self.limits.seconds is None else 1.0 - CHOICE_SHARE
            self._anneal(ruiner, FIRST_SHARE + ROUTING_SHARE, last)
            story["choice"] = self._choose()
        self.keep(complete(self.best))
        return story

    def halted(self) -> bool:
        """Whether the search must end; never by the clock under an iteration limit alone."""
        if self.stop is not None and self.stop():
            return True
        return self.limits.seconds is not None and self.seconds() >= self.limits.seconds

    def spent(self) -> float:
        """The share of the limit that is used up."""
        shares = [0.0]
        if self.limits.iterations is not None:
            shares.append(self.iterations / max(1, self.limits.iterations))
        if self.limits.seconds is not None:
            shares.append(self.seconds() / max(1e-6, self.limits.seconds))
        return max(shares)

    def _anneal(self, ruiner: Ruiner, begin: float, end: float) -> None:
        """Ruin and recreate from the best state between two shares of the limit."""
        current, cost = self.best, self.best.cost()
        # A temperature of a part of what one served visit costs moves visits, not priorities.
        routed = sum(route.cost for route in current.routes if route is not None)
        hottest = HEAT * routed / max(1, current.served())
        while not self.over(end):
            share = min(1.0, max(0.0, (self.spent() - begin) / (end - begin)))
            temperature = hottest * COOLING**share
            trial = ruiner.step(current)
            self.iterations += 1
            trial_cost = trial.cost()
            self._remember(trial, current)
            if accepts(trial_cost, cost, temperature, ruiner.chance):
                current, cost = trial, trial_cost
                self.keep(current)

    def _remember(self, state: State, before: State | None = None) -> None:
        """Put the state's routes into the pool, those only that it does not share with another."""
        for s, route in enumerate(state.routes):
            if route is None or (before is not None and before.routes[s] is route):
                continue
            key = s, frozenset(route.order)
            known = self.pool.pop(key, None)
            if known is None or route.cost < known.cost:
                known = Candidate(s, route.order, route.cost)
            self.pool[key] = known
            if len(self.pool) > MOST_CANDIDATES:
                del self.pool[next(iter(self.pool))]

    def _choose(self) -> dict[str, Any]:
        """Let CP-SAT choose among the routes met, where any choice of them is a plan."""
        instance = self.instance
        if not instance.free or any(instance.later):
            return {"status": "skipped", "message": "routes depend on each other"}
        if self.stop is not None and self.stop():
            return {"status": "skipped", "message": "the search was told to stop"}
        self._remember(self.best)
        candidates = list(self.pool.values())
        effort = CHOICE_EFFORT
        if self.limits.seconds is not None:
            effort = min(effort, CHOICE_SHARE * self.limits.seconds)
        known = {s: self.best.order(s) for s in range(instance.shifts)}
        chosen = choose(candidates, instance.drop_cost, known, seed=self.seed, effort=effort)
        if chosen is None:
            return {"status": "no solution", "candidates": len(candidates)}
        orders: list[list[int]] = [[] for _ in range(instance.shifts)]
        for candidate in chosen:
            orders[candidate.shift] = list(candidate.order)
        state = from_orders(instance, orders)
        self.keep(state)
        return {"status": "done", "candidates": len(candidates), "total": state.cost()}

    def _keep_orders(self, orders: list[list[int]]) -> None:
        state = from_orders(self.instance, orders)
        self._remember(state)
        self.keep(state)

    def _route(self) -> dict[str, Any]:
        """Let OR-Tools improve the best plan; a failure is told and costs nothing but the time."""
        limits = self.limits
        end = FIRST_SHARE + ROUTING_SHARE
        seconds = None
        if limits.seconds is not None:
            seconds = max(0.0, end * limits.seconds - self.seconds())
        checks = None
        if limits.iterations is not None:
            # Checks per iteration that take about as long as one: small models check seldom.
            each = 20 + self.instance.visits**2 // 40
            checks = each * max(1, round(ROUTING_SHARE * limits.iterations))
        try:
            found = route_with_ortools(
                self.best, seconds=seconds, checks=checks, stop=self.stop, found=self._keep_orders
            )
        except RoutingFailed as failure:
            return {"status": "failed", "message": str(failure)}
        if limits.iterations is not None:
            # Iterations are a budget of the whole search: these are spent whatever came of them.
            self.iterations = max(self.iterations, round(end * limits.iterations))
        state = complete(from_orders(self.instance, found.orders), stop=self.halted)
        self.keep(state)
        return {"status": "done", "solutions": found.solutions, "total": state.cost()}
