"""The lower bound: never above any plan, and near the best one where nothing is left out of it."""

import time
from itertools import permutations
from random import Random

import numpy as np
import pytest

from optimizer.exact.bound import Bound, _Generation, lower_bound
from optimizer.exact.cuts import Cuts, Prices, payments
from optimizer.exact.lanes import drop_costs, scale_of, shift_classes
from optimizer.exact.master import Duals
from optimizer.exact.workspace import Workspace
from optimizer.naive import naive
from optimizer.problem import (
    Break,
    Crew,
    Estimate,
    Incumbent,
    IncumbentRoute,
    Place,
    Problem,
    Shift,
    Visit,
    Weights,
    Window,
)
from optimizer.search.instance import Instance
from optimizer.search.route import build
from optimizer.search.searcher import Met
from optimizer.solve import Limits, solve
from tests.optimizer.brute_force import cheapest
from tests.optimizer.builders import START, problem, shift, visit
from tests.optimizer.generate import HOUR, random_problem

ROUNDS = 60


def _cheapest(given: Problem) -> int:
    """The total of the best plan, by trying every set of visits on every shift.

    For few visits without relations, and shifts that cannot run into each other.
    """
    instance = Instance(given)
    visits = range(instance.visits)
    best = {0: 0}
    for s in range(instance.shifts):
        routes = _cheapest_routes(instance, s)
        after = dict(best)
        for served, cost in best.items():
            for more, price in routes.items():
                if not served & more:
                    total = cost + price
                    after[served | more] = min(total, after.get(served | more, total))
        best = after
    return min(
        cost + sum(instance.drop_cost[v] for v in visits if not served >> v & 1)
        for served, cost in best.items()
    )


def _cheapest_routes(instance: Instance, s: int) -> dict[int, int]:
    routes: dict[int, int] = {}
    for count in range(1, instance.visits + 1):
        for order in permutations(range(instance.visits), count):
            if any(instance.barrier[v][s] for v in order):
                continue
            route = build(instance, s, order)
            if route is not None:
                key = sum(1 << v for v in order)
                routes[key] = min(route.cost, routes.get(key, route.cost))
    return routes


def _day(visits: int, shifts: int, seed: int) -> Problem:
    """A day of field service: windows on half of the visits, lunch breaks, skills, due times."""
    chance = Random(seed)
    places = [
        Place(f"P{i}", chance.uniform(22.7, 22.9), chance.uniform(113.55, 113.8))
        for i in range(visits + 2)
    ]
    crews = tuple(
        Crew(f"C{i}", {name: 2 for name in ("hv", "meter") if chance.random() < 0.8})
        for i in range(shifts)
    )
    lunch = (Break("lunch", 41_400, 46_800, 1800),)
    return Problem(
        start=START,
        places=tuple(places),
        travel=Estimate(speed_kmh=30, detour=1.35, overhead=60),
        crews=crews,
        shifts=tuple(
            Shift(
                f"S{i}", crew.id, 8 * HOUR, 17 * HOUR, f"P{i % 2}", HOUR, f"P{i % 2}", breaks=lunch
            )
            for i, crew in enumerate(crews)
        ),
        visits=tuple(_visit(chance, i) for i in range(visits)),
    )


def _visit(chance: Random, index: int) -> Visit:
    opens = chance.choice([8, 9, 10, 13, 14]) * HOUR
    return Visit(
        f"V{index}",
        f"P{index + 2}",
        chance.choice([1200, 1800, 3600]),
        chance.choice([8000, 20_000]),
        setup=300,
        windows=(Window(opens, opens + 3 * HOUR),) if chance.random() < 0.5 else (),
        due=chance.choice([None, 11 * HOUR]),
        late_cost=1,
        skills={"hv": 1} if chance.random() < 0.3 else {},
    )


