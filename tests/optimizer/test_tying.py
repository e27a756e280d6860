"""Routes whose visits are tied to each other, timed together from their orders alone."""

import pytest

from optimizer.problem import After, Break, Problem, Together, Weights
from optimizer.search.answer import answer
from optimizer.search.given import from_orders
from optimizer.search.instance import Instance
from tests.optimizer.brute_force import cheapest
from tests.optimizer.builders import broken, problem, shift, visit
from tests.optimizer.generate import random_problem


def layered(given: Problem) -> tuple[int, int]:
    """The proven least total, and what the oracle's orders come to when they are timed here."""
    proven, instance = cheapest(given), Instance(given)
    orders: list[list[int]] = [[] for _ in given.shifts]
    for route in proven.routes:
        visits = [instance.visit_index[stop.visit] for stop in route.stops]
        orders[instance.shift_index[route.shift]] = visits
    timed = answer(from_orders(instance, orders), {})
    assert broken(given, timed) == []
    return proven.cost.total, timed.cost.total


def test_crews_that_begin_together_are_put_off_together_where_work_is_paid_for() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2", breaks=(Break("b", 0, 7000, 600),)))
    visits = (
        visit("A", allowed_crews=("C1",), windows=((0, 7000),)),
        visit("B", allowed_crews=("C2",), windows=((0, 8000),)),
        visit("A2", "far", allowed_crews=("C1",), windows=((8500, 8500),)),
        visit("B2", "far", allowed_crews=("C2",), windows=((8600, 8600),)),
    )
    given = problem(
        *visits, shifts=shifts, relations=(Together(("A", "B")),), weights=Weights(work=2)
    )

    proven, timed = layered(given)

    assert timed == proven


def test_a_first_and_a_second_on_one_route_are_put_off_together() -> None:
    visits = (
        visit("A"),
        visit("B", windows=((0, 6000),)),
        visit("C", "far", windows=((8500, 8500),)),
    )
    given = problem(*visits, relations=(After("A", "B", 300, 900),), weights=Weights(work=2))

    proven, timed = layered(given)

    assert timed == proven


@pytest.mark.parametrize(
    "seed", [23, 85, 121, 129, 162, 167, 190, 236, 305, 395, 409, 452, 554, 621, 859, 990]
)
def test_the_orders_of_a_cheapest_plan_cost_no_more_than_it_does(seed: int) -> None:
    proven, timed = layered(random_problem(seed, most_visits=7))

    assert timed == proven
