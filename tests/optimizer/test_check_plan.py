"""The checker's rules across a plan: crews, relations, what is served, and what it costs."""

from dataclasses import fields, replace

import pytest

from optimizer.check import check
from optimizer.plan import Cost
from optimizer.problem import (
    After,
    Crew,
    DifferentCrew,
    Incumbent,
    IncumbentRoute,
    Pin,
    SameCrew,
    Together,
    Weights,
)
from tests.optimizer.builders import broken, left_out, plan, problem, route, shift, visit

V = ("V", 600, 600, 900)
W = ("W", 600, 600, 900)
TWO_CREWS = (shift("S", "C"), shift("T", "D"))
TWO_DAYS = (shift("S", "C"), shift("T", "C", start=20_000, end=30_000))


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (visit(skills={"HV": 2}), []),
        (visit(skills={"HV": 3}), ["skill"]),
        (visit(skills={"LV": 1}), ["skill"]),
        (visit(members=2), []),
        (visit(members=3), ["members"]),
        (visit(allowed_crews=("C", "D")), []),
        (visit(allowed_crews=("D",)), ["crew_not_allowed"]),
        (visit(allowed_crews=()), ["crew_not_allowed"]),
        (visit(forbidden_crews=("D",)), []),
        (visit(forbidden_crews=("C",)), ["crew_not_allowed"]),
        (visit(pinned=Pin("S")), []),
        (visit(pinned=Pin("T")), ["pinned"]),
    ],
)
def test_a_visit_goes_to_a_crew_that_fits_it(asked: object, rule: list[str]) -> None:
    crews = (Crew("C", {"HV": 2}, members=2), Crew("D"))
    made = problem(asked, shifts=TWO_CREWS, crews=crews)  # type: ignore[arg-type]

    assert broken(made, plan(made, route(V, returns=1500))) == rule


def test_a_visit_is_served_once_or_left_out() -> None:
    made = problem(visit("V"), visit("W"), shifts=TWO_CREWS)
    served = route(V, returns=1500)
    other = route(W, returns=1500, on="T")
    out = left_out("W", "cost", cost=2)

    assert broken(made, plan(made, served, other)) == []
    assert broken(made, plan(made, served, unserved=(out,))) == []
    assert broken(made, plan(made, served)) == ["served_once"]
    assert broken(made, plan(made, served, other, unserved=(out,))) == ["served_once"]
    assert broken(made, plan(made, served, unserved=(out, out))) == ["served_once"]
    again = route(V, returns=1500, on="T")
    assert broken(made, plan(made, served, again, unserved=(out,))) == ["served_once"]


def test_what_the_problem_does_not_know_is_not_in_a_plan() -> None:
    made = problem(visit())
    right = route(V, returns=1500)

    gone = left_out("gone", "cost")
    assert broken(made, plan(made, right, unserved=(gone,))) == ["unknown"]
    assert "unknown" in broken(made, plan(made, replace(right, shift="gone")))
    assert "unknown" in broken(made, plan(made, route(("gone", 600, 600, 900), returns=1500)))


def test_a_used_shift_has_one_route_and_an_unused_one_has_none() -> None:
    made = problem(visit("V"), visit("W"))
    later = route(("W", 2100, 2100, 2400), departs=1500, returns=3000)

    assert broken(made, plan(made, route(V, returns=1500), later)) == ["one_route"]
    nothing = problem()
    assert broken(nothing, plan(nothing, route(returns=0, travel=0))) == ["one_route"]


def test_the_routes_of_a_crew_do_not_overlap() -> None:
    shifts = (shift("S", end=1400, max_overtime=9_000), shift("T", start=1450, end=9_000))
    made = problem(visit("V"), visit("W"), shifts=shifts)
    first = route(V, returns=1500, overtime=100)

    for departs, rule in ((1500, []), (1499, ["crew_overlap"])):
        stop = ("W", departs + 600, departs + 600, departs + 900)
        second = route(stop, departs=departs, returns=departs + 1500, on="T")
        assert broken(made, plan(made, first, second)) == rule


@pytest.mark.parametrize(
    ("start", "rule"), [(20_600, []), (20_601, ["after"]), (20_650, ["after"])]
)
def test_a_second_visit_comes_at_most_its_gap_after_the_first_over_any_days(
    start: int, rule: list[str]
) -> None:
    after = After("V", "W", 0, 19_700)
    made = problem(visit("V"), visit("W"), shifts=TWO_DAYS, relations=(after,))
    second = route(("W", 20_600, start, start + 300), departs=20_000, returns=start + 900, on="T")

    assert broken(made, plan(made, route(V, returns=1500), second)) == rule


def test_a_second_visit_comes_at_least_its_gap_after_the_first_ends() -> None:
    made = problem(visit("V"), visit("W"), relations=(After("V", "W", 50),))

    for start, rule in ((950, []), (949, ["after"])):
        second = ("W", 900, start, start + 300)
        assert broken(made, plan(made, route(V, second, returns=start + 900))) == rule


def test_a_second_visit_is_unserved_when_its_first_is() -> None:
    made = problem(visit("V"), visit("W"), relations=(After("V", "W"),))

    only_first = plan(made, route(V, returns=1500), unserved=(left_out("W", "relation"),))
    assert broken(made, only_first) == []
    only_second = plan(made, route(W, returns=1500), unserved=(left_out("V", "capacity"),))
    assert broken(made, only_second) == ["after"]


