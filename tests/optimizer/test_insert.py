"""One visit into a standing plan, and plans from orders given by hand."""

from dataclasses import replace

import pytest

from optimizer.check import check
from optimizer.insert import Delay, InsertionStale, VisitUnknown, apply, insert, relocate, retime
from optimizer.naive import naive
from optimizer.plan import Plan
from optimizer.problem import After, DifferentCrew, Pin, Together
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
                touched = {insertion.shift, *(each.shift for each in insertion.together)}
                others = [route for route in cut.routes if route.shift not in touched]
                assert [r for r in made.routes if r.shift not in touched] == others
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


def test_visits_that_begin_together_are_told_both_their_places() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2"), shift("S3", "C3", from_="far", to="far"))
    given = problem(
        visit("A"), visit("B", "far"), visit("C"), shifts=shifts, relations=(Together(("A", "B")),)
    )
    plan = retime(given, {"S1": ["C"]})

    found = insert(given, plan, "A", 9)

    assert [one.shift for one in found] == ["S1", "S2", "S3"]
    first = found[0]
    (partner,) = first.together
    assert (partner.visit, partner.shift, partner.start) == ("B", "S3", first.start)
    assert [one.cost for one in found] == sorted(one.cost for one in found)
    for one in found:
        made = apply(given, plan, one)
        assert check(given, made).ok
        assert made.cost.total - plan.cost.total == one.cost
    with pytest.raises(InsertionStale):
        apply(given, plan, replace(first, together=()))


def test_places_of_visits_that_begin_together_keep_every_rule() -> None:
    applied = 0
    for seed in range(300):
        given = random_problem(seed)
        for relation in given.relations:
            if not isinstance(relation, Together):
                continue
            orders = orders_of(naive(given))
            bare = {s: [v for v in o if v not in relation.visits] for s, o in orders.items()}
            for plan in (retime(given, bare), retime(given, {})):
                for insertion in insert(given, plan, relation.visits[0], 9):
                    made = apply(given, plan, insertion)
                    applied += 1

                    assert check(given, made).ok, seed
                    assert made.cost.total - plan.cost.total == insertion.cost, seed
    assert applied > 8


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


def test_a_visit_is_taken_to_the_cheapest_place_of_another_shift() -> None:
    moved = 0
    for seed in range(100):
        given = random_problem(seed)
        full = orders_of(naive(given))
        for name, goal in [(full[s][0], t) for s in full for t in full if s != t][:2]:
            made = relocate(given, full, name, goal)
            if any(name in r.visits for r in given.relations if isinstance(r, Together)):
                assert check(given, made).ok, seed
                continue
            without = {s: [v for v in vs if v != name] for s, vs in full.items()}
            before = retime(given, without)
            best = next(iter(insert(given, before, name, 1, shift=goal)), None)
            position = len(without[goal]) if best is None else best.position
            without[goal].insert(position, name)

            assert check(given, made).ok, seed
            assert made == retime(given, without)
            if best is not None:
                moved += 1
                assert orders_of(made)[goal].index(name) == position
    assert moved > 30


def test_a_visit_is_taken_to_the_place_that_is_named() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2"))
    given = problem(visit("A"), visit("B"), visit("C"), visit("D"), shifts=shifts)
    orders = {"S1": ["A", "B"], "S2": ["C"]}

    assert orders_of(relocate(given, orders, "A", "S2", 0)) == {"S1": ["B"], "S2": ["A", "C"]}
    assert orders_of(relocate(given, orders, "A", "S1", 1)) == {"S1": ["B", "A"], "S2": ["C"]}
    assert orders_of(relocate(given, orders, "D", "S2", 9)) == {"S1": ["A", "B"], "S2": ["C", "D"]}
    assert orders == {"S1": ["A", "B"], "S2": ["C"]}


