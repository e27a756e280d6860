"""Who was promised a time at which nobody comes, and hears nothing of it, is listed for a person."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import preferences, promised, unreached
from dispatch.contact.tables import Message, MessageClass, MessageStatus
from dispatch.field.closing import close_day
from dispatch.registry.tables import Customer
from dispatch.work import orders, promises, visits
from dispatch.work.tables import HoldReason, Visit, WorkOrder
from tests.builders import planning
from tests.builders.contact import work_off
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, at

EVE = at("10:00") - timedelta(days=1)
NINE, ELEVEN = at("09:00"), at("11:00")


def promised_visit(session: Session, *, email: str | None = None) -> Visit:
    """A visit promised for 09:00 to 11:00 whose customer has this email address and no mobile telephone."""
    planning.crew_on(session, "C1")
    visit = planning.job(session, window=(NINE, ELEVEN), now=EVE)
    customer = customer_of(session, visit)
    customer.email, customer.phone = email, None
    session.flush()
    return visit


def customer_of(session: Session, visit: Visit) -> Customer:
    order = session.get_one(WorkOrder, visit.work_order_id)
    return session.get_one(Customer, order.customer_id)


def publish(session: Session, *on_plan: Visit) -> None:
    planning.published(session, orders={"C1-20260310": [one.id for one in on_plan]}, now=EVE)
    work_off(session, now=EVE)


def published_and_seen_to(session: Session) -> Visit:
    """A promised visit on the plan whose customer no message reached, so that a person has called."""
    visit = promised_visit(session)
    publish(session, visit)
    (message,) = unreached.need_a_person(session, territory_id="humen", now=EVE)
    unreached.see_to(session, message_id=message.id or 0, actor=DISPATCHER, now=EVE)
    return visit


def listed(session: Session, *, clock: str = "", late: bool = False) -> list[str]:
    now = at(clock) if clock else EVE
    return [
        one.visit_id
        for one in promised.forgotten(session, territory_id="humen", now=now)
        if one.is_late is late
    ]


def test_who_was_never_told_by_message_and_is_left_out_of_the_plan_is_listed_until_the_visit_has_a_place(
    session: Session,
) -> None:
    visit = promised_visit(session)
    assert listed(session) == [], "the day is not planned yet"

    publish(session)
    assert listed(session) == [visit.id]

    publish(session, visit)
    assert listed(session) == []


def test_who_could_not_be_told_the_time_and_is_then_taken_off_the_plan_is_listed_though_the_first_was_seen_to(
    session: Session,
) -> None:
    visit = published_and_seen_to(session)
    assert listed(session) == []

    visits.act(session, visit, "withdraw", actor=DISPATCHER, now=EVE)
    work_off(session, now=EVE)

    assert unreached.need_a_person(session, territory_id="humen", now=EVE) == []
    assert listed(session) == [visit.id]


def test_a_day_that_nobody_plans_is_no_excuse(session: Session) -> None:
    visit = promised_visit(session)

    assert listed(session, clock="07:00", late=True) == [visit.id]
    promises.expire(session, territory_id="humen", now=at("11:00"))
    assert listed(session, clock="11:00", late=True) == [visit.id], (
        "who waited in vain is told, too"
    )
    assert listed(session, clock="23:00", late=True) == []


def test_a_held_order_leaves_nobody_waiting_in_silence_until_the_window_is_taken_back(
    session: Session,
) -> None:
    held = promised_visit(session)
    order = session.get_one(WorkOrder, held.work_order_id)
    orders.hold(session, order, reason=HoldReason.MATERIAL, actor=DISPATCHER, now=EVE)
    work_off(session, now=EVE)
    assert listed(session) == [held.id]

    promises.cancel(session, held, actor=DISPATCHER, now=EVE)
    assert listed(session) == []


def test_a_day_that_closes_early_leaves_nobody_waiting_in_silence_until_another_window_is_promised(
    session: Session,
) -> None:
    visit = published_and_seen_to(session)
    visits.act(session, visit, "withdraw", actor=DISPATCHER, now=at("08:00"))
    close_day(session, territory_id="humen", day=DAY, actor=DISPATCHER, now=at("08:30"))
    work_off(session, now=at("08:30"))
    assert listed(session, clock="08:30", late=True) == [visit.id]

    next_day = at("09:00") + timedelta(days=2)
    current = promises.standing(session, visit.id)
    change = promises.reschedule if current else promises.book
    change(
        session, visit, start_at=next_day, end_at=next_day + timedelta(hours=2), actor=DISPATCHER,
        now=at("08:40"),
    )  # fmt: skip
    assert listed(session, clock="08:40", late=True) == []


@pytest.mark.parametrize("stops", [True, False])
def test_who_is_told_by_message_is_not_listed_and_who_stopped_messages_is(
    session: Session, stops: bool
) -> None:
    visit = promised_visit(session, email="chen@example.com")
    publish(session, visit)
    if stops:
        preferences.stop(
            session, customer_id=customer_of(session, visit).id, message_class=MessageClass.SERVICE,
            channel="phone", actor=DISPATCHER, now=EVE,
        )  # fmt: skip

    publish(session)

    assert listed(session) == ([visit.id] if stops else [])
    assert listed(session, clock="08:00", late=True) == ([visit.id] if stops else [])


def test_a_putting_off_that_did_not_arrive_is_listed_as_a_message_and_one_that_came_too_late_here(
    session: Session,
) -> None:
    visit = promised_visit(session, email="chen@example.com")
    publish(session, visit)
    publish(session)
    put_off = session.exec(
        select(Message).where(Message.template == "put_off").order_by(col(Message.id).desc())
    ).one()
    put_off.status = MessageStatus.BOUNCED
    session.flush()
    assert listed(session) == []
    assert unreached.need_a_person(session, territory_id="humen", now=EVE) == [put_off]

    put_off.status = MessageStatus.EXPIRED
    session.flush()
    assert listed(session, clock="08:00", late=True) == [visit.id]


def test_what_the_customer_called_off_is_not_promised(session: Session) -> None:
    visit = promised_visit(session)
    order = session.get_one(WorkOrder, visit.work_order_id)
    orders.hold(session, order, reason=HoldReason.CUSTOMER, actor=DISPATCHER, now=EVE)
    publish(session)

    assert listed(session) == []
