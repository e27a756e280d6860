"""Reports and replies of providers: once each, in whatever order they come."""

import itertools
from datetime import timedelta

import pytest
from sqlmodel import Session, func, select

from dispatch.contact import callbacks, messages, preferences, replies
from dispatch.contact.callbacks import Fate, Outcome, Reply, Report
from dispatch.contact.tables import Inbox, Message, MessageStatus
from dispatch.core.alerts import open_alerts
from dispatch.core.tables import Event
from dispatch.registry.tables import Customer
from tests.builders.contact import make_message
from tests.builders.registry import DISPATCHER, make_customer, make_premises
from tests.instants import NOW, at

MORNING = at("10:05") - timedelta(days=1)
S = MessageStatus


@pytest.fixture
def message(session: Session) -> Message:
    """A message that the provider took as sms-1."""
    return sent(session)


def sent(session: Session, number: str = "sms-1") -> Message:
    message = make_message(session)
    assert message.id is not None
    messages.begin(session, message_id=message.id, base_url="x", key=b"k" * 32, now=MORNING)
    return messages.complete(
        session, message_id=message.id, provider="own", provider_id=number, now=MORNING
    )


def tell(session: Session, fate: Fate, *, event: str, about: str = "sms-1") -> Outcome:
    return callbacks.take(session, provider="own", callback=Report(event, about, fate), now=MORNING)


def test_a_report_says_what_became_of_the_message(session: Session, message: Message) -> None:
    assert tell(session, Fate.DELIVERED, event="e1") is Outcome.APPLIED
    assert message.status is S.DELIVERED

    other = sent(session, "sms-2")
    assert tell(session, Fate.FAILED, event="e2", about="sms-2") is Outcome.APPLIED
    assert other.status is S.BOUNCED


def test_the_same_report_again_changes_nothing(session: Session, message: Message) -> None:
    tell(session, Fate.DELIVERED, event="e1")
    events = session.exec(select(func.count()).select_from(Event)).one()

    assert [tell(session, Fate.DELIVERED, event="e1") for _ in range(2)] == [Outcome.REPEATED] * 2

    assert session.exec(select(func.count()).select_from(Event)).one() == events


@pytest.mark.parametrize(
    "order", list(itertools.permutations([Fate.QUEUED, Fate.SENT, Fate.DELIVERED])), ids=str
)
def test_the_order_of_reports_makes_no_difference(
    session: Session, message: Message, order: tuple[Fate, ...]
) -> None:
    for place, fate in enumerate(order):
        tell(session, fate, event=f"e{place}")

    assert message.status is S.DELIVERED


def test_what_is_delivered_does_not_fail_afterwards(session: Session, message: Message) -> None:
    tell(session, Fate.DELIVERED, event="e1")

    assert tell(session, Fate.FAILED, event="e2") is Outcome.NO_NEWS
    assert message.status is S.DELIVERED


def test_a_report_on_a_message_that_nobody_knows_is_counted(session: Session) -> None:
    assert tell(session, Fate.DELIVERED, event="e1", about="strange") is Outcome.UNKNOWN

    assert session.get_one(Inbox, ("own", "e1")).outcome == "unknown"


def test_the_same_number_of_another_provider_is_another_message(
    session: Session, message: Message
) -> None:
    report = Report("e1", "sms-1", Fate.FAILED)

    outcome = callbacks.take(session, provider="other", callback=report, now=MORNING)

    assert outcome is Outcome.UNKNOWN
    assert message.status is S.SENT


def test_a_provider_that_reports_before_its_answer_is_written_down_is_heard(
    session: Session,
) -> None:
    tell(session, Fate.DELIVERED, event="e1")
    message = sent(session)

    callbacks.catch_up(session, provider="own", provider_id="sms-1", now=MORNING)

    assert message.status is S.DELIVERED
    assert session.get_one(Inbox, ("own", "e1")).outcome == "applied"
    assert tell(session, Fate.DELIVERED, event="e1") is Outcome.REPEATED


def stopped(session: Session, customer_id: str) -> set[str]:
    """The classes of messages that the customer has stopped."""
    return set(preferences.get(session, customer_id=customer_id).stopped)


def test_callbacks_are_forgotten_after_ninety_days(session: Session, message: Message) -> None:
    tell(session, Fate.SENT, event="e1")

    assert callbacks.forget(session, now=MORNING + timedelta(days=90)) == 0
    assert callbacks.forget(session, now=MORNING + timedelta(days=91)) == 1
    assert tell(session, Fate.DELIVERED, event="e1") is Outcome.APPLIED


