"""Plans that are seen only when visits, crews and breaks are looked at together.

What a visit or a break allows by itself, or at the earliest moment, is not all that it allows. As
in test_rules, each plan is judged and costs the proven least.
"""

import pytest

from optimizer.problem import After, Break, Weights
from tests.optimizer.bound import best, only, orders
from tests.optimizer.builders import problem, shift, visit


def test_a_visit_too_long_by_itself_fits_after_one_that_pays_the_setup() -> None:
    visits = (visit("A"), visit("B", setup=8700))

    assert orders(best(problem(*visits, shifts=(shift(end=10_199),)))) == {"S": ["A", "B"]}


@pytest.mark.parametrize("latest", [9000, 10_000])
def test_a_break_that_need_not_be_taken_saves_paid_waiting(latest: int) -> None:
    visits = (visit("A", due=600, late_cost=9), visit("B", "far", windows=((5000, 5000),)))
    pause = Break("b", 1000, latest, 800)

    result = best(problem(*visits, shifts=(shift(breaks=(pause,)),), weights=Weights(work=1)))

    assert result.cost.work == 6300 - 800


def test_an_early_break_comes_before_departure_where_waiting_with_the_crew_is_paid() -> None:
    visits = (visit("A"), visit("B", "far", windows=((9000, 9000),)))
    shifts = (shift(end=20_000, breaks=(Break("b", 1000, 1600, 3600),)),)

    route = only(best(problem(*visits, shifts=shifts, weights=Weights(work=1))))

    # Twice 1000 s of driving and 600 s of service, without a second of waiting.
    assert route.returns - route.departs == 2600


def test_a_first_waits_for_the_crew_of_its_second() -> None:
    shifts = (shift("S1", "C1", max_visits=1), shift("S2", "C2", start=5000, end=9000))
    after_at_once = (After("A", "B", 0, 0),)
    visits = (visit("A", allowed_crews=("C1",)), visit("B", "far", allowed_crews=("C2",)))

    result = best(problem(*visits, shifts=shifts, relations=after_at_once))

    times = {stop.visit: stop for route in result.routes for stop in route.stops}
    assert times["A"].end == times["B"].start >= 6000
