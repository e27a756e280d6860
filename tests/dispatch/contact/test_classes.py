"""The classes of messages: hours, consent and caps."""

from datetime import datetime, time, timedelta

import pytest
from sqlmodel import Session, select

from dispatch.contact import messages, preferences, tellings
from dispatch.contact.classes import CLASSES, held_until
from dispatch.contact.kinds import KINDS, message_class_of
from dispatch.contact.messages import Held, Outgoing, Settled
from dispatch.contact.quiet import Hours
from dispatch.contact.tables import Message, MessageClass, MessageStatus
from dispatch.core.tables import Task
from dispatch.registry.tables import Customer
from dispatch.work.tables import Priority, VisitStatus
from tests.builders.contact import make_message, make_told_visit
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, HUMEN, at, minutes

M = MessageClass
S = MessageStatus
MORNING = at("10:05") - timedelta(days=1)


def held(
    message_class: MessageClass,
    now: datetime,
    *,
    told_of: datetime | None = None,
    earliest: int | None = None,
    latest: int | None = None,
) -> datetime | None:
    return held_until(
        message_class,
        told_of=told_of,
        earliest_hour=earliest,
        latest_hour=latest,
        zone=HUMEN,
        now=now,
    )


def begin(session: Session, message: Message, now: datetime = MORNING) -> object:
    return messages.begin(
        session, message_id=message.id or 0, base_url="http://x", key=b"k" * 32, now=now
    )


def test_an_emergency_goes_out_at_any_hour() -> None:
    assert held(M.EMERGENCY, at("03:00"), earliest=10) is None


def test_what_is_urgent_goes_out_at_any_hour_of_its_day_and_of_another_in_service_hours() -> None:
    told_of = at("23:30")

    assert held(M.SERVICE_URGENT, at("22:45"), told_of=told_of) is None
    assert held(M.SERVICE_URGENT, at("22:45") - timedelta(days=1), told_of=told_of) == at("08:00")


@pytest.mark.parametrize(
    ("kind", "clock", "until"),
    [
        (M.SERVICE, "08:00", None),
        (M.SERVICE, "07:59", "08:00"),
        (M.SERVICE, "20:59", None),
        (M.SURVEY, "08:59", "09:00"),
        (M.SURVEY, "19:59", None),
        (M.MARKETING, "08:30", "09:00"),
    ],
)
def test_other_classes_keep_their_hours(kind: MessageClass, clock: str, until: str | None) -> None:
    assert held(kind, at(clock)) == (at(until) if until else None)


def test_after_the_last_hour_the_next_morning_is_waited_for() -> None:
    assert held(M.SERVICE, at("21:00")) == at("08:00") + timedelta(days=1)
    assert held(M.SURVEY, at("20:00")) == at("09:00") + timedelta(days=1)


def test_a_persons_own_hours_narrow_the_classs_and_never_widen_them() -> None:
    assert held(M.SERVICE, at("08:30"), earliest=10) == at("10:00")
    assert held(M.SERVICE, at("18:00"), latest=18) == at("08:00") + timedelta(days=1)
    assert held(M.SERVICE, at("07:00"), earliest=6) == at("08:00")
    assert Hours(time(8), time(21)).narrowed(22, 24) == Hours(time(8), time(21))


def test_a_crew_on_its_way_to_danger_is_an_emergency() -> None:
    assert message_class_of("on_the_way", Priority.P0) is M.EMERGENCY
    assert message_class_of("on_the_way", Priority.P1) is M.SERVICE_URGENT
    assert message_class_of("booked", Priority.P0) is M.SERVICE


def test_every_kind_has_a_class_and_every_class_its_rules() -> None:
    assert set(CLASSES) == set(MessageClass)
    assert {kind.message_class for kind in KINDS.values()} <= set(CLASSES)


def test_an_emergency_needs_no_consent(session: Session) -> None:
    visit = make_told_visit(
        session, status=VisitStatus.EN_ROUTE, priority=Priority.P0, wants_messages=False
    )
    message = make_message(session, visit=visit, template="on_the_way")

    assert message.message_class is M.EMERGENCY
    assert isinstance(begin(session, message), Outgoing)


def test_who_stopped_a_class_is_asked_again_at_the_sending(session: Session) -> None:
    message = make_message(session)
    preferences.stop(session, customer_id=message.customer_id, actor=DISPATCHER, now=MORNING)

    assert begin(session, message) == Settled(S.SUPPRESSED)
    assert message.reason == "stopped"


def test_who_is_not_to_be_contacted_is_not(session: Session) -> None:
    message = make_message(session)
    preferences.put(
        session,
        customer_id=message.customer_id,
        values={"do_not_contact": "lawsuit pending"},
        actor=DISPATCHER,
        now=MORNING,
    )

    assert begin(session, message) == Settled(S.SUPPRESSED)
    assert message.reason == "do_not_contact"


def test_the_ninth_service_message_of_a_day_waits_until_the_first_is_a_day_old(
    session: Session,
) -> None:
    customer = make_message(session).customer_id
    for number in range(8):
        message = make_message(session)
        message.customer_id = customer
        message.status, message.begun_at = S.SENT, MORNING - minutes(60 - number)
    ninth = session.exec(select(Message).where(Message.status == S.PENDING)).one()
    ninth.expires_at = MORNING + timedelta(days=2)

    assert begin(session, ninth) == Held(MORNING - minutes(60) + timedelta(days=1))
    assert (ninth.status, ninth.reason) == (S.DEFERRED, "cap")
    assert isinstance(begin(session, ninth, MORNING + timedelta(hours=23, minutes=0.5)), Outgoing)


def test_what_would_be_stale_by_the_time_the_cap_allows_it_is_not_sent(session: Session) -> None:
    first, second = make_message(session), make_message(session)
    for message in (first, second):
        message.message_class = M.SURVEY
    second.customer_id = first.customer_id
    first.status, first.begun_at = S.SENT, MORNING - timedelta(days=29)
    second.expires_at = MORNING + timedelta(hours=12)

    assert begin(session, second) == Settled(S.SUPPRESSED)
    assert second.reason == "cap"


def test_a_class_says_how_often_its_sending_is_tried(session: Session) -> None:
    make_message(session)

    task = session.exec(select(Task).where(Task.kind == "message.send")).one()

    assert task.max_attempts == CLASSES[M.SERVICE].attempts


def test_a_customers_evening_hours_defer_the_booking(session: Session) -> None:
    visit = make_told_visit(session)
    customer = session.exec(select(Customer)).one()
    preferences.put(
        session,
        customer_id=customer.id,
        values={"earliest_hour": 18},
        actor=DISPATCHER,
        now=MORNING,
    )

    (message,) = tellings.tell_booked(session, visit_ids=[visit.id], now=MORNING)

    assert message.status is S.DEFERRED
    assert message.send_after == at("18:00", DAY - timedelta(days=1))
