"""Requests: owned, answered, turned into work, and resolved with it."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from dispatch.core.db import StaleVersion
from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.core.tables import Event, Task
from dispatch.desk import counters, requests
from dispatch.desk.tables import Counter, Request, RequestKind, RequestStatus
from dispatch.registry.tables import AreaClass, SiteClass
from dispatch.sla import clocks
from dispatch.sla.tables import Clock, ClockKind, ClockStatus
from dispatch.work import orders
from dispatch.work.progress import visits_of
from dispatch.work.tables import WorkOrder
from tests.builders.desk import CLERK, make_counters, make_request
from tests.builders.registry import (
    DISPATCHER,
    make_customer,
    make_premises,
    make_territory,
)
from tests.builders.work import WAY_TO, assign, first_visit, go, statuses
from tests.instants import NOW, at, minutes

CUSTOMER = Actor("C-000001", "customer")


def answer_clock(session: Session, request: Request) -> Clock:
    [clock] = clocks.of_subject(session, subject="request", subject_id=request.id)
    return clock


def make_order(session: Session, request: Request, work_type: str = "MTR-XCH") -> WorkOrder:
    return requests.make_order(session, request, work_type=work_type, actor=CLERK, now=NOW)


def do(session: Session, order: WorkOrder) -> None:
    """Have a crew do the order's first visit."""
    go(session, assign(session, first_visit(session, order)), *WAY_TO["done"])  # type: ignore[index]


def test_a_request_belongs_to_its_counter_from_the_first_minute(session: Session) -> None:
    request = make_request(session, kind=RequestKind.METERING)

    assert (request.id, request.status) == ("R-000001", RequestStatus.RECEIVED)
    assert (request.counter_id, request.owner) == ("metering", "metering")


def test_a_question_is_to_be_answered_within_24_hours(session: Session) -> None:
    request = make_request(session, received_at=NOW - timedelta(hours=5))

    clock = answer_clock(session, request)
    assert (clock.kind, clock.policy) == (ClockKind.ANSWER, "cn-csg-2017/answer")
    assert clock.due_at == NOW + timedelta(hours=19)


@pytest.mark.parametrize("kind", RequestKind)
def test_every_kind_has_an_owner(session: Session, kind: RequestKind) -> None:
    assert make_request(session, kind=kind).owner


def test_a_kind_that_no_counter_takes_is_refused(session: Session) -> None:
    make_counters(session)
    session.delete(session.get_one(Counter, "billing"))
    session.flush()

    with pytest.raises(counters.NoCounter) as refused:
        make_request(session, kind=RequestKind.BILLING)

    assert refused.value.details["field"] == "kind"


def test_a_request_needs_a_subject(session: Session) -> None:
    with pytest.raises(requests.SubjectMissing):
        make_request(session, subject="  ")


def test_a_request_cannot_come_from_the_future(session: Session) -> None:
    with pytest.raises(requests.ReceivedInFuture) as refused:
        make_request(session, received_at=NOW + minutes(1))

    assert refused.value.details["field"] == "received_at"


def test_premises_must_be_the_customers(session: Session) -> None:
    place, stranger = make_premises(session), make_customer(session)
    make_counters(session)

    for customer_id, premises_id, field in (
        (stranger.id, place.id, "premises_id"),
        (stranger.id, None, "territory_id"),
        ("C-404", place.id, "customer_id"),
    ):
        with pytest.raises(counters.CustomerUnknown) as refused:
            requests.receive(
                session,
                kind=RequestKind.FAULT,
                customer_id=customer_id,
                premises_id=premises_id,
                subject="停电",
                actor=CLERK,
                now=NOW,
            )
        assert refused.value.details["field"] == field


def test_a_question_may_concern_no_premises(session: Session) -> None:
    make_counters(session)

    request = requests.receive(
        session,
        kind=RequestKind.CONSULTATION,
        customer_id=make_customer(session).id,
        territory_id="humen",
        subject="营业时间",
        actor=CLERK,
        now=NOW,
    )

    assert request.premises_id is None
    with pytest.raises(requests.PremisesMissing):
        make_order(session, request)


def test_an_answer_stops_the_clock_and_resolves(session: Session) -> None:
    request = make_request(session)

    requests.answer(session, request, text="峰时 8 点起", actor=CLERK, now=NOW + minutes(30))

    assert (request.status, request.answer) == (RequestStatus.RESOLVED, "峰时 8 点起")
    assert request.answered_at == request.resolved_at == NOW + minutes(30)
    assert answer_clock(session, request).status == ClockStatus.KEPT


