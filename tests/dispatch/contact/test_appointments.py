"""What customers do through their links: once however often it is pressed, and taken back until the day."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import appointments
from dispatch.contact.appointments import Through, TooLateToChange, WindowTaken
from dispatch.contact.facts import Facts, load
from dispatch.core.tables import Event
from dispatch.insight.watching import watch_list
from dispatch.planning import choosing, states
from dispatch.registry.tables import Crew, Shift
from dispatch.work import orders, promises
from dispatch.work.tables import HoldReason, PromiseStatus, Visit, VisitStatus, WorkOrderStatus
from tests.builders import planning as day_of
from tests.builders.registry import DISPATCHER, make_shift
from tests.builders.work import go
from tests.instants import DAY, NOW, at

TOMORROW = DAY + timedelta(days=1)


@pytest.fixture
def visit(session: Session) -> Visit:
    """A published visit of today, promised for 08:00 to 10:00, with one crew today and tomorrow."""
    day_of.crew_on(session, "C1")
    make_shift(session, crew=session.get_one(Crew, "C1"), day=TOMORROW)
    visit = day_of.job(session)
    promises.book(
        session, visit, start_at=at("08:00"), end_at=at("10:00"), actor=DISPATCHER, now=NOW
    )
    day_of.published(session)
    return visit


def facts_of(session: Session, visit: Visit) -> Facts:
    session.flush()
    return load(session, [visit.id])[0]


def by(facts: Facts) -> Through:
    return Through(facts.customer.id, 7)


def events(session: Session, visit: Visit, what: str) -> list[Event]:
    statement = select(Event).where(
        col(Event.entity_id) == visit.id, col(Event.type) == f"visit.{what}"
    )
    return list(session.exec(statement))


def choose(session: Session, visit: Visit, start: datetime, end: datetime) -> None:
    facts = facts_of(session, visit)
    appointments.choose(session, facts, start_at=start, end_at=end, by=by(facts), now=NOW)


def window(visit: Visit) -> tuple[datetime | None, datetime | None]:
    return visit.window_start_at, visit.window_end_at


def test_confirming_twice_confirms_once_and_names_the_customer_and_the_link(
    session: Session, visit: Visit
) -> None:
    facts = facts_of(session, visit)
    assert "confirm" in appointments.allowed(session, facts, now=NOW)

    for _ in range(2):
        appointments.confirm(session, facts, by=by(facts), now=NOW)

    promise = promises.standing(session, visit.id)
    assert promise is not None
    assert promise.status is PromiseStatus.CONFIRMED
    (told,) = events(session, visit, "customer_confirmed")
    assert (told.actor, told.role) == (facts.customer.id, "customer")
    assert told.data["link_id"] == 7
    assert "confirm" not in appointments.allowed(session, facts, now=NOW)


def test_another_window_of_the_same_day_moves_the_crew_and_is_in_force_at_once(
    session: Session, visit: Visit
) -> None:
    before = states.in_force(session, territory_id="humen", day=DAY)

    for _ in range(2):
        choose(session, visit, at("14:00"), at("16:00"))

    assert window(visit) == (at("14:00"), at("16:00"))
    assert visit.status in {VisitStatus.PUBLISHED, VisitStatus.DISPATCHED}
    assert visit.planned_start_at is not None
    assert at("14:00") <= visit.planned_start_at < at("16:00")
    after = states.in_force(session, territory_id="humen", day=DAY)
    assert before is not None
    assert after is not None
    assert after.id != before.id
    assert len(events(session, visit, "customer_chose")) == 1
    last = promises.of_visit(session, visit.id)
    assert [promise.status for promise in last] == [PromiseStatus.RESCHEDULED, PromiseStatus.BOOKED]
    assert last[0].by == "customer"


def test_a_window_of_a_day_without_a_plan_is_promised_and_nobody_comes_at_the_old_time(
    session: Session, visit: Visit
) -> None:
    start, end = at("08:00", TOMORROW), at("10:00", TOMORROW)
    assert choosing.days(session, visit_id=visit.id, now=NOW) == [DAY, TOMORROW]
    offered = choosing.choices(session, visit_id=visit.id, day=TOMORROW, now=NOW)
    assert (start, end) in [(offer.start_at, offer.end_at) for offer in offered]

    choose(session, visit, start, end)

    assert window(visit) == (start, end)
    assert (visit.status, visit.crew_id) == (VisitStatus.PLANNED, None)
    assert visit.earliest_day == TOMORROW


def test_promises_for_an_unplanned_day_take_their_room_from_what_is_offered(
    session: Session, visit: Visit
) -> None:
    for _ in range(2):
        other = day_of.job(session, minutes=115, east=0.5)
        promises.book(
            session,
            other,
            start_at=at("10:00", TOMORROW),
            end_at=at("12:00", TOMORROW),
            actor=DISPATCHER,
            now=NOW,
        )

    offered = choosing.choices(session, visit_id=visit.id, day=TOMORROW, now=NOW)

    spans = {(offer.start_at, offer.end_at) for offer in offered}
    assert (at("10:00", TOMORROW), at("12:00", TOMORROW)) not in spans
    assert (at("16:00", TOMORROW), at("17:30", TOMORROW)) in spans


def test_a_window_that_was_taken_meanwhile_is_refused_and_the_old_one_stands(
    session: Session, visit: Visit
) -> None:
    start, end = at("14:00"), at("16:00")
    assert choosing.is_offered(session, visit_id=visit.id, span=(start, end), now=NOW)
    shift = session.exec(select(Shift).where(Shift.day == DAY)).one()
    shift.ends_at = at("13:00")

    with pytest.raises(WindowTaken):
        choose(session, visit, start, end)

    assert window(visit) == (at("08:00"), at("10:00"))
    assert events(session, visit, "customer_chose") == []


def test_a_cancelled_visit_waits_for_the_office_and_comes_back_with_its_window(
    session: Session, visit: Visit
) -> None:
    night_before = NOW - timedelta(hours=10)
    facts = facts_of(session, visit)

    for _ in range(2):
        appointments.cancel(session, facts, by=by(facts), now=night_before)

    assert (facts.order.status, facts.order.hold_reason) == (
        WorkOrderStatus.ON_HOLD, HoldReason.CUSTOMER,
    )  # fmt: skip
    assert (visit.status, window(visit)) == (VisitStatus.PLANNED, (None, None))
    assert len(events(session, visit, "customer_cancelled")) == 1
    assert appointments.allowed(session, facts, now=night_before) == {"uncancel"}

    for _ in range(2):
        assert appointments.uncancel(session, facts, by=by(facts), now=night_before)

    assert window(visit) == (at("08:00"), at("10:00"))
    assert visit.planned_start_at is not None
    assert facts.order.status is WorkOrderStatus.SCHEDULED
    assert "cancel" in appointments.allowed(session, facts, now=night_before)


def test_a_cancellation_stays_once_its_day_has_begun_but_for_ten_minutes(
    session: Session, visit: Visit
) -> None:
    facts = facts_of(session, visit)
    appointments.cancel(session, facts, by=by(facts), now=NOW)

    late = NOW + timedelta(minutes=10)
    assert appointments.allowed(session, facts, now=late - timedelta(seconds=1)) == {"uncancel"}
    assert appointments.allowed(session, facts, now=late) == frozenset()
    with pytest.raises(TooLateToChange):
        appointments.uncancel(session, facts, by=by(facts), now=late)


def test_once_the_crew_has_left_only_the_note_can_be_changed(
    session: Session, visit: Visit
) -> None:
    go(session, visit, *(["dispatch"] if visit.status is VisitStatus.PUBLISHED else []))
    go(session, visit, "accept", "depart")
    facts = facts_of(session, visit)

    assert appointments.allowed(session, facts, now=NOW) == {"note"}
    with pytest.raises(TooLateToChange):
        appointments.cancel(session, facts, by=by(facts), now=NOW)
    with pytest.raises(TooLateToChange):
        choose(session, visit, at("14:00"), at("16:00"))


def test_a_note_is_one_line_of_at_most_500_characters_and_in_no_event(
    session: Session, visit: Visit
) -> None:
    facts = facts_of(session, visit)

    for _ in range(2):
        appointments.note(session, facts, text="门铃坏了\n请打电话\x00", by=by(facts), now=NOW)

    assert visit.access_note == "门铃坏了 请打电话"
    (told,) = events(session, visit, "customer_noted")
    assert "门铃" not in str(told.data)
    with pytest.raises(appointments.NoteTooLong):
        appointments.note(session, facts, text="x" * 501, by=by(facts), now=NOW)


def test_who_asks_for_a_call_asks_once_until_the_office_has_seen_to_it(
    session: Session, visit: Visit
) -> None:
    facts = facts_of(session, visit)

    for _ in range(2):
        appointments.ask_for_call(session, facts, by=by(facts), now=NOW)

    assert appointments.wants_call(session, visit)
    assert len(events(session, visit, "customer_wants_call")) == 1
    promises.reschedule(
        session, visit, start_at=at("10:00"), end_at=at("12:00"), actor=DISPATCHER, now=NOW
    )
    assert not appointments.wants_call(session, visit)


def test_what_customers_want_is_listed_for_the_office_until_it_has_seen_to_it(
    session: Session, visit: Visit
) -> None:
    other = day_of.job(session, east=2)
    facts, others = facts_of(session, visit), facts_of(session, other)
    appointments.ask_for_call(session, others, by=by(others), now=NOW)
    appointments.cancel(session, facts, by=by(facts), now=NOW)

    def listed() -> list[tuple[str, str, str | None]]:
        session.flush()
        found = watch_list(session, territory_id="humen", now=NOW)
        return [(one.code, one.action, one.visit_id) for one in found if one.kind == "customer"]

    assert sorted(listed()) == [
        ("called_off", "look_at_visit", visit.id), ("wants_call", "call_customer", other.id),
    ]  # fmt: skip
    orders.cancel(session, facts.order, actor=DISPATCHER, now=NOW, reason="customer")
    promises.book(
        session, other, start_at=at("13:00"), end_at=at("15:00"), actor=DISPATCHER, now=NOW
    )
    assert listed() == [("left_out", "plan_visit", other.id)], "the day is planned without it"
    promises.cancel(session, other, actor=DISPATCHER, now=NOW)
    assert listed() == []


@pytest.mark.parametrize(
    ("start", "end"), [("14:00", "17:00"), ("14:30", "16:30"), ("07:30", "09:30")]
)
def test_only_the_windows_that_are_offered_can_be_chosen(
    session: Session, visit: Visit, start: str, end: str
) -> None:
    with pytest.raises(WindowTaken):
        choose(session, visit, at(start), at(end))

    assert window(visit) == (at("08:00"), at("10:00"))
