"""How customers want to be told, and STOP."""

from typing import Any

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import preferences, tellings
from dispatch.contact.preferences import BadPreference, CannotBeStopped
from dispatch.contact.tables import Message, MessageClass
from dispatch.core.db import StaleVersion
from dispatch.core.events import Actor
from dispatch.core.tables import Event
from dispatch.registry.customers import NoSuchCustomer
from dispatch.registry.tables import Customer
from tests.builders.contact import make_told_visit
from tests.builders.registry import DISPATCHER, make_customer
from tests.dispatch.contact.test_tellings import EVE
from tests.instants import NOW

M = MessageClass
CUSTOMER = Actor("customer", "customer")


def put(session: Session, customer: Customer, expect: int | None = None, **values: Any) -> Any:
    return preferences.put(
        session,
        customer_id=customer.id,
        values=values,
        expect=expect,
        actor=DISPATCHER,
        now=NOW,
    )


def test_who_has_set_nothing_has_no_wishes_at_version_0(session: Session) -> None:
    customer = make_customer(session)

    found = preferences.get(session, customer_id=customer.id)

    assert (found.version, found.channels, found.has_nominee) == (0, (), False)


def test_wishes_are_kept_and_counted(session: Session) -> None:
    customer = make_customer(session)

    first = put(session, customer, expect=0, channels=("sms", "email"), language="en")
    second = put(session, customer, expect=1, channels=("email",))

    assert (first.version, first.channels, first.language) == (1, ("sms", "email"), "en")
    assert (second.version, second.channels, second.language) == (2, ("email",), None)
    with pytest.raises(StaleVersion):
        put(session, customer, expect=1)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"channels": ("fax",)}, "channels"),
        ({"channels": ("sms", "sms")}, "channels"),
        ({"language": "fr"}, "language"),
        ({"earliest_hour": 24}, "earliest_hour"),
        ({"latest_hour": 25}, "latest_hour"),
        ({"earliest_hour": 12, "latest_hour": 12}, "latest_hour"),
        ({"nominee_phone": "12", "nominee_name": "Wang"}, "nominee_phone"),
        ({"nominee_email": "x", "nominee_name": "Wang"}, "nominee_email"),
        ({"nominee_email": "w@example.com"}, "nominee_name"),
        ({"nominee_instead": True}, "nominee_instead"),
        ({"stopped": ("emergency",)}, "stopped"),
        ({"stopped": ("everything",)}, "stopped"),
        ({"do_not_contact": "two\nlines"}, "do_not_contact"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_its_field(
    session: Session, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadPreference) as caught:
        put(session, make_customer(session), **values)

    assert caught.value.details["field"] == field


def test_stop_ends_service_messages_and_again_changes_nothing(session: Session) -> None:
    customer = make_customer(session)

    for _ in range(2):
        found = preferences.stop(
            session, customer_id=customer.id, channel="sms", actor=CUSTOMER, now=NOW
        )

    assert found.stopped == ("service", "service_urgent")
    assert found.version == 1
    (event,) = session.exec(select(Event).where(Event.type == "customer.contact_stopped"))
    assert event.data == {"stopped": ["service", "service_urgent"], "channel": "sms"}
    assert event.actor == "customer"


def test_stop_of_one_class_leaves_the_others(session: Session) -> None:
    customer = make_customer(session)
    put(session, customer, wants_marketing=True)

    preferences.stop(
        session, customer_id=customer.id, message_class=M.SURVEY, actor=CUSTOMER, now=NOW
    )
    found = preferences.stop(
        session, customer_id=customer.id, message_class=M.MARKETING, actor=CUSTOMER, now=NOW
    )

    assert found.stopped == ("marketing", "survey")
    assert not found.wants_marketing


def test_messages_about_danger_cannot_be_stopped_and_the_refusal_says_so(
    session: Session,
) -> None:
    customer = make_customer(session)

    with pytest.raises(CannotBeStopped, match="danger"):
        preferences.stop(
            session, customer_id=customer.id, message_class=M.EMERGENCY, actor=CUSTOMER, now=NOW
        )


def test_what_was_stopped_can_be_resumed(session: Session) -> None:
    customer = make_customer(session)
    preferences.stop(session, customer_id=customer.id, actor=CUSTOMER, now=NOW)

    found = preferences.resume(session, customer_id=customer.id, actor=CUSTOMER, now=NOW)

    assert found.stopped == ()


def test_the_history_of_consent_is_in_the_events_without_an_address(session: Session) -> None:
    customer = make_customer(session)
    put(
        session,
        customer,
        nominee_name="王芳",
        nominee_email="wang@example.com",
        wants_marketing=True,
    )
    put(session, customer, wants_marketing=False)

    rows = session.exec(
        select(Event).where(Event.type == "customer.contact_changed").order_by(col(Event.id))
    ).all()

    assert [row.data.get("wants_marketing") for row in rows] == [True, False]
    assert "nominee_email" in rows[0].data["fields"]
    assert "wang@example.com" not in str([row.data for row in rows])
    assert "王芳" not in str([row.data for row in rows])


def test_an_unknown_customer_has_no_wishes(session: Session) -> None:
    with pytest.raises(NoSuchCustomer):
        preferences.get(session, customer_id="nobody")
    with pytest.raises(NoSuchCustomer):
        preferences.stop(session, customer_id="nobody", actor=CUSTOMER, now=NOW)


def test_a_nominee_is_told_too_in_a_message_of_their_own(session: Session) -> None:
    visit = make_told_visit(session)
    customer = session.exec(select(Customer)).one()
    put(session, customer, nominee_name="王芳", nominee_email="wang@example.com", language="en")

    tellings.tell_booked(session, visit_ids=[visit.id], now=EVE)
    assert tellings.tell_booked(session, visit_ids=[visit.id], now=EVE) == []

    own, other = session.exec(select(Message).order_by(col(Message.id))).all()
    assert (own.recipient, own.to_nominee) == ("chen@example.com", False)
    assert (other.recipient, other.to_nominee) == ("wang@example.com", True)
    assert "Dear 陈小明" in own.body
    assert "Dear 王芳" in other.body


def test_a_nominee_may_be_told_instead(session: Session) -> None:
    visit = make_told_visit(session, email=None)
    customer = session.exec(select(Customer)).one()
    put(
        session,
        customer,
        nominee_name="王芳",
        nominee_email="wang@example.com",
        nominee_instead=True,
    )

    tellings.tell_booked(session, visit_ids=[visit.id], now=EVE)

    message = session.exec(select(Message)).one()
    assert (message.recipient, message.to_nominee) == ("wang@example.com", True)
