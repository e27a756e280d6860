"""Planning during the day: what has started never moves, and crews are where they are."""

from datetime import datetime, time

import pytest
from sqlmodel import Session

from dispatch.planning import plans
from dispatch.planning.problem import Built, build
from dispatch.planning.tables import Plan
from dispatch.registry import shifts
from dispatch.registry.hours import Break
from dispatch.registry.tables import Shift
from dispatch.work import visits as work_visits
from dispatch.work.tables import Visit, VisitRelation, VisitStatus
from optimizer.check import check
from optimizer.naive import naive
from optimizer.problem import Pin, Window
from optimizer.problem import Shift as Asked
from optimizer.problem import Visit as AskedVisit
from tests.builders.planning import (
    begin,
    crew_on,
    finish,
    job,
    proposed,
    published,
    set_out,
    stop_of,
    work_on,
)
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at, minutes

HOUR = 3600


def rest(session: Session, clock: str) -> Built:
    return build(session, territory_id="humen", day=DAY, now=at(clock))


def shift_in(made: Built, shift: Shift) -> Asked:
    return next(item for item in made.problem.shifts if item.id == shift.id)


def visit_in(made: Built, visit: Visit) -> AskedVisit:
    return next(item for item in made.problem.visits if item.id == visit.id)


def a_published_day(session: Session) -> tuple[Shift, Shift, list[Visit], Plan]:
    """C1 has visits 0 and 1, C2 has visits 2 and 3, all of 60 minutes, published."""
    one, two = crew_on(session, "C1"), crew_on(session, "C2")
    visits = [job(session, east=1 + k, minutes=60) for k in range(4)]
    a, b, c, d = (visit.id for visit in visits)
    plan = published(session, orders={one.id: [a, b], two.id: [c, d]})
    return one, two, visits, plan


def test_a_visit_being_worked_on_is_pinned_to_its_crew_and_its_begin(session: Session) -> None:
    one, _, (first, *_), _ = a_published_day(session)
    work_on(session, first, now=at("08:10"))

    made = rest(session, "08:30")

    assert visit_in(made, first).pinned == Pin(one.id, 8 * HOUR + 600)
    found = shift_in(made, one)
    assert (found.start, found.from_) == (8 * HOUR + 600, visit_in(made, first).place)
    assert check(made.problem, naive(made.problem)).ok


def test_a_visit_that_takes_longer_than_planned_keeps_its_crew_until_it_may_end(
    session: Session,
) -> None:
    one, _, (first, *_), _ = a_published_day(session)
    work_on(session, first, now=at("08:10"))

    made = rest(session, "10:40")

    found = visit_in(made, first)
    assert found.pinned is not None
    assert found.pinned.start == 8 * HOUR + 600
    assert 8 * HOUR + 600 + found.duration == 10 * HOUR + 2400 + 300
    plan = naive(made.problem)
    route = next(route for route in plan.routes if route.shift == one.id)
    assert route.stops[0].visit == first.id
    assert all(stop.start >= 10 * HOUR + 2400 for stop in route.stops[1:])


def test_a_crew_on_its_way_keeps_the_visit_at_the_time_it_should_arrive(session: Session) -> None:
    one, _, (first, *_), plan = a_published_day(session)
    travel = stop_of(session, plan, first).travel_s
    set_out(session, first, now=at("09:00"))

    made = rest(session, "09:01")

    assert travel > 60
    assert visit_in(made, first).pinned == Pin(one.id, 9 * HOUR + travel)


def test_a_crew_that_is_late_on_its_way_is_expected_now(session: Session) -> None:
    one, _, (first, *_), _ = a_published_day(session)
    set_out(session, first, now=at("09:00"))

    assert visit_in(rest(session, "11:00"), first).pinned == Pin(one.id, 11 * HOUR)


def test_a_crew_that_arrives_early_waits_for_the_promised_window(session: Session) -> None:
    one = crew_on(session, "C1")
    visit = job(session, window=(at("10:00"), at("12:00")))
    published(session)
    begin(session, visit, "accept", "depart", "arrive", now=at("09:30"))

    assert visit_in(rest(session, "09:40"), visit).pinned == Pin(one.id, 10 * HOUR)


def test_a_crew_between_two_visits_starts_where_it_finished_and_now(session: Session) -> None:
    one, _, (first, *_), _ = a_published_day(session)
    finish(session, first, began=at("08:10"), now=at("09:00"))

    made = rest(session, "09:20")

    found = shift_in(made, one)
    assert (found.start, found.from_) == (9 * HOUR + 1200, f"premises:{premises_of(made, first)}")
    assert first.id not in {visit.id for visit in made.problem.visits}, "finished: left out"


def premises_of(made: Built, visit: Visit) -> str:
    return next(row.premises_id for row in made.rows.finished if row.id == visit.id)


def test_a_shift_that_has_not_begun_is_untouched(session: Session) -> None:
    one, *_ = a_published_day(session)

    assert shift_in(rest(session, "07:45"), one).start == 8 * HOUR


