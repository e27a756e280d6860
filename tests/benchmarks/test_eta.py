"""The bench of expected arrivals on few days, and its world."""

import re

import pytest

from benchmarks import eta
from benchmarks.eta_world import CREWS, VISITS_A_DAY, World


def test_the_world_is_the_same_for_the_same_seed_and_its_days_are_possible() -> None:
    days = list(World(7).days(3))

    assert days == list(World(7).days(3))
    assert days != list(World(8).days(3))
    assert [len(day) for day in days] == [CREWS] * 3
    for crew in (crew for day in days for crew in day):
        assert len(crew.planned) == len(crew.happened) == VISITS_A_DAY
        free = 0.0
        for plan, fact in zip(crew.planned, crew.happened, strict=True):
            assert free <= fact.departed < fact.arrived <= fact.started <= fact.ended
            assert plan.window is None or plan.window[0] <= fact.started or not fact.done
            free = fact.ended


def test_the_tables_tell_how_many_arrivals_lay_in_their_range_and_which_notices_were_right() -> (
    None
):
    text = eta.run(12)

    (everything,) = re.findall(
        r"^\| all \| ([\d,]+) \| ([\d.]+)% \| ([\d.]+)% \|", text, re.MULTILINE
    )
    assert int(everything[0].replace(",", "")) > 500
    assert 60 < float(everything[2]) < 95
    assert len(re.findall(r"\| choice \|", text)) == len(eta.RULES)
    (promises, broken, told) = next(
        map(int, found)
        for found in re.findall(r"\*\*report\*\* \| (\d+) \| (\d+) \| (\d+) \|", text)
    )
    assert promises > broken > 0
    assert told > 0


def test_a_notice_is_told_once_from_its_probability_on() -> None:
    def expected(broken: float) -> eta.Expected:
        return eta.Expected(600.0, 900.0, 1500.0, 900.0, 1800.0, broken, broken)

    course = [(60.0 * k, expected(k / 10)) for k in range(11)]
    watched = eta.Watched(end=900.0, arrived=1000.0, course=course)

    assert watched.is_broken
    assert watched.notices((0.7, 0.7)) == [pytest.approx(420.0)]
    far = eta.Watched(end=900.0 + 30 * 60, arrived=3000.0, course=course)
    assert far.notices((0.7, 0.95)) == [pytest.approx(600.0)], "there is time until its window ends"
    assert watched.notices((1.1, 1.1)) == []
