"""One message for a household, and calendar entries."""

from datetime import datetime, timedelta

import icalendar
import pytest
from sqlmodel import Session, col, select

from dispatch.contact import log, messages, taking_back, tellings
from dispatch.contact.channels import Channel
from dispatch.contact.facts import load
from dispatch.contact.households import households
from dispatch.contact.log import Wanted
from dispatch.contact.messages import Outgoing, Settled, begin, complete
from dispatch.contact.queries import of_visit
from dispatch.contact.tables import ContactPreference, Message, MessageStatus, Telling
from dispatch.registry.tables import Customer, Premises
from dispatch.work.tables import Visit, VisitStatus, WorkOrder
from tests.builders.contact import make_told_visit, plan_anew
from tests.builders.work import make_visit
from tests.dispatch.contact.test_tellings import EVE
from tests.instants import DAY, at

S = MessageStatus
KEY = b"k" * 32


def another(session: Session, visit: Visit, *, at_hour: str = "14:00") -> Visit:
    """Another visit to the same customer at the same premises, the same day."""
    order = session.get_one(WorkOrder, visit.work_order_id)
    return make_visit(
        session,
        status=VisitStatus.PUBLISHED,
        crew="T2",
        start_at=at(at_hour),
        work_type="INSP-U",
        premises=session.get_one(Premises, order.premises_id),
        earliest_day=DAY,
    )


def book(session: Session, *visits: Visit) -> list[Message]:
    return tellings.tell_booked(session, visit_ids=[visit.id for visit in visits], now=EVE)


def send(session: Session, message: Message, now: datetime = EVE) -> Outgoing:
    outgoing = begin(
        session,
        message_id=message.id or 0,
        base_url="http://x",
        key=KEY,
        sender="Power <power@example.com>",
        now=now,
    )
    assert isinstance(outgoing, Outgoing)
    complete(session, message_id=message.id or 0, now=now)
    return outgoing


def test_two_visits_to_one_customer_are_told_in_one_message(session: Session) -> None:
    first = make_told_visit(session)
    second = another(session, first)

    (message,) = book(session, second, first)

    assert "电能表更换" in message.body
    assert "用电安全检查" in message.body
    assert message.subject_id == first.id, "the earlier visit comes first"
    assert message.expires_at == at("15:00")
    assert of_visit(session, visit_id=second.id) == [message]
    assert book(session, first, second) == []
    outgoing = send(session, message)
    assert outgoing.body.count("http://x/v/") == 2
    assert "[[" not in outgoing.body
    assert [starts(calendar) for calendar in outgoing.calendars] == [at("09:00"), at("13:00")]


def event_of(calendar: str) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(calendar).walk("VEVENT")
    return event  # type: ignore[return-value]


def starts(calendar: str) -> datetime:
    return event_of(calendar).decoded("DTSTART")  # type: ignore[no-any-return]


def test_visits_that_were_invited_to_singly_leave_the_calendar_together(session: Session) -> None:
    first = make_told_visit(session)
    second = another(session, first)
    invited = [send(session, *book(session, visit)).calendars for visit in (first, second)]
    for visit in (first, second):
        visit.status = VisitStatus.PLANNED

    (put_off,) = taking_back.tell_put_off(session, visit_ids=[first.id, second.id], now=EVE)
    cancelled = send(session, put_off).calendars

    assert all("METHOD:CANCEL" in calendar for calendar in cancelled)
    before = [event_of(calendar) for (calendar,) in invited]
    after = [event_of(calendar) for calendar in cancelled]
    assert [str(event["UID"]) for event in after] == [str(event["UID"]) for event in before]
    assert [int(event["SEQUENCE"]) for event in (*before, *after)] == [0, 0, 1, 1]
    assert [event.decoded("DTSTART") for event in after] == [at("09:00"), at("13:00")]