def test_a_visit_that_has_no_place_there_is_left_out_and_so_told() -> None:
    shifts = (shift("S1", "C1"), shift("S2", "C2"))
    given = problem(visit("A", forbidden_crews=("C2",)), visit("B"), shifts=shifts)

    made = relocate(given, {"S1": ["A", "B"]}, "A", "S2")

    assert orders_of(made) == {"S1": ["B"]}
    assert [entry.visit for entry in made.unserved] == ["A"]
    with pytest.raises(VisitUnknown, match="no visit 'X'"):
        relocate(given, {}, "X", "S1")
    with pytest.raises(VisitUnknown, match="no shift 'T'"):
        relocate(given, {}, "A", "T")


def test_an_insertion_tells_whom_it_delays_and_by_how_much() -> None:
    given = problem(visit("A", "near"), visit("B", "far"), visit("C", "near"))
    plan = retime(given, {"S": ["A", "B"]})

    first = next(one for one in insert(given, plan, "C", 3) if one.position == 0)

    assert first.displaces == (Delay("A", 600, 900), Delay("B", 1300, 1600))
    assert next(one for one in insert(given, plan, "C", 3) if one.position == 2).displaces == ()


def test_places_can_be_asked_for_on_one_shift_alone() -> None:
    given = problem(visit("A"), shifts=(shift("S1", "C1"), shift("S2", "C2", from_="far")))

    found = insert(given, retime(given, {}), "A", shift="S2")

    assert [one.shift for one in found] == ["S2"]
    with pytest.raises(VisitUnknown, match="no shift 'S3'"):
        insert(given, retime(given, {}), "A", shift="S3")


def test_where_there_is_no_room_a_less_costly_visit_can_make_some() -> None:
    visits = (
        visit("A"),
        visit("B", "far", unserved_cost=5000),
        visit("C", unserved_cost=3000),
        visit("D", unserved_cost=20_000),
        visit("E", unserved_cost=1, pinned=Pin("S2")),
    )
    given = problem(
        *visits, shifts=(shift("S1", "C1", max_visits=3), shift("S2", "C2", max_visits=1))
    )
    plan = retime(given, {"S1": ["B", "C", "D"], "S2": ["E"]})

    assert insert(given, plan, "A") == []
    found = insert(given, plan, "A", displacing=True)

    # 800 s less to drive without B; C stands at the same place; D is worth more, E is pinned.
    assert [(one.instead_of, one.shift, one.cost) for one in found] == [
        ("C", "S1", 3000 - 10_000),
        ("B", "S1", 5000 - 800 - 10_000),
    ]
    made = apply(given, plan, found[0])
    assert check(given, made).ok
    assert made.cost.total - plan.cost.total == found[0].cost
    assert "C" not in orders_of(made)["S1"]


def test_a_visit_with_a_free_place_puts_nobody_out() -> None:
    given = problem(visit("A"), visit("B", unserved_cost=1))
    plan = retime(given, {"S": ["B"]})

    assert all(one.instead_of is None for one in insert(given, plan, "A", displacing=True))


def test_what_puts_out_a_visit_that_is_gone_is_stale() -> None:
    visits = (visit("A"), visit("B", unserved_cost=5000))
    given = problem(*visits, shifts=(shift(max_visits=1),))
    plan = retime(given, {"S": ["B"]})
    found = insert(given, plan, "A", displacing=True)[0]

    with pytest.raises(InsertionStale, match="B cannot be left out"):
        apply(given, retime(given, {}), found)


def test_displacing_insertions_keep_every_rule_and_cost_what_they_say() -> None:
    applied = 0
    for seed in range(150):
        given = random_problem(seed)
        plan = retime(given, {})
        for entry in sorted(given.visits, key=lambda entry: entry.unserved_cost):
            for place in insert(given, plan, entry.id, 1):
                plan = apply(given, plan, place)
        base = retime(given, orders_of(plan))
        for left in plan.unserved:
            for insertion in insert(given, plan, left.visit, displacing=True):
                made = apply(given, plan, insertion)

                assert check(given, made).ok, seed
                if not given.relations:
                    assert made.cost.total - base.cost.total == insertion.cost
                applied += insertion.instead_of is not None
    assert applied > 8