def test_a_shift_that_is_over_is_gone(session: Session) -> None:
    one, two, (first, *_), _ = a_published_day(session)
    finish(session, first, began=at("08:10"), now=at("09:00"))
    shifts.move(session, one, "report_on_duty", actor=DISPATCHER, now=at("08:00"))
    shifts.move(session, one, "report_off_duty", actor=DISPATCHER, now=at("12:00"))

    assert [shift.id for shift in rest(session, "12:10").problem.shifts] == [two.id]
    late = rest(session, "17:31")
    assert late.problem.shifts == ()
    assert {entry.reason for entry in late.unplaceable} == {"no_shift"}


def test_work_that_runs_past_the_shift_stays_possible(session: Session) -> None:
    one, _, (first, *_), _ = a_published_day(session)
    work_on(session, first, now=at("17:00"))

    made = rest(session, "17:50")

    plan = naive(made.problem)
    assert [stop.visit for route in plan.routes for stop in route.stops] == [first.id]
    assert check(made.problem, plan).ok
    assert visit_in(made, first).pinned == Pin(one.id, 17 * HOUR)


@pytest.mark.parametrize("lost", ["crew", "promise", "stock"])
def test_no_rule_can_take_a_visit_from_the_crew_that_is_at_it(session: Session, lost: str) -> None:
    crew_on(session, "C1", stock={"fuse_lv": 1} if lost == "stock" else None)
    visit = job(
        session,
        work_type="FUSE" if lost == "stock" else "SAFE-DIS",
        window=(at("08:30"), at("09:00")) if lost == "promise" else None,
    )
    published(session)
    work_on(session, visit, now=at("08:40") if lost == "promise" else at("08:10"))
    if lost == "promise":
        visit.window_start_at, visit.window_end_at = at("13:00"), at("14:00")
    if lost == "crew":
        visit.forbidden_crews = ["C1"]
    session.flush()

    plan = naive(rest(session, "08:50").problem)

    assert [stop.visit for route in plan.routes for stop in route.stops] == [visit.id]


def test_a_break_that_a_visit_pushed_out_comes_right_after_it(session: Session) -> None:
    one = crew_on(session, "C1", breaks=[Break(time(11, 30), time(12, 30), 30)])
    visit = job(session, minutes=120)
    after = job(session, east=2)
    published(session, orders={one.id: [visit.id, after.id]})
    work_on(session, visit, now=at("11:00"))

    made = rest(session, "12:20")

    (pause,) = shift_in(made, one).breaks
    assert (pause.earliest, pause.latest) == (13 * HOUR, 13 * HOUR)
    plan = naive(made.problem)
    assert check(made.problem, plan).ok
    assert len(plan.routes[0].stops) == 2


def test_a_break_that_is_over_is_not_planned_again(session: Session) -> None:
    one = crew_on(session, "C1", breaks=[Break(time(11), time(13), 30)])
    visit = job(session, minutes=60)
    job(session, minutes=240)
    plan = published(session)
    assert plan.answer is not None
    (planned,) = plan.answer["routes"][0]["breaks"]
    finish(session, visit, began=at("08:10"), now=at("09:00"))

    assert shift_in(rest(session, "10:30"), one).breaks, "still to come"
    assert shift_in(rest(session, "13:01"), one).breaks == (), "its time has passed"
    ended = plan_instant(planned["end"])
    assert not build(session, territory_id="humen", day=DAY, now=ended).problem.shifts[0].breaks


def test_a_break_stays_over_in_the_plans_that_follow(session: Session) -> None:
    one = crew_on(session, "C1", breaks=[Break(time(8), time(13), 30)])
    visit = job(session, minutes=60)
    job(session, minutes=360)
    plan = published(session)
    assert plan.answer is not None
    (pause,) = plan.answer["routes"][0]["breaks"]
    ended = plan_instant(pause["end"])
    assert ended < at("12:00")
    finish(session, visit, began=ended, now=ended + minutes(30))
    published(session, now=ended + minutes(40))

    made = build(session, territory_id="humen", day=DAY, now=ended + minutes(50))

    assert shift_in(made, one).breaks == ()


def plan_instant(seconds: int) -> datetime:
    return at("00:00") + minutes(seconds / 60)


def test_parts_that_were_used_are_no_longer_on_the_vehicle(session: Session) -> None:
    one = crew_on(session, "C1", stock={"fuse_lv": 3})
    done, busy, _ = (job(session, work_type="FUSE", east=1 + k) for k in range(3))
    published(session)
    finish(session, done, began=at("08:10"), now=at("08:30"))
    work_on(session, busy, now=at("08:40"))

    assert dict(shift_in(rest(session, "08:50"), one).stock) == {"fuse_lv": 1}


def test_a_crew_that_falls_ill_returns_its_visits_to_the_others(session: Session) -> None:
    one, two, (first, second, *_), _ = a_published_day(session)
    finish(session, first, began=at("08:10"), now=at("09:00"))
    shifts.mark_absent(session, shift_id=one.id, reason="ill", actor=DISPATCHER, now=at("10:00"))

    made = rest(session, "10:00")

    assert [shift.id for shift in made.problem.shifts] == [two.id]
    assert visit_in(made, second).pinned is None
    plan = naive(made.problem)
    assert second.id in {stop.visit for route in plan.routes for stop in route.stops}


