"""Questions about a plan: windows to offer, why a visit is where it is or left out, two plans side by side."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from dispatch.planning import comparing, edits, explaining, offering, plans, trying
from dispatch.planning.clock import DayClock
from dispatch.planning.comparing import NoAnswerYet, OtherDay
from dispatch.planning.editing import stand
from dispatch.planning.edits import DoesNotFit, NoPlanYet, VisitBegun
from dispatch.planning.offering import MOST, BadWindow
from dispatch.planning.options import ENGINES
from dispatch.registry import shifts
from dispatch.work import promises
from dispatch.work.tables import Visit, VisitRelation
from optimizer.problem import Problem
from optimizer.solve import ENGINES as SOLVERS
from tests.builders.planning import (
    crew_on,
    finish,
    job,
    proposed,
    published,
    request,
    stop_of,
    work_on,
)
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at

ONE, TWO = "C1-20260310", "C2-20260310"


def a_plan(session: Session) -> int:
    """C1 has a visit, C2 another; the plan's id."""
    crew_on(session, "C1")
    crew_on(session, "C2")
    first, second = job(session, east=1), job(session, east=-2)
    return proposed(session, orders={ONE: [first.id], TWO: [second.id]}).id or 0


def test_the_engines_of_a_run_are_the_optimizers_and_the_naive_rule() -> None:
    assert set(ENGINES) == {*SOLVERS, "naive"}


def test_within_a_minute_the_day_under_way_is_the_same_problem(session: Session) -> None:
    plan = plans.get(session, a_plan(session))
    begun = at("08:30")

    def problem(**later: float) -> Problem:
        return stand(session, plan, now=begun + timedelta(**later)).problem

    assert problem(seconds=1) == problem(seconds=59, milliseconds=999) == problem(minutes=1)
    assert problem(seconds=61) != problem(minutes=1)
    clock = DayClock(problem().start)
    for later in (0.0, 0.5, 60.0):
        assert clock.instant(problem(seconds=later).shifts[0].start) >= begun + timedelta(
            seconds=later
        ), "no crew sets out in the past"


def test_two_hours_after_one_another_are_offered_with_cost_crew_and_a_recommendation(
    session: Session,
) -> None:
    a_plan(session)
    visit = job(session, east=1.5)

    found = offering.offers(session, visit_id=visit.id, now=NOW, day=DAY)

    assert [(row.start_at, row.end_at) for row in found][:2] == [
        (at("08:00"), at("10:00")),
        (at("10:00"), at("12:00")),
    ]
    assert found[-1].end_at == at("17:30"), "the last window ends with the last shift"
    assert any(row.recommended for row in found)
    for row in found:
        assert row.reason is None
        assert row.crew_id in {"C1", "C2"}
        assert row.cost is not None
        assert row.cost < 0, "each is better than leaving it out"
        assert row.begins_at is not None
        assert row.start_at <= row.begins_at < row.end_at


def test_windows_that_are_named_answer_in_their_order_with_reasons(session: Session) -> None:
    crew_on(session, "C1")
    long = job(session, minutes=330)
    published(session)
    visit = job(session, east=2, minutes=180)
    spans = [
        (at("13:00"), at("15:00")),
        (at("09:00"), at("10:00")),
        (at("18:00"), at("20:00")),
        (at("06:00"), at("07:00")),
    ]

    found = offering.offers(session, visit_id=visit.id, now=at("07:30"), day=DAY, windows=spans)

    assert [(row.start_at, row.end_at) for row in found] == spans
    assert [row.crew_id for row in found] == ["C1", None, None, None]
    assert [row.reason for row in found] == [None, "capacity", "window", "past"]
    assert long.id != visit.id


def test_a_promised_window_does_not_bind_the_question_for_another(session: Session) -> None:
    a_plan(session)
    visit = job(session, east=1.5)
    promises.book(
        session, visit, start_at=at("08:00"), end_at=at("09:00"), actor=DISPATCHER, now=NOW
    )
    spans = [(at("13:00"), at("15:00"))]

    (found,) = offering.offers(session, visit_id=visit.id, now=NOW, day=DAY, windows=spans)

    assert found.crew_id is not None
    assert found.reason is None


