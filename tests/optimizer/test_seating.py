"""Visits that begin together are asked about as a whole: every answer against a proven optimum."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from optimizer.check import check
from optimizer.explain import explain, settle
from optimizer.insert import apply, insert, relocate, retime
from optimizer.naive import naive
from optimizer.offers import offers
from optimizer.plan import Plan
from optimizer.problem import Crew, Pin, Problem, Together, Window
from optimizer.standing import Standing
from optimizer.trials import trials
from tests.optimizer.builders import problem, shift, visit
from tests.optimizer.generate import random_problem
from tests.optimizer.kept_orders import cheapest_with, orders_of

HOUR = 3600
CREWS = (shift("S1", "C1"), shift("S2", "C2"))


def shared(seeds: range) -> Iterator[tuple[int, Problem, Plan, tuple[str, ...]]]:
    """Random problems of which two or three visits begin together, and plans without those."""
    for seed in seeds:
        given, chance = random_problem(seed, most_visits=8), Random(seed)
        if len(given.visits) < 3 or len(given.crews) < 2:
            continue
        count = chance.choice([2, 3]) if len(given.crews) > 2 else 2
        group = tuple(chance.sample([entry.id for entry in given.visits], count))
        able = {"skills": {}, "members": 1, "parts": {}, "pinned": None}
        anybody = {"allowed_crews": None, "forbidden_crews": ()}
        visits = tuple(
            replace(entry, **able, **anybody) if entry.id in group else entry
            for entry in given.visits
        )
        given = replace(given, visits=visits, relations=(Together(group),))
        # Where routes of a crew can meet, the proven optimum would also move those not asked about.
        shifts = tuple(replace(each, max_overtime=0) for each in given.shifts)
        given = replace(given, shifts=shifts if seed % 2 else given.shifts)
        orders = {
            s: [v for v in order if v not in group] for s, order in orders_of(naive(given)).items()
        }
        plan = retime(given, orders)
        if not any(Standing(given, plan).instance.earlier):
            yield seed, given, plan, group


def total_with(given: Problem, plan: Plan, group: tuple[str, ...]) -> int | None:
    best = cheapest_with(given, orders_of(plan), group)
    return None if best is None else best.cost.total


def within(given: Problem, name: str, window: Window) -> Problem | None:
    """The problem with the visit's windows cut to this one, None when nothing is left of them."""
    own = next(entry for entry in given.visits if entry.id == name).windows or (window,)
    cut = [Window(max(w.open, window.open), min(w.close, window.close)) for w in own]
    cut = [w for w in cut if w.open <= w.close]
    visits = (replace(v, windows=tuple(cut)) if v.id == name else v for v in given.visits)
    return replace(given, visits=tuple(visits)) if cut else None


def test_places_and_windows_of_visits_that_begin_together_are_the_cheapest_there_are() -> None:
    placed = refused = offered = 0
    for seed, given, plan, group in shared(range(130)):
        name = group[seed % len(group)]
        least = total_with(given, plan, group)
        places = insert(given, plan, name, 1)

        assert [plan.cost.total + place.cost for place in places] == [least] * bool(least), seed
        placed, refused = placed + bool(places), refused + (not places)
        for place in places:
            made = apply(given, plan, place)
            assert check(given, made).ok, seed
            assert made.cost.total == least
        for window in (Window(0, 2 * HOUR - 1), Window(7 * HOUR, 9 * HOUR)):
            (offer,) = offers(given, plan, name, [window])
            changed = within(given, name, window)
            least = None if changed is None else total_with(changed, plan, group)
            assert (offer.cost is None) == (least is None), (seed, window)
            if offer.cost is None or offer.start is None:
                assert offer.reason is not None
                continue
            offered += 1
            assert plan.cost.total + offer.cost == least, (seed, window)
            assert window.open <= offer.start <= window.close
            assert {each.visit for each in offer.together} == {*group} - {name}
            assert {each.start for each in offer.together} == {offer.start}
    assert min(placed, refused, offered) > 8


