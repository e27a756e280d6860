"""What is told of visits that leave the plan, by the operations that take them off it."""

from datetime import datetime, timedelta

import icalendar
import pytest
from sqlmodel import Session, col, select

from dispatch.contact import appointments, messages, preferences
from dispatch.contact.appointments import Through
from dispatch.contact.facts import load
from dispatch.contact.tables import Message, MessageClass, MessageStatus
from dispatch.field.closing import close_day
from dispatch.planning import undoing
from dispatch.registry.tables import Crew, Customer
from dispatch.work import orders, promises, visits
from dispatch.work.tables import HoldReason, Priority, Visit, WorkOrder
from tests.builders import planning
from tests.builders.contact import work_off
from tests.builders.field import act
from tests.builders.registry import DISPATCHER, make_shift
from tests.instants import DAY, NOW, at, minutes

EVE = at("10:00") - timedelta(days=1)
NINE, ELEVEN = at("09:00"), at("11:00")


@pytest.fixture
def visit(session: Session) -> Visit:
    """A visit of C1, promised for 09:00 to 11:00; its customer was told so the day before. C2 has nothing to do."""
    return told(session)


def told(session: Session, *, priority: Priority | None = None) -> Visit:
    for crew in ("C1", "C2"):
        planning.crew_on(session, crew)
    visit = planning.job(session, window=(NINE, ELEVEN), priority=priority, now=EVE)
    order = session.get_one(WorkOrder, visit.work_order_id)
    session.get_one(Customer, order.customer_id).email = "chen@example.com"
    planning.published(session, orders={"C1-20260310": [visit.id]}, now=EVE)
    work_off(session, now=EVE)
    assert texts(session, visit) == ["booked"]
    return visit


def texts(session: Session, visit: Visit) -> list[str]:
    """What was sent about the visit, in order."""
    statement = select(Message.template).where(
        Message.subject_id == visit.id, Message.status == MessageStatus.SENT
    )
    return list(session.exec(statement.order_by(col(Message.id))))


def decline(session: Session, visit: Visit, *, now: datetime) -> None:
    act(session, visit, "decline", reason="no_time", now=now)
    work_off(session, now=now)


def plan_without(session: Session, *, now: datetime) -> None:
    planning.published(session, orders={}, now=now)
    work_off(session, now=now)


def hold(session: Session, visit: Visit, reason: HoldReason, *, now: datetime) -> None:
    order = session.get_one(WorkOrder, visit.work_order_id)
    orders.hold(session, order, reason=reason, actor=DISPATCHER, now=now)
    work_off(session, now=now)


def test_who_is_declined_and_left_out_of_the_next_plan_is_told_not_to_wait(
    session: Session, visit: Visit
) -> None:
    decline(session, visit, now=at("09:20"))
    assert texts(session, visit) == ["booked"], "another crew may be found"

    plan_without(session, now=at("09:25"))
    plan_without(session, now=at("09:30"))
    work_off(session, now=at("12:00"))

    assert texts(session, visit) == ["booked", "put_off"]


def test_who_is_declined_and_given_to_another_crew_within_what_was_told_hears_nothing(
    session: Session, visit: Visit
) -> None:
    decline(session, visit, now=at("09:20"))

    planning.published(session, orders={"C2-20260310": [visit.id]}, now=at("09:30"))
    work_off(session, now=at("12:00"))

    assert visit.crew_id == "C2"
    assert texts(session, visit) == ["booked"]


def test_who_is_declined_while_nobody_plans_is_told_when_it_is_too_late_to_find_another_crew(
    session: Session, visit: Visit
) -> None:
    decline(session, visit, now=at("09:20"))

    assert work_off(session, now=at("09:34")) == []
    work_off(session, now=at("09:35"))

    assert texts(session, visit) == ["booked", "put_off"]


