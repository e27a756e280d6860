"""Sending: checked again before each attempt, with the fate of each on record."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.contact import links, messages, unreached
from dispatch.contact.lifecycle import MESSAGES
from dispatch.contact.links import VISIT, read
from dispatch.contact.messages import Held, Outgoing, Settled
from dispatch.contact.outgoing import make
from dispatch.contact.progress import NoSuchMessage
from dispatch.contact.subjects import load_for
from dispatch.contact.tables import Message, MessageClass, MessageStatus
from dispatch.core.alerts import open_alerts
from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.core.tables import Event, Task, TaskState
from dispatch.field.door import check_number
from dispatch.registry.tables import Customer
from dispatch.work.tables import VisitStatus
from tests.builders.contact import make_message, make_told_visit, plan_anew
from tests.builders.registry import DISPATCHER
from tests.instants import at, minutes

KEY = b"k" * 32
BASE = "https://power.example"
MORNING = at("10:05") - timedelta(days=1)
S = MessageStatus


def begin(session: Session, message: Message, now: datetime = MORNING) -> Outgoing | Held | Settled:
    assert message.id is not None
    return messages.begin(session, message_id=message.id, base_url=BASE, key=KEY, now=now)


def number(message: Message) -> int:
    assert message.id is not None
    return message.id


def test_a_message_is_sending_before_the_network_is_touched_and_sent_afterwards(
    session: Session,
) -> None:
    message = make_message(session)

    outgoing = begin(session, message)

    assert isinstance(outgoing, Outgoing)
    assert message.status is S.SENDING
    assert outgoing.recipient == "chen@example.com"
    assert outgoing.mail_id == message.message_id
    messages.complete(session, message_id=number(message), now=MORNING)
    assert message.status is S.SENT
    assert message.sent_at == MORNING
    assert begin(session, message) == Settled(S.SENT), "the same task again sends nothing"


def test_the_link_opens_the_visit_and_the_number_is_the_crews(session: Session) -> None:
    message = make_message(session)

    outgoing = begin(session, message)

    assert isinstance(outgoing, Outgoing)
    token = outgoing.body.partition(f"{BASE}/v/")[2].split()[0]
    for moment in (MORNING, at("10:00") + timedelta(hours=72)):
        link = read(session, KEY, token, purpose=VISIT, now=moment)
        assert (link.subject_id, link.customer_id) == (message.subject_id, message.customer_id)
    assert check_number(KEY, message.subject_id) in outgoing.body
    assert "[[" not in outgoing.body
    assert token not in message.body, "no stored row opens the page"


def test_a_temporary_refusal_is_tried_again_with_the_same_message_id(session: Session) -> None:
    message = make_message(session)
    first = begin(session, message)

    after = messages.fail(
        session, message_id=number(message), error="451 later", final=False, now=MORNING
    )
    second = begin(session, message, MORNING + minutes(1))

    assert after is S.PENDING
    assert isinstance(first, Outgoing)
    assert isinstance(second, Outgoing)
    assert second.mail_id == first.mail_id
    assert second.subject == first.subject, "it was refused, so this is no repetition"


def test_a_permanent_refusal_fails_the_message_and_raises_one_alert(session: Session) -> None:
    for _ in range(2):
        message = make_message(session)
        begin(session, message)
        messages.fail(session, message_id=number(message), error="550 no", final=True, now=MORNING)
        assert message.status is S.FAILED

    (alert,) = open_alerts(session)
    assert alert.count == 2
    assert "chen" not in alert.text


def test_a_courtesy_message_whose_worker_died_becomes_unknown_and_is_listed(
    session: Session,
) -> None:
    message = make_message(session)
    begin(session, message)

    assert begin(session, message, MORNING + minutes(1)) == Settled(S.UNKNOWN)

    assert unreached.need_a_person(session, territory_id="humen", now=MORNING) == [message]
    assert [alert.key for alert in open_alerts(session)] == ["message.unknown"]


def test_a_safety_message_whose_worker_died_goes_out_again_and_says_so(session: Session) -> None:
    message = make_message(session, safety=True)
    first = begin(session, message)

    again = begin(session, message, MORNING + minutes(1))

    assert isinstance(first, Outgoing)
    assert isinstance(again, Outgoing)
    assert again.mail_id == first.mail_id
    assert again.subject == "（重发）" + first.subject
    assert message.sends == 2


def test_when_the_answer_is_lost_only_safety_messages_are_tried_again(session: Session) -> None:
    courtesy, safety = make_message(session), make_message(session, safety=True)
    for message in (courtesy, safety):
        begin(session, message)
        messages.unknown(session, message_id=number(message), error="cut after DATA", now=MORNING)

    assert courtesy.status is S.UNKNOWN
    assert safety.status is S.PENDING
    again = begin(session, safety)
    assert isinstance(again, Outgoing)
    assert again.subject.startswith("（重发）")


def test_consent_is_checked_again_before_the_sending(session: Session) -> None:
    message = make_message(session)
    session.get_one(Customer, message.customer_id).wants_messages = False

    assert begin(session, message) == Settled(S.SUPPRESSED)
    assert message.reason == "no_consent"


def test_a_message_goes_to_the_address_the_customer_has_now(session: Session) -> None:
    message = make_message(session)
    session.get_one(Customer, message.customer_id).email = "new@example.com"

    outgoing = begin(session, message)

    assert isinstance(outgoing, Outgoing)
    assert outgoing.recipient == "new@example.com"


def test_a_message_that_is_no_longer_true_is_not_sent(session: Session) -> None:
    visit = make_told_visit(session)
    message = make_message(session, visit=visit)
    plan_anew(visit, at("15:00"))

    assert begin(session, message) == Settled(S.SUPPRESSED)
    assert message.reason == "superseded"


def test_a_message_about_a_visit_taken_off_the_plan_is_not_sent(session: Session) -> None:
    visit = make_told_visit(session)
    message = make_message(session, visit=visit)
    visit.status = VisitStatus.PLANNED

    assert begin(session, message) == Settled(S.SUPPRESSED)


def test_an_older_message_gives_way_to_a_newer_one_of_its_kind(session: Session) -> None:
    visit = make_told_visit(session)
    old, new = make_message(session, visit=visit), make_message(session, visit=visit)

    assert begin(session, old) == Settled(S.SUPPRESSED)
    assert isinstance(begin(session, new), Outgoing)


def test_at_night_a_message_waits_for_eight_o_clock(session: Session) -> None:
    message = make_message(session)
    night = at("22:00") - timedelta(days=1)

    assert begin(session, message, night) == Held(at("08:00"))
    assert message.status is S.DEFERRED
    assert isinstance(begin(session, message, at("08:00")), Outgoing)


def test_a_message_written_at_night_is_deferred_with_its_task(session: Session) -> None:
    message = make_message(session, now=at("22:00") - timedelta(days=1))

    assert message.status is S.DEFERRED
    task = session.exec(select(Task).where(Task.kind == "message.send")).one()
    assert task.run_at == message.send_after == at("08:00")


def test_a_message_that_would_be_stale_after_the_night_expires(session: Session) -> None:
    visit = make_told_visit(session, planned=at("06:00"))
    message = make_message(session, visit=visit)

    assert begin(session, message, at("22:00") - timedelta(days=1)) == Settled(S.EXPIRED)
    assert message.reason == "stale"


def test_the_crew_on_the_way_is_told_at_any_hour_of_its_day(session: Session) -> None:
    visit = make_told_visit(session, status=VisitStatus.EN_ROUTE, planned=at("23:00"))
    message = make_message(session, visit=visit, template="on_the_way", now=at("22:40"))

    assert isinstance(begin(session, message, at("22:41")), Outgoing)


def test_a_person_sends_an_unknown_message_again(session: Session) -> None:
    message = make_message(session)
    begin(session, message)
    messages.unknown(session, message_id=number(message), error="cut", now=MORNING)

    messages.resend(session, message_id=number(message), actor=DISPATCHER, now=MORNING + minutes(5))

    outgoing = begin(session, message, MORNING + minutes(5))
    assert isinstance(outgoing, Outgoing)
    assert outgoing.subject.startswith("（重发）")
    tasks = session.exec(select(Task).where(Task.kind == "message.send")).all()
    assert len(tasks) == 2


def test_a_crew_cannot_send_a_message_again(session: Session) -> None:
    message = make_message(session)
    begin(session, message)
    messages.unknown(session, message_id=number(message), error="cut", now=MORNING)

    with pytest.raises(MoveNotYours):
        messages.resend(session, message_id=number(message), actor=Actor("T1", "crew"), now=MORNING)


def test_what_no_task_looks_at_any_more_is_settled_at_the_start(session: Session) -> None:
    kept, orphan = make_message(session), make_message(session)
    for message in (kept, orphan):
        begin(session, message)
    task = session.exec(
        select(Task).where(col(Task.dedupe_key).startswith(f"message.send:{orphan.id}:"))
    ).one()
    task.state = TaskState.DEAD
    session.flush()

    assert messages.recover(session, now=MORNING + minutes(1)) == 0, "it may still be under way"
    assert messages.recover(session, now=MORNING + minutes(5)) == 1
    assert orphan.status is S.UNKNOWN
    assert kept.status is S.SENDING


def test_a_provider_may_report_a_delivery_or_a_bounce_once(session: Session) -> None:
    message = make_message(session)
    begin(session, message)
    messages.complete(session, message_id=number(message), now=MORNING)

    messages.report(session, message_id=number(message), delivered=False, now=MORNING)

    assert message.status is S.BOUNCED
    with pytest.raises(IllegalMove):
        messages.report(session, message_id=number(message), delivered=True, now=MORNING)


def test_events_about_messages_name_no_person(session: Session) -> None:
    message = make_message(session)
    begin(session, message)

    rows = session.exec(select(Event).where(Event.entity == "message").order_by(col(Event.id)))

    found = list(rows)
    assert [row.type for row in found] == ["message.pending", "message.sending"]
    for row in found:
        text = str(row.model_dump())
        assert "陈小明" not in text
        assert "example.com" not in text
        assert "解放路" not in text


def test_an_unknown_number_is_refused(session: Session) -> None:
    with pytest.raises(NoSuchMessage):
        messages.begin(session, message_id=999, base_url=BASE, key=KEY, now=MORNING)


def test_every_state_of_a_message_can_be_reached() -> None:
    reached = {S.PENDING} | {row.target for row in MESSAGES.moves}

    assert reached == set(S)


def test_an_email_that_may_be_refused_says_where_and_others_do_not(session: Session) -> None:
    message = make_message(session)
    outgoing = begin(session, message)
    assert isinstance(outgoing, Outgoing)
    assert outgoing.unsubscribe.startswith(f"{BASE}/c/")
    assert outgoing.unsubscribe.endswith("?class=service")
    assert outgoing.unsubscribe in outgoing.body
    assert outgoing.unsubscribe not in message.body, "no stored row opens a page"

    for name, value in (
        ("template", "planned_outage"), ("channel", "sms"), ("message_class", MessageClass.EMERGENCY),
    ):  # fmt: skip
        before = getattr(message, name)
        setattr(message, name, value)
        made = make(
            session, message, load_for(session, message), base_url=BASE, key=KEY, sender="",
            repeated=False, now=MORNING,
        )  # fmt: skip
        assert (made.unsubscribe, "/c/" in made.body) == ("", False), name
        setattr(message, name, before)


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Get no more messages for this customer"), ("zh-CN", "不再代收该客户的消息")],
)
def test_an_email_to_whom_the_customer_named_leads_to_the_end_of_the_naming(
    session: Session, language: str, words: str
) -> None:
    message = make_message(session)
    message.to_nominee, message.recipient, message.language = True, "son@example.com", language

    made = make(
        session, message, load_for(session, message), base_url=BASE, key=KEY, sender="",
        repeated=False, now=MORNING,
    )  # fmt: skip

    assert made.unsubscribe.startswith(f"{BASE}/n/")
    assert f"{words}" in made.body
    assert made.unsubscribe in made.body
    token = made.unsubscribe.rsplit("/", 1)[1]
    link = links.read(session, KEY, token, purpose=links.NAMING, now=MORNING)
    assert (link.customer_id, link.subject_version) == (
        message.customer_id, links.naming_of("Son@example.com"),
    )  # fmt: skip
