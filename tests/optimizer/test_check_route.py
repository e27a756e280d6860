"""The checker's rules for one route: a right plan, and the smallest change that breaks a rule."""

from dataclasses import replace
from typing import Any

import pytest

from optimizer.check import check
from optimizer.problem import Break, Crew, Estimate, Matrix, Pin, Place, Problem
from tests.optimizer.builders import LINE, broken, plan, problem, route, shift, visit

ONE = problem(visit())
LUNCH = (Break("lunch", 900, 1200, 100),)


def test_a_right_plan_has_nothing_wrong() -> None:
    judged = plan(ONE, route(("V", 600, 600, 900), returns=1500))

    assert check(ONE, judged).ok
    assert judged.cost.total == 1200


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (route(("V", 601, 601, 901), returns=1501), "timeline"),
        (route(("V", 599, 600, 900), returns=1500), "timeline"),
        (route(("V", 600, 599, 899), returns=1500), "timeline"),
        (route(("V", 600, 600, 900), returns=1499), "timeline"),
        (route(("V", 600, 600, 901), returns=1501), "service"),
        (route(("V", 600, 600, 899), returns=1500), "service"),
        (route(("V", 599, 599, 899), departs=-1, returns=1499), "shift_hours"),
        (route(("V", 9100, 9101, 9401), departs=8500, returns=10_001, overtime=1), "shift_hours"),
        (route(("V", 600, 600, 900), returns=1500, travel=1199), "routes[0].travel_seconds"),
        (route(("V", 600, 600, 900), returns=1500, overtime=1), "routes[0].overtime"),
        (route(("V", 600, 600, 900), returns=1500, metres=5), "routes[0].metres"),
    ],
)
def test_each_time_of_a_route_has_its_rule(wrong: Any, rule: str) -> None:
    assert broken(ONE, plan(ONE, wrong)) == [rule]


def test_a_crew_may_wait_anywhere() -> None:
    waiting = route(("V", 1000, 2000, 2300), departs=400, returns=5000)

    assert broken(ONE, plan(ONE, waiting)) == []


def test_a_later_drive_fits_between_the_services() -> None:
    two = problem(visit("V"), visit("W", "far"))

    def second(arrive: int) -> list[str]:
        stops = (("V", 600, 600, 900), ("W", arrive, 1400, 1700))
        return broken(two, plan(two, route(*stops, returns=2700, travel=2000)))

    assert second(1300) == []
    assert second(1400) == []
    assert second(1299) == ["timeline"]


def test_times_may_be_negative() -> None:
    made = problem(visit(windows=((-400, -400),)), shifts=(shift(start=-1000),))

    assert (
        broken(made, plan(made, route(("V", -400, -400, -100), departs=-1000, returns=500))) == []
    )


def test_without_an_end_place_the_route_returns_with_its_last_service() -> None:
    made = problem(visit(), shifts=(shift(to=None),))

    assert broken(made, plan(made, route(("V", 600, 600, 900), returns=900, travel=600))) == []
    late = route(("V", 600, 600, 900), returns=901, travel=600)
    assert broken(made, plan(made, late)) == ["timeline"]


def test_overtime_is_counted_and_limited() -> None:
    made = problem(visit(), shifts=(shift(end=1400, max_overtime=100),))

    right = route(("V", 600, 600, 900), returns=1500, overtime=100)
    assert broken(made, plan(made, right)) == []
    assert plan(made, right).cost.overtime == 200
    late = route(("V", 600, 601, 901), returns=1501, overtime=101)
    assert broken(made, plan(made, late)) == ["shift_hours"]


def test_service_begins_in_a_window_both_ends_included() -> None:
    made = problem(visit(windows=((700, 800), (900, 900))))

    def starts(at: int) -> list[str]:
        return broken(made, plan(made, route(("V", 600, at, at + 300), returns=at + 900)))

    assert [starts(at) for at in (700, 800, 900)] == [[], [], []]
    assert [starts(at) for at in (699, 801, 899, 901)] == [["window"]] * 4


def test_a_pinned_start_overrides_the_windows() -> None:
    made = problem(visit(windows=((0, 600),), pinned=Pin("S", 700)))

    assert broken(made, plan(made, route(("V", 600, 700, 1000), returns=1600))) == []
    assert broken(made, plan(made, route(("V", 600, 600, 900), returns=1500))) == ["pinned"]


