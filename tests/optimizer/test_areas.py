"""A day divided by area: nothing is lost, nothing tied is torn apart, and the parts add up to the whole."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from benchmarks import days
from optimizer.check import check
from optimizer.problem import Problem
from optimizer.search import areas
from optimizer.search.areas import Area, divide
from optimizer.search.instance import Instance
from optimizer.search.parting import part_of
from optimizer.search.searcher import Outline, Searcher
from optimizer.solve import Limits, Progress, solve
from tests.optimizer.generate import random_problem

BOARDS = range(60)
MOST_VISITS = 40


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Areas so small that small problems are divided."""
    monkeypatch.setattr(areas, "LARGE", 6)


def divided(given: Problem) -> tuple[Instance, Outline, list[Area]]:
    """A problem, a first plan of it, and the areas of that."""
    instance = Instance(given)
    searcher = Searcher(instance.packed, 1)
    searcher.start(Outline([[] for _ in range(instance.shifts)], {}, 0))
    outline = searcher.best()
    return instance, outline, divide(instance.packed.data, outline.orders, np.random.default_rng(1))


def boards_divided() -> Iterator[tuple[Instance, Outline, list[Area]]]:
    """Random problems, a good part of which has several areas."""
    many = 0
    for seed in BOARDS:
        instance, outline, found = divided(random_problem(seed, most_visits=MOST_VISITS))
        many += len(found) > 1
        yield instance, outline, found
    assert many > 15


@pytest.mark.usefixtures("small")
def test_what_belongs_together_stays_together_and_nothing_is_in_two_areas() -> None:
    for instance, outline, found in boards_divided():
        of_visit = {v: k for k, area in enumerate(found) for v in area.visits.tolist()}
        of_shift = {s: k for k, area in enumerate(found) for s in area.shifts.tolist()}

        assert sum(len(area.visits) for area in found) == len(of_visit)
        assert sum(len(area.shifts) for area in found) == len(of_shift)
        for s, order in enumerate(outline.orders):
            assert all(of_visit[v] == of_shift[s] for v in order)
            for other in instance.earlier[s] + instance.later[s]:
                assert of_shift.get(s) == of_shift.get(other)
        for v in range(instance.visits):
            gaps = {one for gap in instance.gaps_of[v] for one in (gap.first, gap.second)}
            for other in gaps | instance.apart_from[v] | instance.same_as[v]:
                assert of_visit.get(v) == of_visit.get(other)


def test_a_day_no_larger_than_an_area_is_one() -> None:
    instance, _, (whole,) = divided(random_problem(3, most_visits=MOST_VISITS))

    assert whole.visits.tolist() == list(range(instance.visits))
    assert whole.shifts.tolist() == list(range(instance.shifts))


def test_a_large_day_is_cut_into_areas_of_about_the_same_size_that_lie_apart() -> None:
    instance, _, found = divided(days.made("hard", 1000, 1).problem)

    assert len(found) == 4
    assert all(200 <= len(area.visits) <= 300 and len(area.shifts) > 20 for area in found)
    legs, place = instance.packed.data.legs[0], np.array(instance.place)
    mean = [float(legs[np.ix_(place[a.visits], place[a.visits])].mean()) for a in found]
    assert np.mean(mean) < 0.8 * float(legs[np.ix_(place, place)].mean())


@pytest.mark.usefixtures("small")
def test_the_areas_add_up_to_the_whole() -> None:
    for instance, outline, found in boards_divided():
        parts = [Searcher(part_of(instance.packed, area), 1) for area in found]
        settled = [
            part.settled(area.within(outline)) for part, area in zip(parts, found, strict=True)
        ]
        inside = {v for area in found for v in area.visits.tolist()}
        outside = sum(instance.drop_cost[v] for v in range(instance.visits) if v not in inside)
        assert sum(part.total for part in settled) + outside == outline.total


@pytest.mark.usefixtures("small")
def test_a_divided_search_keeps_every_rule_and_plans_the_same_again() -> None:
    for seed in BOARDS:
        given = random_problem(seed, most_visits=MOST_VISITS)
        told: list[Progress] = []
        one, other = (
            solve(given, Limits(iterations=600), -seed, workers=2, progress=told.append)
            for _ in range(2)
        )

        assert check(given, one).ok, seed
        assert one.routes == other.routes
        if Instance(given).free:
            assert one.cost.total <= min(now.total for now in told), "what was told was reached"


def test_a_large_day_that_is_stopped_keeps_what_it_has() -> None:
    given = days.made("linked", 600, 1).problem
    told: list[Progress] = []

    def stopped() -> bool:
        return len(told) > 30

    began = time.monotonic()
    plan = solve(given, Limits(seconds=60), 1, workers=2, progress=told.append, stop=stopped)

    assert time.monotonic() - began < 20
    assert check(given, plan).ok
    assert plan.cost.total <= told[-1].total < told[0].total
