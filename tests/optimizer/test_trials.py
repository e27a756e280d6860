"""A visit tried on every shift: the change it makes there, or the first rule that forbids it."""

import pytest

from optimizer.insert import retime
from optimizer.naive import naive
from optimizer.problem import Crew
from optimizer.standing import VisitUnknown
from optimizer.trials import trials
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem
from tests.optimizer.test_explain import orders_of


def test_each_shift_has_its_change_or_the_rule_that_keeps_the_visit_away() -> None:
    shifts = (
        shift("S1", "C1"),
        shift("S2", "C2", from_="near", to="near"),
        shift("S3", "C3", end=1000),
        shift("S4", "C4"),
    )
    crews = (
        Crew("C1", skills={"hv": 2}),
        Crew("C2", skills={"hv": 2}),
        Crew("C3", skills={"hv": 2}),
        Crew("C4"),
    )
    given = problem(visit("A", skills={"hv": 1}), shifts=shifts, crews=crews)

    found = trials(given, retime(given, {"S2": ["A"]}), "A")

    assert [(one.crew, one.reason, one.place and one.place.driving) for one in found] == [
        ("C1", None, 1200),
        ("C2", None, 0),
        ("C3", "shift_hours", None),
        ("C4", "skill", None),
    ]


def test_a_trial_costs_what_the_plan_with_the_visit_there_would() -> None:
    compared = 0
    for seed in range(60):
        given = random_problem(seed)
        plan = naive(given)
        for asked in given.visits[:4]:
            orders = {s: [v for v in o if v != asked.id] for s, o in orders_of(plan).items()}
            for one in trials(given, plan, asked.id):
                if one.place is None:
                    assert one.reason is not None
                    continue
                moved = {s: list(order) for s, order in orders.items()}
                moved.setdefault(one.shift, []).insert(one.place.position, asked.id)
                made = retime(given, moved)
                others = {each.visit for each in plan.unserved} - {asked.id}
                if given.relations or {each.visit for each in made.unserved} != others:
                    continue
                before = retime(given, orders_of(plan)).cost.total
                assert one.place.cost == made.cost.total - before, (seed, asked.id, one.shift)
                compared += 1
    assert compared > 60


def test_an_unknown_visit_is_refused() -> None:
    given = problem(visit("A"))

    with pytest.raises(VisitUnknown, match="'X'"):
        trials(given, retime(given, {}), "X")