def test_a_trial_of_visits_that_begin_together_is_what_moving_one_does() -> None:
    tried = moved = 0
    for seed, given, bare, group in shared(range(130, 260)):
        for place in insert(given, bare, group[0], 1):
            plan = apply(given, bare, place)
            for one in trials(given, plan, group[0]):
                tried += 1
                if one.place is None:
                    assert one.reason is not None
                    continue
                made = relocate(given, orders_of(plan), group[0], one.shift)
                moved += 1

                assert check(given, made).ok, seed
                assert made.cost.total - plan.cost.total == one.place.cost, (seed, one.shift)
                stops = {stop.visit: stop for route in made.routes for stop in route.stops}
                assert {stops[name].start for name in group} == {one.place.start}
    assert min(tried - moved, moved) > 12


def test_partners_stay_on_their_crews_where_they_can() -> None:
    shifts = (*CREWS, shift("S3", "C3"), shift("S4", "C4", from_="near", to="near"))
    given = problem(visit("A"), visit("B"), shifts=shifts, relations=(Together(("A", "B")),))
    plan = retime(given, {"S1": ["A"], "S2": ["B"]})

    on = {one.shift: one.place for one in trials(given, plan, "A")}

    # B could go to S4 for 1200 s less; only where A takes its crew must it go at all.
    stays = {s: place.together[0].shift for s, place in on.items() if place is not None}
    assert stays == {"S1": "S2", "S2": "S4", "S3": "S2", "S4": "S2"}


def test_a_window_for_visits_that_begin_together_has_the_cost_and_the_places_of_all() -> None:
    visits = (visit("A"), visit("B", "far"), visit("C", duration=3000))
    given = problem(*visits, shifts=CREWS, relations=(Together(("A", "B")),))
    plan = retime(given, {"S1": ["C"]})

    early, late = offers(given, plan, "A", [(0, 1500), (6000, 7000)])

    assert (early.shift, early.start, early.cost) == ("S1", 1000, 2000 - 20_000)
    assert [(each.visit, each.shift, each.start) for each in early.together] == [("B", "S2", 1000)]
    assert (late.start, late.cost) == (6000, 2000 - 20_000)


def test_a_window_that_visits_which_begin_together_cannot_have_says_why() -> None:
    crews = (Crew("C1"), Crew("C2", skills={"hv": 1}))
    visits = (
        visit("A", windows=(Window(0, 9000),)),
        visit("B", skills={"hv": 1}, windows=(Window(3000, 9000),)),
        visit("C", unserved_cost=90_000, duration=2500, pinned=Pin("S2", 5000)),
    )
    given = problem(*visits, crews=crews, shifts=CREWS, relations=(Together(("A", "B")),))
    plan = retime(given, {"S2": ["C"]})

    def reason(*window: int) -> str | None:
        return offers(given, plan, "A", [window])[0].reason

    assert reason(9001, 9500) == "outside"
    assert reason(0, 500) == "window"
    assert reason(600, 2000) == "relation"
    assert reason(5000, 6000) == "capacity"
    assert reason(3000, 4000) is None


def test_a_visit_from_the_queue_takes_with_it_those_that_begin_when_it_does() -> None:
    given = problem(visit("A"), visit("B"), shifts=CREWS, relations=(Together(("A", "B")),))

    made = relocate(given, {}, "A", "S2")

    assert orders_of(made) == {"S1": ["B"], "S2": ["A"]}
    assert check(given, made).ok


def test_a_second_between_those_at_which_each_first_fits_is_found() -> None:
    # A comes later than it could so that B is in time, and B's crew has a fixed visit before.
    visits = (
        visit("A", windows=(Window(0, 2000), Window(4100, 4200))),
        visit("B", windows=(Window(700, 4150),)),
        visit("C", duration=3000, pinned=Pin("S2", 700)),
    )
    given = problem(*visits, shifts=CREWS, relations=(Together(("A", "B")),))
    given = replace(
        given,
        visits=tuple(
            replace(v, forbidden_crews=("C1",)) if v.id == "B" else v for v in given.visits
        ),
    )
    plan = retime(given, {"S2": ["C"]})

    found = explain(given, plan, "A")

    assert (found.verdict, found.shift, found.start) == ("served", "S1", 4100)
    assert settle(given, plan).cost.unserved == 0
