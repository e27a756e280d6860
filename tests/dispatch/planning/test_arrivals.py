"""The distribution of a crew's arrivals, carried along its route."""

import random
from dataclasses import replace
from math import exp

import pytest

from dispatch.planning.arrivals import Leg, along
from dispatch.planning.spread import Z90, Spread
from tests.pace import quickest

DRIVE, WORK = Spread(0.8, 1.0, 1.35), Spread(0.6, 0.95, 1.5)
HOUR = 3600.0


def leg(**changes: object) -> Leg:
    made = Leg(travel_s=900, travel=DRIVE, service_s=2400, service=WORK)
    return replace(made, **changes)  # type: ignore[arg-type]


def exactly(ratio: float) -> Spread:
    return Spread(ratio, ratio, ratio)


def test_the_first_arrival_has_the_spread_of_its_drive() -> None:
    (one,) = along([leg(departs_s=600)])

    found = (one.early_s, one.mid_s, one.late_s)
    assert found == tuple(pytest.approx(600 + 900 * share, rel=0.01) for share in (0.8, 1.0, 1.35))


def test_without_spread_the_route_is_the_plan() -> None:
    still = {"travel": exactly(1.0), "service": exactly(1.0)}
    one, two = along([leg(**still), leg(departs_s=2 * HOUR, **still)])

    assert (one.mid_s, one.start_s, one.end_s) == tuple(
        pytest.approx(at, abs=10) for at in (900, 900, 3300)
    )
    assert two.mid_s == pytest.approx(2 * HOUR + 900, abs=10), "it sets out as planned, not earlier"


def test_uncertainty_grows_along_the_route_and_slack_takes_it_up() -> None:
    tight = along([leg(departs_s=k * 3300.0) for k in range(8)])
    loose = along([leg(departs_s=k * 3 * HOUR) for k in range(8)])

    widths = [one.late_s - one.early_s for one in tight]
    assert widths[0] < widths[3] < widths[7]
    assert loose[7].late_s - loose[7].early_s == pytest.approx(widths[0], rel=0.1)


def test_it_agrees_with_a_simulation_written_otherwise() -> None:
    legs = [leg(departs_s=k * 3000.0, arrive_by_s=k * 3000.0 + 1800) for k in range(6)]
    chance = random.Random(5)

    def draw(spread: Spread) -> float:
        z = chance.gauss(0, 1)
        edge = spread.high if z > 0 else spread.low
        return float(spread.mid * (edge / spread.mid) ** (abs(z) / Z90))

    arrivals: list[list[float]] = [[] for _ in legs]
    for _ in range(20_000):
        free = 0.0
        for place, one in enumerate(legs):
            arrive = max(free, one.departs_s) + one.travel_s * draw(one.travel)
            arrivals[place].append(arrive)
            free = arrive + one.service_s * draw(one.service)

    for one, found, seen in zip(legs, along(legs), map(sorted, arrivals), strict=True):
        for share, value in ((0.1, found.early_s), (0.5, found.mid_s), (0.9, found.late_s)):
            assert value == pytest.approx(seen[int(share * len(seen))], abs=240)
        broken = sum(arrive >= (one.arrive_by_s or 0) for arrive in seen) / len(seen)
        assert found.too_late == pytest.approx(broken, abs=0.04)


def test_what_has_taken_long_is_expected_to_take_longer_and_never_to_be_over() -> None:
    ends = [
        along([leg(arrived_s=-worked, worked_s=worked)])[0].end_s
        for worked in (0.0, 1000.0, 2400.0, 4000.0, 12_000.0, 200_000.0)
    ]
    assert ends[0] == pytest.approx(2400 * 0.95, rel=0.01)
    assert ends[0] > ends[1] > ends[2] > 0
    assert all(end > 60 for end in ends), "even when it has taken far longer than ever seen"


