"""The timeline of one route: windows, breaks, setups and hours, on legs of whole seconds."""

from itertools import permutations
from random import Random

from optimizer.search.paid import paid_timing
from optimizer.search.timeline import (
    INFINITY,
    Lane,
    Service,
    endings,
    extend,
    latest_at_end,
    latest_before,
    make_lane,
)
from optimizer.search.timing import Timing, timed

ANY = ((-INFINITY, INFINITY),)


def lane(
    *breaks: tuple[str, int, int, int],
    end: int = 10_000,
    limit: int | None = None,
    to: int | None = 0,
    work: int = 0,
) -> Lane:
    """A shift from second 0 on a line of places 0, 1, 2, each 100 s from the next."""
    legs = [[100 * abs(i - j) for j in range(3)] for i in range(3)]
    return make_lane(
        begin=0,
        end=end,
        limit=end if limit is None else limit,
        home=0,
        destination=to,
        legs=legs,
        breaks=breaks,
        overtime_rate=2,
        work_rate=work,
    )


def service(
    visit: int, place: int, *windows: tuple[int, int], seconds: int = 300, **keys: int
) -> Service:
    """A service without setup, due when `due` says."""
    due, late = keys.get("due", INFINITY), keys.get("late", 0)
    return Service(visit, place, windows or ANY, seconds, seconds, due, late)


def walked(on: Lane, *services: Service) -> Timing | None:
    """The best times of the services in this order, None when there are none."""
    labels, at = on.origin(), on.home
    for each in services:
        labels = extend(labels, on.legs[at][each.place], each, each.first, on)
        at = each.place
    ends = endings(labels, at, on) if labels else []
    if ends and on.work_rate:
        return paid_timing(list(services), on)
    ways = [timed(end, list(services), on) for end in ends]
    return min(ways, key=lambda timing: (timing.cost, timing.returns), default=None)


def test_a_route_leaves_as_late_as_its_first_window_lets_it() -> None:
    timing = walked(lane(), service(0, 1, (2000, 3000)))

    assert timing is not None
    assert (timing.departs, timing.returns) == (1900, 2400)


def test_service_waits_for_the_next_of_several_windows() -> None:
    timing = walked(lane(), service(0, 1), service(1, 2, (0, 400), (2000, 2100)))

    assert timing is not None
    assert [stop.begin for stop in timing.stops] == [100, 2000]


def test_a_break_is_taken_while_the_crew_waits_for_a_window() -> None:
    on = lane(("lunch", 450, 1000, 600))

    timing = walked(on, service(0, 1), service(1, 2, (1500, 2000)))

    assert timing is not None
    assert timing.stops[1].begin == 1500
    assert timing.pauses == ((0, 500, 1100),)


def test_a_break_that_the_drive_would_outlast_is_taken_before_it() -> None:
    on = lane(("lunch", 400, 450, 600))

    timing = walked(on, service(0, 1), service(1, 2))

    assert timing is not None
    assert timing.pauses == ((0, 400, 1000),)
    assert timing.stops[1].arrive == 1100


def test_a_break_that_fits_nowhere_makes_the_route_impossible() -> None:
    on = lane(("lunch", 200, 300, 600))

    assert walked(on, service(0, 1, (100, 100))) is None


def test_a_break_can_be_taken_before_departure() -> None:
    on = lane(("early", 0, 0, 600))

    timing = walked(on, service(0, 1))

    assert timing is not None
    assert timing.pauses == ((0, 0, 600),)
    assert timing.departs == 600


def test_a_break_that_may_begin_after_the_return_is_not_taken() -> None:
    timing = walked(lane(("late", 0, 500, 600)), service(0, 1))

    assert timing is not None
    assert timing.pauses == ()


def test_overtime_and_lateness_cost_their_seconds() -> None:
    on = lane(end=400, limit=600)

    timing = walked(on, service(0, 1, due=50, late=3))

    assert timing is not None
    assert timing.cost == 2 * 100 + 3 * 50


