"""The rule of thumb: the most urgent first, to the nearest crew that can."""

from optimizer.check import check
from optimizer.naive import naive
from optimizer.problem import After, Together
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem


def test_every_naive_plan_of_a_random_problem_keeps_every_rule() -> None:
    for seed in range(100):
        given = random_problem(seed)
        report = check(given, naive(given))

        assert report.ok, (seed, report)


def test_the_costlier_to_leave_out_goes_first_and_the_earlier_due_before_the_later() -> None:
    visits = (
        visit("later", due=900),
        visit("urgent", unserved_cost=20_000),
        visit("sooner", due=100),
    )

    result = naive(problem(*visits))

    assert [stop.visit for stop in result.routes[0].stops] == ["urgent", "sooner", "later"]


def test_a_visit_goes_to_the_crew_whose_last_stop_is_nearest() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2", from_="far"))
    visits = (visit("A", "near"), visit("B", "far"))

    result = naive(problem(*visits, shifts=shifts))

    assert {route.shift: [stop.visit for stop in route.stops] for route in result.routes} == {
        "S2": ["A", "B"]
    }


def test_a_crew_that_cannot_take_a_visit_is_passed_over() -> None:
    shifts = (shift("S1", "C1", max_visits=1), shift("S2", "C2", from_="far"))

    result = naive(problem(visit("A", "depot"), visit("B", "depot"), shifts=shifts))

    assert {route.shift for route in result.routes} == {"S1", "S2"}


def test_a_visit_is_served_whatever_it_costs() -> None:
    assert naive(problem(visit(unserved_cost=0))).unserved == ()


def test_a_second_waits_for_a_first_further_down_the_list() -> None:
    visits = (visit("B", unserved_cost=20_000), visit("A"))

    result = naive(problem(*visits, relations=(After("A", "B"),)))

    assert [stop.visit for stop in result.routes[0].stops] == ["A", "B"]


def test_visits_together_are_appended_together() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2"))

    result = naive(
        problem(visit("A"), visit("B"), relations=(Together(("A", "B")),), shifts=shifts)
    )

    assert {route.stops[0].start for route in result.routes} == {600}
    assert len(result.routes) == 2
