"""The rest of a day: what has begun is a fact, and the rest moves only where that pays."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from optimizer.check import check
from optimizer.concluding import Affected, concluded
from optimizer.explain import settle
from optimizer.insert import insert, retime
from optimizer.naive import naive
from optimizer.plan import Plan
from optimizer.problem import (
    After,
    Break,
    DifferentCrew,
    Estimate,
    Pin,
    Place,
    Problem,
    SameCrew,
    Together,
    Visit,
    Weights,
    Window,
)
from optimizer.replan import replan
from optimizer.rest import NEVER, rest_of_day
from optimizer.search.instance import Instance
from optimizer.solve import Limits
from optimizer.values import MAX_COST, MAX_TIME, ProblemError
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem

NONE = Limits(iterations=0)


def named(rest: Problem, name: str) -> Visit:
    return next(entry for entry in rest.visits if entry.id == name)


def test_a_finished_visit_is_gone_and_its_crew_is_free_at_its_place() -> None:
    keys: dict[str, Any] = {
        "stock": {"fuse": 3},
        "max_visits": 4,
        "max_travel": 3000,
        "use_cost": 70,
    }
    given = problem(visit("A", parts={"fuse": 2}), visit("B", "far"), shifts=(shift(**keys),))
    plan = retime(given, {"S": ["A"]})

    rest = rest_of_day(given, plan, 901)

    (left,) = rest.shifts
    # The drive home has begun: the crew is bound to be there at 1500.
    assert (left.from_, left.start, left.end) == ("depot", 1500, 10_000)
    assert [entry.id for entry in rest.visits] == ["B"]
    assert dict(left.stock) == {"fuse": 1}
    assert (left.max_visits, left.max_travel, left.use_cost) == (3, 1800, 0)


def test_a_crew_between_two_visits_is_free_now_where_it_is() -> None:
    given = problem(visit("A"), visit("B", "far", windows=(Window(5000, 6000),)))
    plan = retime(given, {"S": ["A", "B"]})
    plan = replace(plan, routes=tuple(_waiting(route) for route in plan.routes))
    assert check(given, plan).ok

    (left,) = rest_of_day(given, plan, 2000).shifts

    assert (left.from_, left.start) == ("near", 2000)


def _waiting(route: Any) -> Any:
    first, second = route.stops
    return replace(route, stops=(first, replace(second, arrive=5000)))


@pytest.mark.parametrize("now", [0, 300, 600, 899])
def test_a_visit_under_way_or_driven_to_is_pinned_to_its_start(now: int) -> None:
    given = problem(visit("A"), visit("B", "far"))
    plan = retime(given, {"S": ["A", "B"]})

    rest = rest_of_day(given, plan, now)

    assert named(rest, "A").pinned == Pin("S", 600)
    assert named(rest, "A").unserved_cost == MAX_COST
    assert named(rest, "B") == named(given, "B")
    assert (rest.shifts[0].from_, rest.shifts[0].start) == ("near", 600)
    assert retime(rest, {"S": ["A", "B"]}).routes[0].stops == plan.routes[0].stops


def test_a_shift_that_has_not_begun_is_left_as_it_is() -> None:
    given = problem(visit("A"), shifts=(shift(start=5000),))
    plan = retime(given, {"S": ["A"]})

    rest = rest_of_day(given, plan, 4000)

    assert (rest.shifts, rest.visits) == (given.shifts, given.visits)
    assert rest.incumbent is not None
    assert rest.incumbent.shift_of() == {"A": "S"}


def test_an_idle_crew_begins_now_and_one_whose_hours_are_over_is_gone() -> None:
    shifts = (
        shift("S1", "C1"),
        shift("S2", "C2", end=3000),
        shift("S3", "C3", end=3000, max_overtime=5000),
    )
    given = problem(visit("A"), visit("B", pinned=Pin("S2")), shifts=shifts)

    rest = rest_of_day(given, retime(given, {}), 4000)

    assert [(s.id, s.start, s.end, s.max_overtime) for s in rest.shifts] == [
        ("S1", 4000, 10_000, 0),
        ("S3", 4000, 4000, 4000),
    ]
    assert (named(rest, "B").pinned, named(rest, "B").allowed_crews) == (None, ())


def test_breaks_had_are_removed_and_a_crew_having_one_is_free_at_its_end() -> None:
    breaks = (
        Break("early", 0, 0, 100),
        Break("mid", 900, 1100, 500),
        Break("late", 3000, 9000, 600),
    )
    given = problem(visit("A"), visit("B", "far"), shifts=(shift(breaks=breaks),))
    plan = retime(given, {"S": ["A", "B"]})
    (mid,) = [taken for taken in plan.routes[0].breaks if taken.id == "mid"]

    (left,) = rest_of_day(given, plan, mid.start + 10).shifts

    assert (left.start, left.from_) == (mid.end, "near")
    assert [pause.id for pause in left.breaks] == ["late"]


def test_a_second_whose_first_has_begun_keeps_its_gap_as_a_window() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2"))
    visits = (visit("A"), visit("B", windows=(Window(0, 1200), Window(2000, 3000))))
    given = problem(*visits, shifts=shifts, relations=(After("A", "B", 300, 1500),))
    plan = retime(given, {"S1": ["A"], "S2": ["B"]})

    rest = rest_of_day(given, plan, 0)

    assert rest.relations == ()
    assert named(rest, "B").windows == (Window(1200, 1200), Window(2000, 2400))


def test_a_gap_that_can_no_longer_be_kept_leaves_no_window() -> None:
    visits = (visit("A"), visit("B", windows=(Window(0, 500),)))
    given = problem(*visits, relations=(After("A", "B"),))

    rest = rest_of_day(given, retime(given, {"S": ["A"]}), 900)

    assert named(rest, "B").windows == NEVER
    open_ended = problem(visit("A"), visit("B"), relations=(After("A", "B"),))
    rest = rest_of_day(open_ended, retime(open_ended, {"S": ["A"]}), 900)
    assert named(rest, "B").windows == (Window(900, MAX_TIME),)


def test_crews_that_relations_bind_to_what_is_done_become_the_visits_own() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2"))
    visits = (visit("A"), visit("B"), visit("C"), visit("D"))
    relations = (SameCrew(("A", "B")), DifferentCrew(("A", "C", "D")))
    given = problem(*visits, shifts=shifts, relations=relations)

    rest = rest_of_day(given, retime(given, {"S1": ["A"]}), 900)

    assert named(rest, "B").allowed_crews == ("C1",)
    assert named(rest, "C").forbidden_crews == ("C1",)
    assert rest.relations == (DifferentCrew(("C", "D")),)


def test_a_partner_of_a_visit_that_is_driven_to_begins_at_its_second() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2", from_="near"))
    given = problem(visit("A"), visit("B"), shifts=shifts, relations=(Together(("A", "B")),))
    plan = retime(given, {"S1": ["A"], "S2": ["B"]})
    assert len(plan.routes) == 2

    rest = rest_of_day(given, plan, 300)

    assert named(rest, "A").pinned == Pin("S1", 600)
    assert named(rest, "B").windows == (Window(600, 600),)
    assert rest.relations == ()


def test_the_rest_of_every_plan_is_the_rest_of_the_plan() -> None:
    asked = 0
    for seed in range(150):
        given = random_problem(seed)
        plan = settle(given, naive(given))
        moments = sorted(
            {t for r in plan.routes for s in r.stops for t in (s.arrive, s.start, s.end)}
            | {t for r in plan.routes for b in r.breaks for t in (b.start, b.end - 1)}
        )
        for now in moments[:: max(1, len(moments) // 5)]:
            rest = rest_of_day(given, plan, now)
            assert rest.incumbent is not None
            orders = {route.shift: route.visits for route in rest.incumbent.routes}
            again = retime(rest, orders)
            asked += 1

            assert check(rest, again).ok
            assert _lost(rest, again) == set(), (seed, now)
            begun = {v.id: v.pinned for v in rest.visits if v.unserved_cost == MAX_COST}
            kept = {
                stop.visit: Pin(route.shift, stop.start)
                for route in again.routes
                for stop in route.stops
                if stop.visit in begun
            }
            assert kept == begun
    assert asked > 300


def _lost(rest: Problem, again: Plan) -> set[str]:
    """Visits of the plan in force that the rest could not hold, but for a quirk of the format.

    A visit that no empty shift could serve can be on a route all the same, where a stop before it
    saves its setup or a detour is shorter than the way.
    """
    assert rest.incumbent is not None
    instance, was = Instance(rest), rest.incumbent.shift_of()
    return {
        entry.visit
        for entry in again.unserved
        if entry.visit in was
        and not instance.barrier[instance.visit_index[entry.visit]][
            instance.shift_index[was[entry.visit]]
        ]
    }


def test_an_urgent_visit_is_added_and_those_affected_are_listed() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2"))
    weights = Weights(change=900)
    visits = (visit("A"), visit("B", "far", duration=8000))
    given = problem(*visits, shifts=shifts, weights=weights)
    plan = retime(given, {"S1": ["A"], "S2": ["B"]})
    urgent = visit("U", "far", due=1700, late_cost=50, unserved_cost=200_000)
    later = replace(given, visits=(*given.visits, urgent))

    found = replan(later, plan, 700, NONE)

    assert check(found.problem, found.plan).ok
    assert found.affected == (Affected("U", None, None, "S1", 1300),)


def day(seed: int, count: int, crews: int) -> Problem:
    """A field-service day around one depot."""
    chance = Random(seed)

    def place(name: str) -> Place:
        return Place(name, 22.8 + chance.uniform(-0.15, 0.15), 113.6 + chance.uniform(-0.2, 0.2))

    visits = []
    for i in range(count):
        opens = chance.choice([8, 10, 13, 15]) * 3600
        windows = (Window(opens, opens + 7199),) if chance.random() < 0.4 else ()
        cost = chance.choice([50_000, 300_000])
        visits.append(
            visit(f"V{i}", f"V{i}", duration=1500, unserved_cost=cost, windows=windows, setup=300)
        )
    names = [f"S{i}" for i in range(crews)]
    lunch = (Break("lunch", 41_400, 46_800, 2700),)
    times: dict[str, Any] = {"start": 28_800, "end": 61_200, "max_overtime": 3600, "breaks": lunch}
    shifts = tuple(shift(name, f"C{name}", **times) for name in names)
    places = (Place("depot", 22.8, 113.6), *(place(entry.id) for entry in visits))
    return problem(
        *visits, shifts=shifts, places=places, travel=Estimate(), weights=Weights(change=900)
    )


def test_one_more_visit_in_a_day_of_200_moves_no_more_than_it_must() -> None:
    given = day(1, 200, 22)
    plan = settle(given, naive(given))
    urgent = visit("U", "V7", unserved_cost=2_000_000, due=36_000, late_cost=10)
    later = replace(given, visits=(*given.visits, urgent))
    now = 34_000

    found = replan(later, plan, now, Limits(iterations=2_000))

    assert check(found.problem, found.plan).ok
    moved = [one for one in found.affected if one.was_shift not in (None, one.shift)]
    begun = {v.id for v in found.problem.visits if v.unserved_cost == MAX_COST}
    assert len(begun) > 10
    assert not begun & {one.visit for one in found.affected}
    assert next(one for one in found.affected if one.visit == "U").shift is not None
    # Each move pays for its 900 points: taking any back would cost at least as much.
    still = replace(found.problem, weights=Weights(change=900))
    for one in moved:
        rest = retime(
            still,
            {
                route.shift: [stop.visit for stop in route.stops if stop.visit != one.visit]
                for route in found.plan.routes
            },
        )
        back = insert(still, rest, one.visit, 1, shift=one.was_shift)
        assert all(rest.cost.total + place.cost > found.plan.cost.total for place in back)
    # And together they pay, against putting the visit in and moving nobody.
    orders = {route.shift: route.visits for route in found.problem.incumbent.routes}  # type: ignore[union-attr]
    stay = retime(found.problem, orders)
    places = insert(found.problem, stay, "U", 1)
    assert found.plan.cost.total <= stay.cost.total + (places[0].cost if places else 0)


def test_a_change_that_costs_too_much_is_not_made() -> None:
    given = day(2, 40, 5)
    plan = settle(given, naive(given))
    urgent = visit("U", "V7", unserved_cost=2_000_000)
    later = replace(given, visits=(*given.visits, urgent))

    found = replan(later, plan, 30_000, Limits(iterations=30), change=10_000_000)

    assert [one.visit for one in found.affected if one.was_shift not in (None, one.shift)] == []
    with pytest.raises(ProblemError, match="change"):
        replan(later, plan, 30_000, NONE, change=-1)


def test_visits_change_places_in_a_route_only_where_that_pays() -> None:
    given = problem(visit("A"), visit("B"), visit("C", "far"))
    before = retime(given, {"S": ["A", "B", "C"]})
    rest = rest_of_day(given, before, -10)
    found = retime(rest, {"S": ["B", "A", "C"]})
    assert found.cost.total == before.cost.total

    calm = concluded(rest, before, found)

    assert calm.affected == ()
    assert [stop.visit for stop in calm.plan.routes[0].stops] == ["A", "B", "C"]


def test_visits_that_change_places_for_a_gain_keep_the_new_ones() -> None:
    given = problem(visit("A"), visit("B", windows=(Window(0, 700),)))
    before = retime(problem(visit("A"), visit("B")), {"S": ["A", "B"]})
    rest = rest_of_day(given, before, -10)

    calm = concluded(rest, before, retime(rest, {"S": ["B", "A"]}))

    assert [stop.visit for stop in calm.plan.routes[0].stops] == ["B", "A"]