def test_a_drive_under_way_is_drawn_on_what_it_has_taken_and_one_that_is_seen_on_what_is_left() -> (
    None
):
    (long_ago,) = along([leg(driven_s=850.0)])
    (seen_near,) = along([leg(driven_s=850.0, left_s=60.0)])
    (seen_far,) = along([leg(driven_s=850.0, left_s=900.0)])

    assert 0 < long_ago.mid_s < 400
    assert seen_near.mid_s == pytest.approx(60, rel=0.05)
    assert seen_far.mid_s == pytest.approx(900, rel=0.05)


def test_who_can_keep_to_the_plan_sets_out_as_late_as_was_learnt_and_who_is_late_at_once() -> None:
    still = {"travel": exactly(1.0), "service": exactly(1.0), "setting_out": Spread(-120, 60, 600)}
    (waits,) = along([leg(departs_s=1800.0, **still)])
    (late,) = along([leg(departs_s=-1800.0, **still)])
    (rests,) = along([leg(departs_s=0.0, breaks_before=[(600.0, 1800.0)], **still)])

    for found, due in ((waits, 1800.0), (rests, 2400.0)):
        assert [found.early_s, found.mid_s, found.late_s] == [
            pytest.approx(due + 900 + late_s, abs=15) for late_s in (-120, 60, 600)
        ]
    assert late.early_s == pytest.approx(late.late_s, abs=15) == pytest.approx(900, abs=15)


def test_who_has_not_set_out_yet_is_expected_to_do_so_later_and_never_before_now() -> None:
    still = {"travel": exactly(1.0), "setting_out": Spread(-120, 60, 600)}
    expected = [along([leg(departs_s=-gone, **still)], free_s=-gone)[0] for gone in (0, 300, 4000)]

    assert all(one.early_s >= 895 for one in expected)
    gaps = [one.mid_s - 900 for one in expected]
    assert 60 < gaps[0] < gaps[1] + 300, "later after the planned departure than it was expected"
    assert gaps[1] > 60


def test_breaks_come_before_the_drive_or_before_the_work() -> None:
    still = {"travel": exactly(1.0), "service": exactly(1.0)}
    (before,) = along([leg(breaks_before=[(600.0, 1800.0)], **still)])
    (there,) = along([leg(breaks_there=[(1200.0, 1800.0)], **still)])

    assert before.mid_s == pytest.approx(600 + 1800 + 900, abs=10)
    assert (there.mid_s, there.start_s) == (pytest.approx(900, abs=10), pytest.approx(3000, abs=10))


def test_no_work_begins_before_its_window_and_what_is_over_is_no_probability() -> None:
    (early,) = along([leg(opens_s=2 * HOUR)])
    assert early.start_s == 2 * HOUR
    (there,) = along([leg(arrived_s=-300.0, arrive_by_s=-600.0)])
    assert (there.mid_s, there.too_late) == (-300.0, 1.0)
    (kept,) = along([leg(arrived_s=-300.0, arrive_by_s=-200.0, start_by_s=60.0)])
    assert kept.too_late == 0.0


def test_the_same_facts_give_the_same_answer() -> None:
    legs = [leg(departs_s=k * 3000.0, driven_s=300.0 if k == 0 else None) for k in range(10)]
    assert along(legs) == along(legs)


def test_a_wide_spread_is_followed_into_its_tails() -> None:
    (one,) = along([leg(service=Spread(exp(-2), 1.0, exp(2)), arrived_s=0.0)])
    assert one.end_s == pytest.approx(2400, rel=0.05)


def test_a_hundred_crews_of_ten_visits_take_50_ms() -> None:
    routes = [
        [
            leg(departs_s=k * HOUR, arrive_by_s=k * HOUR + 1500, driven_s=None if k else 300.0)
            for k in range(10)
        ]
        for _ in range(100)
    ]
    assert len([along(route) for route in routes]) == 100
    assert quickest(lambda: [along(route) for route in routes], times=15) < 0.050
