"""The log of messages says what a customer was told, whether it arrived, and what they did."""

from datetime import timedelta

import pytest
from sqlmodel import Session

from dispatch.contact import log, surveys
from dispatch.contact.log import NoSuchClass, Wanted
from dispatch.contact.tables import Message, MessageClass, MessageStatus, SubjectKind
from dispatch.core.db import Database, transaction
from dispatch.core.events import Actor
from dispatch.core.pages import BadPageSize
from dispatch.desk import requests
from dispatch.registry.territories import NoSuchTerritory
from dispatch.work import promises, visits
from dispatch.work.tables import Visit, VisitStatus, WorkOrder
from tests.builders.contact import make_message, make_told_visit
from tests.builders.desk import make_request
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, NOW, at
from tests.statements import counted, way_to

EVE = DAY - timedelta(days=1)


def found(session: Session, **wanted: object) -> list[int | None]:
    page = log.search(session, Wanted(**wanted))  # type: ignore[arg-type]
    return [line.message.id for line in page.lines]


def order_of(session: Session, visit: Visit) -> WorkOrder:
    return session.get_one(WorkOrder, visit.work_order_id)


def test_messages_are_found_by_whom_and_what_they_are_about(session: Session) -> None:
    request = make_request(session)
    order = requests.make_order(session, request, work_type="MTR-XCH", actor=DISPATCHER, now=NOW)
    one, other = make_message(session), make_message(session)
    visit = session.get_one(Visit, one.subject_id)
    order_of(session, visit).request_id = request.id
    session.flush()

    assert found(session) == [other.id, one.id]
    assert found(session, customer_id=one.customer_id) == [one.id]
    assert found(session, visit_id=other.subject_id) == [other.id]
    assert found(session, work_order_id=visit.work_order_id) == [one.id]
    assert found(session, request_id=request.id) == [one.id]
    assert found(session, territory_id="humen", visit_id=one.subject_id) == [one.id]
    assert order.id != visit.work_order_id


def test_messages_about_a_request_itself_are_found_by_it_too(session: Session) -> None:
    request = make_request(session)
    message = make_message(session)
    message.subject_kind, message.subject_id = SubjectKind.REQUEST, request.id
    session.flush()

    assert found(session, request_id=request.id) == [message.id]
    line = log.line(session, message)
    assert (line.request_id, line.visit_id) == (request.id, None)


def test_messages_are_found_by_fate_kind_class_and_local_day(session: Session) -> None:
    early = make_message(session, now=at("08:00", EVE))
    late = make_message(session, now=at("20:00", EVE))
    next_day = make_message(session, now=at("08:30"))
    late.status, late.message_class = MessageStatus.FAILED, MessageClass.MARKETING
    session.flush()

    assert found(session, statuses=[MessageStatus.FAILED]) == [late.id]
    assert found(session, template="booked") == [next_day.id, late.id, early.id]
    assert found(session, template="survey") == []
    assert found(session, message_class="marketing") == [late.id]
    assert found(session, territory_id="humen", day=EVE) == [late.id, early.id]
    with pytest.raises(NoSuchClass):
        found(session, message_class="loud")
    with pytest.raises(NoSuchTerritory):
        found(session, territory_id="atlantis")


def test_the_log_is_read_in_pages_that_new_messages_do_not_shift(session: Session) -> None:
    numbers = [make_message(session).id for _ in range(5)]

    first = log.search(session, Wanted(), limit=2)
    make_message(session)
    second = log.search(session, Wanted(), before=first.before, limit=2)
    third = log.search(session, Wanted(), before=second.before, limit=2)

    pages = [[line.message.id for line in page.lines] for page in (first, second, third)]
    assert pages == [numbers[4:2:-1], numbers[2:0:-1], numbers[:1]]
    assert third.before is None
    with pytest.raises(BadPageSize):
        log.search(session, Wanted(), limit=0)


def test_the_text_is_as_it_was_sent_without_the_customers_link(session: Session) -> None:
    message = make_message(session)

    line = log.line(session, message)

    assert "[[" not in line.text("(link)", "····")
    assert "(link)" in line.text("(link)", "····")
    assert line.customer_name == "陈小明"
    message.body = "[[link]] [[code]], [[link 2]] [[code 2]]"
    assert line.text("…", "····") == "… ····, … ····"


def test_it_says_what_the_customer_did_about_it(session: Session) -> None:
    def did(message: Message) -> tuple[str, int | None]:
        line = log.line(session, message)
        return line.did, line.score

    told = make_told_visit(session, window=(at("09:00"), at("11:00")))
    message = make_message(session, visit=told)
    assert did(message) == ("", None)

    order = order_of(session, told)
    promise = promises.standing(session, told.id)
    assert promise is not None
    customer = Actor(order.customer_id, "customer")
    promises.move(session, told, promise, "confirm", actor=customer, now=NOW)
    assert did(message) == ("confirmed", None)

    done = make_told_visit(session, status=VisitStatus.WORKING, planned=at("13:00"))
    visits.act(session, done, "finish", actor=DISPATCHER, now=at("14:00"))
    surveys.ask(session, visit_id=done.id, now=at("17:00"))
    (line,) = log.search(session, Wanted(template="survey")).lines
    assert line.did == ""
    surveys.answer(session, visit_id=done.id, score=4, solved=True, comment="", now=at("18:00"))
    assert did(line.message) == ("answered", 4)


def test_a_page_takes_the_same_number_of_questions_however_long_it_is(database: Database) -> None:
    def asked(more: int) -> int:
        with transaction(database) as session:
            for _ in range(more):
                make_message(session)
        with counted(database) as statements, database.reading() as session:
            log.search(session, Wanted(territory_id="humen"))
        return len(statements)

    assert asked(2) == asked(8)


@pytest.mark.parametrize(
    ("where", "indices"),
    [
        ("m.territory_id = 'humen' AND m.id < 100", {"ix_message_territory"}),
        ("m.customer_id = 'C-1'", {"ix_message_customer_id", "uq_message_telling"}),
        ("m.subject_id = 'V-1'", {"ix_message_subject_id"}),
        ("m.created_at >= '2026-03-09' AND m.created_at < '2026-03-10'", {"ix_message_created"}),
    ],
)
def test_what_is_named_is_found_by_an_index(
    session: Session, where: str, indices: set[str]
) -> None:
    way = way_to(session, f"SELECT m.id FROM message m WHERE {where}")

    assert any(index in way for index in indices)
