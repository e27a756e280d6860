"""The rules of windows, due times, setups and breaks, each on one legible problem.

As in test_rules: breaking the rule would pay, and solve keeps it.
"""

from typing import Any

from optimizer.plan import Plan
from optimizer.problem import (
    Break,
    Problem,
    Weights,
)
from tests.optimizer.bound import best, bound_by, only, orders
from tests.optimizer.builders import problem, shift, visit

# Times of visits


def test_service_waits_for_the_second_of_two_windows() -> None:
    given, freed = (
        problem(visit("A", due=0, late_cost=1, windows=windows))
        for windows in (((5000, 5100), (0, 599)), ((0, 5100),))
    )

    assert only(bound_by(given, freed)).stops[0].start == 5000


def test_the_order_is_that_of_the_least_lateness() -> None:
    given, freed = (
        problem(visit("A", due=600, late_cost=1), visit("B", "far", due=due, late_cost=5))
        for due in (1000, None)
    )

    result = bound_by(given, freed)

    assert orders(result) == {"S": ["B", "A"]}
    assert result.cost.late == 1700 - 600


def test_setup_is_paid_once_by_stops_that_follow_each_other_at_a_place() -> None:
    visits = (visit("A", setup=500), visit("B", setup=500))
    short, enough = (problem(*visits, shifts=(shift(end=end),)) for end in (2299, 2300))

    assert len(bound_by(short, enough).unserved) == 1


def test_setup_is_paid_again_after_a_stop_elsewhere() -> None:
    visits = (
        visit("A", setup=500, windows=((600, 600),)),
        visit("B", "far", windows=((1800, 1800),)),
        visit("C", setup=500, windows=((2500, 2500),)),
    )

    route = only(best(problem(*visits)))

    assert [stop.end - stop.start for stop in route.stops] == [800, 300, 800]


# Breaks


def _with_breaks(*breaks: Break, **keys: Any) -> Problem:
    """A visit at "near" that is due on arrival, on a shift with these breaks."""
    return problem(visit("A", due=600, late_cost=1), shifts=(shift(breaks=breaks, **keys),))


def _taken(result: Plan) -> list[tuple[str, int, int]]:
    return [(taken.id, taken.start, taken.end) for taken in only(result).breaks]


def test_a_break_at_the_begin_of_the_shift_puts_off_the_departure() -> None:
    result = bound_by(_with_breaks(Break("b", 0, 0, 500)), _with_breaks())

    assert _taken(result) == [("b", 0, 500)]
    assert only(result).departs == 500


def test_a_break_on_arrival_is_taken_between_the_drive_and_the_service() -> None:
    result = bound_by(_with_breaks(Break("b", 600, 600, 500)), _with_breaks())

    assert _taken(result) == [("b", 600, 1100)]
    assert (only(result).stops[0].arrive, only(result).stops[0].start) == (600, 1100)


def test_a_break_that_the_service_would_outlast_comes_before_it() -> None:
    result = bound_by(_with_breaks(Break("b", 600, 899, 500)), _with_breaks())

    assert only(result).stops[0].start == 1100


def test_a_break_comes_before_the_drive_home_when_that_would_outlast_it() -> None:
    result = best(_with_breaks(Break("b", 900, 1499, 500)))

    assert _taken(result) == [("b", 900, 1400)]
    assert only(result).returns == 2000


def test_a_break_may_follow_the_return_and_outlast_the_shift() -> None:
    by_then = _with_breaks(Break("b", 1500, 1500, 900), end=1500)
    too_late = _with_breaks(Break("b", 1499, 1499, 900), end=1500)

    assert orders(bound_by(too_late, by_then)) == {}


def test_two_breaks_on_arrival_follow_each_other() -> None:
    breaks = (Break("a", 600, 600, 100), Break("b", 650, 700, 200))

    result = bound_by(_with_breaks(*breaks), _with_breaks(breaks[0]))

    assert sorted(_taken(result)) == [("a", 600, 700), ("b", 700, 900)]


def test_two_breaks_before_departure_do_not_overlap() -> None:
    breaks = (Break("a", 0, 0, 100), Break("b", 0, 0, 100))

    assert orders(bound_by(_with_breaks(*breaks), _with_breaks(breaks[0]))) == {}


def test_a_break_inside_the_route_is_no_working_time() -> None:
    visits = (visit("A", due=600, late_cost=9), visit("B", "far", windows=((5000, 5000),)))

    def with_breaks(*breaks: Break) -> Problem:
        return problem(*visits, shifts=(shift(breaks=breaks),), weights=Weights(work=1))

    result = bound_by(with_breaks(), with_breaks(Break("b", 1000, 4000, 800)))

    assert result.cost.work == 6300