def test_setup_is_paid_except_after_a_stop_at_the_same_place() -> None:
    made = problem(visit("V", setup=50), visit("W", setup=50), visit("X", "far", setup=50))

    first = (("V", 600, 600, 950), ("W", 950, 950, 1250), ("X", 1650, 1650, 2000))
    assert broken(made, plan(made, route(*first, returns=3000, travel=2000))) == []
    unpaid = (("V", 600, 600, 950), ("W", 950, 950, 1250), ("X", 1650, 1650, 1950))
    assert broken(made, plan(made, route(*unpaid, returns=3000, travel=2000))) == ["service"]
    twice = (("V", 600, 600, 950), ("W", 950, 950, 1300), ("X", 1700, 1700, 2050))
    assert broken(made, plan(made, route(*twice, returns=3050, travel=2000))) == ["service"]


def test_the_start_place_is_no_stop_so_the_first_visit_pays_its_setup() -> None:
    made = problem(visit(place="depot", setup=50))

    assert broken(made, plan(made, route(("V", 0, 0, 350), returns=350, travel=0))) == []
    unpaid = route(("V", 0, 0, 300), returns=300, travel=0)
    assert broken(made, plan(made, unpaid)) == ["service"]


def test_service_is_scaled_by_the_crew_and_rounded_half_up() -> None:
    made = problem(visit(duration=301), crews=(Crew("C", service_factor=1.5),))

    assert broken(made, plan(made, route(("V", 600, 600, 1052), returns=1652))) == []
    assert broken(made, plan(made, route(("V", 600, 600, 1051), returns=1651))) == ["service"]


def test_travel_is_scaled_by_the_crew_and_rounded_half_up() -> None:
    made = problem(visit(), crews=(Crew("C", travel_factor=1.0011),))

    right = route(("V", 601, 601, 901), returns=1502, travel=1202)
    assert broken(made, plan(made, right)) == []
    assert broken(made, plan(made, route(("V", 600, 601, 901), returns=1502, travel=1202))) == [
        "timeline"
    ]


def test_a_shift_has_a_most_of_visits() -> None:
    visits = (visit("V"), visit("W"))
    stops = (("V", 600, 600, 900), ("W", 900, 900, 1200))
    allowed = problem(*visits, shifts=(shift(max_visits=2),))
    too_many = problem(*visits, shifts=(shift(max_visits=1),))

    assert broken(allowed, plan(allowed, route(*stops, returns=1800))) == []
    assert broken(too_many, plan(too_many, route(*stops, returns=1800))) == ["max_visits"]


def test_a_shift_has_a_most_of_travel_first_and_last_leg_included() -> None:
    right = route(("V", 600, 600, 900), returns=1500)
    allowed, too_far = (problem(visit(), shifts=(shift(max_travel=n),)) for n in (1200, 1199))

    assert broken(allowed, plan(allowed, right)) == []
    assert broken(too_far, plan(too_far, right)) == ["max_travel"]


def test_all_visits_of_a_shift_draw_on_its_stock() -> None:
    visits = (visit("V", parts={"fuse": 2}), visit("W", parts={"fuse": 1}))
    stops = (("V", 600, 600, 900), ("W", 900, 900, 1200))
    enough = problem(*visits, shifts=(shift(stock={"fuse": 3}),))
    short = problem(*visits, shifts=(shift(stock={"fuse": 2}),))

    assert broken(enough, plan(enough, route(*stops, returns=1800))) == []
    assert broken(short, plan(short, route(*stops, returns=1800))) == ["parts"]


def _with_break(*taken: tuple[str, int, int], to: int = 1600) -> list[str]:
    made = problem(visit(), shifts=(shift(breaks=LUNCH),))
    return broken(made, plan(made, route(("V", 600, 600, 900), returns=to, breaks=taken)))


@pytest.mark.parametrize(
    ("taken", "rule"),
    [
        (("lunch", 900, 1000), []),
        (("lunch", 899, 999), ["break"]),
        (("lunch", 901, 1001), ["break"]),
        (("lunch", 900, 999), ["break"]),
        (("tea", 900, 1000), ["break"]),
    ],
)
def test_a_break_has_its_time_between_drives_and_services(
    taken: tuple[str, int, int], rule: list[str]
) -> None:
    assert _with_break(taken) == rule


def test_a_break_is_taken_once() -> None:
    assert _with_break(("lunch", 900, 1000), ("lunch", 1600, 1700), to=1600) == ["break"]


