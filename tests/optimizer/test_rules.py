"""One legible problem for each rule of the format: breaking the rule would pay, and solve keeps it.

Each plan is judged by the checker and costs the proven least. Where a rule forbids something, the
same problem without the rule is shown to be cheaper, so the rule is what the plan bends to.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from optimizer.problem import (
    After,
    Crew,
    DifferentCrew,
    FrozenDict,
    Incumbent,
    IncumbentRoute,
    Matrix,
    Pin,
    Place,
    Problem,
    Profiles,
    SameCrew,
    Shift,
    Together,
    Weights,
)
from tests.optimizer.bound import AWAY, NEAR, best, bound_by, only, orders
from tests.optimizer.builders import problem, shift, visit

DAY = 86_400

# Crews and shifts


def test_each_crew_sets_out_from_its_own_depot_and_returns_to_it() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2", from_="far", to="far"))

    result = best(problem(visit("A", "depot"), visit("B", "far"), shifts=shifts))

    assert orders(result) == {"S1": ["A"], "S2": ["B"]}
    assert result.cost.total == 0


def test_the_way_to_an_end_place_elsewhere_is_driven() -> None:
    given, freed = (problem(visit("A"), shifts=(shift(to=to),)) for to in ("far", None))

    assert bound_by(given, freed).cost.travel == 600 + 400


def test_a_shift_without_an_end_place_ends_with_its_last_service() -> None:
    there, back = (problem(visit("A"), shifts=(shift(end=900, to=to),)) for to in (None, "depot"))

    assert only(best(there)).returns == 900
    assert orders(best(back)) == {}


def test_a_visit_goes_to_the_shift_whose_hours_cover_it() -> None:
    early, long = (
        problem(visit("A", windows=((5000, 5000),)), shifts=(replace(NEAR, end=end), AWAY))
        for end in (5299, 5300)
    )

    assert orders(bound_by(early, long)) == {"S2": ["A"]}


def test_a_crew_with_the_skill_at_a_lower_level_is_passed_over() -> None:
    crews = (Crew("C1", {"hv": 1}), Crew("C2", {"hv": 2}))
    given, freed = (
        problem(visit("A", skills={"hv": level}), crews=crews, shifts=(NEAR, AWAY))
        for level in (2, 1)
    )

    assert orders(bound_by(given, freed)) == {"S2": ["A"]}


def test_a_crew_that_is_too_small_is_passed_over() -> None:
    crews = (Crew("C1", members=1), Crew("C2", members=2))
    given, freed = (
        problem(visit("A", members=members), crews=crews, shifts=(NEAR, AWAY)) for members in (2, 1)
    )

    assert orders(bound_by(given, freed)) == {"S2": ["A"]}


def test_a_crew_that_is_not_allowed_or_forbidden_is_passed_over() -> None:
    freed = problem(visit("A"), shifts=(NEAR, AWAY))
    rules: list[dict[str, Any]] = [{"allowed_crews": ("C2",)}, {"forbidden_crews": ("C1",)}]
    for keys in rules:
        given = problem(visit("A", **keys), shifts=(NEAR, AWAY))

        assert orders(bound_by(given, freed)) == {"S2": ["A"]}


def test_a_crew_goes_out_on_its_next_shift_only_after_its_return() -> None:
    def day(second: str) -> Problem:
        late = shift("S1", "C1", end=1000, max_overtime=2000, max_visits=1)
        far = visit("A", "far", unserved_cost=20_000, windows=((1000, 1000),))
        near = visit("B", windows=((1600, 2899),))
        return problem(far, near, shifts=(late, shift("S2", second, start=1000, end=4000)))

    # The first route is back at 2300, from where "near" is 600 s away: one second too far.
    assert orders(bound_by(day("C1"), day("C2"))) == {"S1": ["A"]}


def test_a_crew_works_several_shifts_one_after_the_other() -> None:
    shifts = (shift("S1", end=1500), shift("S2", start=1500, end=3000))

    result = best(problem(visit("A"), visit("B"), shifts=shifts))

    assert [(route.departs, route.returns) for route in result.routes] == [(0, 1500), (1500, 3000)]


def test_a_shift_that_costs_its_use_stays_idle_while_that_is_cheaper() -> None:
    def with_use_cost(cost: int) -> Problem:
        return problem(visit("A"), shifts=(replace(NEAR, use_cost=cost), AWAY))

    result = bound_by(with_use_cost(1201), with_use_cost(1199))

    assert orders(result) == {"S2": ["A"]}


# What a shift can take


def test_the_parts_of_all_visits_come_from_the_stock_of_the_shift() -> None:
    visits = (visit("A", parts={"fuse": 2}), visit("B", parts={"fuse": 2}))
    given, freed = (problem(*visits, shifts=(shift(stock={"fuse": n}),)) for n in (3, 4))

    assert len(bound_by(given, freed).unserved) == 1


def test_a_shift_stops_no_more_often_than_it_may() -> None:
    visits = (visit("A"), visit("B"))
    given, freed = (problem(*visits, shifts=(shift(max_visits=n),)) for n in (1, 2))

    assert len(bound_by(given, freed).unserved) == 1


def test_a_shift_drives_no_longer_than_it_may() -> None:
    visits = (visit("A"), visit("B", "far"))
    given, freed = (problem(*visits, shifts=(shift(max_travel=n),)) for n in (1999, 2000))

    assert orders(bound_by(given, freed)) == {"S": ["A"]}


def test_overtime_has_its_limit_and_its_cost() -> None:
    def with_overtime(most: int, unserved_cost: int) -> Problem:
        shifts = (shift(end=1000, max_overtime=most),)
        return problem(visit("A", unserved_cost=unserved_cost), shifts=shifts)

    assert orders(bound_by(with_overtime(499, 9000), with_overtime(500, 9000))) == {}
    assert best(with_overtime(500, 2201)).cost.overtime == 1000
    assert orders(best(with_overtime(500, 2199))) == {}


# Costs


def test_paid_working_time_lets_the_crew_leave_later() -> None:
    given = problem(visit("A", "far", windows=((5000, 5000),)), weights=Weights(work=1))

    assert only(best(given)).departs == 4000


def test_a_preferred_crew_comes_for_as_long_as_that_is_cheaper() -> None:
    def with_weight(points: int) -> Problem:
        one = visit("A", preferred_crews=("C2",))
        return problem(one, shifts=(NEAR, AWAY), weights=Weights(not_preferred=points))

    assert orders(best(with_weight(1201))) == {"S2": ["A"]}
    assert orders(best(with_weight(1199))) == {"S1": ["A"]}


def test_a_new_time_on_the_same_shift_is_no_change() -> None:
    incumbent = Incumbent((IncumbentRoute("S", ("B", "A")),))
    visits = (visit("A", due=600, late_cost=9), visit("B", "far"))

    result = best(problem(*visits, incumbent=incumbent, weights=Weights(change=900)))

    assert orders(result) == {"S": ["A", "B"]}
    assert result.cost.change == 0


def test_what_the_change_costs_is_paid_where_the_move_gains_more() -> None:
    def in_force(change: int) -> Problem:
        incumbent = Incumbent((IncumbentRoute("S2", ("A",)),))
        weights = Weights(change=change)
        return problem(visit("A"), shifts=(NEAR, AWAY), incumbent=incumbent, weights=weights)

    assert orders(bound_by(in_force(1201), in_force(1199))) == {"S2": ["A"]}


# Pins


def test_a_visit_pinned_to_a_shift_stays_there_though_another_is_nearer() -> None:
    given, freed = (
        problem(visit("A", pinned=pin), shifts=(NEAR, AWAY)) for pin in (Pin("S2"), None)
    )

    assert orders(bound_by(given, freed)) == {"S2": ["A"]}


def test_a_pinned_begin_makes_the_others_wait_and_costs_its_lateness() -> None:
    one = visit("A", due=500, late_cost=1, pinned=Pin("S", 800))
    other = visit("B", due=600, late_cost=1)

    route = only(best(problem(one, other)))

    assert [(stop.visit, stop.start) for stop in route.stops] == [("A", 800), ("B", 1100)]


# Relations


def test_a_follow_up_waits_for_the_next_day_when_its_gap_says_so() -> None:
    shifts = (shift("S1"), shift("S2", start=DAY, end=DAY + 10_000))
    given, freed = (
        problem(visit("A"), visit("B"), shifts=shifts, relations=relations)
        for relations in ((After("A", "B", min_gap=DAY),), ())
    )

    result = bound_by(given, freed)

    assert orders(result) == {"S1": ["A"], "S2": ["B"]}
    assert result.routes[1].stops[0].start >= result.routes[0].stops[0].end + DAY


def test_a_second_that_must_follow_at_once_takes_another_crew() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2"))
    given, freed = (
        problem(visit("A"), visit("B", "far"), shifts=shifts, relations=relations)
        for relations in ((After("A", "B", 0, 399),), ())
    )

    result = bound_by(given, freed)

    times = {stop.visit: stop for route in result.routes for stop in route.stops}
    assert len(result.routes) == 2
    assert 0 <= times["B"].start - times["A"].end <= 399


def test_a_chain_of_seconds_keeps_every_gap() -> None:
    visits = (visit("C", due=0, late_cost=1), visit("B"), visit("A", "far"))
    given, freed = (
        problem(*visits, relations=relations)
        for relations in ((After("A", "B", 1000), After("B", "C", 1000)), ())
    )

    stops = only(bound_by(given, freed)).stops

    assert [stop.visit for stop in stops] == ["A", "B", "C"]
    assert all(after.start - before.end >= 1000 for before, after in pairwise(stops))


def test_one_crew_cannot_serve_visits_together_on_two_of_its_shifts() -> None:
    def with_second(crew: str) -> Problem:
        shifts = (shift("S1", "C1"), shift("S2", crew, start=10_000, end=20_000))
        if crew != "C1":
            shifts = (shifts[0], shift("S2", crew))
        return problem(visit("A"), visit("B"), shifts=shifts, relations=(Together(("A", "B")),))

    assert orders(bound_by(with_second("C1"), with_second("C2"))) == {}


def test_the_same_crew_serves_both_though_another_is_nearer_to_one() -> None:
    shifts: tuple[Shift, ...] = (NEAR, shift("S2", "C2", from_="far", to="far"))
    given, freed = (
        problem(visit("A"), visit("B", "far"), shifts=shifts, relations=relations)
        for relations in ((SameCrew(("A", "B")),), ())
    )

    assert len(bound_by(given, freed).routes) == 1


def test_different_crews_come_though_one_could_serve_both() -> None:
    given, freed = (
        problem(visit("A"), visit("B"), shifts=(NEAR, AWAY), relations=relations)
        for relations in ((DifferentCrew(("A", "B")),), ())
    )

    assert len(bound_by(given, freed).routes) == 2


def test_another_shift_of_a_crew_is_no_different_crew() -> None:
    shifts = (
        replace(NEAR, max_visits=1),
        shift("S2", "C1", start=10_000, end=20_000, from_="near", to="near"),
        shift("S3", "C2"),
    )
    given, freed = (
        problem(visit("A"), visit("B"), shifts=shifts, relations=relations)
        for relations in ((DifferentCrew(("A", "B")),), ())
    )

    assert "S3" in orders(bound_by(given, freed))


# Travel and service

ROUNDABOUT = Matrix(((0, 5000, 10), (10, 0, 5000), (5000, 10, 0)))
"""From P to Q, from Q to R and from R to P is far; the other way round is not, even by two legs."""


def _on_the_roundabout(*places: str, **keys: Any) -> Problem:
    visits = (visit(place, place) for place in places)
    shifts = (shift(from_="P", to="P", end=20_000, **keys),)
    names = tuple(Place(id) for id in "PQR")
    return problem(*visits, places=names, travel=ROUNDABOUT, shifts=shifts)


def test_each_leg_is_driven_in_its_direction_and_without_a_way_round() -> None:
    result = bound_by(_on_the_roundabout("Q"), _on_the_roundabout("R", "Q"))

    assert result.cost.travel == 5010


def test_the_order_of_stops_is_that_of_the_short_direction() -> None:
    assert orders(best(_on_the_roundabout("Q", "R"))) == {"S": ["R", "Q"]}


def test_each_crew_drives_by_its_profile() -> None:
    slow, fast = (
        Matrix(tuple(tuple(0 if i == j else n for j in range(3)) for i in range(3)))
        for n in (900, 100)
    )
    crews = (Crew("C1", profile="cart"), Crew("C2", profile="van", travel_factor=1.125))
    travel = Profiles(FrozenDict({"cart": slow, "van": fast}))
    shifts = (shift("S1", "C1"), shift("S2", "C2"))

    result = best(problem(visit("A"), crews=crews, shifts=shifts, travel=travel))

    # 100 s x 1.125 = 112.5 s, rounded up on each leg by itself.
    assert (only(result).shift, result.cost.travel) == ("S2", 2 * 113)


def test_service_and_setup_are_rounded_together_by_the_crews_factor() -> None:
    crews = (Crew("C", service_factor=0.5),)
    visits = (visit("A", duration=301, setup=2), visit("B", duration=301, setup=2))

    route = only(best(problem(*visits, crews=crews)))

    # 303 x 0.5 = 151.5 and 301 x 0.5 = 150.5 s, both rounded up.
    assert [stop.end - stop.start for stop in route.stops] == [152, 151]
