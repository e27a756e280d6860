"""Closing a day: nothing stays without an owner."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from dispatch.core.tables import Event, Task
from dispatch.desk import requests
from dispatch.desk.tables import Counter, RequestKind
from dispatch.field.account import Open, Returned
from dispatch.field.closing import CrewsStillOut, DayInFuture, close_day
from dispatch.planning.tables import PlanStatus
from dispatch.registry import shifts
from dispatch.registry.tables import Shift
from dispatch.work import promises, queries
from dispatch.work.progress import visits_of
from dispatch.work.tables import PromiseStatus, VisitStatus
from tests.builders.field import make_plan
from tests.builders.registry import DISPATCHER, make_premises, make_territory
from tests.builders.work import make_order, make_visit, shift_of
from tests.instants import DAY, NOW, at

EVENING = at("19:00")
NEXT_DAY = DAY + timedelta(days=1)


def close(session: Session, now=EVENING, despite=()):  # type: ignore[no-untyped-def]
    return close_day(
        session, territory_id="humen", day=DAY, actor=DISPATCHER, now=now, despite=despite
    )


def test_every_visit_of_the_day_ends_or_goes_back_to_the_pool(session: Session) -> None:
    done = make_visit(session, status="done")
    failed = make_visit(session, status="not_done")
    waiting = [make_visit(session, status=s) for s in ("published", "dispatched", "accepted")]
    called_off = make_visit(session, status="cancelled")
    left_out = make_visit(session, status="planned")
    plan = make_plan(session, done, failed, *waiting)

    closing = close(session)

    assert closing.done == (done.id,)
    assert closing.not_done == ((failed.id, "no_access"),)
    assert closing.returned == tuple(
        Returned(visit.id, "C1", "not_started") for visit in sorted(waiting, key=lambda v: v.id)
    )
    assert left_out.id in closing.left_out
    assert called_off.id not in closing.left_out
    assert {visit.status for visit in waiting} == {VisitStatus.PLANNED}
    pool = {job.visit.id for job in queries.pool(session, territory_id="humen", day=NEXT_DAY)}
    assert {visit.id for visit in waiting} <= pool, "they are planned again for the next day"
    assert plan.status is PlanStatus.CLOSED
    assert closing.plan_ids == (plan.id,)


def test_no_visit_is_left_between_the_stools(session: Session) -> None:
    visits = [
        make_visit(session, status=status, crew=f"K{number}")
        for number, status in enumerate(VisitStatus)
    ]

    closing = close(session, despite=[f"K{number}" for number in range(len(visits))])

    accounted = {
        *closing.done,
        *(visit_id for visit_id, _ in closing.not_done),
        *(one.visit_id for one in closing.returned),
        *closing.left_out,
        *closing.cancelled,
    }
    never_assigned = {v.id for v in visits if v.status is VisitStatus.CANCELLED}
    assert {visit.id for visit in visits} - never_assigned <= accounted


def test_a_crew_at_work_prevents_the_closing_and_is_named(session: Session) -> None:
    make_visit(session, status="working", crew="C1")
    waiting = make_visit(session, status="accepted", crew="C2")

    with pytest.raises(CrewsStillOut) as refusal:
        close(session)

    assert refusal.value.details["crews"] == ["C1"]
    assert waiting.status is VisitStatus.ACCEPTED


def test_a_crew_with_work_left_in_its_shift_prevents_the_closing(session: Session) -> None:
    visit = make_visit(session, status="published")

    with pytest.raises(CrewsStillOut):
        close(session, now=at("17:29"))

    shifts.mark_absent(
        session, shift_id="C1-20260310", reason="ill", actor=DISPATCHER, now=at("17:00")
    )
    close(session, now=at("17:29"))
    assert visit.status is VisitStatus.PLANNED


def test_a_named_crews_work_ends_out_of_time_and_comes_back(session: Session) -> None:
    working = make_visit(session, status="working", crew="C1")
    driving = make_visit(session, status="en_route", crew="C2")

    closing = close(session, despite=["C1", "C2"])

    assert closing.not_done == ((working.id, "out_of_time"),)
    assert closing.returned == (Returned(driving.id, "C2", "closed_on_the_way"),)
    again = visits_of(session, working.work_order_id)[-1]
    assert (again.number, again.status) == (2, VisitStatus.PLANNED)


def test_closing_again_changes_nothing(session: Session) -> None:
    make_visit(session, status="done")
    make_plan(session, make_visit(session, status="published"))

    first = close(session)
    events = len(session.exec(select(Event)).all())
    second = close(session)

    assert second == first
    assert len(session.exec(select(Event)).all()) == events


def test_a_day_without_any_plan_can_be_closed(session: Session) -> None:
    make_territory(session)

    closing = close(session)

    assert (closing.plan_ids, closing.done, closing.returned) == ((), (), ())
    assert session.exec(select(Event).where(Event.type == "day.closed")).one()


def test_a_day_in_the_future_is_refused(session: Session) -> None:
    make_territory(session)

    with pytest.raises(DayInFuture):
        close(session, now=at("23:59") - timedelta(days=1))
    close(session, now=at("00:00"))


def test_a_promise_that_nobody_kept_is_missed_by_the_company(session: Session) -> None:
    window = (at("09:00"), at("11:00"))
    visit = make_visit(session, status="published", window=window)
    left_out = make_visit(session, status="planned", window=window)
    evening = make_visit(session, status="published", window=(at("18:00"), at("20:00")))

    closing = close(session)

    assert closing.missed == tuple(sorted([visit.id, left_out.id, evening.id]))
    for one in (visit, left_out, evening):
        (promise,) = promises.of_visit(session, one.id)
        assert (promise.status, promise.by) == (PromiseStatus.MISSED, "company")
        assert one.window_start_at is None, "it can be planned on another day"


def test_a_promise_for_another_day_stands(session: Session) -> None:
    tomorrow = (at("09:00", NEXT_DAY), at("11:00", NEXT_DAY))
    visit = make_visit(session, status="planned", window=tomorrow)

    closing = close(session)

    assert closing.missed == ()
    assert promises.standing(session, visit.id) is not None


def test_a_lock_of_the_day_does_not_bind_the_next(session: Session) -> None:
    visit = make_visit(session, status="published")
    visit.locked_crew, visit.locked_start_at = True, at("09:00")

    close(session)

    assert (visit.locked_crew, visit.locked_start_at) == (False, None)


def test_calls_and_unanswered_requests_are_listed_with_their_owners(session: Session) -> None:
    premises = make_premises(session)
    session.add(
        Counter(
            id="billing", territory_id="humen", name_zh="电费", name_en="Billing", kinds=["billing"]
        )
    )
    session.flush()
    call = make_order(session, work_type="FU-TEL", premises=premises, owner="li.ming")
    question = requests.receive(
        session,
        kind=RequestKind.BILLING,
        customer_id=premises.customer_id,
        premises_id=premises.id,
        subject="Bill too high",
        text="",
        channel="phone",
        actor=DISPATCHER,
        now=NOW - timedelta(hours=20),
    )

    closing = close(session)

    assert closing.calls == (Open(call.id, "li.ming"),)
    assert closing.requests == (Open(question.id, "billing"),)
    assert [(one.kind, one.subject_id) for one in closing.overdue] == [("answer", question.id)]


def test_crews_that_have_not_reported_off_duty_are_named(session: Session) -> None:
    shift = session.get_one(Shift, shift_of(session, "C1").id)
    shifts.move(session, shift, "report_on_duty", actor=DISPATCHER, now=NOW)

    assert close(session).on_duty == (shift.id,)


def test_customers_whose_visit_was_taken_back_are_told_by_the_closings_event(
    session: Session,
) -> None:
    visit = make_visit(session, status="published")

    close(session)

    event = session.exec(select(Event).where(Event.type == "day.closed")).one()
    assert event.data["withdrawn"] == [visit.id]
    task = session.exec(
        select(Task).where(Task.dedupe_key == f"message.plan_published:event:{event.id}")
    ).one()
    assert task.kind == "message.plan_published"
