"""One visit into a standing plan, and plans from orders given by hand."""

from dataclasses import replace

import pytest

from optimizer.check import check
from optimizer.insert import InsertionStale, VisitUnknown, apply, insert, retime
from optimizer.naive import naive
from optimizer.plan import Plan
from optimizer.problem import After, DifferentCrew
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem


def orders_of(judged: Plan) -> dict[str, list[str]]:
    return {route.shift: [stop.visit for stop in route.stops] for route in judged.routes}


def test_an_insertion_made_keeps_every_rule_and_costs_what_it_said() -> None:
    applied = 0
    for seed in range(100):
        given = random_problem(seed)
        full = orders_of(naive(given))
        for name in [visits[0] for visits in full.values()][:1]:
            cut = retime(given, {s: [v for v in vs if v != name] for s, vs in full.items()})
            for insertion in insert(given, cut, name):
                made = apply(given, cut, insertion)
                applied += 1

                assert check(given, made).ok, seed
                assert made.cost.total - cut.cost.total == insertion.cost
                others = [route for route in cut.routes if route.shift != insertion.shift]
                assert [r for r in made.routes if r.shift != insertion.shift] == others
    assert applied > 80


def test_the_cheapest_places_come_first() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2", from_="far", to="far"))
    given = problem(visit("A", "far"), visit("B", "near"), shifts=shifts)
    plan = retime(given, {"S2": ["A"]})

    found = insert(given, plan, "B", k=3)

    # To the near place and back: 400 s each way from far, 600 s each way from the depot.
    assert [(one.shift, one.position, one.cost) for one in found] == [
        ("S2", 0, 800 - 10_000),
        ("S2", 1, 800 - 10_000),
        ("S1", 0, 1200 - 10_000),
    ]
    assert (found[0].arrive, found[0].start, found[0].end) == (400, 400, 700)


def test_a_visit_that_fits_nowhere_has_no_insertion() -> None:
    given = problem(visit("A", skills={"hv": 1}))

    assert insert(given, retime(given, {}), "A") == []


def test_a_visit_that_follows_another_is_inserted_behind_it_only() -> None:
    given = problem(visit("A"), visit("B"), relations=(After("A", "B"),))

    found = insert(given, retime(given, {"S": ["A"]}), "B")

    assert [insertion.position for insertion in found] == [1]


def test_an_unknown_visit_is_refused() -> None:
    given = problem(visit("A"))

    with pytest.raises(VisitUnknown, match="'X'"):
        insert(given, retime(given, {}), "X")


def test_an_insertion_whose_place_is_gone_is_refused() -> None:
    given = problem(visit("A"), visit("B"), shifts=(shift(max_visits=1),))
    empty = retime(given, {})
    insertion = insert(given, empty, "A")[0]
    taken = apply(given, empty, insert(given, empty, "B")[0])

    with pytest.raises(InsertionStale):
        apply(given, taken, insertion)
    with pytest.raises(InsertionStale):
        apply(given, empty, replace(insertion, position=7))


def test_retiming_keeps_the_order_that_is_given() -> None:
    given = problem(visit("A"), visit("B", "far"), visit("C", "depot"))

    result = retime(given, {"S": ["B", "C", "A"]})

    assert check(given, result).ok
    assert orders_of(result) == {"S": ["B", "C", "A"]}


def test_retiming_leaves_out_what_does_not_fit_and_moves_nothing_else() -> None:
    shifts = (shift("S1", "C1", max_visits=1), shift("S2", "C2"))
    visits = (visit("A"), visit("B", unserved_cost=20_000))
    given = problem(*visits, shifts=shifts)

    result = retime(given, {"S1": ["A", "B"]})

    assert check(given, result).ok
    assert orders_of(result) == {"S1": ["B"]}
    assert result.unserved[0].reason == "cost"


def test_retiming_leaves_out_what_a_relation_forbids() -> None:
    given = problem(visit("A"), visit("B"), relations=(DifferentCrew(("A", "B")),))

    result = retime(given, {"S": ["A", "B"]})

    assert check(given, result).ok
    assert orders_of(result) == {"S": ["A"]}


def test_retiming_refuses_names_the_problem_does_not_have() -> None:
    given = problem(visit("A"))

    with pytest.raises(VisitUnknown, match="no shift 'T'"):
        retime(given, {"T": ["A"]})
    with pytest.raises(VisitUnknown, match="no visit 'B'"):
        retime(given, {"S": ["B"]})