def test_the_departure_is_put_off_where_waiting_is_paid_for() -> None:
    first, second = service(0, 1), service(1, 2, (5000, 5000))

    paid, free = walked(lane(work=1), first, second), walked(lane(), first, second)

    assert paid is not None
    assert free is not None
    assert free.departs == 0
    assert (paid.departs, paid.returns) == (4500, 5500)


def test_the_departure_is_not_put_off_into_lateness_that_costs_more() -> None:
    first, second = service(0, 1, due=700, late=5), service(1, 2, (5000, 5000))

    timing = walked(lane(work=1), first, second)

    assert timing is not None
    assert timing.stops[0].begin == 700


def test_looking_back_and_walking_ahead_agree_on_what_is_possible() -> None:
    chance = Random(5)
    seen = set()
    for _ in range(400):
        breaks = []
        for b in range(chance.randint(0, 2)):
            early = chance.randint(0, 2000)
            breaks.append((f"b{b}", early, early + chance.choice([0, 300]), 200))
        on = lane(*breaks, end=chance.choice([1500, 2500]), to=chance.choice([None, 0]))
        first, second = (
            service(i, chance.randint(0, 2), _window(chance), seconds=200) for i in range(2)
        )
        latest = latest_at_end(second.place, on)
        for before, at in ((second, first.place), (first, 0)):
            latest = latest_before(latest, on.legs[at][before.place], before, 200, on)
        possible = walked(on, first, second) is not None
        seen.add(possible)

        assert possible == (latest[0] >= on.begin)
    assert seen == {True, False}


def _window(chance: Random) -> tuple[int, int]:
    opens = chance.randint(0, 2000)
    return opens, opens + chance.choice([0, 500, 2000])


def test_no_order_of_breaks_and_services_returns_earlier_than_the_labels_say() -> None:
    chance = Random(9)
    for _ in range(150):
        early = chance.randint(0, 1500)
        pause = ("b", early, early + chance.choice([0, 400]), 300)
        on = lane(pause, end=4000)
        pair = [service(i, chance.randint(0, 2), _window(chance), seconds=200) for i in range(2)]
        timing = walked(on, *pair)

        assert (None if timing is None else timing.returns) == _by_hand(on, pair, pause)


def _by_hand(on: Lane, pair: list[Service], pause: tuple[str, int, int, int]) -> int | None:
    """The earliest return over every place of the one break among the steps of the route."""
    best: int | None = None
    steps: list[object] = [("drive", pair[0]), pair[0], ("drive", pair[1]), pair[1], "home"]
    orders = {(*tuple(range(at)), -1, *tuple(range(at, 5))) for at in range(5)} | {tuple(range(5))}
    for order in sorted(orders):
        time, at, taken, fits = 0, 0, False, True
        for index in order:
            step = "break" if index < 0 else steps[index]
            if step == "break":
                time, taken = max(time, pause[1]), True
                fits = fits and time <= pause[2]
                time += pause[3]
            elif isinstance(step, Service):
                opens, closes = step.windows[0]
                time = max(time, opens)
                fits = fits and time <= closes
                time += step.first
            elif isinstance(step, tuple):
                time, at = time + on.legs[at][step[1].place], step[1].place
            else:
                time += on.legs[at][0]
        fits = fits and time <= on.limit and (taken or time <= pause[2])
        if fits and (best is None or time < best):
            best = time
    return best


def test_every_order_of_three_visits_is_walked_to_times_that_follow_each_other() -> None:
    services = [service(0, 1), service(1, 2, (900, 4000)), service(2, 0)]
    for order in permutations(services):
        timing = walked(lane(("b", 500, 900, 200)), *order)

        assert timing is not None
        moments = [m for stop in timing.stops for m in (stop.arrive, stop.begin, stop.end)]
        assert moments == sorted(moments)