def test_a_break_begins_by_its_latest() -> None:
    assert _with_break(("lunch", 1200, 1300), to=1900) == []
    assert _with_break(("lunch", 1201, 1301), to=1901) == ["break"]


def test_a_break_that_is_due_on_the_route_is_not_left_out() -> None:
    assert _with_break(to=1500) == ["break"]


def test_a_break_may_be_unlisted_when_the_route_returns_by_its_latest() -> None:
    for latest, rule in ((1500, []), (1499, ["break"])):
        made = problem(visit(), shifts=(shift(breaks=(Break("b", 900, latest, 100),)),))
        assert broken(made, plan(made, route(("V", 600, 600, 900), returns=1500))) == rule


def test_breaks_may_be_unlisted_when_they_fit_one_after_the_other_before_departure() -> None:
    breaks = (Break("late", 0, 60, 40), Break("early", -9, 0, 60))
    made = problem(visit(), shifts=(shift(breaks=breaks),))

    for departs, rule in ((100, []), (99, ["break"])):
        stop = ("V", departs + 600, departs + 600, departs + 900)
        right = route(stop, departs=departs, returns=departs + 1500)
        assert broken(made, plan(made, right)) == rule


def test_a_break_left_unlisted_before_departure_does_not_overlap_a_listed_one() -> None:
    breaks = (Break("listed", 50, 50, 100), Break("unlisted", 0, 50, 60))
    right = route(("V", 750, 750, 1050), departs=150, returns=1650, breaks=(("listed", 50, 150),))

    for length, rule in ((50, []), (51, ["break"])):
        pauses = (breaks[0], replace(breaks[1], duration=length))
        made = problem(visit(), shifts=(shift(breaks=pauses),))
        assert broken(made, plan(made, right)) == rule


def test_a_break_does_not_begin_before_its_shift() -> None:
    made = problem(visit(), shifts=(shift(breaks=(Break("b", -500, 0, 100),)),))

    stop = ("V", 700, 700, 1000)
    for start, rule in ((0, []), (-1, ["break"])):
        taken = ("b", start, start + 100)
        right = route(stop, departs=100, returns=1600, breaks=(taken,))
        assert broken(made, plan(made, right)) == rule


def test_breaks_do_not_overlap_and_may_lie_outside_the_route() -> None:
    breaks = (Break("a", 1500, 2000, 100), Break("b", 1500, 2000, 100))
    made = problem(visit(), shifts=(shift(breaks=breaks, end=1500),))

    for second, rule in ((1600, []), (1599, ["break"])):
        taken = (("a", 1500, 1600), ("b", second, second + 100))
        right = route(("V", 600, 600, 900), returns=1500, breaks=taken)
        assert broken(made, plan(made, right)) == rule


def test_working_seconds_leave_out_the_breaks_inside_the_route() -> None:
    breaks = (Break("in", 900, 900, 100), Break("after", 1600, 3000, 100))
    made = problem(visit(), shifts=(shift(breaks=breaks),))
    made = replace(made, weights=replace(made.weights, work=1))
    taken = (("in", 900, 1000), ("after", 1600, 1700))

    judged = plan(made, route(("V", 600, 600, 900), returns=1600, breaks=taken))

    assert broken(made, judged) == []
    assert judged.cost.work == 1500


def test_metres_are_given_when_they_are_known_and_not_scaled() -> None:
    seconds = tuple(tuple(abs(a - b) for b in LINE.values()) for a in LINE.values())
    metres = tuple(tuple(10 * cell for cell in row) for row in seconds)
    made = problem(visit(), travel=Matrix(seconds, metres))

    right = route(("V", 600, 600, 900), returns=1500, metres=12_000)
    assert broken(made, plan(made, right)) == []
    assert broken(made, plan(made, replace(right, metres=None))) == ["routes[0].metres"]


def test_estimates_are_recomputed_from_positions() -> None:
    places = (Place("depot", 22.8, 113.6), Place("near", 22.8, 113.6), Place("far", 22.9, 113.6))
    made: Problem = problem(visit(place="far"), places=places, travel=Estimate(36, 1.0, 60))

    # 0.1 degree of meridian at this latitude is 11,074.2 m.
    right = route(("V", 1167, 1167, 1467), returns=2634, travel=2334, metres=22_148)
    assert broken(made, plan(made, right)) == []
    wrong = route(("V", 1166, 1167, 1467), returns=2634, travel=2334, metres=22_148)
    assert broken(made, plan(made, wrong)) == ["timeline"]
