"""Two plans side by side: terms, crews and visits."""

from optimizer.compare import CustomerFigures, by_customer, compare
from optimizer.insert import retime
from tests.optimizer.builders import problem, shift, visit

SHIFTS = (shift("S1", "C1"), shift("S2", "C2"), shift("S3", "C3"))


def test_the_terms_crews_and_visits_that_differ_are_told() -> None:
    visits = (visit("A"), visit("B", "far", due=0, late_cost=1), visit("C"), visit("D"))
    given = problem(*visits, shifts=SHIFTS)
    one = retime(given, {"S1": ["A", "B"], "S2": ["C"]})
    two = retime(given, {"S1": ["B"], "S2": ["A", "D"]})

    found = compare(given, one, two)

    assert [(v.visit, v.what, v.crew_a, v.crew_b, v.moved) for v in found.visits] == [
        ("A", "crew", "C1", "C2", 0),
        ("B", "time", "C1", "C1", -300),
        ("C", "left_out", "C2", None, None),
        ("D", "added", None, "C2", None),
    ]
    assert found.affected == ("C1", "C2")
    first, second = found.crews
    assert (first.crew, first.a.visits, first.b.visits) == ("C1", 2, 1)
    assert (first.a.driving, first.b.driving) == (2000, 2000)
    assert (first.a.working, first.b.working) == (2600, 2300)
    assert (first.a.late, first.b.late) == (1300, 1000)
    assert (second.a.visits, second.b.visits, second.a.metres) == (1, 2, None)
    terms = {term.name: (term.a, term.b, term.difference) for term in found.terms}
    assert terms["late"] == (1300, 1000, -300)
    assert terms["total"][2] == two.cost.total - one.cost.total


def test_customers_are_told_what_changes_for_them() -> None:
    visits = (visit("A"), visit("B", "far", due=0, late_cost=1), visit("C"), visit("D"))
    given = problem(*visits, shifts=SHIFTS)
    one = retime(given, {"S1": ["A", "B"], "S2": ["C"], "S3": ["D"]})
    two = retime(given, {"S1": ["B"], "S2": ["A"], "S3": ["D"]})
    owners = {"A": "mill", "B": "mill", "C": "school", "D": "port"}

    mill, school = by_customer(given, one, two, owners)

    assert (mill.customer, mill.changed, mill.moved) == ("mill", 2, 300)
    assert (mill.a, mill.b) == (CustomerFigures(2, 1300), CustomerFigures(2, 1000))
    assert (school.changed, school.a.visits, school.b.visits) == (1, 1, 0)


def test_a_plan_does_not_differ_from_itself() -> None:
    given = problem(visit("A"), shifts=SHIFTS)
    plan = retime(given, {"S2": ["A"]})

    found = compare(given, plan, plan)

    assert (found.visits, found.affected) == ((), ())
    assert all(term.difference == 0 for term in found.terms)
    assert [change.crew for change in found.crews] == ["C2"]