def test_a_household_without_email_hears_by_sms_that_neither_visit_takes_place(
    session: Session,
) -> None:
    first = make_told_visit(session, email=None, window=(at("09:00"), at("11:00")))
    second = another(session, first)
    order = session.get_one(WorkOrder, first.work_order_id)
    session.get_one(Customer, order.customer_id).phone = "13800138000"
    ids, ways = [first.id, second.id], frozenset(Channel)
    (booked,) = tellings.tell_booked(session, visit_ids=ids, channels=ways, now=EVE)
    messages.begin(
        session, message_id=booked.id or 0, base_url="http://x", key=KEY, channels=ways, now=EVE
    )
    complete(session, message_id=booked.id or 0, now=EVE)
    for visit in (first, second):
        visit.status = VisitStatus.PLANNED

    (put_off,) = taking_back.tell_put_off(session, visit_ids=ids, channels=ways, now=EVE)

    assert (booked.channel, put_off.channel) == ("sms", "sms")
    for message in (booked, put_off):
        assert "09:00-11:00" in message.body
        assert "13:00-15:00" in message.body


def test_a_change_of_one_visit_tells_only_of_that_one(session: Session) -> None:
    first = make_told_visit(session)
    second = another(session, first)
    (message,) = book(session, first, second)
    send(session, message)
    plan_anew(second, at("17:00"))

    (changed,) = book(session, first, second)

    assert (changed.template, changed.subject_id) == ("changed", second.id)
    assert "电能表更换" not in changed.body


def test_a_visit_that_moved_before_the_sending_is_left_out_of_the_message(
    session: Session,
) -> None:
    first = make_told_visit(session)
    second = another(session, first)
    (message,) = book(session, first, second)
    plan_anew(first, at("16:00"))
    (anew,) = book(session, first, second)

    outgoing = send(session, message)

    assert anew.subject_id == first.id
    assert "电能表更换" not in outgoing.body
    assert "用电安全检查" in outgoing.body
    assert message.subject_id == second.id
    assert session.exec(select(Telling.visit_id).where(Telling.message_id == message.id)).all() == [
        second.id
    ]


def test_a_message_none_of_whose_visits_holds_is_not_sent(session: Session) -> None:
    first = make_told_visit(session)
    second = another(session, first)
    (message,) = book(session, first, second)
    for visit in (first, second):
        visit.status = VisitStatus.PLANNED

    verdict = messages.begin(
        session, message_id=message.id or 0, base_url="http://x", key=KEY, now=EVE
    )

    assert verdict == Settled(S.SUPPRESSED)


def test_more_visits_than_fit_are_told_in_several_messages(session: Session) -> None:
    first = make_told_visit(session)
    visits = [first, *(another(session, first, at_hour="15:00") for _ in range(11))]

    written = book(session, *visits)

    listed = [len(message.details["visits"]) for message in written]
    assert listed == [10, 2]
    assert all(len(message.body) <= 4000 for message in written)


def test_an_unannounced_visit_is_never_listed_beside_another(session: Session) -> None:
    first = make_told_visit(session)
    secret = another(session, first)
    session.get_one(WorkOrder, secret.work_order_id).work_type = "INSP-TH"

    told, kept = book(session, first, secret)

    assert [visit["id"] for visit in told.details["visits"]] == [first.id]
    assert (kept.status, kept.reason) == (S.SUPPRESSED, "unannounced")


@pytest.mark.parametrize(
    ("same_phone", "same_address", "groups"), [(True, True, 1), (True, False, 2), (False, True, 2)]
)
def test_customers_of_one_address_and_one_telephone_are_one_household(
    session: Session, same_phone: bool, same_address: bool, groups: int
) -> None:
    visits = [make_told_visit(session) for _ in range(2)]
    facts = load(session, [visit.id for visit in visits])
    if same_phone:
        facts[0].customer.phone, facts[1].customer.phone = "13800138000", "138-0013-8000"
    if not same_address:
        facts[1].premises.address = "somewhere else"

    assert len(households(facts, alone=lambda _: False)) == groups