def test_the_bound_never_exceeds_the_proven_optimum_over_the_whole_format() -> None:
    for seed in range(10_000, 10_060):
        given = random_problem(seed, most_visits=7)
        least = cheapest(given).cost.total

        for upper in (None, least, least + least // 20):
            bound = lower_bound(given, rounds=ROUNDS, upper=upper)
            assert bound.value is not None
            assert bound.value <= least, (seed, upper)


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_no_plan_of_any_random_problem_costs_less_than_its_bound(first: int) -> None:
    for seed in range(first, first + 20):
        given = random_problem(seed)
        bound = lower_bound(given, rounds=ROUNDS)

        assert bound.value is not None
        plans = [naive(given)]
        if seed % 4 == 0:
            plans.append(solve(given, Limits(iterations=100)))
        assert bound.value <= min(plan.cost.total for plan in plans), seed


def test_cuts_close_what_half_routes_leave_open(monkeypatch: pytest.MonkeyPatch) -> None:
    # Half of each pair of visits would do with one and a half crews.
    given = problem(
        visit("A"), visit("B"), visit("C"),
        shifts=tuple(shift(f"S{i}", f"C{i}", max_visits=2, use_cost=3000) for i in range(3)),
        crews=tuple(Crew(f"C{i}") for i in range(3)),
    )  # fmt: skip
    least = cheapest(given).cost.total

    assert lower_bound(given).value == least
    monkeypatch.setattr("optimizer.exact.bound.violated", lambda *_: [])
    without = lower_bound(given).value
    assert without is not None
    assert without <= least - 1500


def test_whatever_the_fines_no_bound_exceeds_the_proven_optimum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mixed = _Generation._mixed
    chance = Random(0)

    def fined(self: _Generation, duals: Duals) -> tuple[Prices, list[int]]:
        prices, thresholds = mixed(self, duals)
        return _with_fines(prices, self.drop, self.scale.unit, chance), thresholds

    monkeypatch.setattr(_Generation, "_mixed", fined)
    for seed in range(11_000, 11_040):
        given = random_problem(seed, most_visits=7)
        least = cheapest(given).cost.total

        for upper in (None, least + least // 50):
            bound = lower_bound(given, rounds=ROUNDS // 2, upper=upper)
            # Fines that are too large may leave nothing to prove.
            assert (bound.value or 0) <= least, seed


def _with_fines(prices: Prices, drop: list[int], unit: int, chance: Random) -> Prices:
    """The prices with random cuts, whose visits are worth more for it, as a program would tell."""
    visits, fines, cuts = prices.visits.copy(), prices.fines * 0, Cuts(len(drop))
    everyone = range(len(drop))
    for _ in range(chance.randint(1, 6) if len(drop) >= 3 else 0):
        a, b, c = chance.sample(everyone, 3)
        number = cuts.put((a, b, c), chance.sample(everyone, chance.randint(0, len(drop))))
        if number is not None and not fines[number]:
            fines[number] = chance.randint(0, chance.choice((20, 200, 2000))) * unit
            visits[[a, b, c]] += fines[number] // 2
    return Prices(np.minimum(visits, np.array(drop) * unit), fines, cuts.rules)


@pytest.mark.parametrize("seed", range(20))
def test_a_route_pays_for_a_cut_no_more_than_half_of_its_visits(seed: int) -> None:
    chance = Random(seed)
    cuts = Cuts(12)
    triples = [tuple(chance.sample(range(12), 3)) for _ in range(20)]
    for a, b, c in triples:
        cuts.put((a, b, c), chance.sample(range(12), chance.randint(0, 12)))
    for _ in range(20):
        order = chance.sample(range(12), chance.randint(1, 12))
        paid = payments(order, cuts.rules)
        for number, triple in cuts.triples.items():
            assert paid.count(number) == cuts.times(number, order)
            assert paid.count(number) <= sum(v in triple for v in order) // 2


def test_the_bound_is_near_the_optimum_where_shifts_and_visits_are_independent() -> None:
    compared = reached = 0
    for seed in range(500, 620):
        given = random_problem(seed, most_visits=6)
        alone = all(len(gap) == 0 for gap in Instance(given).later)
        if given.relations or not alone or given.weights.work or not given.shifts:
            continue
        optimum = _cheapest(given)
        bound = lower_bound(given, rounds=ROUNDS)

        assert bound.value is not None
        assert bound.value <= optimum, seed
        compared += 1
        reached += bound.value == optimum
    assert compared >= 15
    assert reached >= 0.9 * compared


def test_leaving_out_moves_by_a_known_total_never_cuts_off_a_better_plan() -> None:
    for seed in range(60, 120):
        given = random_problem(seed, most_visits=9)
        total = solve(given, Limits(iterations=60)).cost.total

        for upper in (total, total + total // 20, 2 * total):
            bound = lower_bound(given, rounds=ROUNDS, upper=upper)
            assert bound.value is not None
            assert bound.value <= total, (seed, upper)


def test_a_move_is_as_long_as_from_arrival_to_arrival() -> None:
    # Seed 93 serves in no time and drives for 210 s: buckets of 256 s would leave that move out.
    given = random_problem(93, most_visits=9)

    bound = lower_bound(given, rounds=ROUNDS)

    assert bound.value is not None
    assert bound.value <= solve(given, Limits(iterations=150)).cost.total


def test_a_route_costs_in_pricing_what_it_costs_in_the_plan() -> None:
    compared = 0
    for seed in range(150):
        given = random_problem(seed)
        unlike = given.relations or given.weights.work
        if unlike or any(len(entry.breaks) > 2 for entry in given.shifts):
            continue
        instance = Instance(given)
        scale = scale_of(drop_costs(given))
        space = Workspace(10_000, scale.most)
        chance = Random(seed)
        for kind in shift_classes(given, scale):
            for s in kind.shifts:
                for _ in range(10):
                    able = [v for v in range(instance.visits) if not instance.barrier[v][s]]
                    order = tuple(chance.sample(able, min(len(able), chance.randint(1, 4))))
                    route = build(instance, s, order) if order else None
                    cost = kind.cost(order, scale, space)
                    if route is None:
                        assert cost is None, (seed, s, order)
                    else:
                        assert cost is not None
                        # What is dearer than leaving all visits out is cut.
                        assert cost == route.cost or cost * scale.unit >= scale.most
                        compared += 1
    assert compared > 300


def test_the_bound_of_a_day_is_close_to_a_plan_of_it() -> None:
    given = _day(24, 3, seed=1)
    plan = solve(given, Limits(iterations=1500))

    bound = lower_bound(given, rounds=200)

    assert bound.value is not None
    assert 0.9 * plan.cost.total <= bound.value <= plan.cost.total


def test_the_same_problem_and_rounds_give_the_same_bound() -> None:
    given = _day(16, 2, seed=2)

    assert lower_bound(given, rounds=30) == lower_bound(given, rounds=30)


def test_more_rounds_never_lower_the_bound() -> None:
    given = _day(20, 3, seed=3)
    values = [lower_bound(given, rounds=rounds).value or 0 for rounds in (2, 10, 40)]

    assert values == sorted(values)


def test_it_begins_from_known_routes_and_ignores_what_no_shift_may_serve() -> None:
    given = problem(visit("A"), visit("B", "far"), visit("C", skills={"hv": 1}))

    routes = [Met(0, (0, 1), 2000), Met(0, (2,), 1), Met(0, (0, 0), 1), Met(0, (), 0)]
    bound = lower_bound(given, columns=routes)

    assert bound.closed
    assert bound.value == 2000 + 10_000


@pytest.mark.parametrize("told", [0, 700, 9000])
def test_what_routes_are_said_to_cost_proves_nothing(told: int) -> None:
    given = problem(visit("A"), visit("B", "far"))

    bound = lower_bound(given, columns=[Met(0, (0, 1), told)])

    assert bound.value is not None
    assert bound.value <= 2000
    assert told < 2000 or bound.value == 2000


def test_columns_are_elementary_routes_of_existing_shifts() -> None:
    given = _day(20, 3, seed=4)
    instance = Instance(given)

    bound = lower_bound(given, rounds=60)

    assert bound.columns
    for s, order, cost in bound.columns:
        route = build(instance, s, order)
        assert len(set(order)) == len(order)
        assert route is not None
        assert route.cost == cost


def test_shifts_that_are_alike_are_priced_once() -> None:
    given = problem(
        *(visit(f"V{i}") for i in range(4)),
        shifts=(shift("S", "C"), shift("T", "D"), shift("U", "E", use_cost=5)),
    )

    classes = shift_classes(given, scale_of(drop_costs(given)))

    assert [kind.shifts for kind in classes] == [(0, 1), (2,)]


def test_a_known_total_that_is_reached_ends_the_search() -> None:
    given = problem(visit("A"))
    exact = lower_bound(given)

    assert exact.value == 1200
    assert lower_bound(given, upper=1200).value == 1200
    assert lower_bound(given, upper=1000).value == 1000


def test_changing_the_plan_in_force_counts_for_the_bound() -> None:
    moved = Incumbent((IncumbentRoute("gone", ("A",)),))
    given = problem(visit("A"), incumbent=moved, weights=Weights(change=900))

    assert lower_bound(given).value == 1200 + 900


def test_no_visits_and_no_shifts_have_a_bound_too() -> None:
    assert lower_bound(problem()).value == 0
    assert lower_bound(problem(visit("A"), shifts=(), crews=())).value == 10_000


def test_without_time_nothing_is_proven() -> None:
    given = _day(20, 3, seed=5)

    assert lower_bound(given, deadline=time.monotonic()) == Bound(None, (), 0, closed=False)
    assert lower_bound(given, stop=lambda: True).value is None
