"""From rows to the problem: what the optimizer is told, and what it cannot be told."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlmodel import Session

from dispatch.planning.problem import BoardRefused, Built, build
from dispatch.planning.rules import BadPlanningRule, edit
from dispatch.planning.ties import BadRelation
from dispatch.registry import shifts
from dispatch.registry.hours import Break
from dispatch.registry.tables import CustomerClass, Shift, ShiftBreak, ShiftMember, Territory
from dispatch.work import orders, promises
from dispatch.work.tables import HoldReason, VisitRelation, WorkType
from optimizer.check import check
from optimizer.naive import naive
from optimizer.problem import After, Pin, SameCrew, Together, Window
from optimizer.problem import Visit as Asked
from tests.builders.planning import crew_on, job, published, set_out
from tests.builders.registry import DISPATCHER, make_crew
from tests.instants import DAY, NOW, at, minutes

HOUR = 3600


def built(session: Session, *, day: date = DAY, now: datetime = NOW) -> Built:
    return build(session, territory_id="humen", day=day, now=now)


def asked(made: Built, visit_id: str) -> Asked:
    return next(visit for visit in made.problem.visits if visit.id == visit_id)


def reasons(made: Built) -> dict[str, str]:
    return {entry.visit_id: entry.reason for entry in made.unplaceable}


def test_time_zero_is_the_first_instant_of_the_local_day(session: Session) -> None:
    crew_on(session, "C1")
    job(session)

    made = built(session)

    assert made.problem.start.isoformat() == "2026-03-10T00:00:00+08:00"
    assert (made.problem.shifts[0].start, made.problem.shifts[0].end) == (
        8 * HOUR,
        17 * HOUR + 1800,
    )


def test_a_promised_window_closes_one_second_before_its_end(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session, window=(at("09:00"), at("11:00")))

    assert asked(built(session), visit.id).windows == (Window(9 * HOUR, 11 * HOUR - 1),)


def test_a_visit_becomes_what_its_type_and_premises_say(session: Session) -> None:
    crew_on(session, "C1", stock={"fuse_lv": 3})
    visit = job(session, work_type="FUSE", minutes=40)

    found = asked(built(session), visit.id)

    assert (found.duration, found.setup, found.members) == (2400, 0, 1)
    assert (dict(found.skills), dict(found.parts)) == ({"LV": 1}, {"fuse_lv": 1})
    assert found.place.startswith("premises:")
    assert dict(built(session).problem.shifts[0].stock) == {"fuse_lv": 3}


def test_leaving_out_costs_more_for_age_and_customer_class_but_at_most_half_more(
    session: Session,
) -> None:
    crew_on(session, "C1")
    fresh = job(session)
    old = job(session, day=DAY - timedelta(days=2), now=NOW - timedelta(days=2))
    ancient = job(
        session,
        day=DAY - timedelta(days=90),
        now=NOW - timedelta(days=90),
        customer_class=CustomerClass.A,
    )

    made = built(session)

    assert asked(made, fresh.id).unserved_cost == 50_000
    assert asked(made, old.id).unserved_cost == 55_000
    assert asked(made, ancient.id).unserved_cost == 75_000


def test_age_and_customer_class_never_lift_a_visit_into_the_next_class(session: Session) -> None:
    crew_on(session, "C1")
    edit(session, name="age", value={"most": 50}, actor=DISPATCHER, now=NOW)
    edit(session, name="class", value={"A": 50}, actor=DISPATCHER, now=NOW)
    visit = job(
        session,
        day=DAY - timedelta(days=90),
        now=NOW - timedelta(days=90),
        customer_class=CustomerClass.A,
    )

    assert asked(built(session), visit.id).unserved_cost == 75_000


def test_a_promise_makes_a_follow_up_as_dear_as_a_statutory_deadline(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session, work_type="DATA", window=(at("09:00"), at("11:00")))

    assert asked(built(session), visit.id).unserved_cost == 300_000


def test_a_deadline_of_the_day_counts_each_second_after_it(session: Session) -> None:
    crew_on(session, "C1")
    today = job(session, due_at=at("12:00"))
    next_week = job(session, due_at=at("12:00") + timedelta(days=7))

    made = built(session)

    assert (asked(made, today.id).due, asked(made, today.id).late_cost) == (12 * HOUR, 4)
    assert (asked(made, next_week.id).due, asked(made, next_week.id).late_cost) == (None, 0)


def test_lateness_that_no_plan_can_help_does_not_make_a_visit_too_dear(session: Session) -> None:
    crew_on(session, "C1")
    past = NOW - timedelta(days=5)
    visit = job(session, due_at=past + timedelta(days=1), day=past.date(), now=past)

    found = asked(built(session), visit.id)

    assert found.due == 8 * HOUR, "counted from the begin of work, not from five days ago"
    assert found.late_cost * 10 * HOUR < found.unserved_cost


def test_every_ready_visit_is_in_the_problem_or_listed_with_a_reason(session: Session) -> None:
    crew_on(session, "C1")
    good = job(session)
    nowhere = job(session, located=False)
    empty = job(session, minutes=0)
    later = job(session, window=(at("19:00"), at("20:00")))
    gone = job(session, window=(at("07:10"), at("07:40")))
    wrong = job(session)
    wrong.setup_s = -5
    held = job(session)
    orders.hold(
        session, orders.get(session, held.work_order_id),
        reason=HoldReason.PERMIT, actor=DISPATCHER, now=NOW,
    )  # fmt: skip
    tomorrow = job(session, day=DAY + timedelta(days=1))

    made = built(session, now=at("07:50"))

    assert [visit.id for visit in made.problem.visits] == [good.id]
    assert reasons(made) == {
        nowhere.id: "no_position",
        empty.id: "no_duration",
        later.id: "promise_later",
        gone.id: "promise_past",
        wrong.id: "bad_data",
    }
    assert {held.id, tomorrow.id}.isdisjoint(reasons(made)), "these are not ready"
    assert all(entry.text for entry in made.unplaceable)


def test_without_any_shift_every_visit_says_so(session: Session) -> None:
    make_crew(session, id="C1")
    visit = job(session)

    assert reasons(built(session)) == {visit.id: "no_shift"}


def test_a_shift_that_is_absent_or_that_nobody_works_is_not_planned(session: Session) -> None:
    there = crew_on(session, "C1")
    ill = crew_on(session, "C2")
    crew_on(session, "C3", skills={}, members=0)
    shifts.mark_absent(session, shift_id=ill.id, reason="ill", actor=DISPATCHER, now=NOW)
    job(session)

    assert [shift.id for shift in built(session).problem.shifts] == [there.id]


def test_an_expired_certificate_is_a_reason_on_the_plan(session: Session) -> None:
    crew = make_crew(session, id="C1", skills={"LV": 1}, valid_until=DAY - timedelta(days=1))
    shifts.create(
        session, crew_id=crew.id, day=DAY, starts=time(8), ends=time(17), actor=DISPATCHER, now=NOW
    )
    visit = job(session)

    plan = naive(built(session).problem)

    assert [(entry.visit, entry.reason) for entry in plan.unserved] == [(visit.id, "skill")]


def test_a_visit_longer_than_any_shift_is_left_out_for_its_hours(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session, minutes=700)

    plan = naive(built(session).problem)

    assert [(entry.visit, entry.reason) for entry in plan.unserved] == [(visit.id, "shift_hours")]


def test_a_crew_with_two_shifts_can_do_what_both_can(session: Session) -> None:
    crew = make_crew(session, id="C1", skills={"LV": 2}, members=3)
    for starts, ends, who in (
        (time(8), time(12), ["C1-M1", "C1-M2", "C1-M3"]),
        (time(14), time(18), ["C1-M2", "C1-M3"]),
    ):
        shifts.create(
            session, crew_id=crew.id, day=DAY, starts=starts, ends=ends, members=who,
            actor=DISPATCHER, now=NOW,
        )  # fmt: skip
    job(session)

    (found,) = built(session).problem.crews

    assert (dict(found.skills), found.members) == ({}, 2)


def test_a_locked_crew_pins_the_visit_to_its_only_shift(session: Session) -> None:
    shift = crew_on(session, "C1")
    crew_on(session, "C2")
    visit = job(session)
    visit.locked_crew, visit.locked_crew_id = True, "C1"

    assert asked(built(session), visit.id).pinned == Pin(shift.id)


def test_a_locked_crew_with_two_shifts_is_the_only_one_allowed(session: Session) -> None:
    crew = make_crew(session, id="C1")
    for starts, ends in ((time(8), time(12)), (time(14), time(18))):
        shifts.create(
            session, crew_id=crew.id, day=DAY, starts=starts, ends=ends, actor=DISPATCHER, now=NOW
        )
    visit = job(session)
    visit.locked_crew, visit.locked_crew_id = True, "C1"

    found = asked(built(session), visit.id)

    assert (found.pinned, found.allowed_crews) == (None, ("C1",))


def test_a_locked_crew_that_does_not_come_leaves_nobody(session: Session) -> None:
    crew_on(session, "C1")
    make_crew(session, id="C2")
    visit = job(session)
    visit.locked_crew, visit.locked_crew_id = True, "C2"

    plan = naive(built(session).problem)

    assert [(entry.visit, entry.reason) for entry in plan.unserved] == [
        (visit.id, "crew_not_allowed")
    ]


def test_a_locked_time_is_a_window_of_one_second(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session)
    visit.locked_start_at = at("10:15")

    assert asked(built(session), visit.id).windows == (Window(36_900, 36_900),)


def test_crews_that_do_not_work_that_day_are_left_out_of_wishes(session: Session) -> None:
    crew_on(session, "C1")
    make_crew(session, id="C2")
    visit = job(session, preferred_crews=["C2", "C1"], forbidden_crews=["C2"])

    found = asked(built(session), visit.id)

    assert (found.preferred_crews, found.forbidden_crews) == (("C1",), ())


def test_relations_between_waiting_visits_reach_the_problem(session: Session) -> None:
    crew_on(session, "C1")
    a, b, c = (job(session) for _ in range(3))
    tie(session, "after", a.id, b.id, min_gap_s=600)
    tie(session, "same_crew", b.id, c.id)
    tie(session, "together", a.id, c.id)

    assert built(session).problem.relations == (
        After(a.id, b.id, 600, None),
        SameCrew((b.id, c.id)),
        Together((a.id, c.id)),
    )


def test_what_follows_a_visit_that_is_on_no_plan_waits_and_so_does_what_follows_it(
    session: Session,
) -> None:
    crew_on(session, "C1")
    far = job(session, located=False)
    second, third, free = (job(session) for _ in range(3))
    tie(session, "after", far.id, second.id)
    tie(session, "after", second.id, third.id)

    made = built(session)

    assert reasons(made) == {far.id: "no_position", second.id: "waits_for", third.id: "waits_for"}
    assert far.id in next(e.text for e in made.unplaceable if e.visit_id == second.id)
    assert [visit.id for visit in made.problem.visits] == [free.id]


@pytest.mark.parametrize(("type", "count"), [("before", 2), ("after", 3), ("together", 1)])
def test_a_relation_that_means_nothing_is_refused(session: Session, type: str, count: int) -> None:
    crew_on(session, "C1")
    tie(session, type, *(job(session).id for _ in range(count)))

    with pytest.raises(BadRelation, match="Relation"):
        built(session)


def test_relations_in_a_circle_name_the_relation(session: Session) -> None:
    crew_on(session, "C1")
    a, b = job(session), job(session)
    tie(session, "after", a.id, b.id)
    tie(session, "after", b.id, a.id)

    with pytest.raises(BoardRefused, match="cycle") as refusal:
        built(session)

    assert refusal.value.details["field"].startswith("relation.")


def test_a_shift_that_ends_before_it_begins_is_named(session: Session) -> None:
    shift = crew_on(session, "C1")
    shift.ends_at = shift.starts_at - minutes(60)
    job(session)
    session.flush()

    with pytest.raises(BoardRefused, match=shift.id) as refusal:
        built(session, now=NOW - timedelta(days=1))

    assert refusal.value.details["field"] == f"shift.{shift.id}.end"


def test_shifts_of_a_crew_that_overlap_are_named(session: Session) -> None:
    crew_on(session, "C1")
    session.add(
        Shift(id="second", crew_id="C1", day=DAY, starts_at=at("10:00"), ends_at=at("20:00"))
    )  # the registry's own operation refuses this; a faulty import might not
    session.flush()
    for member in ("C1-M1", "C1-M2"):
        session.add(ShiftMember(shift_id="second", member_id=member))
    job(session)

    with pytest.raises(BoardRefused, match="overlaps") as refusal:
        built(session)

    assert refusal.value.details["field"] == "shift.second"


def test_a_break_before_the_shift_is_named(session: Session) -> None:
    shift = crew_on(session, "C1")
    session.add(
        ShiftBreak(
            shift_id=shift.id, earliest_at=at("06:00"), latest_at=at("06:30"), duration_s=600
        )
    )
    job(session)
    session.flush()

    with pytest.raises(BoardRefused, match="latest") as refusal:
        built(session)

    assert refusal.value.details["field"] == f"shift.{shift.id}.breaks[0].latest"


def test_planning_rules_can_be_edited_and_nonsense_is_refused(session: Session) -> None:
    crew_on(session, "C1")
    job(session)
    edit(session, name="weights", value={"change": 50}, actor=DISPATCHER, now=NOW)
    edit(session, name="travel", value={"speed_kmh": 25.5}, actor=DISPATCHER, now=NOW)

    problem = built(session).problem

    assert (problem.weights.change, problem.weights.travel) == (50, 1)
    assert problem.travel.speed_kmh == 25.5  # type: ignore[union-attr]
    for name, value, field in (
        ("weights", {"change": -1}, "weights.change"),
        ("weights", {"charm": 1}, "weights.charm"),
        ("weights", {"travel": 1.5}, "weights.travel"),
        ("class", {"A": 51}, "class.A"),
        ("slack", {"percent": 76}, "slack.percent"),
        ("travel", {"detour": 0}, "travel.detour"),
        ("colour", {}, "name"),
    ):
        with pytest.raises(BadPlanningRule) as refusal:
            edit(session, name=name, value=value, actor=DISPATCHER, now=NOW)
        assert refusal.value.details["field"] == field


def test_slack_adds_a_share_of_what_may_take_longer_and_moves_the_board(session: Session) -> None:
    crew_on(session, "C1")
    job(session, minutes=30)
    kind = session.get_one(WorkType, "SAFE-DIS")
    before = built(session)

    edit(session, name="slack", value={"percent": 50}, actor=DISPATCHER, now=NOW)

    after = built(session)
    spread = 60 * (kind.p90_minutes - kind.p50_minutes)
    assert spread > 0
    (visit,) = after.problem.visits
    assert before.problem.visits[0].duration == 1800
    assert visit.duration == 1800 + spread // 2
    assert before.board != after.board, "a plan made before is out of date"


def test_a_plan_keeps_off_the_end_of_a_promised_window_until_the_slack_is_needed(
    session: Session,
) -> None:
    crew_on(session, "C1")
    begun, short, long = job(session), job(session), job(session)
    for visit, ends in ((short, "14:20"), (long, "16:00")):
        promises.book(
            session, visit, start_at=at("14:00"), end_at=at(ends), actor=DISPATCHER, now=NOW
        )
    edit(session, name="slack", value={"window_minutes": 15}, actor=DISPATCHER, now=NOW)

    def closes(now: datetime = NOW) -> dict[str, int]:
        problem = build(session, territory_id="humen", day=DAY, now=now).problem
        return {visit.id: visit.windows[0].close for visit in problem.visits if visit.windows}

    assert closes() == {
        short.id: 14 * HOUR + 599,  # half of the window stays
        long.id: 15 * HOUR + 45 * 60 - 1,
    }
    assert closes(at("15:50"))[long.id] == 16 * HOUR - 1, "it could not begin earlier any more"
    published(session, orders={"C1-20260310": [begun.id, short.id, long.id]})
    set_out(session, begun, now=at("08:10"))
    assert closes(at("08:20")) == {short.id: 14 * HOUR + 1199, long.id: 16 * HOUR - 1}


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_days_of_23_and_25_hours_are_planned_by_the_wall_clock(
    session: Session, day: date, hours: int
) -> None:
    crew_on(session, "C1")
    session.get_one(Territory, "humen").zone = "Europe/Berlin"
    session.flush()
    shift = shifts.create(
        session, crew_id="C1", day=day, starts=time(8), ends=time(17), actor=DISPATCHER, now=NOW
    )
    job(session)

    made = built(session, day=day)

    first, last = made.rows.opens_at, made.rows.closes_at
    assert (last - first) == timedelta(hours=hours)
    assert made.problem.shifts[0].start == 8 * HOUR + (hours - 24) * HOUR
    assert made.clock.instant(made.problem.shifts[0].start) == shift.starts_at
    assert check(made.problem, naive(made.problem)).ok


def test_breaks_and_overtime_reach_the_problem(session: Session) -> None:
    crew_on(session, "C1", breaks=[Break(time(11, 30), time(13), 45)], max_overtime_s=1800)
    job(session)

    (shift,) = built(session).problem.shifts

    assert [(b.earliest, b.latest, b.duration) for b in shift.breaks] == [
        (11 * HOUR + 1800, 13 * HOUR, 2700)
    ]
    assert (shift.max_overtime, shift.from_, shift.to) == (1800, "depot:depot", "depot:depot")


def test_instants_between_seconds_are_rounded_to_the_safe_side(session: Session) -> None:
    shift = crew_on(session, "C1")
    shift.starts_at = datetime(2026, 3, 10, 0, 0, 0, 500_000, tzinfo=UTC)
    job(session)
    session.flush()

    assert built(session).problem.shifts[0].start == 8 * HOUR + 1


def tie(session: Session, type: str, *visit_ids: str, **gaps: int) -> VisitRelation:
    """A relation between visits."""
    relation = VisitRelation(territory_id="humen", type=type, visits=list(visit_ids), **gaps)
    session.add(relation)
    session.flush()
    return relation