@pytest.mark.parametrize(
    "differs",
    [
        {"nominee_name": "王芳", "nominee_phone": "13900139000", "nominee_instead": True},
        {"channels": ["sms"]},
        {"earliest_hour": 12},
        {"stopped": ["survey"]},
    ],
)
def test_who_wants_to_be_told_otherwise_is_told_by_a_message_of_their_own(
    session: Session, differs: dict[str, object]
) -> None:
    visits = [make_told_visit(session) for _ in range(2)]
    facts = load(session, [visit.id for visit in visits])
    for one in facts:
        one.customer.phone = "13800138000"
    session.add(ContactPreference(customer_id=facts[1].customer.id, **differs))

    written = tellings.tell_booked(
        session, visit_ids=[visit.id for visit in visits], channels=frozenset(Channel), now=EVE
    )

    assert [len(message.details["visits"]) for message in written] == [1, 1]
    assert [message.customer_id for message in written] == [one.customer.id for one in facts]
    assert written[1].to_nominee is ("nominee_name" in differs)


def test_a_mailbox_of_their_own_makes_a_message_of_their_own(session: Session) -> None:
    visits = [make_told_visit(session), make_told_visit(session, email="li@example.com")]
    facts = load(session, [visit.id for visit in visits])
    for one in facts:
        one.customer.phone = "13800138000"

    assert len(households(facts, alone=lambda _: False)) == 2


@pytest.mark.parametrize("objects", [0, 1])
def test_who_objects_before_the_sending_is_left_out_of_the_households_message(
    session: Session, objects: int
) -> None:
    visits = [make_told_visit(session), make_told_visit(session, planned=at("14:00"))]
    customers = [one.customer for one in load(session, [visit.id for visit in visits])]
    for customer in customers:
        customer.phone = "13800138000"
    (message,) = book(session, *visits)
    customers[objects].wants_messages = False

    outgoing = send(session, message)

    kept = 1 - objects
    assert outgoing.body.count("http://x/v/") == 1
    assert (message.customer_id, message.subject_id) == (customers[kept].id, visits[kept].id)
    assert [told.id for told in of_visit(session, visit_id=visits[objects].id)] == []


def test_the_log_finds_a_households_message_by_every_customer_whom_it_tells(
    session: Session,
) -> None:
    visits = [make_told_visit(session), make_told_visit(session, planned=at("14:00"))]
    customers = [one.customer for one in load(session, [visit.id for visit in visits])]
    for customer in customers:
        customer.phone = "13800138000"
    (message,) = book(session, *visits)

    for customer in customers:
        (line,) = log.search(session, Wanted(customer_id=customer.id)).lines
        assert line.message.id == message.id


def test_a_chain_of_visits_that_belong_together_is_one_household(session: Session) -> None:
    first, second = make_told_visit(session), make_told_visit(session)
    third = another(session, second)
    facts = load(session, [first.id, second.id, third.id])
    for one in facts:
        one.customer.phone = "13800138000"

    (group,) = households(facts, alone=lambda _: False)

    assert [one.visit.id for one in group] == [one.visit.id for one in facts]