def test_a_late_answer_breaks_the_clock(session: Session) -> None:
    request = make_request(session)

    requests.answer(session, request, text="…", actor=CLERK, now=NOW + timedelta(hours=25))

    assert answer_clock(session, request).status == ClockStatus.BROKEN


def test_a_first_answer_may_leave_the_request_open(session: Session) -> None:
    request = make_request(session)

    requests.answer(session, request, text="明天上门", actor=CLERK, now=NOW, resolves=False)
    requests.answer(session, request, text="已处理", actor=CLERK, now=NOW + timedelta(days=3))

    assert request.answered_at == NOW
    assert (request.status, request.answer) == (RequestStatus.RESOLVED, "已处理")
    assert answer_clock(session, request).status == ClockStatus.KEPT


def test_an_answer_has_a_text(session: Session) -> None:
    with pytest.raises(requests.AnswerMissing):
        requests.answer(session, make_request(session), text=" ", actor=CLERK, now=NOW)


def test_a_settled_request_is_reopened_before_it_is_answered_again(session: Session) -> None:
    request = make_request(session)
    requests.answer(session, request, text="好", actor=CLERK, now=NOW)
    with pytest.raises(requests.RequestSettled, match="reopen it"):
        requests.answer(session, request, text="不", actor=CLERK, now=NOW)

    requests.move(session, request, "reopen", actor=CUSTOMER, now=NOW)

    assert (request.status, request.owner) == (RequestStatus.REOPENED, request.counter_id)
    assert request.resolved_at is None
    requests.answer(session, request, text="不", actor=CLERK, now=NOW)
    assert request.status == RequestStatus.RESOLVED


def test_an_outage_becomes_work_whose_clock_runs_from_the_call(session: Session) -> None:
    place = make_premises(session, area_class=AreaClass.RURAL, site_class=SiteClass.LIFE_SUPPORT)
    request = make_request(
        session, kind=RequestKind.FAULT, premises=place, received_at=NOW - minutes(20)
    )

    order = make_order(session, request, "OUT-LV")

    assert (order.request_id, order.owner, order.priority) == (request.id, "fault", "P1")
    assert order.due_at == NOW + minutes(70)
    assert request.status == RequestStatus.IN_PROGRESS


def test_a_window_is_promised_with_the_work(session: Session) -> None:
    order = requests.make_order(
        session,
        make_request(session, kind=RequestKind.METERING),
        work_type="MTR-XCH",
        window=(at("14:00"), at("16:00")),
        actor=CLERK,
        now=NOW,
    )

    assert first_visit(session, order).window_start_at == at("14:00")


def test_a_request_is_resolved_with_its_last_order(session: Session) -> None:
    request = make_request(session, kind=RequestKind.METERING)
    first, second = make_order(session, request), make_order(session, request, "MTR-RD")

    do(session, first)
    requests.follow_order(session, work_order_id=first.id, now=NOW)
    assert request.status == RequestStatus.IN_PROGRESS
    do(session, second)
    requests.follow_order(session, work_order_id=second.id, now=NOW)

    assert (request.status, request.resolved_at) == (RequestStatus.RESOLVED, NOW)
    assert answer_clock(session, request).status == ClockStatus.KEPT


def test_following_an_order_twice_changes_nothing_more(session: Session) -> None:
    request = make_request(session, kind=RequestKind.METERING)
    order = make_order(session, request)
    do(session, order)
    requests.follow_order(session, work_order_id=order.id, now=NOW)
    version = request.version

    assert requests.follow_order(session, work_order_id=order.id, now=NOW) is None
    assert request.version == version


def test_a_request_whose_work_is_called_off_goes_back_to_its_counter(session: Session) -> None:
    request = make_request(session, kind=RequestKind.METERING)
    request.owner = "zhou"
    order = make_order(session, request)

    orders.cancel(session, order, actor=DISPATCHER, now=NOW)
    requests.follow_order(session, work_order_id=order.id, now=NOW)

    assert (request.status, request.owner) == (RequestStatus.IN_PROGRESS, "metering")


def test_an_order_without_a_request_is_followed_by_nothing(session: Session) -> None:
    request = make_request(session, kind=RequestKind.METERING)
    order = make_order(session, request)
    order.request_id = None
    session.flush()

    assert requests.follow_order(session, work_order_id=order.id, now=NOW) is None