def test_what_an_absent_crew_has_begun_needs_a_person(session: Session) -> None:
    one, _, (first, *_), _ = a_published_day(session)
    work_on(session, first, now=at("09:00"))
    shifts.mark_absent(session, shift_id=one.id, reason="ill", actor=DISPATCHER, now=at("10:00"))

    made = rest(session, "10:00")

    assert [(e.visit_id, e.reason) for e in made.unplaceable] == [(first.id, "crew_gone")]
    assert first.id not in {visit.id for visit in made.problem.visits}


def test_the_plan_in_force_is_the_incumbent_without_what_returned_to_the_pool(
    session: Session,
) -> None:
    one, two, (first, second, third, fourth), _ = a_published_day(session)
    begin(session, second, "accept", now=at("08:05"))
    visits_decline(session, fourth)

    incumbent = rest(session, "08:30").problem.incumbent

    assert incumbent is not None
    assert incumbent.shift_of() == {first.id: one.id, second.id: one.id, third.id: two.id}


def visits_decline(session: Session, visit: Visit) -> None:
    work_visits.act(session, visit, "decline", actor=DISPATCHER, now=at("08:05"), reason="other")


def test_what_follows_a_finished_visit_gets_a_window(session: Session) -> None:
    _, _, (first, second, *_), _ = a_published_day(session)
    session.add(
        VisitRelation(
            territory_id="humen", type="after", visits=[first.id, second.id],
            min_gap_s=1800, max_gap_s=3600,
        )
    )  # fmt: skip
    finish(session, first, began=at("08:10"), now=at("09:00"))

    made = rest(session, "09:10")

    assert visit_in(made, second).windows == (Window(9 * HOUR + 1800, 10 * HOUR),)
    assert made.problem.relations == ()


def test_what_follows_a_visit_under_way_waits_for_its_end(session: Session) -> None:
    _, _, (first, second, *_), _ = a_published_day(session)
    session.add(VisitRelation(territory_id="humen", type="after", visits=[first.id, second.id]))
    work_on(session, first, now=at("09:00"))

    made = rest(session, "09:10")

    plan = naive(made.problem)
    begins = {stop.visit: stop for route in plan.routes for stop in route.stops}
    assert begins[second.id].start >= begins[first.id].end
    assert len(made.problem.relations) == 1


def test_a_partner_of_a_visit_that_began_joins_it_with_another_crew(session: Session) -> None:
    one, two, (first, second, *_), _ = a_published_day(session)
    session.add(VisitRelation(territory_id="humen", type="together", visits=[first.id, second.id]))
    work_on(session, first, now=at("09:00"))

    found = visit_in(rest(session, "09:10"), second)

    assert found.windows == (Window(9 * HOUR, 10 * HOUR),)
    assert found.forbidden_crews == (one.crew_id,)
    assert two.crew_id != one.crew_id


def test_the_same_crew_goes_on_with_what_it_began(session: Session) -> None:
    one, two, (first, _, third, fourth), _ = a_published_day(session)
    session.add(VisitRelation(territory_id="humen", type="same_crew", visits=[first.id, third.id]))
    session.add(
        VisitRelation(territory_id="humen", type="different_crew", visits=[first.id, fourth.id])
    )
    finish(session, first, began=at("08:10"), now=at("09:00"))

    made = rest(session, "09:10")

    assert visit_in(made, third).allowed_crews == (one.crew_id,)
    assert visit_in(made, fourth).forbidden_crews == (one.crew_id,)
    assert two.crew_id == "C2"


def test_planning_at_10_40_never_moves_what_has_started(session: Session) -> None:
    _, _, visits, old = a_published_day(session)
    finish(session, visits[0], began=at("08:10"), now=at("09:10"))
    work_on(session, visits[1], now=at("09:30"))
    set_out(session, visits[2], now=at("10:35"))
    before = {
        visit.id: (visit.crew_id, visit.shift_id, visit.planned_start_at, visit.status)
        for visit in visits[:3]
    }

    plan = proposed(session, now=at("10:40"))
    plans.publish(session, plan_id=plan.id or 0, actor=DISPATCHER, now=at("10:41"))

    for visit in visits[:3]:
        session.refresh(visit)
        now = (visit.crew_id, visit.shift_id, visit.planned_start_at, visit.status)
        assert now == before[visit.id]
    assert stop_of(session, plan, visits[1]).crew_id == visits[1].crew_id
    assert stop_of(session, plan, visits[2]).crew_id == visits[2].crew_id
    assert visits[3].status is VisitStatus.DISPATCHED
    assert old.status.value == "superseded"
    assert plan.status.value == "active", "the day had begun"


def test_planning_before_the_day_gives_the_same_problem_at_any_time(session: Session) -> None:
    crew_on(session, "C1")
    job(session)

    assert (
        rest(session, "00:00").problem
        == build(session, territory_id="humen", day=DAY, now=NOW).problem
    )
