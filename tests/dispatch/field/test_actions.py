"""What crews do on their visits."""

import random
from typing import Any

import pytest
from sqlmodel import Session, select

from dispatch.core.lifecycle import IllegalMove
from dispatch.core.tables import Event
from dispatch.field import actions, queue
from dispatch.field.actions import OperationReused
from dispatch.field.operations import Operation, UnknownAction
from dispatch.field.proof import ChecklistIncomplete, ClosingCodeUnknown
from dispatch.field.steps import MOVES, allowed
from dispatch.field.tables import CrewAction
from dispatch.planning.tables import PlanStatus
from dispatch.work.lifecycle import NOT_DONE
from dispatch.work.tables import VisitStatus
from dispatch.work.visits import CrewBusy, NoSuchVisit, UnknownReason, VisitNotYours
from tests.builders.field import act, make_plan, proof
from tests.builders.registry import DISPATCHER
from tests.builders.work import WAY_TO, crew_actor, make_visit
from tests.instants import at, minutes

WAY = ("accept", "en_route", "arrived", "start", "done")


def test_a_crew_takes_a_visit_from_acceptance_to_its_end(session: Session) -> None:
    visit = make_visit(session, status="published")

    for minute, action in enumerate(WAY):
        act(session, visit, action, now=at("09:00") + minutes(minute))

    assert visit.status is VisitStatus.DONE
    assert visit.arrived_at == at("09:02")
    assert visit.started_at == at("09:03")
    assert visit.finished_at == at("09:04")
    assert [row.action for row in actions.of_visit(session, visit.id)] == list(WAY)


def test_a_visit_may_be_paused_and_resumed(session: Session) -> None:
    visit = make_visit(session, status="working")

    act(session, visit, "pause")
    assert visit.status is VisitStatus.PAUSED
    act(session, visit, "resume")
    assert visit.status is VisitStatus.WORKING


def test_the_same_operation_twice_is_one_action(session: Session) -> None:
    visit = make_visit(session, status="dispatched")

    first = act(session, visit, "accept", op_id="a")
    again = act(session, visit, "accept", op_id="a", now=at("10:00"), device_at=at("09:00"))

    assert first is again
    assert len(actions.of_visit(session, visit.id)) == 1


def test_an_operation_replayed_after_others_gives_the_visit_as_it_is_now(session: Session) -> None:
    visit = make_visit(session, status="dispatched")
    act(session, visit, "accept", op_id="a")
    act(session, visit, "en_route", now=at("09:05"))

    assert act(session, visit, "accept", op_id="a").status is VisitStatus.EN_ROUTE


@pytest.mark.parametrize(
    "other", [{"action": "decline", "reason": "no_time"}, {"action": "accept", "note": "x"}]
)
def test_an_operations_number_cannot_be_used_for_something_else(
    session: Session, other: dict[str, Any]
) -> None:
    visit = make_visit(session, status="dispatched")
    act(session, visit, "accept", op_id="a")

    with pytest.raises(OperationReused):
        act(session, visit, op_id="a", **other)


def test_a_crew_cannot_act_on_another_crews_visit(session: Session) -> None:
    visit = make_visit(session, status="dispatched", crew="C1")

    with pytest.raises(VisitNotYours):
        act(session, visit, "accept", crew="C2")


def test_a_visit_taken_away_is_refused_with_the_way_out(session: Session) -> None:
    visit = make_visit(session, status="planned")

    with pytest.raises(VisitNotYours, match="load your day again"):
        act(session, visit, "accept")


def test_an_unknown_visit_and_an_unknown_action_are_refused(session: Session) -> None:
    visit = make_visit(session, status="dispatched")

    with pytest.raises(UnknownAction):
        act(session, visit, "publish")
    visit.id = "W-999999-1"
    with session.no_autoflush, pytest.raises(NoSuchVisit):
        act(session, visit, "accept")
    session.expunge(visit)


@pytest.mark.parametrize(
    "status",
    [one for one in VisitStatus if one not in (VisitStatus.PLANNED, VisitStatus.CANCELLED)],
)
def test_in_every_state_each_action_passes_or_the_refusal_names_what_is_possible(
    session: Session, status: VisitStatus
) -> None:
    visit = make_visit(session, status=status)
    possible = list(allowed(status))
    assert set(possible) <= set(MOVES), "in the crew's own words"

    for action in MOVES:
        reason = {"decline": "no_time", "not_done": "no_access"}.get(action, "")
        attempt = session.begin_nested()
        if action in possible:
            act(session, visit, action, reason=reason)
            assert visit.status is not status
        else:
            with pytest.raises(IllegalMove) as refusal:
                act(session, visit, action, reason=reason)
            assert refusal.value.details["state"] == status.value
            assert refusal.value.details["allowed"] == possible
        attempt.rollback()


def test_a_crew_is_busy_with_one_visit_at_a_time(session: Session) -> None:
    make_visit(session, status="arrived")
    other = make_visit(session, status="accepted")

    with pytest.raises(CrewBusy):
        act(session, other, "en_route")