def test_the_end_of_an_order_asks_for_its_request_to_follow(session: Session) -> None:
    order = make_order(session, make_request(session, kind=RequestKind.METERING))
    do(session, order)

    follow = [task for task in session.exec(select(Task)) if task.kind == "request.follow"]

    event = session.get_one(Event, follow[0].payload["event_id"])
    assert (event.type, event.entity_id) == ("work_order.completed", order.id)


def test_a_request_is_not_resolved_over_open_work(session: Session) -> None:
    request = make_request(session, kind=RequestKind.METERING)
    order = make_order(session, request)

    for action in ("resolve", "cancel", "merge"):
        with pytest.raises(requests.OrdersOpen) as refused:
            requests.move(session, request, action, actor=CLERK, now=NOW)
        assert refused.value.details["orders"] == [order.id]
    assert request.status == RequestStatus.IN_PROGRESS


def test_a_settled_request_makes_no_work(session: Session) -> None:
    request = make_request(session)
    requests.answer(session, request, text="好", actor=CLERK, now=NOW)

    with pytest.raises(requests.RequestSettled):
        make_order(session, request)


def test_work_that_cannot_be_made_leaves_the_request_as_it_was(session: Session) -> None:
    request = make_request(session)

    with pytest.raises(orders.DueInPast):
        requests.make_order(session, request, work_type="MTR-XCH", due_at=NOW, actor=CLERK, now=NOW)

    assert request.status == RequestStatus.RECEIVED


def test_triage_hands_a_request_to_the_right_counter_and_person(session: Session) -> None:
    request = make_request(session, kind=RequestKind.CONSULTATION)

    requests.triage(session, request, kind=RequestKind.BILLING, actor=CLERK, now=NOW)
    assert (request.status, request.counter_id, request.owner) == ("triaged", "billing", "billing")

    other = make_request(session)
    requests.triage(session, other, owner="zhou", actor=CLERK, now=NOW)
    assert (other.counter_id, other.owner) == ("consultation", "zhou")


def test_a_refused_triage_moves_nothing(session: Session) -> None:
    request = make_request(session, kind=RequestKind.CONSULTATION)
    requests.move(session, request, "begin", actor=CLERK, now=NOW)

    with pytest.raises(IllegalMove):
        requests.triage(session, request, kind=RequestKind.BILLING, actor=CLERK, now=NOW)

    assert (request.kind, request.counter_id) == (RequestKind.CONSULTATION, "consultation")


@pytest.mark.parametrize("action", ["merge", "mark_duplicate", "reject", "cancel"])
def test_a_request_that_ends_without_an_answer_stops_being_watched(
    session: Session, action: str
) -> None:
    request = make_request(session)

    requests.move(session, request, action, actor=CLERK, now=NOW)

    assert answer_clock(session, request).status == ClockStatus.CANCELLED


def test_no_clock_runs_on_over_a_resolved_request(session: Session) -> None:
    request = make_request(session)

    requests.move(session, request, "resolve", actor=CLERK, now=NOW)

    assert answer_clock(session, request).status == ClockStatus.KEPT


def test_a_crew_does_not_work_at_the_counter(session: Session) -> None:
    with pytest.raises(MoveNotYours):
        requests.move(session, make_request(session), "triage", actor=Actor("C1", "crew"), now=NOW)


def test_a_stale_version_is_refused(session: Session) -> None:
    request = make_request(session)
    seen = request.version
    requests.triage(session, request, actor=CLERK, now=NOW)

    with pytest.raises(StaleVersion):
        requests.answer(session, request, text="好", actor=CLERK, now=NOW, expect=seen)


def test_what_could_not_be_done_leaves_its_request_open(session: Session) -> None:
    request = make_request(session, kind=RequestKind.METERING)
    order = make_order(session, request)
    go(session, assign(session, first_visit(session, order)), *WAY_TO["not_done"])  # type: ignore[index]

    requests.follow_order(session, work_order_id=order.id, now=NOW)

    assert request.status == RequestStatus.IN_PROGRESS
    assert statuses(visits_of(session, order.id)) == ["not_done", "planned"]


def test_an_unknown_request_is_named(session: Session) -> None:
    make_territory(session)
    with pytest.raises(requests.NoSuchRequest, match="R-404"):
        requests.get(session, "R-404")
