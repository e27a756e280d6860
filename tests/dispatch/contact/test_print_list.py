"""The print list: what waits to be handed over on a day, and the word that it was."""

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from dispatch.contact import notices, outages, preferences, print_list, tellings
from dispatch.contact.print_list import Notice, NotOnList
from dispatch.contact.tables import Message, MessageStatus, OutageNotice
from dispatch.core.alerts import open_alerts
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event, Task
from dispatch.desk.tables import RequestKind
from dispatch.registry.tables import Customer
from dispatch.work.tables import Visit, VisitStatus, WorkOrder
from tests.builders.contact import make_message, make_told_visit, plan_anew
from tests.builders.desk import make_request
from tests.builders.registry import DISPATCHER, make_customer, make_premises
from tests.builders.work import make_order
from tests.dispatch.contact.test_households import another
from tests.instants import DAY, at
from tests.statements import counted

MORNING = at("10:05") - timedelta(days=1)
EVE = DAY - timedelta(days=1)
S = MessageStatus


def on_paper(session: Session, **visit: object) -> Message:
    message = make_message(session, visit=make_told_visit(session, **visit))  # type: ignore[arg-type]
    message.channel = "print"
    session.flush()
    return message


def due(session: Session, day: object = EVE) -> list[Notice]:
    return print_list.printed(
        session,
        territory_id="humen",
        day=day,  # type: ignore[arg-type]
        base_url="https://x",
        key=b"k" * 32,
        now=MORNING,
    )


def test_what_waits_is_on_the_list_with_its_address_and_its_link(session: Session) -> None:
    message = on_paper(session)
    make_message(session)  # goes by email

    (notice,) = due(session)

    assert notice.message_id == message.id
    assert notice.name == "陈小明"
    assert "https://x/v/" in notice.body
    assert "[[" not in notice.body


def test_a_day_has_what_still_holds_on_it(session: Session) -> None:
    on_paper(session)

    assert len(due(session, EVE)) == len(due(session, DAY)) == 1
    assert due(session, DAY + timedelta(days=1)) == []
    assert due(session, EVE - timedelta(days=1)) == []


def test_what_is_no_longer_true_is_left_out(session: Session) -> None:
    message = on_paper(session)
    session.get_one(Visit, message.subject_id).status = VisitStatus.CANCELLED
    session.flush()

    assert due(session) == []


def test_a_letter_to_a_household_leaves_out_the_visit_that_has_moved(session: Session) -> None:
    first = make_told_visit(session)
    second = another(session, first)
    (message,) = tellings.tell_booked(session, visit_ids=[first.id, second.id], now=MORNING)
    message.channel = "print"
    plan_anew(first, at("17:00"))
    session.flush()

    for _ in range(2):
        (notice,) = due(session)
        assert "电能表更换" not in notice.body
        assert "13:00–15:00" in notice.body
        assert notice.body.count("https://x/v/") == 1
        assert "[[" not in notice.body


def test_who_wants_no_messages_gets_none_on_paper_either(session: Session) -> None:
    message = on_paper(session)
    session.get_one(Customer, message.customer_id).wants_messages = False
    session.flush()

    assert due(session) == []


def test_a_door_needs_no_telephone_and_no_mailbox(session: Session) -> None:
    message = on_paper(session)
    session.get_one(Customer, message.customer_id).email = None
    session.flush()

    assert [notice.message_id for notice in due(session)] == [message.id]


def test_what_was_handed_over_is_sent_and_off_the_list(session: Session) -> None:
    numbers = [on_paper(session).id, on_paper(session).id]
    assert None not in numbers

    count = print_list.hand_over(
        session,
        territory_id="humen",
        message_ids=numbers[:1],
        actor=DISPATCHER,
        now=MORNING,  # type: ignore[arg-type]
    )

    assert count == 1
    first = session.get_one(Message, numbers[0])
    assert (first.status, first.provider, first.sent_at) == (S.SENT, "print", MORNING)
    assert [notice.message_id for notice in due(session)] == numbers[1:]
    event = session.exec(select(Event).where(Event.type == "print_list.handed_over")).one()
    assert (event.actor, event.data) == (DISPATCHER.id, {"message_ids": numbers[:1]})


def test_nothing_is_handed_over_twice_and_nothing_that_was_sent_otherwise(session: Session) -> None:
    message, mail = on_paper(session), make_message(session)
    assert message.id is not None
    assert mail.id is not None

    def hand_over(number: int) -> int:
        return print_list.hand_over(
            session, territory_id="humen", message_ids=[number], actor=DISPATCHER, now=MORNING
        )

    assert hand_over(message.id) == 1
    for number in (message.id, mail.id, 999):
        with pytest.raises(NotOnList):
            hand_over(number)
    assert mail.status is S.PENDING


