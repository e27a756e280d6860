"""The time of scarce crews has a price while it is open who stays out, and none in any plan."""

import numpy as np
import pytest

from optimizer.problem import Crew
from optimizer.search.given import from_outline
from optimizer.search.instance import Instance
from optimizer.search.scarcity import PRICE, Scarcity, priced
from optimizer.search.searcher import Outline, Searcher
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem

TWO = (shift("S1", "linesman"), shift("S2", "fitter"))
CREWS = (Crew("linesman", skills={"live": 1}), Crew("fitter"))
DAY = problem(
    visit("live 1", skills={"live": 1}),
    visit("live 2", skills={"live": 1}),
    visit("meter", duration=400),
    shifts=TWO,
    crews=CREWS,
)


def test_a_visit_pays_for_scarce_time_only_where_it_could_do_without() -> None:
    packed = Instance(DAY).packed

    asked = priced(packed, np.array([0.0, 0.8, 0.0])).data.serve - packed.data.serve

    assert asked.tolist() == [[0, 0], [0, 0], [round(PRICE * 0.8 * 400), 0]]


@pytest.mark.parametrize("absent", [0.0, 0.04])
def test_nothing_is_scarce_where_nobody_stays_out_for_long(absent: float) -> None:
    packed = Instance(DAY).packed

    assert np.array_equal(priced(packed, np.full(3, absent)).data.serve, packed.data.serve)


def test_a_visit_that_nobody_could_serve_makes_nothing_scarce() -> None:
    packed = Instance(problem(visit("A", skills={"live": 9}), visit("B"), shifts=TWO)).packed

    assert np.array_equal(priced(packed, np.ones(2)).data.serve, packed.data.serve)


def test_what_the_walk_ends_with_costs_what_it_costs_without_prices() -> None:
    with_prices = 0
    for seed in range(16):
        instance = Instance(random_problem(seed, most_visits=30))
        searcher = Searcher(instance.packed, seed)
        searcher.start(Outline([[] for _ in range(instance.shifts)], {}, 0))
        first = searcher.best().total

        scarcity = Scarcity(searcher)
        for _ in range(4):
            searcher.walk(200, 500.0, 100.0, 500, bold=True)
            scarcity.look()
        with_prices += searcher.packed is not instance.packed
        searcher.walk(200, 100.0, 50.0, 500, bold=True)
        scarcity.end()

        assert searcher.packed is instance.packed
        found = searcher.best()
        assert found.total <= first
        assert from_outline(instance, found.orders, found.begins).cost() <= found.total
    assert with_prices > 3
