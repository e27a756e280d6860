"""What is told when."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from dispatch.contact import reactions, tellings
from dispatch.contact.messages import begin, complete
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.tables import Task
from dispatch.registry.tables import Customer, Premises
from dispatch.work.tables import Visit, VisitStatus, WorkOrder
from tests.builders.contact import happened, make_told_visit, plan_anew
from tests.instants import DAY, NOW, at, minutes

EVE = at("10:00") - timedelta(days=1)


def book(session: Session, *visits: Visit) -> list[Message]:
    return tellings.tell_booked(session, visit_ids=[visit.id for visit in visits], now=EVE)


def send(session: Session, message: Message) -> None:
    assert message.id is not None
    begin(session, message_id=message.id, base_url="http://x", key=b"k" * 32, now=EVE)
    complete(session, message_id=message.id, now=EVE)


def test_a_promised_window_is_told_as_agreed(session: Session) -> None:
    visit = make_told_visit(session, window=(at("09:00"), at("11:00")), language="en")

    (message,) = book(session, visit)

    assert "Tuesday, March 10, 2026, 9:00 – 11:00 AM (agreed time)" in message.body
    assert "What for: meter exchange" in message.body
    assert "Who: Crew T1" in message.body
    assert message.subject == "Branch: your visit on Tuesday, March 10, 2026"


def test_without_a_promise_the_planned_time_is_told_as_expected(session: Session) -> None:
    visit = make_told_visit(session, planned=at("10:10"))

    (message,) = book(session, visit)

    assert "上门时间：2026年3月10日星期二 09:00–11:30（预计时段）" in message.body
    assert visit.window_start_at is None, "telling promises nothing"


def test_nobody_is_told_before_the_visit_is_on_a_published_plan(session: Session) -> None:
    visit = make_told_visit(session, status=VisitStatus.PLANNED, window=(at("09:00"), at("11:00")))

    reactions.on_booked(session, happened(session, "visit.booked", visit, now=EVE), now=EVE)

    assert session.exec(select(Message)).all() == []


def test_a_promise_booked_on_a_published_visit_is_told_at_once(session: Session) -> None:
    visit = make_told_visit(session, window=(at("09:00"), at("11:00")))

    reactions.on_booked(session, happened(session, "visit.booked", visit, now=EVE), now=EVE)

    assert session.exec(select(Message)).one().template == "booked"


def test_replanning_within_what_was_told_sends_nothing(session: Session) -> None:
    visit = make_told_visit(session, planned=at("10:10"))
    book(session, visit)
    plan_anew(visit, at("11:20"))

    assert book(session, visit) == []


def test_replanning_outside_what_was_told_tells_the_new_time(session: Session) -> None:
    visit = make_told_visit(session, planned=at("10:10"))
    (first,) = book(session, visit)
    send(session, first)
    plan_anew(visit, at("15:00"))

    (second,) = book(session, visit)

    assert "14:00–16:00" in second.body
    assert "时间有调整" in second.body


def test_a_promise_that_moves_away_and_back_is_told_three_times(session: Session) -> None:
    visit = make_told_visit(session, window=(at("09:00"), at("11:00")))
    for start, end in (("09:00", "11:00"), ("14:00", "16:00"), ("09:00", "11:00")):
        visit.window_start_at, visit.window_end_at = at(start), at(end)
        assert len(book(session, visit)) == 1
        assert book(session, visit) == []


def test_a_customer_who_was_never_reached_is_not_told_of_a_change(session: Session) -> None:
    visit = make_told_visit(session, planned=at("10:00"))
    book(session, visit)
    plan_anew(visit, at("15:00"))

    (second,) = book(session, visit)

    assert "我们已为您安排上门服务" in second.body


@pytest.mark.parametrize(
    ("email", "wants", "reason"),
    [
        (None, True, "no_address"),
        ("", True, "no_address"),
        ("not an address", True, "bad_address"),
        ("a@b.example\nBcc: c@d.example", True, "bad_address"),
        ("chen@example.com", False, "no_consent"),
    ],
)
def test_who_cannot_be_told_has_a_message_that_says_why(
    session: Session, email: str | None, wants: bool, reason: str
) -> None:
    visit = make_told_visit(session)
    order = session.get_one(WorkOrder, visit.work_order_id)
    customer = session.get_one(Customer, order.customer_id)
    customer.email, customer.wants_messages = email, wants

    (message,) = book(session, visit)

    assert (message.status, message.reason) == (MessageStatus.SUPPRESSED, reason)
    assert book(session, visit) == []
    assert session.exec(select(Task).where(Task.kind == "message.send")).all() == []


def test_a_theft_investigation_is_planned_but_not_announced(session: Session) -> None:
    visit = make_told_visit(session, work_type="INSP-TH")

    (message,) = book(session, visit)

    assert (message.status, message.reason) == (MessageStatus.SUPPRESSED, "unannounced")


def test_a_message_says_nothing_of_arrears_health_or_the_way_in(session: Session) -> None:
    visit = make_told_visit(session, work_type="DIS-NP")
    order = session.get_one(WorkOrder, visit.work_order_id)
    order.description = "欠费三个月；家中有呼吸机"
    session.get_one(Premises, order.premises_id).access_notes = "门禁密码 8472"

    (message,) = book(session, visit)

    for secret in ("欠费", "呼吸机", "8472", "停电", "类型"):
        assert secret not in message.subject + message.body


def test_a_booking_dropped_while_off_the_plan_is_written_again_when_it_is_back(
    session: Session,
) -> None:
    visit = make_told_visit(session)
    (booked,) = book(session, visit)
    visit.status = VisitStatus.PLANNED
    send_attempt = begin(
        session, message_id=booked.id or 0, base_url="http://x", key=b"k" * 32, now=EVE
    )
    visit.status = VisitStatus.PUBLISHED

    (again,) = book(session, visit)

    assert booked.status is MessageStatus.SUPPRESSED
    assert send_attempt
    assert again.status is MessageStatus.PENDING


def test_the_reminder_goes_to_the_visits_of_the_next_local_day(session: Session) -> None:
    tomorrow = make_told_visit(session, window=(at("09:00"), at("11:00")))
    make_told_visit(session, planned=at("10:00") + timedelta(days=1))
    make_told_visit(session, status=VisitStatus.PLANNED)
    evening = at("17:00") - timedelta(days=1)
    payload = {"subject": "humen", "key": "2026-03-09", "scheduled_for": evening.isoformat()}

    reactions.day_before(session, payload, now=evening)
    reactions.day_before(session, payload, now=evening)

    message = session.exec(select(Message)).one()
    assert (message.template, message.subject_id) == ("day_before", tomorrow.id)
    assert "明天" in message.subject
    assert message.expires_at == at("00:00")


def test_a_reminder_names_the_window_that_was_told(session: Session) -> None:
    visit = make_told_visit(session, planned=at("10:10"))
    book(session, visit)
    plan_anew(visit, at("10:40"))

    (message,) = tellings.tell_day_before(
        session, territory_id="humen", day=DAY, now=EVE + timedelta(hours=7)
    )

    assert "09:00–11:30" in message.body


def test_a_reminder_just_after_the_booking_is_left_out_and_says_so(session: Session) -> None:
    visit = make_told_visit(session)
    book(session, visit)

    (message,) = tellings.tell_day_before(
        session, territory_id="humen", day=DAY, now=EVE + timedelta(hours=2)
    )

    assert (message.status, message.reason) == (MessageStatus.SUPPRESSED, "just_told")


def test_a_reminder_that_comes_on_the_day_itself_is_stale(session: Session) -> None:
    make_told_visit(session)

    (message,) = tellings.tell_day_before(session, territory_id="humen", day=DAY, now=NOW)

    assert (message.status, message.reason) == (MessageStatus.EXPIRED, "stale")


def test_a_planned_time_that_is_over_is_not_told(session: Session) -> None:
    visit = make_told_visit(session)

    (message,) = tellings.tell_booked(session, visit_ids=[visit.id], now=at("11:00") + minutes(1))

    assert message.status is MessageStatus.EXPIRED
