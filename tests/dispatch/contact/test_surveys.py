"""Customers are asked what they think, seldom enough, and a bad answer is made good."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import messages, reactions, surveys
from dispatch.contact.surveys import (
    APART,
    CHANGED_WITHIN,
    BadSurveyAnswer,
    NotDoneYet,
    SurveyClosed,
)
from dispatch.contact.tables import Message, MessageStatus, Survey
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Alert, Event, Task
from dispatch.desk.tables import Request, RequestKind
from dispatch.registry.tables import Customer
from dispatch.sla.tables import Clock
from dispatch.work import visits
from dispatch.work.tables import Visit, VisitStatus, WorkOrder
from dispatch.work.visits import NoSuchVisit
from tests.builders.contact import happened, make_told_visit
from tests.builders.desk import make_counters
from tests.builders.registry import DISPATCHER, make_premises
from tests.builders.work import make_visit
from tests.instants import at
from tests.racing import at_once

FINISHED = at("11:00")
ASKED = at("14:00")


@pytest.fixture
def visit(session: Session) -> Visit:
    """A visit that was finished at 11:00, by crew T1."""
    return done(session)


def done(session: Session, **values: object) -> Visit:
    made = make_told_visit(session, status=VisitStatus.WORKING, **values)  # type: ignore[arg-type]
    return visits.act(session, made, "finish", actor=DISPATCHER, now=FINISHED)


def again(session: Session, visit: Visit) -> Visit:
    """Another finished visit to the same customer."""
    order = session.get_one(WorkOrder, visit.work_order_id)
    customer = session.get_one(Customer, order.customer_id)
    premises = make_premises(session, customer=customer)
    made = make_visit(
        session, status=VisitStatus.WORKING, crew="T2", start_at=at("10:00"), premises=premises
    )
    return visits.act(session, made, "finish", actor=DISPATCHER, now=FINISHED)


def say(session: Session, visit: Visit, score: int = 5, **values: object) -> Survey:
    said = {"solved": True, "comment": "", "now": at("15:00"), **values}
    return surveys.answer(session, visit_id=visit.id, score=score, **said)  # type: ignore[arg-type]


def asked(session: Session) -> list[Message]:
    return list(session.exec(select(Message).where(col(Message.template) == "survey")))


def test_a_customer_is_asked_hours_after_the_visit(
    session: Session, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveys, "ASKED_PERCENT", 100)

    reactions.arrange_survey(
        session, happened(session, "visit.done", visit, now=FINISHED), now=FINISHED
    )

    (task,) = session.exec(select(Task).where(Task.kind == "survey.ask"))
    assert task.run_at == FINISHED + timedelta(hours=3)
    assert asked(session) == []
    reactions.ask_survey(session, task.payload, now=task.run_at)
    (message,) = asked(session)
    assert message.status is MessageStatus.PENDING
    assert "满意吗" in message.body
    assert session.get_one(Survey, visit.id).asked_at == task.run_at


def test_a_sample_is_asked_and_which_does_not_depend_on_chance(session: Session) -> None:
    drawn = [
        surveys.arrange(session, visit_id=f"V-{number}", finished_at=FINISHED, now=FINISHED)
        for number in range(400)
    ]
    repeated = [
        surveys.arrange(session, visit_id=f"V-{number}", finished_at=FINISHED, now=FINISHED)
        for number in range(400)
    ]

    assert repeated == drawn
    assert 0.42 < sum(drawn) / 400 < 0.58
    tasks = session.exec(select(Task).where(Task.kind == "survey.ask")).all()
    assert len(tasks) == sum(drawn)


def test_nobody_is_asked_twice_within_thirty_days(session: Session, visit: Visit) -> None:
    second = again(session, visit)

    assert surveys.ask(session, visit_id=visit.id, now=ASKED) is not None
    assert surveys.ask(session, visit_id=visit.id, now=ASKED) is None
    assert surveys.ask(session, visit_id=second.id, now=ASKED + timedelta(hours=1)) is None
    assert len(asked(session)) == 1

    assert surveys.ask(session, visit_id=second.id, now=ASKED + APART) is None, "stale by then"


def test_who_wants_no_messages_and_who_has_no_address_is_not_asked(session: Session) -> None:
    for values in ({"wants_messages": False}, {"email": None}):
        one = done(session, **values)
        assert surveys.ask(session, visit_id=one.id, now=ASKED) is None

    assert asked(session) == []
    assert session.exec(select(Survey)).all() == []


def test_nobody_is_asked_while_work_on_the_order_goes_on(session: Session, visit: Visit) -> None:
    visits.act(session, visit, "reopen", actor=DISPATCHER, now=at("13:00"))

    assert surveys.ask(session, visit_id=visit.id, now=ASKED) is None


def test_a_survey_that_was_written_is_dropped_when_the_visit_is_taken_up_again(
    session: Session, visit: Visit
) -> None:
    surveys.ask(session, visit_id=visit.id, now=ASKED)
    visits.act(session, visit, "reopen", actor=DISPATCHER, now=ASKED)
    (message,) = asked(session)
    assert message.id is not None

    messages.begin(session, message_id=message.id, base_url="http://x", key=b"k" * 32, now=ASKED)

    assert (message.status, message.reason) == (MessageStatus.SUPPRESSED, "superseded")


def test_an_answer_is_kept_with_what_it_is_counted_by(session: Session, visit: Visit) -> None:
    survey = say(session, visit, 4, comment="  很快  ")

    assert (survey.score, survey.solved, survey.comment) == (4, True, "很快")
    assert (survey.crew_id, survey.work_type) == ("T1", "MTR-XCH")
    event = session.exec(select(Event).where(Event.type == "survey.answered")).one()
    assert event.data["score"] == 4
    assert "很快" not in str(event.data), "the trail holds no words of customers"
    assert (event.role, event.actor) == ("customer", survey.customer_id)


def test_an_answer_can_be_changed_for_a_week(session: Session, visit: Visit) -> None:
    first = say(session, visit, 5).answered_at
    assert first is not None

    changed = say(session, visit, 3, now=first + CHANGED_WITHIN - timedelta(seconds=1))
    assert (changed.score, changed.answered_at) == (3, first)

    with pytest.raises(SurveyClosed) as refused:
        say(session, visit, 1, now=first + CHANGED_WITHIN)
    assert refused.value.status == 410
    assert session.get_one(Survey, visit.id).score == 3


@pytest.mark.parametrize(("score", "solved"), [(1, True), (2, True), (5, False)])
def test_a_bad_answer_becomes_a_request_with_a_clock_of_a_day(
    session: Session, visit: Visit, score: int, solved: bool
) -> None:
    make_counters(session)
    moment = at("15:00")

    survey = say(session, visit, score, solved=solved, comment="还是没电")

    request = session.exec(select(Request)).one()
    assert survey.request_id == request.id
    assert (request.kind, request.text) == (RequestKind.COMPLAINT, "还是没电")
    assert visit.id in request.subject
    clock = session.exec(select(Clock).where(Clock.subject_id == request.id)).one()
    assert clock.due_at == moment + timedelta(hours=24)


def test_a_better_or_another_bad_answer_opens_no_second_request(
    session: Session, visit: Visit
) -> None:
    make_counters(session)
    for score in (1, 5, 2):
        say(session, visit, score)

    assert len(session.exec(select(Request)).all()) == 1


def test_a_good_answer_opens_nothing(session: Session, visit: Visit) -> None:
    make_counters(session)

    assert say(session, visit, 3).request_id is None
    assert session.exec(select(Request)).all() == []


def test_a_bad_answer_is_kept_where_no_counter_takes_complaints(
    session: Session, visit: Visit
) -> None:
    assert say(session, visit, 1).request_id is None
    assert session.get_one(Alert, "survey.no_counter:humen").count == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [({"score": 0}, "score"), ({"score": 6}, "score"), ({"comment": "x" * 501}, "comment")],
)
def test_an_answer_that_is_none_is_refused_by_its_field(
    session: Session, visit: Visit, values: dict[str, object], field: str
) -> None:
    with pytest.raises(BadSurveyAnswer) as refused:
        say(session, visit, **values)  # type: ignore[arg-type]

    assert refused.value.details["field"] == field
    assert session.exec(select(Survey)).all() == []


def test_what_is_not_done_and_what_does_not_exist_cannot_be_judged(session: Session) -> None:
    coming = make_told_visit(session)

    with pytest.raises(NotDoneYet):
        say(session, coming)
    with pytest.raises(NoSuchVisit):
        surveys.answer(session, visit_id="V-9", score=5, solved=True, comment="", now=FINISHED)


def test_two_answers_at_once_are_one_survey_and_one_request(database: Database) -> None:
    with transaction(database) as session:
        make_counters(session)
        visit_id = done(session).id

    def tell() -> None:
        with transaction(database) as session:
            surveys.answer(
                session, visit_id=visit_id, score=1, solved=False, comment="", now=at("15:00")
            )

    assert at_once(tell, tell, tell) == ["done", "done", "done"]
    with database.reading() as session:
        assert len(session.exec(select(Survey)).all()) == 1
        assert len(session.exec(select(Request)).all()) == 1