def test_a_letter_that_waits_on_its_last_day_is_told_until_it_is_handed_over(
    session: Session,
) -> None:
    message = legal_letter(session)

    until = print_list.watch(session, message_id=message.id or 0, now=at("06:00"))
    assert until == message.expires_at == at("12:00")
    assert [alert.key for alert in open_alerts(session)] == ["print_list.urgent:humen"]

    print_list.hand_over(
        session,
        territory_id="humen",
        message_ids=[message.id or 0],
        actor=DISPATCHER,
        now=at("07:00"),
    )
    assert open_alerts(session) == []
    assert print_list.watch(session, message_id=message.id or 0, now=until) is None
    assert message.status is S.SENT


def test_a_letter_is_watched_from_the_day_before_what_it_tells_of(session: Session) -> None:
    visit = make_told_visit(session, planned=at("10:00") + timedelta(days=3), email=None)
    preferences.put(
        session,
        customer_id=session.get_one(WorkOrder, visit.work_order_id).customer_id,
        values={"channels": ("print",)},
        actor=DISPATCHER,
        now=MORNING,
    )
    (message,) = tellings.tell_booked(session, visit_ids=[visit.id], now=MORNING)

    (task,) = session.exec(select(Task).where(Task.kind == "message.send")).all()
    assert message.channel == "print"
    assert task.run_at == at("09:00") + timedelta(days=2)


def test_a_letter_that_nobody_handed_over_expires_and_calls_a_person(session: Session) -> None:
    message = legal_letter(session)
    print_list.watch(session, message_id=message.id or 0, now=at("07:00"))

    assert print_list.watch(session, message_id=message.id or 0, now=at("12:00")) is None

    assert (message.status, message.reason) == (S.EXPIRED, "stale")
    assert [alert.key for alert in open_alerts(session)] == ["print_list.expired:humen"]


def test_a_letter_that_says_nothing_true_any_more_expires_quietly(session: Session) -> None:
    message = legal_letter(session)
    session.get_one(OutageNotice, message.subject_id).withdrawn_at = at("06:00")

    until = print_list.watch(session, message_id=message.id or 0, now=at("07:00"))
    assert print_list.watch(session, message_id=message.id or 0, now=at("12:00")) is None

    assert until == at("12:00")
    assert message.status is S.EXPIRED
    assert open_alerts(session) == []


def test_the_list_takes_the_same_number_of_questions_however_long_it_is(database: Database) -> None:
    def asked(more: int) -> tuple[int, int, int]:
        with transaction(database) as session:
            for _ in range(more):
                on_paper(session)
                told_of_an_outage(session)
                told_of_a_request(session)
                told_of_a_call(session)
            due(session)  # the first printing makes the key of all links
        with counted(database) as read, transaction(database) as session:
            found = len(print_list.due(session, territory_id="humen", day=EVE))
        with counted(database) as all_of_them, transaction(database) as session:
            assert len(due(session)) == found
        return found, len(read), len(all_of_them)

    first, second = asked(1), asked(6)

    assert (first[0], second[0]) == (4, 28)
    assert second[1:] == first[1:]


def legal_letter(session: Session) -> Message:
    """A letter about an interruption on DAY, to a customer whom no other way leads to."""
    return told_of_an_outage(session, customer=make_customer(session, email=None))


def told_of_an_outage(session: Session, customer: Customer | None = None) -> Message:
    """A letter about an interruption on DAY, to the customer of one premises."""
    notice = outages.announce(
        session,
        territory_id="humen",
        starts_at=at("08:00"),
        ends_at=at("12:00"),
        reason_zh="检修",
        reason_en="maintenance",
        premises=[make_premises(session, customer=customer).id],
        actor=DISPATCHER,
        now=MORNING,
    )
    (message,) = notices.tell_outage(session, notice_id=notice.id, now=MORNING)
    message.channel = "print"
    session.flush()
    return message


def told_of_a_request(session: Session) -> None:
    """A letter about a fault that was reported."""
    request = make_request(session, kind=RequestKind.FAULT, now=MORNING)
    message = notices.tell_report(session, request_id=request.id, now=MORNING)
    assert message is not None
    message.channel = "print"
    session.flush()


def told_of_a_call(session: Session) -> None:
    """A letter that says on which day we call."""
    order = make_order(session, work_type="FU-TEL", earliest_day=DAY)
    message = notices.tell_call(session, work_order_id=order.id, now=MORNING)
    assert message is not None
    message.channel = "print"
    session.flush()
