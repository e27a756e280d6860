"""Routes that were met, and the plan that CP-SAT chooses from them."""

from collections.abc import Sequence
from functools import cache
from random import Random

import pytest

from benchmarks import days
from optimizer.exact.choice import FIRST_SHOWN, choose
from optimizer.search import searcher
from optimizer.search.instance import Instance
from optimizer.search.searcher import Met, Outline, Searcher

SHIFTS, VISITS = 5, 12
DROP = [1_000] * VISITS


def routes_met(seed: int, count: int) -> list[Met]:
    """Random routes, different ones, of which some are dearer than leaving their visits out."""
    chance = Random(seed)
    found: dict[tuple[int, frozenset[int]], Met] = {}
    while len(found) < count:
        order = tuple(chance.sample(range(VISITS), chance.randint(1, 5)))
        s = chance.randrange(SHIFTS)
        found[s, frozenset(order)] = Met(s, order, chance.randint(200, 1_100 * len(order)))
    return list(found.values())


def saved(routes: Sequence[Met]) -> int:
    """What routes cost beyond what leaving out their visits would."""
    return sum(each.cost - sum(DROP[v] for v in each.order) for each in routes)


def least(routes: Sequence[Met]) -> int:
    """The least `saved` of any plan of these routes, by trying all of them shift by shift."""

    @cache
    def of(s: int, taken: frozenset[int]) -> int:
        if s == SHIFTS:
            return 0
        best = of(s + 1, taken)
        for each in routes:
            if each.shift == s and not taken & set(each.order):
                best = min(best, saved([each]) + of(s + 1, taken | set(each.order)))
        return best

    return of(0, frozenset())


@pytest.mark.parametrize("seed", range(12))
def test_the_cheapest_plan_of_the_routes_is_chosen_though_few_are_shown_first(seed: int) -> None:
    routes = routes_met(seed, FIRST_SHOWN + 200)

    choice = choose(routes, DROP, {}, seed=seed, effort=10.0)

    assert choice is not None
    assert saved(choice.routes) == least(routes)
    served = [v for each in choice.routes for v in each.order]
    assert len(served) == len(set(served))
    assert len({each.shift for each in choice.routes}) == len(choice.routes)


@pytest.mark.parametrize("seed", range(12))
def test_with_hardly_any_effort_the_plan_in_hand_is_kept_in_whatever_order_its_visits_were_met(
    seed: int,
) -> None:
    routes = routes_met(seed, 1_000)
    known = choose(routes, DROP, {}, seed=seed, effort=10.0)
    assert known is not None
    in_hand = {each.shift: each.order[::-1] for each in known.routes}

    choice = choose(routes, DROP, in_hand, seed=seed, effort=1e-3)

    assert choice is not None
    assert saved(choice.routes) == saved(known.routes)


def test_a_pool_that_fills_begins_anew_and_keeps_what_was_met_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = days.made("hard", 50, 1).problem

    def last_met(*, emptied: bool) -> set[Met]:
        walker = Searcher(Instance(given).packed, 1)
        walker.start(Outline([[] for _ in given.shifts], {}, 0))
        for _ in range(5):
            walker.walk(400, 500.0, 400.0, 10**9, bold=False)
        if emptied:
            list(walker.harvest())
        walker.walk(20, 500.0, 400.0, 10**9, bold=False)
        return set(walker.harvest())

    last = last_met(emptied=True)
    assert 5 < len(last) < 25
    whole = last_met(emptied=False)
    monkeypatch.setattr(searcher, "POOL_ROUTES", 4 * len(last))
    monkeypatch.setattr(searcher, "KEPT", len(last))
    short = last_met(emptied=False)

    assert {(each.shift, frozenset(each.order)) for each in last} <= {
        (each.shift, frozenset(each.order)) for each in short
    }
    assert len(short) < len(whole)
