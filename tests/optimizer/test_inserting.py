"""A visit put into a route leaves it timed as if the whole route were timed anew."""

from dataclasses import replace
from random import Random

import numpy as np

from optimizer.problem import Problem
from optimizer.search.layout import N_SHIFT, R_COUNT
from optimizer.search.packing import Packed, pack
from optimizer.search.searcher import Outline, Searcher
from tests.optimizer.generate import random_problem, with_wider_windows

SEEDS = range(60)
MOST_VISITS = 40
STEPS = 50
LEAST_STOPS = 100


def plainly(problem: Problem) -> Problem:
    """The problem without breaks, relations and the price of work, for `insert` to time; half of it soon late."""
    visits = tuple(
        replace(visit, due=8 * 3600 + 600 * i, late_cost=1) if i % 2 else visit
        for i, visit in enumerate(problem.visits)
    )
    return replace(
        problem,
        visits=visits,
        relations=(),
        weights=replace(problem.weights, work=0),
        shifts=tuple(replace(shift, breaks=()) for shift in problem.shifts),
    )


def walked(packed: Packed, seed: int) -> Searcher:
    """A searcher after a short walk from an empty plan."""
    searcher = Searcher(packed, seed)
    searcher.start(Outline([[] for _ in packed.data.shift], {}, 0))
    searcher.walk(STEPS, 300.0, 3.0, 100, bold=True)
    return searcher


def test_routes_of_a_walk_have_the_times_that_timing_them_anew_gives() -> None:
    stops = 0
    for seed in SEEDS:
        made = with_wider_windows(random_problem(seed, most_visits=MOST_VISITS), Random(seed))
        packed = pack(plainly(made))
        if packed.tied:  # by shifts of a crew that can meet
            continue
        searcher = walked(packed, seed)
        plan, again = searcher._plan, searcher._kept
        visits, shifts = len(packed.data.visit), len(packed.data.shift)
        searcher._load(again, searcher._outline(plan, {}))

        assert plan.total[0] == again.total[0], f"seed {seed}"
        np.testing.assert_array_equal(plan.route, again.route, f"routes of seed {seed}")
        served = np.flatnonzero(plan.node[:visits, N_SHIFT] >= 0)
        used = np.flatnonzero(plan.route[:, R_COUNT])
        rows = np.concatenate([served, visits + used, visits + shifts + used])
        np.testing.assert_array_equal(plan.node[rows], again.node[rows], f"nodes of seed {seed}")
        np.testing.assert_array_equal(plan.latest[rows], again.latest[rows], f"seed {seed}")
        stops += len(served)
    assert stops >= LEAST_STOPS
