"""The gap that a proven bound leaves."""

from dataclasses import replace

import pytest

from optimizer.gap import gap, unavoidable
from optimizer.insert import retime
from tests.optimizer.builders import problem, shift, visit


def test_a_gap_leaves_out_what_no_shift_could_serve() -> None:
    visits = (visit("A"), visit("B", skills={"hv": 1}, unserved_cost=700))
    given = problem(*visits)
    plan = retime(given, {"S": ["A"]})

    assert plan.cost.total == 1200 + 700
    assert unavoidable(given, plan) == 700
    assert gap(given, replace(plan, bound=1900)) == 0.0
    assert gap(given, replace(plan, bound=1600)) == pytest.approx(300 / 1200)


def test_without_a_bound_there_is_no_gap_and_none_of_nothing() -> None:
    given = problem(visit("A", skills={"hv": 1}))
    plan = retime(given, {})

    assert gap(given, plan) is None
    assert gap(given, replace(plan, bound=plan.cost.total)) == 0.0


def test_a_visit_that_only_lacks_room_could_have_been_served() -> None:
    given = problem(visit("A"), visit("B"), shifts=(shift(max_visits=1),))
    plan = retime(given, {"S": ["A"]})

    assert unavoidable(given, plan) == 0
