"""What is told on the day of the visit."""

from datetime import date, timedelta

from sqlmodel import Session, col, select

from dispatch.contact import on_the_day, reactions
from dispatch.contact.tables import Message, MessageStatus
from dispatch.contact.windows import arrival_range
from dispatch.core.events import SYSTEM, record
from dispatch.core.tables import Task, TaskClass
from dispatch.work.tables import Priority, VisitStatus
from tests.builders.contact import happened, make_told_visit
from tests.instants import at

EVE = at("10:00") - timedelta(days=1)


def test_the_crew_on_the_way_is_told_with_a_range(session: Session) -> None:
    visit = make_told_visit(session, status=VisitStatus.EN_ROUTE)
    row = record(
        session,
        "visit.en_route",
        entity="visit",
        entity_id=visit.id,
        actor=SYSTEM,
        now=at("09:31"),
        happened_at=at("09:30"),
    )
    session.flush()

    for _ in range(2):
        reactions.on_the_way(session, {"event_id": row.id}, now=at("09:31"))

    message = session.exec(select(Message)).one()
    assert "今天 09:35–09:45" in message.body
    assert message.expires_at == at("09:45")
    assert message.task_class is TaskClass.COURTESY


def test_help_on_its_way_to_danger_is_a_safety_message(session: Session) -> None:
    visit = make_told_visit(session, status=VisitStatus.EN_ROUTE, priority=Priority.P0)

    message = on_the_day.tell_on_the_way(
        session, visit_id=visit.id, departed_at=EVE, version="e", now=EVE
    )

    assert message is not None
    assert message.task_class is TaskClass.SAFETY
    task = session.exec(select(Task).where(col(Task.kind).startswith("message.send"))).one()
    assert (task.queue, task.task_class) == ("safety", TaskClass.SAFETY)


def test_a_crew_that_has_arrived_is_not_announced_any_more(session: Session) -> None:
    visit = make_told_visit(session, status=VisitStatus.ARRIVED)

    assert not on_the_day.tell_on_the_way(
        session, visit_id=visit.id, departed_at=EVE, version="e", now=EVE
    )


def test_an_arrival_is_told_rounded_outward_to_five_minutes() -> None:
    told = arrival_range(early_at=at("09:07"), late_at=at("09:36"))

    assert (told.start_at, told.end_at) == (at("09:05"), at("09:40"))
    exact = arrival_range(early_at=at("09:05"), late_at=at("09:05"))
    assert (exact.start_at, exact.end_at) == (at("09:05"), at("09:10"))


def test_what_was_done_is_told_in_words(session: Session) -> None:
    visit = make_told_visit(session, status=VisitStatus.DONE, language="en")
    visit.finished_at = at("10:35")
    payload = happened(session, "visit.done", visit, closing_code="no_such_code", now=EVE)

    reactions.on_done(session, payload, now=at("10:36"))

    message = session.exec(select(Message)).one()
    assert "Result: completed" in message.body
    assert "Finished: Tuesday, March 10, 2026, 10:35 AM" in message.body


def test_what_was_done_late_is_told_the_next_morning(session: Session) -> None:
    visit = make_told_visit(session, status=VisitStatus.DONE)
    visit.finished_at = at("22:30")

    message = on_the_day.tell_done(
        session, visit_id=visit.id, closing_code="", version="e", now=at("22:31")
    )

    assert message is not None
    assert message.status is MessageStatus.DEFERRED
    assert message.send_after == at("08:00", date(2026, 3, 11))
