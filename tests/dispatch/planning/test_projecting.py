"""What is expected of the rest of a crew's day, from what it has done so far."""

from datetime import datetime, time

import pytest
from sqlmodel import Session

from dispatch.planning import queries
from dispatch.planning.projecting import Seen
from dispatch.planning.tiles import StopRow
from dispatch.registry.hours import Break
from dispatch.work import promises
from dispatch.work.tables import Visit
from tests.builders.planning import (
    HOME,
    KM_EAST,
    begin,
    crew_on,
    finish,
    job,
    published,
    set_out,
    work_on,
)
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at, minutes

ONE = "C1-20260310"


def stops(session: Session, now: datetime) -> list[StopRow]:
    page = queries.board(session, territory_id="humen", day=DAY, now=now)
    return [stop for crew in page.crews for stop in crew.stops]


@pytest.fixture
def day(session: Session) -> list[Visit]:
    """C1 has three visits of an hour, one after the other."""
    crew_on(session, "C1")
    visits = [job(session, east=1 + k, minutes=60) for k in range(3)]
    published(session, orders={ONE: [visit.id for visit in visits]})
    return visits


def test_before_the_day_what_is_planned_is_expected(session: Session, day: list[Visit]) -> None:
    for place, stop in enumerate(stops(session, NOW)):
        assert stop.projected_arrive_at is not None
        assert stop.arrive_at is not None
        # Each visit before it may run over, and none makes the crew set out early.
        late = stop.projected_arrive_at - stop.arrive_at
        assert minutes(-0.5) <= late <= minutes(5 * place + 0.5)
        assert stop.projected_start_at == stop.projected_arrive_at
        assert (stop.risk, stop.spare_s, stop.late_probability) == ("none", None, None)


def test_the_range_of_an_arrival_widens_along_the_route_and_narrows_as_the_day_goes_by(
    session: Session, day: list[Visit]
) -> None:
    def widths(now: datetime) -> list[float]:
        return [
            (stop.arrive_late_at - stop.arrive_early_at).total_seconds()
            for stop in stops(session, now)
            if stop.arrive_late_at is not None and stop.arrive_early_at is not None
        ]

    before = widths(NOW)
    assert before == sorted(before)
    assert before[2] > 600
    work_on(session, day[0], now=at("08:10"))
    assert widths(at("08:50"))[0] == 0, "it is there"
    begin(session, day[0], "finish", now=at("08:55"))
    set_out(session, day[1], now=at("09:05"))
    assert widths(at("09:06"))[0] < before[1] / 2


def test_a_crew_that_has_not_set_out_is_late_by_as_much_everywhere(
    session: Session, day: list[Visit]
) -> None:
    departs = stops(session, NOW)[0].arrive_at
    assert departs is not None
    found = stops(session, departs + minutes(30))

    lateness = [stop.projected_start_at - stop.start_at for stop in found]  # type: ignore[operator]
    assert all(minutes(15) <= late <= minutes(45) for late in lateness), lateness


def test_a_visit_that_takes_longer_delays_the_next_and_one_done_early_does_not_hurry_it(
    session: Session, day: list[Visit]
) -> None:
    first, *_ = day
    work_on(session, first, now=at("08:10"))
    one, two, _ = stops(session, at("10:00"))
    assert one.projected_end_at is not None
    assert at("10:02") < one.projected_end_at < at("10:30"), (
        "a little more is expected of what should have ended"
    )
    assert two.projected_arrive_at is not None
    assert two.arrive_at is not None
    assert two.projected_arrive_at > two.arrive_at

    begin(session, first, "finish", now=at("08:30"))
    one, two, _ = stops(session, at("08:31"))
    assert (one.projected_start_at, one.projected_end_at) == (at("08:10"), at("08:30"))
    assert two.projected_start_at is not None
    assert two.start_at is not None
    assert abs(two.projected_start_at - two.start_at) < minutes(0.5)


def test_a_crew_on_its_way_arrives_a_drive_after_it_set_out(
    session: Session, day: list[Visit]
) -> None:
    set_out(session, day[0], now=at("09:00"))

    one, *_ = stops(session, at("09:00"))
    assert one.projected_arrive_at is not None
    assert abs(one.projected_arrive_at - (at("09:00") + minutes(one.travel_s / 60))) < minutes(0.5)
    late, *_ = stops(session, at("10:00"))
    assert late.projected_arrive_at is not None
    assert at("10:00") < late.projected_arrive_at < at("10:15")


def test_a_crew_that_is_seen_on_its_way_arrives_by_what_is_left_of_the_drive(
    session: Session, day: list[Visit]
) -> None:
    far = job(session, east=6, minutes=30)
    published(session, orders={ONE: [far.id, *(visit.id for visit in day)]})
    set_out(session, far, now=at("08:00"))
    planned = minutes((far.travel_s or 0) / 60)

    def expected(km_east: float, *, seen_at: str) -> datetime:
        seen = {"C1": Seen(HOME[0], HOME[1] + km_east * KM_EAST, at(seen_at))}
        page = queries.board(session, territory_id="humen", day=DAY, now=at("08:03"), seen=seen)
        (found,) = (stop for crew in page.crews for stop in crew.stops if stop.visit.id == far.id)
        assert found.projected_arrive_at is not None
        return found.projected_arrive_at

    half = at("08:03") + planned / 2
    assert abs(expected(3, seen_at="08:03") - half) < minutes(2)
    assert abs(expected(3, seen_at="08:01") - half) < minutes(3), "it has gone on since"
    unseen = expected(3, seen_at="07:57")
    assert unseen == expected(5, seen_at="07:57"), "an old position says nothing"
    assert expected(3, seen_at="07:59") == unseen, "nor one from before it set out"


def test_a_promise_or_deadline_that_will_be_missed_is_late_and_a_close_one_at_risk(
    session: Session,
) -> None:
    crew_on(session, "C1")
    first, second, third = (job(session, east=1 + k, minutes=60) for k in range(3))
    promises.book(
        session, second, start_at=at("09:00"), end_at=at("11:00"), actor=DISPATCHER, now=NOW
    )
    published(session, orders={ONE: [first.id, second.id, third.id]})
    work_on(session, first, now=at("08:10"))

    def risks(clock: str) -> list[str]:
        return [stop.risk for stop in stops(session, at(clock))]

    assert risks("09:00") == ["none", "none", "none"]
    assert risks("10:10") == ["none", "risk", "none"]
    _, two, _ = stops(session, at("10:58"))
    assert (two.risk, (two.spare_s or 0) < 0) == ("late", True)
    assert two.late_probability is not None
    assert two.late_probability > 0.8
    finish_at = at("10:59")
    begin(session, first, "finish", now=finish_at)
    finish(session, second, began=at("11:20"), now=at("12:00"))
    assert risks("12:05") == ["none", "none", "none"], "what is over is a matter of the report"


def test_a_break_that_is_still_to_come_is_expected_too(session: Session) -> None:
    crew_on(session, "C1", breaks=[Break(time(11), time(12), 60)])
    first, second = job(session, minutes=170), job(session, east=1.1, minutes=90)
    published(session, orders={ONE: [first.id, second.id]})
    _, two = stops(session, NOW)
    assert two.start_at == at("12:00"), "the break is taken at the place, before the work"
    assert two.projected_start_at is not None
    assert abs(two.projected_start_at - two.start_at) < minutes(10)
    work_on(session, first, now=at("08:30"))

    _, two = stops(session, at("11:40"))
    assert two.projected_start_at is not None
    assert two.projected_start_at > at("12:45"), "the visit, then the break, then the drive"
