"""What is learnt of how long work and drives really take, before and after there is history."""

import math
import random

import pytest
from sqlmodel import Session

from dispatch.planning import learning
from dispatch.planning.setting_out import observed
from dispatch.planning.spread import (
    ASSUMED_TRAVEL,
    HALF_TYPE,
    LATEST_S,
    ON_TIME,
    Departure,
    Measure,
    Observation,
    Occasion,
    Part,
    Spread,
    Spreads,
    learn,
    of_catalogue,
)
from dispatch.registry.tables import ShiftBreak
from dispatch.registry.territories import NoSuchTerritory
from dispatch.work.catalogue import planned_seconds
from dispatch.work.tables import WorkType
from tests.builders.planning import begin, crew_on, finish, job, published, set_out
from tests.instants import NOW, at, minutes

ONE = "C1-20260310"
CATALOGUE = {"FUSE": of_catalogue(p50_s=40 * 60, p90_s=80 * 60, planned_s=50 * 60)}


def seen(
    ratio: float, *, crew: str = "C1", hour: int = 9, kind: str = "FUSE", drive: bool = False
) -> Observation:
    measure = Measure.TRAVEL if drive else Measure.SERVICE
    return Observation(measure, "" if drive else kind, crew, hour, ratio)


def test_without_history_the_catalogue_and_a_plain_guess_are_expected() -> None:
    spreads = Spreads.of(CATALOGUE, learn([]))

    work = spreads.service("FUSE", crew_id="C1", hour=9)
    assert (work.mid, work.high) == (pytest.approx(0.8), pytest.approx(1.6))
    assert work.low == pytest.approx(0.4), "as far below the middle as above, in ratios"
    assert spreads.travel(crew_id="C1", hour=9) == ASSUMED_TRAVEL


def test_history_takes_over_smoothly_and_weighs_half_at_so_many_visits() -> None:
    middles = []
    for count in (0, HALF_TYPE, 100_000):
        spreads = Spreads.of(CATALOGUE, learn([seen(1.6) for _ in range(count)]))
        middles.append(spreads.by_type("FUSE").mid)

    assert middles[0] == pytest.approx(0.8)
    assert middles[1] == pytest.approx(math.sqrt(0.8 * 1.6)), "half way, in ratios"
    assert middles[2] == pytest.approx(1.6, rel=1e-3)


def test_a_slow_crew_and_a_slow_hour_are_found_beside_their_work() -> None:
    chance = random.Random(3)
    rows = [
        seen(
            math.exp(chance.gauss(0, 0.3))
            * (1.5 if crew == "C2" else 1.0)
            * (1.3 if hour == 8 else 1.0),
            crew=crew,
            hour=hour,
            drive=drive,
        )
        for crew in ("C1", "C2", "C3")
        for hour in range(8, 17)
        for drive in (False, True)
        for _ in range(60)
    ]
    spreads = Spreads.of(CATALOGUE, learn(rows))

    for part in (
        lambda crew, hour: spreads.travel(crew_id=crew, hour=hour),
        lambda crew, hour: spreads.service("FUSE", crew_id=crew, hour=hour),
    ):
        assert part("C2", 10).mid / part("C1", 10).mid == pytest.approx(1.5, rel=0.1)
        assert part("C1", 8).mid / part("C1", 10).mid == pytest.approx(1.3, rel=0.1)
        narrow = part("C1", 10)
        assert narrow.high / narrow.mid == pytest.approx(math.exp(1.2816 * 0.3), rel=0.1), (
            "what crew and hour explain does not widen the spread"
        )


def test_one_visit_makes_no_slow_crew() -> None:
    many = [seen(1.0, crew="C1") for _ in range(500)]
    spreads = Spreads.of(CATALOGUE, learn([*many, seen(4.0, crew="C9")]))

    assert 1.0 < spreads.factor(Measure.SERVICE, Part.CREW, "C9") < 1.15


def test_a_record_that_cannot_be_true_is_bounded() -> None:
    (kind, *_) = learn([seen(10_000.0)])
    assert kind.spread == Spread(*(pytest.approx(8.0),) * 3)


def test_how_late_crews_set_out_is_learnt_by_occasion_and_weighs_as_it_was_seen() -> None:
    seen_late = [Departure(Occasion.BEGIN, 60.0 * k) for k in range(HALF_TYPE + 1)]
    spreads = Spreads.of(CATALOGUE, learn([*seen_late, Departure(Occasion.BREAK, 1e9)]))

    begin = spreads.setting_out(Occasion.BEGIN)
    weight = (HALF_TYPE + 1) / (2 * HALF_TYPE + 1)
    assert (begin.low, begin.mid, begin.high) == tuple(
        pytest.approx(weight * 60 * minute) for minute in (2, 10, 18)
    )
    assert spreads.setting_out(Occasion.BREAK).mid == pytest.approx(LATEST_S / (1 + HALF_TYPE))
    assert spreads.setting_out(Occasion.WAITING) == ON_TIME


