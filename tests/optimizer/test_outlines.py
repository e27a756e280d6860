"""Plans made of orders alone: what a plan in force and OR-Tools' routes give the search to begin with."""

import random

import pytest

from optimizer.check import check
from optimizer.problem import Incumbent, IncumbentRoute, Together
from optimizer.search.answer import answer
from optimizer.search.given import from_outline
from optimizer.search.instance import Instance
from optimizer.search.searcher import Outline, Searcher
from optimizer.solve import Limits, solve
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem


def shuffled(instance: Instance, chance: random.Random) -> list[list[int]]:
    """Every visit on any shift that could serve it, in any order."""
    orders: list[list[int]] = [[] for _ in range(instance.shifts)]
    for v in chance.sample(range(instance.visits), instance.visits):
        if instance.candidates[v]:
            orders[chance.choice(instance.candidates[v])].append(v)
    return orders


def test_orders_without_seconds_become_a_plan_that_keeps_every_tie() -> None:
    tied = 0
    for seed in range(150):
        given = random_problem(seed)
        instance = Instance(given)
        if instance.free:
            continue
        tied += 1
        orders = shuffled(instance, random.Random(seed))

        outline = Searcher(instance.packed, seed).settled(Outline(orders, {}, 0))
        made = answer(from_outline(instance, outline.orders, outline.begins), {})

        assert check(given, made).ok, seed
        assert made.cost.total <= outline.total
    assert tied > 40


@pytest.mark.parametrize("engine", ["search", "routing"])
def test_a_plan_in_force_that_says_no_seconds_keeps_visits_together(engine: str) -> None:
    given = problem(
        visit("A", "far"),
        visit("B", "near"),
        visit("C", "near"),
        shifts=(shift("S1", "C1"), shift("S2", "C2")),
        relations=(Together(visits=("A", "B")),),
        incumbent=Incumbent((IncumbentRoute("S1", ("A",)), IncumbentRoute("S2", ("B", "C")))),
    )

    for iterations in (0, 1, 50):
        made = solve(given, Limits(iterations=iterations), 1, engine=engine)

        assert check(given, made).ok
        assert made.unserved == ()
        begins = {stop.visit: stop.start for route in made.routes for stop in route.stops}
        assert begins["A"] == begins["B"]
