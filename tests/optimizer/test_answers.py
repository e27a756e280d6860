"""Answers about plans of small random problems, against a proof or a recount that shares no code with them."""

from dataclasses import replace

from optimizer.check.facts import Facts
from optimizer.check.reasons import failing
from optimizer.compare import CrewFigures, compare
from optimizer.explain import explain
from optimizer.insert import insert, retime
from optimizer.naive import naive
from optimizer.plan import Plan
from optimizer.problem import Problem, Together
from optimizer.standing import Standing
from tests.optimizer.generate import random_problem
from tests.optimizer.kept_orders import cheapest_with, orders_of


def without_one(given: Problem, seed: int) -> Plan:
    """The rule of thumb's plan without one of its visits, and all that cannot stay without that one."""
    orders = orders_of(naive(given))
    served = [name for order in orders.values() for name in order]
    name = served[seed % len(served)] if served else ""
    return retime(given, {s: [v for v in order if v != name] for s, order in orders.items()})


def group_of(given: Problem, name: str) -> set[str]:
    """The visit and all that are served with it or not at all."""
    group = {name}
    ties = [{*tie.visits} for tie in given.relations if isinstance(tie, Together)]
    while more := {v for tie in ties if tie & group for v in tie} - group:
        group |= more
    return group


def test_a_place_is_the_cheapest_there_is_and_where_none_is_told_there_is_none() -> None:
    placed = refused = 0
    for seed in range(60):
        given = random_problem(seed, most_visits=8)
        plan = without_one(given, seed)
        if any(Standing(given, plan).instance.earlier):
            continue  # the proven optimum would also move a crew's other routes
        base = cheapest_with(given, orders_of(plan), ())
        assert base is not None
        assert base.cost.total == plan.cost.total, seed
        for entry in plan.unserved:
            least = cheapest_with(given, orders_of(plan), group_of(given, entry.visit))
            found = insert(given, plan, entry.visit, 1)

            totals = [plan.cost.total + place.cost for place in found]
            assert totals == ([] if least is None else [least.cost.total]), (seed, entry.visit)
            assert (entry.reason == "cost") == bool(found), (seed, entry.visit)
            placed, refused = placed + bool(found), refused + (not found)
    assert min(placed, refused) > 20


def test_a_verdict_is_what_trying_everything_comes_to() -> None:
    verdicts: dict[str, int] = {}
    for seed in range(60, 110):
        given = random_problem(seed, most_visits=7)
        plan, facts = without_one(given, seed), Facts(given)
        for entry in plan.unserved:
            found = explain(given, plan, entry.visit)
            verdicts[found.verdict] = verdicts.get(found.verdict, 0) + 1
            rules = [failing(facts, each, facts.visits[entry.visit]) for each in given.shifts]
            least = cheapest_with(given, orders_of(plan), group_of(given, entry.visit))

            assert (found.verdict == "impossible") == all(rules), (seed, entry.visit)
            for told, rule in zip(found.reasons, rules, strict=bool(found.reasons)):
                assert rule in (None, told.reason), (seed, entry.visit)
            if found.verdict == "served":
                assert found.plan is not None
                assert found.plan.cost.total < plan.cost.total
            elif found.verdict == "not_worth_it" and not found.moved:
                assert least is not None
                more = least.cost.total - plan.cost.total
                assert found.cost == more + found.leaving_out, (seed, entry.visit)
                assert more >= 0
            else:
                assert least is None or found.moved, (seed, entry.visit)
    assert {"served", "impossible", "not_worth_it", "displaced", "tied"} <= {*verdicts}


def test_the_differences_between_plans_add_up_to_those_of_their_costs() -> None:
    for seed in range(60):
        given = random_problem(seed)
        one, two = naive(given), without_one(given, seed)
        found, weights = compare(given, one, two), given.weights
        for plan, side in ((one, "a"), (two, "b")):
            crews: list[CrewFigures] = [getattr(crew, side) for crew in found.crews]
            assert sum(each.visits for each in crews) + len(plan.unserved) == len(given.visits)
            assert sum(each.driving for each in crews) * weights.travel == plan.cost.travel
            assert sum(each.working for each in crews) * weights.work == plan.cost.work
            assert sum(each.overtime for each in crews) * weights.overtime == plan.cost.overtime
        begins = {stop.visit: (r.shift, stop.start) for r in one.routes for stop in r.stops}
        for change in found.visits:
            assert begins.pop(change.visit, (None, None)) == (change.shift_a, change.start_a)
            if change.shift_b is not None and change.start_b is not None:
                begins[change.visit] = change.shift_b, change.start_b
        assert begins == {s.visit: (r.shift, s.start) for r in two.routes for s in r.stops}
        assert compare(given, two, one).visits == tuple(
            replace(
                each,
                what={"added": "left_out", "left_out": "added"}.get(each.what, each.what),
                crew_a=each.crew_b, crew_b=each.crew_a, shift_a=each.shift_b, shift_b=each.shift_a,
                start_a=each.start_b, start_b=each.start_a,
            )
            for each in found.visits
        )  # fmt: skip