@pytest.mark.parametrize(
    ("window", "declined", "told_at"),
    [
        ((at("14:00"), at("16:00")), at("09:20"), at("12:00")),
        ((at("14:00"), at("16:00")), at("11:50"), at("12:05")),
        ((NINE, ELEVEN), EVE, at("18:00") - timedelta(days=1)),
    ],
    ids=["two hours ahead", "with some patience", "the evening before"],
)
def test_how_long_another_crew_is_looked_for(
    session: Session, window: tuple[datetime, datetime], declined: datetime, told_at: datetime
) -> None:
    visit = told(session)
    promises.reschedule(
        session, visit, start_at=window[0], end_at=window[1], actor=DISPATCHER, now=EVE
    )
    work_off(session, now=EVE)
    before = texts(session, visit)

    decline(session, visit, now=declined)
    work_off(session, now=told_at - minutes(1))
    assert texts(session, visit) == before
    work_off(session, now=told_at)

    assert texts(session, visit) == [*before, "put_off"]


def test_a_crew_that_turns_back_on_its_way_is_told_of_at_once(
    session: Session, visit: Visit
) -> None:
    act(session, visit, "accept", now=at("09:40"))
    act(session, visit, "en_route", now=at("09:45"))
    work_off(session, now=at("09:45"))

    visits.act(session, visit, "withdraw", reason="emergency", actor=DISPATCHER, now=at("09:50"))
    work_off(session, now=at("09:50"))
    assert texts(session, visit) == ["booked", "on_the_way", "put_off"]

    planning.published(session, orders={"C2-20260310": [visit.id]}, now=at("10:00"))
    work_off(session, now=at("10:00"))
    assert texts(session, visit)[3:] == ["changed"], "somebody comes after all"


def test_who_knows_only_that_the_crew_is_coming_is_told_that_it_turned_back(
    session: Session,
) -> None:
    visit = told(session)
    for message in session.exec(select(Message).where(Message.template == "booked")):
        message.status = MessageStatus.FAILED
    act(session, visit, "accept", now=at("09:40"))
    act(session, visit, "en_route", now=at("09:45"))
    work_off(session, now=at("09:45"))

    visits.act(session, visit, "withdraw", reason="storm", actor=DISPATCHER, now=at("09:50"))
    work_off(session, now=at("09:50"))

    assert texts(session, visit) == ["on_the_way", "put_off"]


def test_urgent_work_is_put_off_in_the_night_too(session: Session) -> None:
    visit = told(session, priority=Priority.P1)

    decline(session, visit, now=at("01:00"))
    plan_without(session, now=at("05:00"))

    message = session.exec(select(Message).where(Message.template == "put_off")).one()
    assert (message.message_class, message.status) == (
        MessageClass.SERVICE_URGENT,
        MessageStatus.SENT,
    )


def test_who_is_held_is_told_not_to_wait(session: Session, visit: Visit) -> None:
    hold(session, visit, HoldReason.MATERIAL, now=at("08:30"))

    assert texts(session, visit) == ["booked", "put_off"]


def test_who_is_held_after_leaving_the_plan_is_told_then(session: Session, visit: Visit) -> None:
    decline(session, visit, now=at("09:20"))

    hold(session, visit, HoldReason.MATERIAL, now=at("09:22"))
    work_off(session, now=at("12:00"))

    assert texts(session, visit) == ["booked", "put_off"]


def test_who_calls_off_has_it_confirmed_and_the_calendar_of_whom_they_named_cleared(
    session: Session, visit: Visit
) -> None:
    (facts,) = load(session, [visit.id])
    wishes = {"nominee_name": "Li", "nominee_email": "li@example.com"}
    customer_id = facts.customer.id
    preferences.put(
        session, customer_id=customer_id, values=wishes, actor=DISPATCHER, now=at("08:20")
    )
    (facts,) = load(session, [visit.id])

    appointments.cancel(session, facts, by=Through(customer_id, 1), now=at("08:30"))
    sent = work_off(session, now=at("08:30"))

    assert texts(session, visit) == ["booked", "cancelled", "cancelled"]
    assert {one.recipient for one in sent} == {"chen@example.com", "li@example.com"}
    for one in sent:
        calendar = icalendar.Calendar.from_ical(one.calendars[0])
        assert str(calendar["METHOD"]) == "CANCEL"
        (entry,) = calendar.walk("VEVENT")
        assert entry.decoded("DTSTART") == NINE


