"""Why a visit is left out, each reason proven by trying; and why a served one is where it is."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from optimizer.check import check
from optimizer.explain import Explanation, Moved, explain, settle
from optimizer.insert import insert, retime
from optimizer.naive import naive
from optimizer.plan import Plan
from optimizer.problem import After, Crew, Pin, Problem, Shift, Together, Visit, Window
from optimizer.relaxing import Relaxation
from optimizer.standing import VisitUnknown
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem


def orders_of(plan: Plan) -> dict[str, list[str]]:
    return {route.shift: [stop.visit for stop in route.stops] for route in plan.routes}


def kinds(found: Explanation) -> dict[str, Relaxation]:
    return {relaxation.kind: relaxation for relaxation in found.relaxations}


def test_what_no_empty_shift_could_do_is_impossible_with_the_rule_for_each() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2", end=1000))
    crews = (Crew("C1"), Crew("C2", skills={"hv": 2}))
    given = problem(visit("A", skills={"hv": 2}), shifts=shifts, crews=crews)

    found = explain(given, retime(given, {}), "A")

    assert found.verdict == "impossible"
    assert [(each.crew, each.reason) for each in found.reasons] == [
        ("C1", "skill"),
        ("C2", "shift_hours"),
    ]
    assert kinds(found)["skill"] == Relaxation("skill", "S1", "C1", 600, -8800, 2, "hv")
    # 600 s there, 300 s of work and 600 s back end 500 s too late: 9 whole minutes.
    overtime = kinds(found)["overtime"]
    assert (overtime.amount, overtime.shift, overtime.cost) == (9, "S2", 1200 + 2 * 500 - 10_000)


def test_what_fits_only_instead_of_another_is_displaced_by_the_cheapest() -> None:
    visits = (visit("A"), visit("B", unserved_cost=30_000), visit("C", unserved_cost=20_000))
    shifts = (shift("S1", "C1", max_visits=1), shift("S2", "C2", max_visits=1))
    given = problem(*visits, shifts=shifts)

    found = explain(given, retime(given, {"S1": ["B"], "S2": ["C"]}), "A")

    assert (found.verdict, found.pushed_out, found.shift) == ("displaced", ("C",), "S2")
    assert (found.cost, found.leaving_out) == (10_000, 10_000)
    assert kinds(found) == {"instead": Relaxation("instead", "S2", "C2", 600, 10_000, None, "C")}


def test_two_of_a_route_are_pushed_out_where_one_is_not_enough() -> None:
    short = {"duration": 1000, "unserved_cost": 20_000}
    visits = (visit("A", duration=2500), visit("B", **short), visit("C", **short))
    given = problem(*visits, shifts=(shift(end=4000),))

    found = explain(given, retime(given, {"S": ["B", "C"]}), "A")

    assert (found.verdict, found.pushed_out) == ("displaced", ("B", "C"))
    assert found.cost == 30_000


def test_three_are_pushed_out_where_two_are_not_enough_and_none_needlessly() -> None:
    short = {"duration": 600, "unserved_cost": 20_000}
    visits = (
        visit("A", duration=1900),
        *(visit(name, **short) for name in "BCD"),
        visit("E", duration=10, unserved_cost=1),
    )
    given = problem(*visits, shifts=(shift(end=3200),))

    found = explain(given, retime(given, {"S": ["B", "E", "C", "D"]}), "A")

    assert (found.verdict, found.pushed_out) == ("displaced", ("B", "C", "D"))


def test_a_visit_in_the_way_that_is_pinned_is_not_pushed_out() -> None:
    visits = (visit("A"), visit("B", pinned=Pin("S")))
    given = problem(*visits, shifts=(shift(max_visits=1),))

    found = explain(given, retime(given, {"S": ["B"]}), "A")

    assert (found.verdict, found.pushed_out) == ("tied", ())


def test_what_costs_more_than_leaving_it_out_tells_both_figures() -> None:
    given = problem(visit("A", "far", unserved_cost=500))

    found = explain(given, retime(given, {}), "A")

    assert (found.verdict, found.cost, found.leaving_out) == ("not_worth_it", 2000, 500)
    assert found.relaxations == ()


def test_an_insertion_that_is_worth_it_is_made_and_not_reported() -> None:
    given = problem(visit("A"), visit("B"))
    plan = retime(given, {"S": ["B"]})

    found = explain(given, plan, "A")

    assert found.verdict == "served"
    assert found.plan is not None
    assert check(given, found.plan).ok
    assert found.plan.routes == settle(given, plan).routes
    assert found.plan.cost.total < plan.cost.total


def test_a_visit_that_pays_for_the_one_it_puts_out_is_planned_instead() -> None:
    given = problem(visit("A"), visit("B", unserved_cost=500), shifts=(shift(max_visits=1),))

    found = explain(given, retime(given, {"S": ["B"]}), "A")

    assert found.verdict == "served"
    assert found.plan is not None
    assert check(given, found.plan).ok
    assert [entry.visit for entry in found.plan.unserved] == ["B"]


def test_a_visit_that_pays_for_two_it_puts_out_is_planned_instead() -> None:
    short = {"duration": 1000, "unserved_cost": 20_000}
    visits = (
        visit("A", duration=2500, unserved_cost=50_000),
        visit("B", **short),
        visit("C", **short),
    )
    given = problem(*visits, shifts=(shift(end=4000),))
    plan = retime(given, {"S": ["B", "C"]})

    found = explain(given, plan, "A")

    assert (found.verdict, found.shift) == ("served", "S")
    assert found.plan is not None
    assert check(given, found.plan).ok
    assert found.plan.cost.total == plan.cost.total - 10_000
    assert settle(given, plan).cost.total == found.plan.cost.total


def test_two_cheap_ones_are_pushed_out_rather_than_a_dear_one() -> None:
    cheap = {"duration": 1000, "unserved_cost": 20_000}
    visits = (
        visit("A", duration=2500),
        visit("B", duration=2500, unserved_cost=200_000_000),
        visit("C", **cheap),
        visit("D", **cheap),
    )
    shifts = (shift("S1", "C1", end=4000), shift("S2", "C2", end=4000))
    given = problem(*visits, shifts=shifts)

    found = explain(given, retime(given, {"S1": ["B"], "S2": ["C", "D"]}), "A")

    assert (found.verdict, found.pushed_out, found.cost) == ("displaced", ("C", "D"), 30_000)


def test_who_is_in_the_way_and_has_another_place_goes_there() -> None:
    visits = (visit("A", skills={"hv": 1}), visit("B"))
    shifts = (shift("S1", "C1", max_visits=1), shift("S2", "C2", max_visits=1))
    crews = (Crew("C1", skills={"hv": 1}), Crew("C2"))
    given = problem(*visits, shifts=shifts, crews=crews)
    plan = retime(given, {"S1": ["B"]})

    found = explain(given, plan, "A")

    assert (found.verdict, found.shift, found.alternatives) == ("served", "S1", ())
    assert found.plan is not None
    assert check(given, found.plan).ok
    assert orders_of(found.plan) == {"S1": ["A"], "S2": ["B"]}
    assert orders_of(settle(given, plan)) == {"S1": ["A"], "S2": ["B"]}


def test_who_is_in_the_way_begins_later_on_the_same_route_where_that_is_enough() -> None:
    given = problem(visit("A", windows=(Window(600, 700),)), visit("B", duration=500))
    plan = retime(given, {"S": ["B"]})
    early = replace(given, visits=(given.visits[0], replace(given.visits[1], duration=100)))

    found = explain(given, plan, "A")

    assert explain(early, retime(early, {"S": ["B"]}), "A").verdict == "served"
    assert (found.verdict, found.start) == ("served", 600)
    assert found.plan is not None
    assert orders_of(found.plan) == {"S": ["A", "B"]}


def test_a_move_to_another_day_is_told_where_it_costs_more_than_the_visit_is_worth() -> None:
    day = 86_400
    visits = (
        visit("A", unserved_cost=2000, windows=(Window(0, 9000),)),
        visit("B", due=9000, late_cost=1, unserved_cost=200_000),
    )
    shifts = (
        shift("Mon", "C", max_visits=1),
        shift("Tue", "C", start=day, end=day + 10_000),
    )
    given = problem(*visits, shifts=shifts)

    found = explain(given, retime(given, {"Mon": ["B"]}), "A")

    late = day + 600 - 9000
    assert (found.verdict, found.pushed_out) == ("not_worth_it", ())
    assert (found.cost, found.leaving_out) == (1200 + late, 2000)
    assert found.moved == (Moved("B", "Tue", day + 600),)
    assert found.relaxations == (
        Relaxation("instead", "Mon", "C", 600, 1200 + late - 2000, None, "B", "Tue"),
    )


def test_no_displacement_that_is_reported_would_pay() -> None:
    for seed in range(100):
        given = random_problem(seed)
        for entry in given.visits:
            found = explain(given, naive(given), entry.id)

            assert found.cost is None or found.verdict != "displaced" or found.cost >= 0, seed
            if found.plan is not None:
                assert check(given, found.plan).ok, seed


def test_a_settled_plan_is_left_as_it_is() -> None:
    given = problem(visit("A"))
    plan = retime(given, {"S": ["A"]})

    assert settle(given, plan) is plan
    assert explain(given, plan, "A").plan is None


def test_a_visit_whose_first_is_left_out_is_tied_to_it() -> None:
    visits = (visit("A", skills={"hv": 1}), visit("B"))
    given = problem(*visits, relations=(After("A", "B"),))

    found = explain(given, retime(given, {}), "B")

    assert (found.verdict, [each.reason for each in found.reasons]) == ("tied", ["relation"])


def test_visits_that_begin_together_are_said_to_lack_room() -> None:
    visits = (visit("A"), visit("B"), visit("C", unserved_cost=90_000))
    shifts = (shift("S1", "C1", max_visits=1), shift("S2", "C2", max_visits=1))
    given = problem(*visits, shifts=shifts, relations=(Together(("A", "B")),))

    found = explain(given, retime(given, {"S1": ["C"]}), "A")

    assert [each.reason for each in found.reasons] == ["capacity", "capacity"]
    assert (found.verdict, found.pushed_out) == ("displaced", ("C",))
    assert (found.cost, found.leaving_out) == (90_000 - 20_000 + 1200, 20_000)


def test_visits_that_begin_together_are_planned_instead_of_what_costs_less() -> None:
    visits = (visit("A"), visit("B"), visit("C", unserved_cost=500))
    shifts = (shift("S1", "C1", max_visits=1), shift("S2", "C2", max_visits=1))
    given = problem(*visits, shifts=shifts, relations=(Together(("A", "B")),))

    found = explain(given, retime(given, {"S1": ["C"]}), "A")

    assert found.verdict == "served"
    assert found.plan is not None
    assert check(given, found.plan).ok
    assert [entry.visit for entry in found.plan.unserved] == ["C"]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"windows": (Window(0, 480),)}, ("window", 2, "later", 600)),
        ({"windows": (Window(9200, 9800),)}, ("window", 2, "earlier", 9100)),
        ({"members": 3}, ("members", 3, None, 600)),
        ({"allowed_crews": ()}, ("allow", None, None, 600)),
        ({"forbidden_crews": ("C",)}, ("allow", None, None, 600)),
        ({"parts": {"fuse": 3}}, ("parts", 2, "fuse", 600)),
        ({"skills": {"hv": 2}}, ("skill", 2, "hv", 600)),
    ],
)
def test_one_rule_less_would_make_it_fit(keys: dict[str, Any], expected: tuple[Any, ...]) -> None:
    given = problem(visit("A", **keys), shifts=(shift(stock={"fuse": 1}),))

    found = explain(given, retime(given, {}), "A")

    first = found.relaxations[0]
    assert (first.kind, first.amount, first.detail) == expected[:3]
    assert expected[3] - 60 < first.start <= expected[3]


def test_a_rule_is_not_called_the_remedy_while_another_fails_too() -> None:
    given = problem(visit("A", members=3, skills={"hv": 1}))

    assert explain(given, retime(given, {}), "A").relaxations == ()


def test_every_relaxation_works_and_costs_what_it_says() -> None:
    proven: dict[str, int] = {}
    for seed in range(150):
        given = random_problem(seed)
        plan = settle(given, naive(given))
        for entry in plan.unserved:
            found = explain(given, plan, entry.visit)
            standing = found.plan or plan
            for relaxation in found.relaxations:
                if relaxation.kind == "instead":
                    continue
                changed = relaxed(given, entry.visit, relaxation)
                places = insert(changed, standing, entry.visit, 999, shift=relaxation.shift)

                assert places, (seed, entry.visit, relaxation)
                assert places[0].cost == relaxation.cost, (seed, entry.visit, relaxation)
                proven[relaxation.kind] = proven.get(relaxation.kind, 0) + 1
                if relaxation.kind in ("window", "overtime") and (relaxation.amount or 0) > 1:
                    less = replace(relaxation, amount=(relaxation.amount or 0) - 1)
                    fewer = relaxed(given, entry.visit, less)
                    assert not insert(fewer, standing, entry.visit, 1, shift=relaxation.shift)
    assert set(proven) == {"window", "overtime", "skill", "members", "allow", "unpin", "parts"}


def relaxed(given: Problem, name: str, relaxation: Relaxation) -> Problem:
    """The problem with the one rule changed, made without the code under test."""
    return replace(
        given,
        visits=tuple(
            relaxed_visit(entry, relaxation) if entry.id == name else entry
            for entry in given.visits
        ),
        crews=tuple(
            relaxed_crew(crew, relaxation) if crew.id == relaxation.crew else crew
            for crew in given.crews
        ),
        shifts=tuple(
            relaxed_shift(each, relaxation) if each.id == relaxation.shift else each
            for each in given.shifts
        ),
    )


def relaxed_visit(entry: Visit, relaxation: Relaxation) -> Visit:
    more = 60 * (relaxation.amount or 0)
    match relaxation.kind:
        case "window":
            wide = tuple(Window(w.open - more, w.close + more) for w in entry.windows)
            return replace(entry, windows=wide)
        case "allow":
            allowed = entry.allowed_crews
            if allowed is not None:
                allowed = tuple({*allowed, relaxation.crew})
            others = tuple(c for c in entry.forbidden_crews if c != relaxation.crew)
            return replace(entry, allowed_crews=allowed, forbidden_crews=others)
        case "unpin":
            return replace(entry, pinned=None)
    return entry


def relaxed_crew(crew: Crew, relaxation: Relaxation) -> Crew:
    if relaxation.kind == "members":
        return replace(crew, members=relaxation.amount or 0)
    if relaxation.kind == "skill":
        skills = {**crew.skills, relaxation.detail or "": relaxation.amount or 0}
        return replace(crew, skills=skills)
    return crew


def relaxed_shift(each: Shift, relaxation: Relaxation) -> Shift:
    amount, part = relaxation.amount or 0, relaxation.detail or ""
    if relaxation.kind == "overtime":
        return replace(each, max_overtime=each.max_overtime + 60 * amount)
    if relaxation.kind == "parts":
        return replace(each, stock={**each.stock, part: each.stock.get(part, 0) + amount})
    return each


def test_the_one_or_two_pushed_out_are_the_cheapest_of_all() -> None:
    compared = 0
    for seed in range(150):
        given = replace(random_problem(seed), relations=())
        plan = settle(given, naive(given))
        pinned = {entry.id for entry in given.visits if entry.pinned is not None}
        for entry in plan.unserved:
            found = explain(given, plan, entry.visit)
            if found.verdict != "displaced" or len(found.pushed_out) > 2:
                continue
            orders = orders_of(found.plan or plan)
            totals = []
            for order in orders.values():
                free = [name for name in order if name not in pinned]
                for gone in combinations(free, len(found.pushed_out)):
                    kept = {s: [v for v in o if v not in gone] for s, o in orders.items()}
                    room = retime(given, kept)
                    places = insert(given, room, entry.visit, 1)
                    totals += [room.cost.total + place.cost for place in places]
            base = retime(given, orders).cost.total

            assert found.cost == min(totals) - base, (seed, entry.visit)
            compared += 1
    assert compared > 20


def test_why_this_crew_is_told_against_the_three_next_best() -> None:
    shifts = (
        shift("S1", "C1"),
        shift("S2", "C2", from_="near", to="near"),
        shift("S3", "C3", from_="far", to="far"),
        shift("S4", "C4", start=200),
        shift("S5", "C5", start=400, end=1000, max_overtime=9000),
    )
    given = problem(visit("A", due=600, late_cost=1), shifts=shifts)

    found = explain(given, retime(given, {"S2": ["A"]}), "A")

    assert (found.verdict, found.shift, found.start) == ("served", "S2", 0)
    assert [
        (one.crew, one.driving, one.late, one.overtime, one.cost) for one in found.alternatives
    ] == [("C3", 800, 0, 0, 800), ("C1", 1200, 0, 0, 1200), ("C4", 1200, 200, 0, 1400)]


def test_an_alternative_costs_what_the_plan_with_it_would() -> None:
    compared = 0
    for seed in range(80):
        given = random_problem(seed)
        plan = naive(given)
        for name in [stop.visit for route in plan.routes for stop in route.stops][:3]:
            orders = orders_of(plan)
            rest = {s: [v for v in o if v != name] for s, o in orders.items()}
            for one in explain(given, plan, name).alternatives:
                moved = {s: list(order) for s, order in rest.items()}
                moved.setdefault(one.shift, []).insert(one.position, name)
                made = retime(given, moved)
                if given.relations or made.unserved != plan.unserved:
                    continue
                before = retime(given, orders).cost.total
                assert one.cost == made.cost.total - before, (seed, name)
                compared += 1
    assert compared > 30


def test_an_unknown_visit_is_refused() -> None:
    given = problem(visit("A"))

    with pytest.raises(VisitUnknown, match="'X'"):
        explain(given, retime(given, {}), "X")
