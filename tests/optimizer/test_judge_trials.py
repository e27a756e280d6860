"""A thousand right answers that the checker accepts, and a thousand spoiled ones that it rejects."""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from random import Random

import pytest

from optimizer.check import check
from optimizer.naive import naive
from optimizer.plan import Cost, Plan, Route
from optimizer.problem import Problem
from optimizer.solve import Limits, solve
from tests.optimizer.generate import random_problem
from tests.optimizer.mutations import RULES
from tests.optimizer.spoiled import Given, Mutation
from tests.optimizer.written_out import restated

SEEDS = range(5000, 5250)
FIGURES = [f"cost.{field.name}" for field in fields(Cost)] + [
    "travel_seconds",
    "metres",
    "overtime",
]
EACH = 25
"""Trials of each mutation: with those of the figures they are more than a thousand."""


@cache
def answers() -> tuple[tuple[Problem, Plan], ...]:
    """Solved problems, and the same ones planned by the rule of thumb."""
    problems = [random_problem(seed) for seed in SEEDS]
    return tuple(
        (given, plan)
        for seed, given in enumerate(problems)
        for plan in (solve(given, Limits(iterations=3), seed), naive(given))
    )


def in_another_order(_: Problem, plan: Plan) -> Plan:
    """Nothing says in which order routes, breaks and entries stand."""
    routes = (replace(route, breaks=route.breaks[::-1]) for route in plan.routes[::-1])
    return replace(plan, routes=tuple(routes), unserved=plan.unserved[::-1])


def arriving_as_service_begins(_: Problem, plan: Plan) -> Plan:
    """Waiting is free before a drive as after it, where no break is in the way."""

    def later(route: Route) -> Route:
        stops = (replace(stop, arrive=stop.start) for stop in route.stops[1:])
        return replace(route, stops=(*route.stops[:1], *stops))

    return replace(plan, routes=tuple(r if r.breaks else later(r) for r in plan.routes))


def returning_later(problem: Problem, plan: Plan) -> Plan:
    """A crew may wait before it drives home, where neither hours, breaks nor routes forbid it."""
    crews = [shift.crew for shift in problem.shifts]
    free = {
        shift.id: shift
        for shift in problem.shifts
        if shift.to is not None and not shift.breaks and crews.count(shift.crew) == 1
    }
    routes = tuple(
        replace(route, returns=max(route.returns, free[route.shift].end))
        if route.shift in free
        else route
        for route in plan.routes
    )
    return restated(problem, replace(plan, routes=routes))


def with_other_words(_: Problem, plan: Plan) -> Plan:
    """A bound may be stated; hints and the story of the search are free."""
    unserved = tuple(replace(entry, hint=None) for entry in plan.unserved)
    return replace(plan, bound=plan.cost.total, search={"engine": "by hand"}, unserved=unserved)


VARIATIONS = (in_another_order, arriving_as_service_begins, returning_later, with_other_words)


def test_a_thousand_right_answers_are_accepted() -> None:
    trials = 0
    for problem, plan in answers():
        different = [plan]
        for varied in (vary(problem, plan) for vary in VARIATIONS):
            if varied not in different:
                different.append(varied)
        for judged in different:
            report = check(problem, judged)
            assert report.ok, [str(found) for found in (*report.violations, *report.figures)]
        trials += len(different)
    assert trials >= 1000


def spoiled(mutation: Mutation) -> Iterator[tuple[Problem, Plan]]:
    """Answers that a mutation can spoil, spoiled, their figures set right again."""
    for number, (problem, plan) in enumerate(answers()):
        made = mutation(Given(problem, plan, Random(number)))
        if made is not None:
            yield made.problem, restated(made.problem, made.plan)


@pytest.mark.parametrize("mutation", RULES, ids=lambda mutation: mutation.__name__)
def test_a_broken_rule_is_found_though_every_figure_is_right(mutation: Mutation) -> None:
    trials = 0
    for problem, plan in spoiled(mutation):
        report = check(problem, plan)
        assert not report.figures
        assert RULES[mutation] in {violation.rule for violation in report.violations}
        trials += 1
        if trials == EACH:
            return
    raise AssertionError(f"only {trials} of {EACH} answers could be spoiled")


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_that_is_off_is_found(figure: str) -> None:
    chance, trials = Random(7), 0
    for problem, plan in answers():
        off = chance.choice([1, 7, 1000])
        wrong = _with_figure_off(plan, figure, off)
        if wrong is not None:
            found = {entry.path for entry in check(problem, wrong).figures}
            assert found == {figure if figure.startswith("cost") else f"routes[0].{figure}"}
            trials += 1
        if trials == EACH:
            return
    raise AssertionError(f"only {trials} of {EACH} answers state {figure}")


def _with_figure_off(plan: Plan, figure: str, off: int) -> Plan | None:
    group, _, key = figure.rpartition(".")
    if group:
        cost = replace(plan.cost, **{key: getattr(plan.cost, key) + off})
        return replace(plan, cost=cost)
    if not plan.routes or getattr(plan.routes[0], figure) is None:
        return None
    route = replace(plan.routes[0], **{figure: getattr(plan.routes[0], figure) + off})
    return replace(plan, routes=(route, *plan.routes[1:]))


def test_the_spoiled_answers_are_a_thousand() -> None:
    assert EACH * (len(RULES) + len(FIGURES)) >= 1000