def test_visits_together_begin_at_the_same_second_on_different_crews_or_not_at_all() -> None:
    visits, together = (visit("V"), visit("W")), (Together(("V", "W")),)
    made = problem(*visits, shifts=TWO_CREWS, relations=together)
    first = route(V, returns=1500)
    none = tuple(left_out(name, "relation", relation=2) for name in ("V", "W"))

    assert broken(made, plan(made, first, route(W, returns=1500, on="T"))) == []
    assert broken(made, plan(made, unserved=none)) == []
    late = route(("W", 600, 601, 901), returns=1501, on="T")
    assert broken(made, plan(made, first, late)) == ["together"]
    assert broken(made, plan(made, first, unserved=none[1:])) == ["together"]


def test_visits_together_are_not_on_one_crew() -> None:
    instant = (visit("V", duration=0), visit("W", duration=0))
    made = problem(*instant, relations=(Together(("V", "W")),))

    one_crew = route(("V", 600, 600, 600), ("W", 600, 600, 600), returns=1200)
    assert broken(made, plan(made, one_crew)) == ["together"]


def test_crews_are_compared_not_shifts() -> None:
    visits = (visit("V"), visit("W"))
    for shifts, same, different in (
        (TWO_DAYS, [], ["different_crew"]),
        ((TWO_CREWS[0], replace(TWO_CREWS[1], start=20_000, end=30_000)), ["same_crew"], []),
    ):
        routes = (
            route(V, returns=1500),
            route(("W", 20_600, 20_600, 20_900), departs=20_000, returns=21_500, on="T"),
        )
        for relation, rule in (
            (SameCrew(("V", "W")), same),
            (DifferentCrew(("V", "W")), different),
        ):
            made = problem(*visits, shifts=shifts, relations=(relation,))
            assert broken(made, plan(made, *routes)) == rule


@pytest.mark.parametrize("relation", [SameCrew(("V", "W")), DifferentCrew(("V", "W"))])
def test_relations_of_crews_bind_only_the_served(relation: SameCrew | DifferentCrew) -> None:
    made = problem(visit("V"), visit("W"), relations=(relation,))

    judged = plan(made, route(V, returns=1500), unserved=(left_out("W", "relation"),))
    assert broken(made, judged) == []


def test_every_term_of_the_cost_is_recomputed() -> None:
    before = Incumbent((IncumbentRoute("T", ("V", "gone")), IncumbentRoute("S", ("X", "V"))))
    visits = (
        visit("V", due=500, late_cost=3, preferred_crews=("D",)),
        visit("W", preferred_crews=("C",), due=5000, late_cost=9),
        visit("X", unserved_cost=7000, preferred_crews=("D",)),
    )
    made = problem(
        *visits,
        shifts=(shift("S", "C", end=1700, max_overtime=500, use_cost=40), shift("T", "D")),
        weights=Weights(travel=2, work=1, overtime=5, not_preferred=70, change=900),
        incumbent=before,
    )
    stops = (V, ("W", 900, 900, 1200))
    out = (left_out("X", "cost", cost=2),)

    judged = plan(made, route(*stops, returns=1800, overtime=100), unserved=out)

    assert check(made, judged).ok
    assert judged.cost == Cost(
        total=2400 + 1800 + 500 + 300 + 7000 + 70 + 1800 + 40,
        travel=2400,
        work=1800,
        overtime=500,
        late=300,
        unserved=7000,
        not_preferred=70,
        change=1800,
        use=40,
    )
    for field in fields(Cost):
        one_more = {field.name: getattr(judged.cost, field.name) + 1}
        wrong = replace(judged, cost=replace(judged.cost, **one_more))
        assert broken(made, wrong) == [f"cost.{field.name}"]


def test_a_new_time_on_the_same_shift_is_no_change() -> None:
    before = Incumbent((IncumbentRoute("S", ("V",)),))
    made = problem(visit(), weights=Weights(change=900), incumbent=before)

    assert plan(made, route(("V", 700, 700, 1000), departs=100, returns=1600)).cost.change == 0


def test_a_visit_of_a_shift_that_is_gone_has_changed() -> None:
    before = Incumbent((IncumbentRoute("gone", ("V",)),))
    made = problem(visit(), weights=Weights(change=900), incumbent=before)

    assert plan(made, route(V, returns=1500)).cost.change == 900


def test_a_bound_is_not_above_the_total() -> None:
    made = problem(visit())
    judged = plan(made, route(V, returns=1500))

    assert broken(made, replace(judged, bound=1200)) == []
    assert broken(made, replace(judged, bound=1201)) == ["bound"]


def test_a_finding_says_where_and_what() -> None:
    made = problem(visit(windows=((700, 800),)))

    report = check(made, plan(made, route(V, returns=1500, travel=1)))

    assert not report.ok
    assert [str(violation) for violation in report.violations] == [
        "routes[0].stops[0].start: is 600, in none of the windows [700, 800] (window)"
    ]
    assert [str(figure) for figure in report.figures] == [
        "routes[0].travel_seconds: says 1, comes to 1200"
    ]
