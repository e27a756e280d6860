"""Visits: who may move them how, and what follows."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from dispatch.core.db import StaleVersion
from dispatch.core.events import SYSTEM, Actor
from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.core.tables import Event, Task
from dispatch.registry.tables import AreaClass
from dispatch.sla import clocks
from dispatch.sla.tables import ClockStatus
from dispatch.work import orders, visits
from dispatch.work.lifecycle import VISITS
from dispatch.work.progress import visits_of
from dispatch.work.tables import HoldReason, VisitRelation, VisitStatus, WorkOrderStatus
from tests.builders.registry import DISPATCHER, make_crew, make_premises
from tests.builders.work import (
    WAY_TO,
    assign,
    crew_actor,
    first_visit,
    go,
    make_order,
    make_visit,
    statuses,
)
from tests.dispatch.work.test_lifecycle import VISIT_MOVES
from tests.instants import DAY, NOW, at, minutes

ACTIONS = sorted({row.action for row in VISITS.moves})
REASON = {"fail": "no_access", "decline": "too_far", "withdraw": "diverted"}


def events_of(session: Session, visit_id: str) -> list[Event]:
    statement = select(Event).where(Event.entity == "visit", Event.entity_id == visit_id)
    return list(session.exec(statement.order_by(col(Event.id))))


@pytest.mark.parametrize("state", VisitStatus)
def test_a_visit_in_any_state_takes_its_actions_and_refuses_the_others(
    session: Session, state: VisitStatus
) -> None:
    place = make_premises(session)
    visit = make_visit(session, status=state, premises=place)
    version, told = visit.version, len(events_of(session, visit.id))

    for action in ACTIONS:
        if action in VISIT_MOVES[state.value]:
            continue
        with pytest.raises(IllegalMove) as refused:
            visits.act(
                session, visit, action, actor=DISPATCHER, now=NOW, reason=REASON.get(action, "")
            )
        assert refused.value.details["state"] == state.value
        assert sorted(refused.value.details["allowed"]) == sorted(VISIT_MOVES[state.value])
    session.flush()
    assert (visit.status, visit.version, len(events_of(session, visit.id))) == (
        state,
        version,
        told,
    )

    for number, (action, target) in enumerate(VISIT_MOVES[state.value].items()):
        other = make_visit(session, status=state, crew=f"K-{number}", premises=place)
        if other.crew_id is None:
            assign(session, other, crew=f"K-{number}")
        visits.act(session, other, action, actor=DISPATCHER, now=NOW, reason=REASON.get(action, ""))
        assert other.status == target
        last = [event for event in events_of(session, other.id) if event.type.startswith("visit.")]
        moved = [event for event in last if event.data.get("action") == action]
        assert (moved[-1].type, moved[-1].from_status, moved[-1].to_status) == (
            f"visit.{target}",
            state.value,
            target,
        )


def test_a_crew_goes_through_its_day(session: Session) -> None:
    visit = make_visit(session, status="dispatched", crew="C1")
    crew = crew_actor(visit)

    go(session, visit, "accept", "depart", actor=crew, now=at("09:00"))
    go(session, visit, "arrive", actor=crew, now=at("09:20"))
    go(session, visit, "start", actor=crew, now=at("09:25"))
    go(session, visit, "pause", "resume", actor=crew, now=at("09:30"))
    go(session, visit, "finish", actor=crew, now=at("10:00"))

    assert (visit.arrived_at, visit.started_at, visit.finished_at) == (
        at("09:20"),
        at("09:25"),
        at("10:00"),
    )
    assert orders.get(session, visit.work_order_id).status == WorkOrderStatus.COMPLETED


def test_a_crew_cannot_accept_another_crews_visit(session: Session) -> None:
    visit = make_visit(session, status="dispatched", crew="C1")

    with pytest.raises(visits.VisitNotYours):
        visits.act(session, visit, "accept", actor=Actor("C2", "crew"), now=NOW)


def test_a_crew_cannot_withdraw_or_cancel(session: Session) -> None:
    visit = make_visit(session, status="accepted")

    for action in ("withdraw", "cancel"):
        with pytest.raises(MoveNotYours):
            visits.act(session, visit, action, actor=crew_actor(visit), now=NOW)


def test_an_auditor_moves_nothing(session: Session) -> None:
    visit = make_visit(session, status="published")

    with pytest.raises(MoveNotYours) as refused:
        visits.act(session, visit, "accept", actor=Actor("wu", "auditor"), now=NOW)

    assert refused.value.details["roles"] == ["admin", "crew", "dispatcher"]


@pytest.mark.parametrize("elsewhere", ["en_route", "arrived", "working"])
def test_a_crew_is_busy_with_one_visit_at_a_time(session: Session, elsewhere: str) -> None:
    other = make_visit(session, status=elsewhere, crew="C1")
    visit = make_visit(session, status="accepted", crew="C1")

    with pytest.raises(visits.CrewBusy) as refused:
        go(session, visit, "depart", actor=crew_actor(visit))

    assert refused.value.details["visit"] == other.id
    assert other.id in refused.value.message
    assert visit.status == VisitStatus.ACCEPTED


def test_a_crew_may_leave_a_paused_visit_and_must_finish_the_next_before_resuming(
    session: Session,
) -> None:
    paused = make_visit(session, status="paused", crew="C1")
    urgent = make_visit(session, status="accepted", crew="C1")

    go(session, urgent, "depart")
    with pytest.raises(visits.CrewBusy):
        go(session, paused, "resume")
    go(session, urgent, "arrive", "start", "finish")
    go(session, paused, "resume")

    assert statuses([urgent, paused]) == ["done", "working"]


def test_a_visit_is_published_with_a_crew_or_not_at_all(session: Session) -> None:
    visit = make_visit(session)

    with pytest.raises(visits.NotAssigned):
        go(session, visit, "publish")


@pytest.mark.parametrize("reason", ["", "because", "no_time"])
def test_not_done_needs_a_reason_from_the_list(session: Session, reason: str) -> None:
    visit = make_visit(session, status="arrived")

    with pytest.raises(visits.UnknownReason) as refused:
        visits.act(session, visit, "fail", actor=crew_actor(visit), now=NOW, reason=reason)

    assert refused.value.details["field"] == "reason"
    assert "no_access" in refused.value.details["allowed"]
    assert visit.status == VisitStatus.ARRIVED


def test_declining_needs_a_reason_and_returns_the_visit_to_planning(session: Session) -> None:
    visit = make_visit(session, status="dispatched", crew="C1")
    visit.locked_crew, visit.locked_crew_id = True, "C1"
    with pytest.raises(visits.UnknownReason):
        visits.act(session, visit, "decline", actor=crew_actor(visit), now=NOW)

    visits.act(session, visit, "decline", actor=crew_actor(visit), now=NOW, reason="too_far")

    assert visit.status == VisitStatus.PLANNED
    assert (visit.crew_id, visit.shift_id, visit.planned_start_at, visit.travel_s) == (None,) * 4
    assert visit.forbidden_crews == ["C1"]
    assert (visit.locked_crew, visit.locked_crew_id) == (False, None)
    assert visit.reason == "too_far"
    assert orders.get(session, visit.work_order_id).status == WorkOrderStatus.READY


def test_the_event_of_a_declined_visit_names_the_crew_that_declined(session: Session) -> None:
    visit = make_visit(session, status="dispatched", crew="C1")

    visits.act(session, visit, "decline", actor=crew_actor(visit), now=NOW, reason="too_far")

    event = events_of(session, visit.id)[-1]
    assert event.type == "visit.planned"
    assert event.territory_id == "humen"
    assert event.data == {
        "work_order_id": visit.work_order_id,
        "action": "decline",
        "reason": "too_far",
        "crew_id": "C1",
    }


def test_a_withdrawn_visit_may_go_to_the_same_crew_again(session: Session) -> None:
    visit = make_visit(session, status="en_route", crew="C1")

    with pytest.raises(visits.UnknownReason, match="say why"):
        visits.act(session, visit, "withdraw", actor=DISPATCHER, now=NOW)
    with pytest.raises(MoveNotYours):
        visits.act(session, visit, "withdraw", actor=SYSTEM, now=NOW, reason="diverted")
    visits.act(session, visit, "withdraw", actor=DISPATCHER, now=NOW, reason="diverted")

    assert (visit.status, visit.reason) == (VisitStatus.PLANNED, "diverted")
    assert visit.forbidden_crews == []


def test_a_crew_has_one_visit_at_a_time_and_another_may_follow_at_once(session: Session) -> None:
    first, second = (make_visit(session, status="published", crew="C1") for _ in range(2))
    assert first.planned_end_at == second.planned_start_at
    third = make_visit(session, status="planned")
    third.crew_id, third.planned_start_at = "C1", first.planned_start_at
    third.planned_end_at = second.planned_end_at
    session.flush()

    with pytest.raises(visits.DoubleBooked, match=f"C1 .* {third.id}"), session.begin_nested():
        go(session, third, "publish")
    with pytest.raises(visits.DoubleBooked), session.begin_nested():
        visits.assign(
            session, second, crew_id="C1", shift_id=second.shift_id or "", travel_s=0, actor=SYSTEM,
            arrive_at=first.planned_start_at or NOW, start_at=first.planned_start_at or NOW,
            end_at=second.planned_end_at or NOW, now=NOW,
        )  # fmt: skip
    for visit in (first, second, third):
        session.refresh(visit)
    go(session, first, "withdraw")
    go(session, second, "withdraw")
    go(session, third, "publish")


@pytest.mark.parametrize("status", ["en_route", "arrived", "working", "paused"])
def test_the_database_itself_keeps_a_begun_visit_where_it_is(session: Session, status: str) -> None:
    visit = make_visit(session, status=status, crew="C1")
    make_crew(session, id="C2")

    for name, value in (("crew_id", "C2"), ("planned_start_at", NOW), ("shift_id", None)):
        with pytest.raises(IntegrityError, match="visit_frozen"), session.begin_nested():
            setattr(visit, name, value)  # past the writer, as a faulty program would
            session.flush()
        session.refresh(visit)
    visit.note = "gate locked"
    session.flush()


def test_a_visit_that_could_not_be_done_comes_back_as_a_new_one_with_its_history(
    session: Session,
) -> None:
    visit = make_visit(
        session, status="arrived", crew="C1", preferred_crews=["C1"], forbidden_crews=["C9"]
    )

    visits.act(
        session,
        visit,
        "fail",
        actor=crew_actor(visit),
        now=NOW,
        reason="no_access",
        note="gate locked",
    )

    first, again = visits_of(session, visit.work_order_id)
    assert statuses([first, again]) == ["not_done", "planned"]
    assert (first.reason, first.note, first.finished_at) == ("no_access", "gate locked", NOW)
    assert (again.id, again.number) == (f"{visit.work_order_id}-2", 2)
    assert again.earliest_day == DAY + timedelta(days=1)
    assert (again.duration_s, again.setup_s) == (first.duration_s, first.setup_s)
    assert (again.preferred_crews, again.forbidden_crews) == (["C1"], ["C9"])
    assert again.crew_id is None
    assert orders.get(session, visit.work_order_id).status == WorkOrderStatus.READY
    [made] = events_of(session, again.id)
    assert (made.type, made.data["after"], made.data["reason"]) == (
        "visit.created",
        first.id,
        "no_access",
    )


@pytest.mark.parametrize(
    ("worked", "left"), [(0.0, 1.0), (0.5, 0.5), (0.9, 0.25), (3.0, 0.25), (None, 1.0)]
)
def test_what_was_done_in_part_comes_back_as_what_is_left_of_it_and_its_customer_hears(
    session: Session, worked: float | None, left: float
) -> None:
    visit = make_visit(session, status="arrived", crew="C1")
    visit.duration_s = 3600
    ended = NOW + timedelta(seconds=3600 * (worked or 0))
    if worked is not None:
        visits.act(session, visit, "start", actor=crew_actor(visit), now=NOW)
    visits.act(session, visit, "fail", actor=crew_actor(visit), now=ended, reason="partly_done")

    first, again = visits_of(session, visit.work_order_id)
    assert (first.status, again.status) == (VisitStatus.NOT_DONE, VisitStatus.PLANNED)
    assert (first.duration_s, again.duration_s) == (3600, 3600 * left)
    [made] = events_of(session, again.id)
    assert (made.data["after"], made.data["reason"]) == (first.id, "partly_done")
    told = events_of(session, first.id)[-1]
    assert (told.type, told.to_status) == ("visit.not_done", "not_done"), "what messages react to"


@pytest.mark.parametrize("reason", ["wrong_skill", "diverted", "crew_problem"])
def test_what_another_crew_could_do_comes_back_the_same_day(session: Session, reason: str) -> None:
    visit = make_visit(session, status="arrived", crew="C1")

    go(session, visit, "fail", reason=reason)

    again = visits_of(session, visit.work_order_id)[-1]
    assert again.earliest_day == DAY
    assert again.forbidden_crews == (["C1"] if reason == "wrong_skill" else [])


def test_a_missing_part_holds_the_order_until_it_is_released(session: Session) -> None:
    visit = make_visit(session, status="working")
    go(session, visit, "fail", reason="missing_part")
    order = orders.get(session, visit.work_order_id)
    assert (order.status, order.hold_reason) == (WorkOrderStatus.ON_HOLD, HoldReason.MATERIAL)

    orders.release(session, order, actor=DISPATCHER, now=NOW)

    assert (order.status, order.hold_reason) == (WorkOrderStatus.READY, None)


def test_what_was_tied_to_a_failed_visit_is_tied_to_the_next(session: Session) -> None:
    visit = make_visit(session, status="arrived")
    partner = make_visit(session)
    tie = VisitRelation(territory_id="humen", type="same_crew", visits=[visit.id, partner.id])
    session.add(tie)

    go(session, visit, "fail", reason="no_access")
    session.flush()
    session.refresh(tie)

    assert tie.visits == [f"{visit.work_order_id}-2", partner.id]


def test_a_second_failure_makes_a_third_visit(session: Session) -> None:
    visit = make_visit(session, status="not_done", crew="C1")
    again = visits_of(session, visit.work_order_id)[-1]
    assign(session, again, crew="C2")

    go(session, again, *WAY_TO[VisitStatus.NOT_DONE], reason="unsafe")

    everything = visits_of(session, visit.work_order_id)
    assert statuses(everything) == ["not_done", "not_done", "planned"]


def test_arriving_stops_the_arrival_clock_at_the_devices_time(session: Session) -> None:
    place = make_premises(session, area_class=AreaClass.URBAN)
    visit = make_visit(session, status="en_route", work_type="OUT-LV", premises=place)

    visits.act(
        session,
        visit,
        "arrive",
        actor=crew_actor(visit),
        now=NOW + minutes(50),
        happened_at=NOW + minutes(44),
    )

    [clock] = clocks.of_subject(session, subject="work_order", subject_id=visit.work_order_id)
    assert (clock.status, clock.stopped_at) == (ClockStatus.KEPT, NOW + minutes(44))


def test_arriving_late_breaks_the_arrival_clock(session: Session) -> None:
    visit = make_visit(session, status="en_route", work_type="OUT-LV")

    go(session, visit, "arrive", now=NOW + minutes(46))

    [clock] = clocks.of_subject(session, subject="work_order", subject_id=visit.work_order_id)
    assert clock.status == ClockStatus.BROKEN


def test_the_visit_clock_stops_when_work_begins_and_not_at_a_locked_door(session: Session) -> None:
    visit = make_visit(session, status="arrived", work_type="CLM-APP")
    go(session, visit, "fail", reason="no_access")
    [clock] = clocks.of_subject(session, subject="work_order", subject_id=visit.work_order_id)
    assert clock.status == ClockStatus.RUNNING

    again = visits_of(session, visit.work_order_id)[-1]
    assert again.due_at == clock.due_at
    assign(session, again)
    go(session, again, *WAY_TO[VisitStatus.WORKING], now=NOW + timedelta(hours=20))

    assert clock.status == ClockStatus.KEPT


def test_a_device_whose_clock_is_ahead_counts_as_now(session: Session) -> None:
    visit = make_visit(session, status="en_route")

    visits.act(
        session,
        visit,
        "arrive",
        actor=crew_actor(visit),
        now=NOW,
        happened_at=NOW + timedelta(days=2),
    )

    assert visit.arrived_at == NOW


def test_a_stale_version_is_refused_before_anything_changes(session: Session) -> None:
    visit = make_visit(session, status="published")
    seen = visit.version
    go(session, visit, "dispatch")

    with pytest.raises(StaleVersion) as refused:
        visits.act(session, visit, "accept", actor=crew_actor(visit), now=NOW, expect=seen)

    assert refused.value.details == {
        "seen": seen, "current": visit.version, "state": "dispatched"
    }  # fmt: skip
    assert visit.status == VisitStatus.DISPATCHED


def test_a_finished_visit_is_reopened_by_the_office_with_its_order(session: Session) -> None:
    visit = make_visit(session, status="done")
    with pytest.raises(MoveNotYours):
        visits.act(session, visit, "reopen", actor=crew_actor(visit), now=NOW)

    go(session, visit, "reopen")

    assert visit.finished_at is None
    assert orders.get(session, visit.work_order_id).status == WorkOrderStatus.IN_PROGRESS


def test_a_visit_of_a_verified_order_is_not_reopened(session: Session) -> None:
    visit = make_visit(session, status="done")
    orders.verify(session, orders.get(session, visit.work_order_id), actor=DISPATCHER, now=NOW)

    with pytest.raises(visits.OrderSettled):
        go(session, visit, "reopen")


def test_an_unknown_visit_is_named(session: Session) -> None:
    with pytest.raises(visits.NoSuchVisit, match="W-9-1"):
        visits.get(session, "W-9-1")


def test_an_action_nobody_knows_is_refused_with_what_is_allowed(session: Session) -> None:
    visit = make_visit(session)

    with pytest.raises(IllegalMove) as refused:
        go(session, visit, "explode")

    assert refused.value.details["allowed"] == ["publish", "cancel"]


def test_only_a_visit_that_has_not_begun_is_assigned(session: Session) -> None:
    visit = make_visit(session, status="en_route", crew="C1")

    with pytest.raises(visits.NotAssignable):
        assign(session, visit, crew="C1")


def test_a_published_visit_changes_time_but_not_crew(session: Session) -> None:
    visit = make_visit(session, status="published", crew="C1")
    assign(session, visit, crew="C1", start_at=at("15:00"))
    assert visit.planned_start_at == at("15:00")

    with pytest.raises(visits.NotAssignable, match="withdraw it first"):
        assign(session, visit, crew="C2")


def test_the_way_and_the_end_of_a_visit_ask_for_messages(session: Session) -> None:
    make_visit(session, status="done")

    kinds = {task.kind for task in session.exec(select(Task))}

    assert {"message.on_the_way", "message.done"} <= kinds


def test_no_event_of_a_visit_names_a_person_or_a_place(session: Session) -> None:
    visit = make_visit(session, status="done")

    texts = " ".join(str(event.data) for event in session.exec(select(Event)).all()
                     if event.entity in {"visit", "work_order"})  # fmt: skip
    assert visit.id.rsplit("-", 1)[0] in texts
    for secret in ("陈小明", "5550", "解放路", "chen@"):
        assert secret not in texts


def test_cancelling_the_only_visit_calls_the_order_off(session: Session) -> None:
    order = make_order(session)

    visits.act(
        session, first_visit(session, order), "cancel", actor=SYSTEM, now=NOW, reason="duplicate"
    )

    assert order.status == WorkOrderStatus.CANCELLED
    [clock] = clocks.of_subject(session, subject="work_order", subject_id=order.id)
    assert clock.status == ClockStatus.CANCELLED