def test_who_takes_a_cancellation_back_before_it_was_sent_is_told_when_nobody_is_found(
    session: Session, visit: Visit
) -> None:
    (facts,) = load(session, [visit.id])
    night = at("22:00") - timedelta(days=1)
    through = Through(facts.customer.id, 1)
    appointments.cancel(session, facts, by=through, now=night)
    work_off(session, now=night)
    orders.release(session, facts.order, actor=DISPATCHER, now=night + minutes(2))
    work_off(session, now=at("12:00"))

    assert texts(session, visit) == ["booked", "put_off"]


def test_a_day_that_closes_tells_whoever_was_left_in_the_pool(
    session: Session, visit: Visit
) -> None:
    promises.reschedule(
        session, visit, start_at=at("16:00"), end_at=at("18:00"), actor=DISPATCHER, now=EVE
    )
    work_off(session, now=EVE)
    decline(session, visit, now=at("13:00"))

    close_day(session, territory_id="humen", day=DAY, actor=DISPATCHER, now=at("13:05"))
    work_off(session, now=at("13:05"))

    assert texts(session, visit) == ["booked", "changed", "put_off"]


def test_who_chose_another_day_is_not_put_off_from_the_old_one_but_from_the_new_one(
    session: Session, visit: Visit
) -> None:
    tomorrow = DAY + timedelta(days=1)
    start, end = at("14:00", tomorrow), at("16:00", tomorrow)
    make_shift(session, crew=session.get_one(Crew, "C1"), day=tomorrow)
    (facts,) = load(session, [visit.id])
    through = Through(facts.customer.id, 1)

    appointments.choose(session, facts, start_at=start, end_at=end, by=through, now=NOW)
    plan_without(session, now=at("08:30"))
    work_off(session, now=at("12:00"))
    assert texts(session, visit) == ["booked"]
    work_off(session, now=at("12:00", tomorrow))

    assert texts(session, visit) == ["booked", "put_off"]


def test_what_is_put_back_by_undoing_is_told_to_who_was_told_not_to_wait(
    session: Session, visit: Visit
) -> None:
    visits.act(session, visit, "withdraw", actor=DISPATCHER, now=at("08:30"))
    work_off(session, now=at("08:50"))
    assert texts(session, visit) == ["booked", "put_off"]

    undoing.undo(session, territory_id="humen", day=DAY, actor=DISPATCHER, now=at("08:55"))
    work_off(session, now=at("08:55"))

    assert texts(session, visit) == ["booked", "put_off", "changed"]


def test_a_change_that_was_not_sent_yet_does_not_hide_what_the_customer_knows(
    session: Session, visit: Visit
) -> None:
    night = at("23:00") - timedelta(days=1)
    promises.reschedule(
        session, visit, start_at=at("14:00"), end_at=at("16:00"), actor=DISPATCHER, now=night
    )
    work_off(session, now=night)

    hold(session, visit, HoldReason.MATERIAL, now=night + minutes(5))
    work_off(session, now=at("08:00"))

    assert texts(session, visit) == ["booked", "put_off"]


def test_a_putting_off_that_was_dropped_leaves_what_was_told_in_force(
    session: Session, visit: Visit
) -> None:
    night = at("22:00") - timedelta(days=1)
    decline(session, visit, now=night)
    plan_without(session, now=night)
    planning.published(session, orders={"C2-20260310": [visit.id]}, now=at("08:00"))
    message = session.exec(select(Message).where(Message.template == "put_off")).one()
    messages.begin(
        session, message_id=message.id or 0, base_url="http://x", key=b"k" * 32, now=at("08:00")
    )
    work_off(session, now=at("08:00"))

    assert message.status is MessageStatus.SUPPRESSED
    assert texts(session, visit) == ["booked"]


def test_who_was_not_told_yet_is_not_told_of_a_putting_off(session: Session) -> None:
    planning.crew_on(session, "C1")
    visit = planning.job(session, window=(NINE, ELEVEN), now=EVE)
    planning.published(session, orders={"C1-20260310": [visit.id]}, now=EVE)
    visits.act(session, visit, "withdraw", actor=DISPATCHER, now=EVE)

    work_off(session, now=EVE)
    plan_without(session, now=EVE)

    assert texts(session, visit) == []