# -- replies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["STOP", " stop. ", "Stop!", "退订", "TD", "td", "T", "“退订”"])
def test_who_writes_stop_is_told_nothing_more(session: Session, text: str) -> None:
    customer = make_customer(session, phone="138 0000-0000")

    outcome = callbacks.take(
        session, provider="own", callback=Reply("r1", "+8613800000000", text), now=NOW
    )

    assert outcome is Outcome.STOPPED
    assert stopped(session, customer.id) == {"service", "service_urgent", "survey", "marketing"}


@pytest.mark.parametrize("text", ["", "please stop by at 10", "停电了", "ok", "TDX"])
def test_what_is_not_stop_is_not_taken_for_it(session: Session, text: str) -> None:
    customer = make_customer(session, phone="13800000000")

    callbacks.take(session, provider="own", callback=Reply("r1", "13800000000", text), now=NOW)

    assert not stopped(session, customer.id)


@pytest.mark.parametrize(
    "sender", ["+8613800000001", "8000000", "00000000", "", "+1 38 0000 0000 9"]
)
def test_the_stop_of_somebody_else_stops_nobody(session: Session, sender: str) -> None:
    customer = make_customer(session, phone="+86 138 0000 0000")

    outcome = callbacks.take(session, provider="own", callback=Reply("r1", sender, "STOP"), now=NOW)

    assert outcome is Outcome.UNKNOWN
    assert not stopped(session, customer.id)


def reply(session: Session, text: str, sender: str = "13800000000") -> Outcome:
    words = Reply(f"r{text}", sender, text)
    return callbacks.take(
        session, provider="own", callback=words, channels={"sms", "email"}, now=MORNING
    )


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("STOP SURVEYS", {"survey"}),
        ("退订回访", {"survey"}),
        ("TD营销", {"marketing"}),
        ("stop visits", {"service", "service_urgent"}),
        ("STOPALL", {"service", "service_urgent", "survey", "marketing"}),
    ],
)
def test_one_class_is_stopped_by_its_word_and_comes_again_by_start(
    session: Session, text: str, classes: set[str]
) -> None:
    customer = make_customer(session, phone="13800000000")

    assert reply(session, text) is Outcome.STOPPED
    assert stopped(session, customer.id) == classes
    assert reply(session, "恢复") is Outcome.RESUMED
    assert not stopped(session, customer.id)


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_who_stops_is_told_that_danger_and_what_the_law_asks_for_still_comes(
    session: Session, language: str
) -> None:
    customer = make_customer(session, phone="13800000000", email=None, language=language)
    make_premises(session, customer=customer)
    make_customer(session, phone="13800000000")

    reply(session, "STOP")

    (answer,) = session.exec(select(Message).where(Message.template == "stopped"))
    assert (answer.status, answer.channel, answer.recipient) == (S.PENDING, "sms", "+8613800000000")
    words = (
        ("START", "surveys", "danger") if language == "en" else ("恢复", "满意度回访", "安全提示")
    )
    assert all(word in answer.body for word in words)
    assert isinstance(
        messages.begin(
            session, message_id=answer.id or 0, base_url="x", key=b"k" * 32,
            channels={"sms"}, now=MORNING,
        ),
        messages.Outgoing,
    ), "it goes out although the class is stopped"  # fmt: skip
    messages.fail(session, message_id=answer.id or 0, error="blocked", final=True, now=MORNING)
    assert open_alerts(session) == [], "a provider that answers STOP by itself calls nobody"


def test_the_stop_of_whom_a_customer_named_ends_their_part_alone(session: Session) -> None:
    customer = make_customer(session, phone="13800000000")
    wishes = {
        "nominee_name": "Ms Li", "nominee_phone": "13900000000", "nominee_instead": True,
    }  # fmt: skip
    preferences.put(session, customer_id=customer.id, values=wishes, actor=DISPATCHER, now=MORNING)

    assert reply(session, "STOP", sender="+8613900000000") is Outcome.STOPPED

    wished = preferences.get(session, customer_id=customer.id)
    assert not wished.has_nominee
    assert not wished.stopped, "the customer is told as before"


def test_a_telephone_number_is_found_however_it_is_written(session: Session) -> None:
    for phone in ("+86 138-0000-0000", "13800000000", "86 (138) 00000000", "0086 138 0000 0000"):
        make_customer(session, phone=phone)
    make_customer(session, phone=None)
    everybody = session.exec(select(Customer).where(Customer.phone != None)).all()  # noqa: E711

    assert len(replies.of_phone(session, "+8613800000000")) == len(everybody) == 4


def test_the_trail_holds_no_telephone_number_and_no_text(session: Session) -> None:
    make_customer(session, phone="13800000000")
    callbacks.take(session, provider="own", callback=Reply("r1", "13800000000", "STOP"), now=NOW)

    rows = [str(row.model_dump()) for row in session.exec(select(Inbox))]
    assert "13800000000" not in "".join(rows)
    assert "STOP" not in "".join(rows)