def test_a_territory_learns_from_what_happened(session: Session) -> None:
    crew_on(session, "C1")
    visits = [job(session, east=1 + k, minutes=60) for k in range(3)]
    published(session, orders={ONE: [visit.id for visit in visits]})
    first, second, third = visits
    set_out(session, first, now=at("08:00"))
    drove = minutes((first.travel_s or 0) / 60 * 1.5)
    begin(session, first, "arrive", "start", now=at("08:00") + drove)
    begin(session, first, "finish", now=at("08:00") + drove + minutes(90))
    finish(session, second, began=at("11:00"), now=at("12:30"))
    begin(session, third, "accept", "depart", "arrive", "start", now=at("13:00"))

    assert learning.spreads_of(session, territory_id="humen").learnt == {}
    count = learning.relearn(session, territory_id="humen", now=at("23:00"))
    rows = {
        (one.learnt.measure.value, one.learnt.part.value, one.learnt.key): one
        for one in learning.applied(session, territory_id="humen")
    }
    assert count == len(rows)
    work = rows["service", "work_type", "SAFE-DIS"]
    assert (work.learnt.count, work.learnt.spread.mid) == (2, pytest.approx(1.5, rel=0.01))
    drives = rows["travel", "all", ""]
    assert (drives.learnt.count, drives.learnt.spread.mid) == (1, pytest.approx(1.5, rel=0.01)), (
        "a drive of no time at all is no drive, and the third visit is not over"
    )
    kind = session.get_one(WorkType, "SAFE-DIS")
    assumed = 60 * kind.p50_minutes / planned_seconds(kind)
    assert assumed < work.applied.mid < 1.5

    assert learning.relearn(session, territory_id="humen", now=at("23:00")) == count, "in its place"
    assert learning.relearn(session, territory_id="humen", now=NOW + learning.HISTORY * 2) == 0


def test_a_territory_learns_how_late_its_crews_set_out(session: Session) -> None:
    shift = crew_on(session, "C1")
    session.add(
        ShiftBreak(
            shift_id=shift.id, earliest_at=at("11:00"), latest_at=at("13:00"), duration_s=1800
        )
    )
    visits = [job(session, east=1 + k, minutes=60) for k in range(5)]
    published(session, orders={ONE: [visit.id for visit in visits]})
    # Planned to leave at 8:00, 9:30, 11:00, 13:00 (after a break) and 14:30, each to an hour's work.
    planned = ("08:00", "09:30", "11:00", "13:00", "14:30")
    for visit, departs in reversed(list(zip(visits, planned, strict=True))):
        visit.planned_arrive_at = visit.planned_start_at = at(departs) + minutes(10)
        visit.planned_end_at = at(departs) + minutes(70)
        visit.travel_s = 600
        session.flush()
    trips = (("08:04", "09:10"), ("09:25", "11:20"), ("11:21", "12:05"), ("13:09", "14:50"))
    for visit, (departed, ended) in zip(visits, trips, strict=False):
        set_out(session, visit, now=at(departed))
        begin(session, visit, "arrive", "start", now=at(departed) + minutes(12))
        begin(session, visit, "finish", now=at(ended))
    set_out(session, visits[4], now=at("14:51"))
    begin(session, visits[4], "arrive", "start", "finish", now=at("15:00"))

    found = list(observed(session, territory_id="humen", since=at("00:00")))

    assert found == [
        Departure(Occasion.BEGIN, 240.0),
        Departure(Occasion.WAITING, -300.0),
        Departure(Occasion.BREAK, 540.0),
    ], "the third and the fifth were late before they could set out"


def test_a_visit_that_was_not_done_teaches_how_the_crew_came_to_it_alone(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session, minutes=60)
    published(session, orders={ONE: [visit.id]})
    set_out(session, visit, now=at("08:00"))
    begin(session, visit, "arrive", "start", now=at("08:20"))
    begin(session, visit, "fail", now=at("08:30"))
    learning.relearn(session, territory_id="humen", now=at("23:00"))

    measures = {one.learnt.measure for one in learning.applied(session, territory_id="humen")}
    assert measures == {Measure.TRAVEL, Measure.SETTING_OUT}


def test_an_unknown_territory_has_nothing_to_learn(session: Session) -> None:
    with pytest.raises(NoSuchTerritory):
        learning.relearn(session, territory_id="nowhere", now=NOW)