def together(session: Session, *visits: Visit) -> None:
    names = [visit.id for visit in visits]
    session.add(VisitRelation(territory_id="humen", type="together", visits=names))
    session.flush()


def test_a_visit_that_begins_with_another_is_offered_windows_for_both(session: Session) -> None:
    a_plan(session)
    one, other = job(session, east=1.5), job(session, east=2)
    together(session, one, other)
    promises.book(session, one, start_at=at("08:00"), end_at=at("09:00"), actor=DISPATCHER, now=NOW)

    spans = [(at("13:00"), at("15:00")), (at("18:00"), at("20:00"))]
    found, late = offering.offers(session, visit_id=one.id, now=NOW, day=DAY, windows=spans)

    assert found.reason is None
    assert found.begins_at is not None
    assert spans[0][0] <= found.begins_at < spans[0][1]
    (partner,) = found.together
    assert (partner.visit_id, partner.start_at) == (other.id, found.begins_at)
    assert {partner.crew_id, found.crew_id} == {"C1", "C2"}
    assert (late.reason, late.together) == ("window", ())


def test_a_visit_that_begins_with_another_is_tried_and_moved_with_it(session: Session) -> None:
    plan_id = a_plan(session)
    one, other = job(session, east=1.5), job(session, east=2)
    together(session, one, other)

    tried = trying.try_shifts(session, plan_id=plan_id, visit_id=one.id, now=NOW)

    assert [each.reason for each in tried] == [None, None]
    goal = tried[0]
    (partner,) = goal.together
    assert (partner.visit_id, partner.start_at) == (other.id, goal.start_at)
    plan = edits.move_visit(
        session, plan_id=plan_id, visit_id=one.id, shift_id=goal.shift_id, actor=DISPATCHER, now=NOW
    )
    assert stop_of(session, plan, one).start_at == stop_of(session, plan, other).start_at
    assert stop_of(session, plan, other).crew_id == partner.crew_id


def test_a_visit_on_the_plan_is_taken_out_for_the_question(session: Session) -> None:
    crew_on(session, "C1")
    visit = job(session)
    published(session)

    found = offering.offers(session, visit_id=visit.id, now=NOW, day=DAY)

    assert {row.crew_id for row in found} == {"C1"}


def test_questions_about_windows_that_make_no_sense_are_refused(session: Session) -> None:
    a_plan(session)
    visit = job(session)
    backwards = [(at("11:00"), at("10:00"))]
    many = [(at("10:00"), at("11:00"))] * (MOST + 1)

    for spans in (backwards, many, []):
        with pytest.raises(BadWindow):
            offering.offers(session, visit_id=visit.id, now=NOW, day=DAY, windows=spans)


def test_a_day_without_a_plan_offers_nothing_yet(session: Session) -> None:
    crew_on(session, "C1")

    with pytest.raises(NoPlanYet):
        offering.offers(session, visit_id=job(session).id, now=NOW, day=DAY)


def test_why_not_names_the_missing_skill_of_every_crew_and_what_would_help(
    session: Session,
) -> None:
    plan_id = a_plan(session)
    visit = job(session, work_type="OUT-CBL")

    found = explaining.explain(session, plan_id=plan_id, visit_id=visit.id, now=NOW)

    assert found.verdict == "impossible"
    assert {(row.crew_id, row.reason) for row in found.reasons} == {
        ("C1", "skill"),
        ("C2", "skill"),
    }


def test_a_visit_that_would_fit_is_said_to_fit_not_explained_away(session: Session) -> None:
    plan_id = a_plan(session)
    visit = job(session, east=1.5)

    found = explaining.explain(session, plan_id=plan_id, visit_id=visit.id, now=NOW)

    assert found.verdict == "fits"
    assert found.crew_id in {"C1", "C2"}
    assert found.start_at is not None
    assert edits.insert_visit(session, visit_id=visit.id, day=DAY, actor=DISPATCHER, now=NOW)


def test_a_full_day_says_who_would_have_to_go(session: Session) -> None:
    crew_on(session, "C1")
    long = job(session, minutes=480, work_type="INT")
    plan_id = published(session).id or 0
    visit = job(session, east=2, minutes=240)

    found = explaining.explain(session, plan_id=plan_id, visit_id=visit.id, now=NOW)

    assert found.verdict == "displaced"
    assert found.pushed_out == (long.id,)
    assert "instead" in {change.kind for change in found.changes}


