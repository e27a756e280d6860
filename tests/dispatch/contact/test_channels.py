"""Which ways lead to a person, and what happens when one does not."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import messages, preferences, print_list, queries, unreached
from dispatch.contact.channels import BUILT_IN, Channel, Person, first_way, way_to
from dispatch.contact.classes import CLASSES
from dispatch.contact.messages import Outgoing, Settled
from dispatch.contact.tables import Message, MessageStatus
from dispatch.contact.tellings import tell_booked
from dispatch.core.alerts import open_alerts
from dispatch.core.tables import Task, TaskClass
from dispatch.registry.tables import Customer
from dispatch.work.tables import Visit, WorkOrder
from tests.builders.contact import make_told_visit
from tests.builders.registry import DISPATCHER
from tests.dispatch.contact.test_tellings import EVE
from tests.instants import DAY

ALL = frozenset(Channel)
S = MessageStatus
MOBILE = "+86 138 0013 8000"


def person(phone: str | None = None, email: str | None = None) -> Person:
    return Person("陈小明", phone, email, "解放路1号")


def customer_of(session: Session, visit: Visit) -> Customer:
    order = session.get_one(WorkOrder, visit.work_order_id)
    return session.get_one(Customer, order.customer_id)


def booked(
    session: Session,
    *,
    phone: str | None = MOBILE,
    channels: tuple[str, ...] = (),
    now: datetime = EVE,
    **given: object,
) -> Message:
    """A message about a visit whose customer has this phone and this wish."""
    visit = make_told_visit(session, **given)  # type: ignore[arg-type]
    customer = customer_of(session, visit)
    customer.phone = phone
    if channels:
        preferences.put(
            session,
            customer_id=customer.id,
            values={"channels": channels},
            actor=DISPATCHER,
            now=now,
        )
    (message,) = tell_booked(session, visit_ids=[visit.id], channels=ALL, now=now)
    return message


def begin(session: Session, message: Message, *, now: datetime = EVE) -> object:
    return messages.begin(
        session,
        message_id=message.id or 0,
        base_url="http://x",
        key=b"k" * 32,
        channels=ALL,
        sender="Power <power@example.com>",
        now=now,
    )


def refused(session: Session, message: Message, *, now: datetime = EVE) -> None:
    begin(session, message, now=now)
    messages.fail(
        session, message_id=message.id or 0, error="550", final=True, channels=ALL, now=now
    )


@pytest.mark.parametrize(
    ("phone", "address", "obstacle"),
    [
        ("13800138000", "+8613800138000", ""),
        ("+86 138-0013-8000", "+8613800138000", ""),
        ("+44 7400 123456", "+447400123456", ""),
        ("0769 8555 0100", "", "no_mobile"),
        ("12", "", "bad_address"),
        ("call me", "", "bad_address"),
        ("", "", "no_address"),
        (None, "", "no_address"),
    ],
)
def test_an_sms_goes_to_mobile_numbers_in_the_international_form(
    phone: str | None, address: str, obstacle: str
) -> None:
    way = way_to(person(phone), Channel.SMS)

    assert (way.address, way.obstacle) == (address, obstacle)


def test_a_call_reaches_fixed_lines_too_and_a_letter_everybody() -> None:
    assert way_to(person("0769 8555 0100"), Channel.VOICE).address == "+8676985550100"
    assert way_to(person(), Channel.PRINT).address == "解放路1号"


def test_the_first_way_that_the_installation_has_and_that_leads_there_is_taken() -> None:
    both = person(MOBILE, "chen@example.com")

    assert first_way(both, ("sms", "email"), installed=ALL).channel == "sms"
    assert first_way(both, ("sms", "email"), installed=BUILT_IN).channel == "email"
    assert first_way(person(), ("sms", "email"), installed=ALL).obstacle == "no_address"
    assert first_way(person(email="x"), ("sms", "email"), installed=ALL).obstacle == "bad_address"


def test_the_customers_own_order_wins_over_the_classs(session: Session) -> None:
    message = booked(session, channels=("sms", "email"))

    assert (message.channel, message.recipient) == ("sms", "+8613800138000")


def test_a_customer_with_a_mobile_only_gets_one_short_text(session: Session) -> None:
    message = booked(session, email=None)

    assert message.channel == "sms"
    assert message.subject == ""
    assert len(message.body.splitlines()) == 1
    outgoing = begin(session, message)
    assert isinstance(outgoing, Outgoing)
    assert (outgoing.channel, outgoing.key) == ("sms", f"gridcrew-{message.id}")
    assert outgoing.calendars == ()
    assert "[[" not in outgoing.body


def test_when_email_fails_the_next_channel_gets_a_message_of_its_own(session: Session) -> None:
    message = booked(session)
    refused(session, message)

    other = session.exec(select(Message).where(Message.fallback_of == message.id)).one()
    assert (message.status, other.status, other.channel) == (S.FAILED, S.PENDING, "sms")
    assert other.subject_version == message.subject_version
    assert isinstance(begin(session, other), Outgoing), "it is no repetition of the telling"
    assert open_alerts(session) == []
    assert unreached.need_a_person(session, territory_id="humen", now=EVE) == []
    assert [row.id for row in queries.of_visit(session, visit_id=message.subject_id)] == [
        message.id,
        other.id,
    ]


def fails_everywhere(session: Session, message: Message, *, now: datetime = EVE) -> list[Message]:
    """The message and those that went in its stead, each of which failed but a letter."""
    found = [message]
    while found[-1].channel != Channel.PRINT:
        refused(session, found[-1], now=now)
        other = session.exec(select(Message).where(Message.fallback_of == found[-1].id)).first()
        if other is None:
            return found
        found.append(other)
    return found


def test_with_no_channel_left_a_person_is_called(session: Session) -> None:
    tried = fails_everywhere(session, booked(session))

    assert [one.channel for one in tried] == ["email", "sms", "voice"], "a letter comes too late"
    assert [alert.key for alert in open_alerts(session)] == ["message.failed"]
    assert unreached.need_a_person(session, territory_id="humen", now=EVE) == [tried[-1]]


def test_when_all_channels_failed_a_letter_is_carried_out_where_there_is_time(
    session: Session,
) -> None:
    tried = fails_everywhere(
        session, booked(session, now=EVE - timedelta(days=1)), now=EVE - timedelta(days=1)
    )

    assert [one.channel for one in tried] == ["email", "sms", "voice", "print"]
    assert (tried[-1].status, tried[-1].recipient) == (S.PENDING, "虎门镇太平社区解放路1号")
    assert open_alerts(session) == []
    (due,) = print_list.due(session, territory_id="humen", day=DAY - timedelta(days=1))
    assert due.message.id == tried[-1].id


@pytest.mark.parametrize(
    ("phone", "days_ahead", "channel"),
    [
        ("0769 8555 0100", 2, "voice"),
        ("0769 8555 0100", 0, "voice"),
        (None, 2, "print"),
        (None, 0, ""),
    ],
    ids=["fixed line", "fixed line, soon", "no telephone", "no telephone, soon"],
)
def test_who_has_neither_email_nor_mobile_is_called_or_gets_a_letter_or_is_seen_to_by_a_person(
    session: Session, phone: str | None, days_ahead: int, channel: str
) -> None:
    now = EVE - timedelta(days=days_ahead)

    message = booked(session, phone=phone, email=None, now=now)

    needs = unreached.need_a_person(session, territory_id="humen", now=now)
    if channel:
        assert (message.channel, message.status) == (channel, S.PENDING)
        assert needs == []
    else:
        assert (message.status, message.reason) == (S.SUPPRESSED, "no_address")
        assert needs == [message]


def test_who_named_their_channels_gets_no_letter_that_they_did_not_wish_for(
    session: Session,
) -> None:
    message = booked(session, email=None, channels=("email",), now=EVE - timedelta(days=2))

    assert (message.status, message.reason) == (S.SUPPRESSED, "no_address")


def test_every_class_that_must_be_heard_ends_with_a_call_and_what_can_wait_with_a_letter() -> None:
    ends = {name.value: rules.channels[-1] for name, rules in CLASSES.items()}

    assert ends == {
        "emergency": "voice", "service_urgent": "voice", "service": "print", "survey": "sms", "marketing": "sms",
    }  # fmt: skip


@pytest.mark.parametrize("safety", [True, False])
def test_only_a_safety_message_goes_on_when_nobody_knows_whether_its_last_try_arrived(
    session: Session, safety: bool
) -> None:
    message = booked(session)
    message.task_class = TaskClass.SAFETY if safety else TaskClass.COURTESY
    begin(session, message)
    messages.unknown(
        session, message_id=message.id or 0, error="cut", last=True, channels=ALL, now=EVE
    )

    others = session.exec(select(Message).where(Message.fallback_of == message.id)).all()
    assert message.status is S.UNKNOWN
    assert [other.channel for other in others] == (["sms"] if safety else [])
    assert [alert.key for alert in open_alerts(session)] == ([] if safety else ["message.unknown"])


def test_a_bounce_leads_to_the_next_channel_once(session: Session) -> None:
    message = booked(session)
    begin(session, message)
    messages.complete(
        session, message_id=message.id or 0, provider="mail", provider_id="a-1", now=EVE
    )
    messages.report(session, message_id=message.id or 0, delivered=False, channels=ALL, now=EVE)

    assert (message.provider, message.provider_id) == ("mail", "a-1")
    assert session.exec(select(Message.channel).order_by(col(Message.id))).all() == ["email", "sms"]


def test_an_address_that_is_gone_by_the_sending_leads_to_the_next_channel(
    session: Session,
) -> None:
    message = booked(session)
    session.get_one(Customer, message.customer_id).email = None

    assert begin(session, message) == Settled(S.SUPPRESSED)

    other = session.exec(select(Message).where(Message.fallback_of == message.id)).one()
    assert (message.reason, other.channel) == ("no_address", "sms")


def test_a_telling_that_fell_back_counts_as_told_once(session: Session) -> None:
    message = booked(session)
    refused(session, message)

    assert tell_booked(session, visit_ids=[message.subject_id], channels=ALL, now=EVE) == []


def test_a_letter_waits_for_the_print_list_and_has_a_task_that_watches_it(
    session: Session,
) -> None:
    message = booked(session, phone=None, email=None, channels=("print",))

    assert (message.channel, message.status) == ("print", S.PENDING)
    assert "解放路" in message.recipient
    (task,) = session.exec(select(Task).where(col(Task.kind).startswith("message.send"))).all()
    assert task.run_at == EVE, "it tells of the next day"