def test_the_invitation_keeps_its_uid_and_counts_its_changes(session: Session) -> None:
    visit = make_told_visit(session, language="en", window=(at("09:00"), at("11:00")))
    found = []
    (booked,) = book(session, visit)
    found.append(send(session, booked).calendars[0])
    visit.window_start_at, visit.window_end_at = at("14:00"), at("16:00")
    (changed,) = book(session, visit)
    found.append(send(session, changed).calendars[0])
    visit.status, visit.planned_start_at = VisitStatus.PLANNED, None
    (put_off,) = taking_back.tell_put_off(session, visit_ids=[visit.id], now=EVE)
    found.append(send(session, put_off).calendars[0])

    calendars = [icalendar.Calendar.from_ical(text) for text in found]
    events = [next(iter(calendar.walk("VEVENT"))) for calendar in calendars]
    assert [str(one["METHOD"]) for one in calendars] == ["REQUEST", "REQUEST", "CANCEL"]
    assert len({str(event["UID"]) for event in events}) == 1
    assert [int(event["SEQUENCE"]) for event in events] == [0, 1, 2]
    assert str(events[2]["STATUS"]) == "CANCELLED"
    assert events[1].decoded("DTSTART") == at("14:00")
    assert str(events[0]["ORGANIZER"]) == "mailto:power@example.com"
    assert str(events[0]["ATTENDEE"]) == "mailto:chen@example.com"
    zone = next(iter(calendars[0].walk("VTIMEZONE")))
    assert str(zone["TZID"]) == "Asia/Shanghai"
    assert events[0]["DTSTART"].params["TZID"] == "Asia/Shanghai"
    assert all(len(line.encode()) <= 75 for line in found[0].split("\r\n"))
    assert "陈小明" not in found[0]


def test_an_invitation_across_a_change_of_clocks_names_the_local_hour(session: Session) -> None:
    visit = make_told_visit(session, window=(at("09:00"), at("11:00")))
    (message,) = book(session, visit)
    visit.territory_id = "humen"
    (facts,) = load(session, [visit.id])
    facts.territory.zone = "Europe/London"

    outgoing = send(session, message, EVE + timedelta(hours=8))

    event = next(iter(icalendar.Calendar.from_ical(outgoing.calendars[0]).walk("VEVENT")))

    assert event.decoded("DTSTART") == at("09:00")
    assert event["DTSTART"].params["TZID"] == "Europe/London"


def test_a_repeated_sending_sends_the_same_invitation(session: Session) -> None:
    visit = make_told_visit(session, window=(at("09:00"), at("11:00")))
    (message,) = book(session, visit)
    first = send_once(session, message)
    messages.fail(session, message_id=message.id or 0, error="451", final=False, now=EVE)

    assert send_once(session, message) == first


def send_once(session: Session, message: Message) -> str:
    outgoing = begin(
        session,
        message_id=message.id or 0,
        base_url="http://x",
        key=KEY,
        sender="power@example.com",
        now=EVE,
    )
    assert isinstance(outgoing, Outgoing)
    return outgoing.calendars[0]


def test_who_was_told_a_time_and_is_called_off_is_told_not_to_wait(session: Session) -> None:
    visit = make_told_visit(session, language="en")
    (booked,) = book(session, visit)
    send(session, booked)
    visit.status = VisitStatus.CANCELLED

    (message,) = taking_back.tell_cancelled(session, visit_ids=[visit.id], now=EVE)

    assert message.template == "cancelled"
    assert "9:00 – 11:00 AM" in message.body
    assert taking_back.tell_cancelled(session, visit_ids=[visit.id], now=EVE) == []


def test_who_objects_is_told_nothing_by_a_message_to_the_others_of_the_household(
    session: Session,
) -> None:
    first, second = make_told_visit(session), make_told_visit(session)
    customers = session.exec(select(Customer).order_by(col(Customer.id))).all()
    for customer in customers:
        customer.phone = "13800138000"
    customers[1].wants_messages = False

    written = book(session, first, second)

    assert sorted(message.status for message in written) == [S.PENDING, S.SUPPRESSED]


def test_a_household_is_reminded_once_of_all_its_visits(session: Session) -> None:
    first = make_told_visit(session)
    second = another(session, first)
    written = tellings.tell_day_before(
        session, territory_id="humen", day=DAY, now=EVE + timedelta(hours=7)
    )

    assert [len(message.details["visits"]) for message in written] == [2]
    assert written[0].subject_id == first.id
    assert second.id in [visit["id"] for visit in written[0].details["visits"]]