def test_a_planned_visit_is_compared_with_the_next_best_crew(session: Session) -> None:
    plan_id = a_plan(session)
    visit_id = job(session, east=1.2).id
    plan = edits.insert_visit(session, visit_id=visit_id, day=DAY, actor=DISPATCHER, now=NOW)

    found = explaining.explain(session, plan_id=plan.id or 0, visit_id=visit_id, now=NOW)

    assert plan_id != plan.id
    assert found.verdict == "served"
    (other,) = found.alternatives
    assert {found.crew_id, other.crew_id} == {"C1", "C2"}
    assert other.cost > 0


def test_what_was_tied_to_a_visit_left_out_is_said_to_be_tied(session: Session) -> None:
    crew_on(session, "C1")
    first, second = job(session, work_type="OUT-CBL"), job(session, east=2)
    session.add(VisitRelation(territory_id="humen", type="after", visits=[first.id, second.id]))
    session.flush()
    plan_id = proposed(session).id or 0

    found = explaining.explain(session, plan_id=plan_id, visit_id=second.id, now=NOW)

    assert found.verdict == "tied"


def test_a_finished_visit_and_one_without_position_are_refused_with_the_reason(
    session: Session,
) -> None:
    crew_on(session, "C1")
    done, other = job(session), job(session, east=2)
    plan_id = published(session).id or 0
    nowhere = job(session, located=False)
    finish(session, done, began=at("08:10"), now=at("08:40"))
    work_on(session, other, now=at("09:00"))

    with pytest.raises(VisitBegun):
        explaining.explain(session, plan_id=plan_id, visit_id=done.id, now=at("09:10"))
    with pytest.raises(DoesNotFit) as refusal:
        explaining.explain(session, plan_id=plan_id, visit_id=nowhere.id, now=at("09:10"))
    assert refusal.value.details["reason"] == "no_position"


def test_two_plans_are_compared_by_cost_crew_and_customer(session: Session) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2")
    first, second = job(session, east=1), job(session, east=2)
    current = published(session, orders={ONE: [first.id, second.id]})
    draft = proposed(session, orders={ONE: [first.id], TWO: [second.id]})

    found = comparing.compare_plans(session, plan_id=draft.id or 0, with_plan_id=current.id or 0)

    assert found.terms[0].name == "total"
    assert found.terms[0].difference > 0
    assert set(found.affected) == {"C1", "C2"}
    (change,) = found.visits
    assert (change.visit_id, change.what) == (second.id, "crew")
    assert (change.was_crew_id, change.crew_id) == ("C1", "C2")
    assert change.customer
    (customer,) = found.customers
    assert (customer.customer_id, customer.customer) == (change.customer_id, change.customer)
    assert (customer.changed, customer.a.visits, customer.b.visits) == (1, 1, 1)


def test_a_crew_that_fell_ill_is_among_the_affected(session: Session) -> None:
    crew_on(session, "C1")
    crew_on(session, "C2")
    visit = job(session, east=1)
    current = published(session, orders={ONE: [visit.id]})
    shifts.mark_absent(session, shift_id=ONE, reason="ill", actor=DISPATCHER, now=NOW)
    draft = proposed(session, orders={TWO: [visit.id]})

    found = comparing.compare_plans(session, plan_id=draft.id or 0, with_plan_id=current.id or 0)

    assert not found.same_board
    assert [(row.was_crew_id, row.crew_id) for row in found.visits] == [("C1", "C2")]
    assert found.affected == ("C1", "C2")


def test_plans_of_other_days_and_plans_without_an_answer_are_not_compared(
    session: Session,
) -> None:
    plan_id = a_plan(session)
    waiting = request(session).id or 0
    crew_on(session, "C3", day=DAY + timedelta(days=1))
    later = request(session, day=DAY + timedelta(days=1)).id or 0

    with pytest.raises(NoAnswerYet):
        comparing.compare_plans(session, plan_id=waiting, with_plan_id=plan_id)
    with pytest.raises(OtherDay):
        comparing.compare_plans(session, plan_id=later, with_plan_id=plan_id)