def test_an_ending_needs_every_point_of_the_checklist(session: Session) -> None:
    visit = make_visit(session, status="working")
    given = proof(session, visit)
    missing = next(iter(given["checklist"]))
    del given["checklist"][missing]

    with pytest.raises(ChecklistIncomplete) as refusal:
        act(session, visit, "done", data=given)

    assert refusal.value.details["missing"] == [missing]
    assert visit.status is VisitStatus.WORKING


@pytest.mark.parametrize("code", ["", "finished", None])
def test_an_ending_needs_a_closing_code_of_its_work_type(session: Session, code: object) -> None:
    visit = make_visit(session, status="working")

    with pytest.raises(ClosingCodeUnknown) as refusal:
        act(session, visit, "done", data={**proof(session, visit), "closing_code": code})

    assert proof(session, visit)["closing_code"] in refusal.value.details["allowed"]


def test_what_could_not_be_done_needs_a_reason_of_the_list_and_comes_back(
    session: Session,
) -> None:
    visit = make_visit(session, status="arrived")

    with pytest.raises(UnknownReason) as refusal:
        act(session, visit, "not_done", reason="tired")
    assert refusal.value.details["allowed"] == list(NOT_DONE)

    act(session, visit, "not_done", reason="no_access", note="Nobody opened")
    assert visit.status is VisitStatus.NOT_DONE
    assert visit.reason == "no_access"


def test_a_declined_visit_returns_to_planning_without_its_crew(session: Session) -> None:
    visit = make_visit(session, status="dispatched")

    act(session, visit, "decline", reason="too_far")

    assert (visit.status, visit.crew_id) == (VisitStatus.PLANNED, None)
    assert visit.forbidden_crews == ["C1"]


def test_the_first_action_of_the_day_makes_the_plan_active(session: Session) -> None:
    visit = make_visit(session, status="dispatched")
    plan = make_plan(session, visit)

    act(session, visit, "accept")
    act(session, visit, "en_route")

    assert plan.status is PlanStatus.ACTIVE


def test_a_dispatcher_acts_for_a_crew_that_calls_in(session: Session) -> None:
    visit = make_visit(session, status="dispatched")

    actions.do(
        session,
        op_id="call-in",
        visit_id=visit.id,
        crew_id="C1",
        action="accept",
        device_at=at("09:00"),
        actor=DISPATCHER,
        now=at("09:00"),
    )

    event = session.exec(select(Event).where(Event.type == "visit.accepted")).one()
    assert (event.actor, event.role) == ("dispatcher", "dispatcher")


def test_the_event_names_the_crew_and_the_account_that_told_it(session: Session) -> None:
    visit = make_visit(session, status="dispatched")

    act(session, visit, "accept")

    event = session.exec(select(Event).where(Event.type == "visit.accepted")).one()
    assert (event.actor, event.role) == ("C1", "crew")
    assert event.data["told_by"] == "account-of-C1"


def test_a_queue_kept_without_a_network_ends_the_same_however_it_is_sent(session: Session) -> None:
    visit = make_visit(session, status="dispatched")
    kept = [
        Operation(
            op_id=f"q{number}",
            visit_id=visit.id,
            action=action,
            device_at=at("09:00") + minutes(10 * number),
            data=proof(session, visit) if action == "done" else {},
        )
        for number, action in enumerate(WAY)
    ]
    for seed in range(3):
        random.Random(seed).shuffle(kept)
        outcomes = queue.merge(
            session, kept, crew_id="C1", actor=crew_actor(visit), now=at("12:00")
        )
        assert [one.refusal for one in outcomes] == [None] * len(WAY)

    assert visit.status is VisitStatus.DONE
    assert visit.finished_at == at("09:40")
    rows = session.exec(select(CrewAction).order_by(CrewAction.id)).all()  # type: ignore[arg-type]
    assert [row.action for row in rows] == list(WAY)
    assert all(row.late for row in rows)


def test_a_refused_operation_of_a_queue_leaves_no_trace_and_the_others_stand(
    session: Session,
) -> None:
    lost = make_visit(session, status="planned")
    kept = make_visit(session, status="dispatched")
    sent = [
        Operation("q1", lost.id, "accept", at("09:00")),
        Operation("q2", kept.id, "accept", at("09:01")),
        Operation("q3", kept.id, "start", at("09:02")),
        Operation("q4", kept.id, "en_route", at("09:03")),
    ]

    outcomes = queue.merge(session, sent, crew_id="C1", actor=crew_actor(kept), now=at("09:30"))

    codes = [one.refusal.code if one.refusal else "" for one in outcomes]
    assert codes == ["visit_not_yours", "", "illegal_move", ""]
    assert kept.status is VisitStatus.EN_ROUTE
    assert [row.op_id for row in session.exec(select(CrewAction))] == ["q2", "q4"]


def test_every_state_that_a_builder_can_make_is_covered() -> None:
    assert set(WAY_TO) == set(VisitStatus)
