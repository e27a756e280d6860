"""Windows offered for a visit: each as an insertion with that window would be, or with the reason."""

from dataclasses import replace

import pytest

from optimizer.check import check
from optimizer.insert import insert, retime
from optimizer.naive import naive
from optimizer.offers import RECOMMENDED_WITHIN, Offer, offers
from optimizer.plan import Plan
from optimizer.problem import After, Problem, ProblemError, Together
from optimizer.standing import VisitUnknown
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem

HOUR = 3600


def without_one(given: Problem, seed: int) -> tuple[Plan, str] | None:
    """The rule of thumb's plan with one visit taken out, and that visit."""
    orders = {r.shift: [stop.visit for stop in r.stops] for r in naive(given).routes}
    served = [name for order in orders.values() for name in order]
    if not served:
        return None
    name = served[seed % len(served)]
    return retime(given, {s: [v for v in o if v != name] for s, o in orders.items()}), name


def narrowed(given: Problem, name: str, window: tuple[int, int]) -> Problem | None:
    """The problem in which the visit's windows end with this one; None when none is left."""
    entry = next(entry for entry in given.visits if entry.id == name)
    own = entry.begins or (window,)
    cut = tuple(
        (max(opens, window[0]), min(closes, window[1]))
        for opens, closes in own
        if max(opens, window[0]) <= min(closes, window[1])
    )
    if not cut:
        return None
    visits = tuple(replace(v, windows=cut) if v.id == name else v for v in given.visits)
    return replace(given, visits=visits)


def test_a_window_costs_what_an_insertion_within_it_costs() -> None:
    offered = refused = 0
    for seed in range(120):
        given = random_problem(seed)
        cut = without_one(given, seed)
        entry = None if cut is None else next(v for v in given.visits if v.id == cut[1])
        if cut is None or entry is None or (entry.pinned and entry.pinned.start is not None):
            continue
        plan, name = cut
        windows = [(h * HOUR, h * HOUR + 2 * HOUR - 1) for h in range(-1, 14)]
        for offer in offers(given, plan, name, windows):
            changed = narrowed(given, name, (offer.open, offer.close))
            best = [] if changed is None else insert(changed, plan, name, 1)

            assert (offer.cost is None) == (not best), (seed, offer)
            if best:
                offered += 1
                assert offer.cost == best[0].cost, (seed, offer)
                assert offer.start is not None
                assert offer.open <= offer.start <= offer.close
            else:
                refused += 1
                assert offer.reason is not None
    assert min(offered, refused) > 300


def test_the_cheapest_windows_are_recommended() -> None:
    shifts = (shift("S1", "C1", end=4000), shift("S2", "C2", start=5000, from_="far", to="far"))
    given = problem(visit("A", "far"), shifts=shifts)

    early, late, either = offers(
        given, retime(given, {}), "A", [(0, 3000), (5000, 9000), (0, 9000)]
    )

    assert (early.shift, early.start, early.cost) == ("S1", 1000, 2000 - 10_000)
    assert (late.shift, late.start, late.cost) == ("S2", 5000, -10_000)
    assert either.cost == late.cost
    assert RECOMMENDED_WITHIN < 2000
    assert [offer.recommended for offer in (early, late, either)] == [False, True, True]


def test_every_window_that_is_not_offered_says_why() -> None:
    given = problem(
        visit("A", windows=((0, 2000),)),
        visit("B", skills={"hv": 1}),
        visit("C", unserved_cost=20_000, duration=8700),
        visit("D"),
        visit("E"),
        visit("F"),
        relations=(After("B", "D"), Together(("E", "F"))),
    )
    plan = retime(given, {"S": ["C"]})

    def reason(name: str, window: tuple[int, int]) -> str | None:
        return offers(given, plan, name, [window])[0].reason

    assert reason("A", (3000, 4000)) == "outside"
    assert reason("A", (0, 500)) == "window"
    assert reason("A", (0, 2000)) == "capacity"
    assert reason("B", (0, 9000)) == "skill"
    assert reason("C", (0, 9000)) == "planned"
    assert reason("D", (0, 9000)) == "relation"
    assert reason("E", (0, 9000)) == "relation"


def test_a_window_without_any_shift_is_a_matter_of_hours() -> None:
    given = problem(visit("A"), shifts=())

    assert offers(given, retime(given, {}), "A", [(0, 9)]) == [Offer(0, 9, reason="shift_hours")]


def test_a_new_visit_is_offered_as_if_it_were_in_the_problem() -> None:
    compared = 0
    for seed in range(60):
        given = random_problem(seed)
        if not given.places:
            continue
        new = visit("new", given.places[seed % len(given.places)].id, setup=300, duration=900)
        plan = naive(given)
        whole = replace(given, visits=(*given.visits, new))
        windows = [(h * HOUR, h * HOUR + 2 * HOUR - 1) for h in range(0, 14, 2)]

        fresh = offers(given, plan, new, windows)
        known = offers(whole, plan, "new", windows)

        assert [(o.cost, o.reason) for o in fresh] == [(o.cost, o.reason) for o in known], seed
        compared += sum(offer.cost is not None for offer in fresh)
        assert check(given, plan).ok
    assert compared > 60


def test_what_cannot_be_asked_is_refused() -> None:
    given = problem(visit("A"))
    plan = retime(given, {})

    with pytest.raises(VisitUnknown, match="'X'"):
        offers(given, plan, "X", [(0, 1)])
    with pytest.raises(ProblemError, match="closes at 1"):
        offers(given, plan, "A", [(0, 5), (2, 1)])
    with pytest.raises(ProblemError, match="already"):
        offers(given, plan, visit("A"), [(0, 5)])
    with pytest.raises(ProblemError, match="no place"):
        offers(given, plan, visit("B", "moon"), [(0, 5)])
