"""The log of messages over HTTP and as a page, in both languages."""

import pytest

from api.pages.texts import LANGUAGES, table
from dispatch.contact.kinds import KINDS
from dispatch.contact.log import CLASSES
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.db import Database, transaction
from dispatch.registry.tables import Customer
from tests.api.conftest import SignIn
from tests.builders.contact import make_message
from tests.builders.planning import crew_on, job, published
from tests.instants import at

HTML = {"Accept": "text/html"}
PAGE = "/console/messages?territory=humen"


@pytest.fixture
def message(database: Database) -> Message:
    """A message that could not be sent."""
    with transaction(database) as session:
        message = make_message(session)
        message.status, message.error = MessageStatus.FAILED, "550 no such mailbox"
        return message


def test_a_customers_messages_are_read_with_their_fate(sign_in: SignIn, message: Message) -> None:
    client = sign_in("intake")

    page = client.get(f"/api/v1/customers/{message.customer_id}/messages").json()

    (row,) = page["items"]
    assert (row["status"], row["visit_id"], page["next"]) == ("failed", message.subject_id, None)
    assert "[[" not in row["text"]
    assert "/v/" not in row["text"]
    assert client.get("/api/v1/customers/C-9/messages").json()["code"] == "no_such_customer"
    assert client.get("/api/v1/requests/R-9/messages").json()["code"] == "no_such_request"
    listed = client.get("/api/v1/territories/humen/message-log", params={"status": "sent"}).json()
    assert listed["items"] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Could not be sent", "Send again")), ("zh-CN", ("未能发出", "重新发送"))],
)
def test_the_page_opens_a_message_and_offers_what_its_state_allows(
    sign_in: SignIn, message: Message, language: str, words: tuple[str, str]
) -> None:
    address = f"{PAGE}&customer={message.customer_id}&message={message.id}&lang={language}"

    dispatcher = sign_in("dispatcher").get(address, headers=HTML)
    auditor = sign_in("auditor").get(address, headers=HTML)

    assert dispatcher.status_code == auditor.status_code == 200
    assert all(word in dispatcher.text for word in words)
    assert "550 no such mailbox" in dispatcher.text
    assert "data-do=" not in auditor.text, "who may not send again sees no button"
    assert "[[link]]" not in dispatcher.text


def test_a_message_without_a_subject_is_found_by_its_customer_and_opened(
    sign_in: SignIn, message: Message, database: Database
) -> None:
    with transaction(database) as session:
        short = session.get_one(Message, message.id)
        short.channel, short.subject, short.body = "sms", "", "明天上门，[[link]]"

    page = sign_in("intake").get(f"{PAGE}&lang=en", headers=HTML).text

    assert f'message={message.id}#opened">陈小明 · Time told</a>' in page
    assert "明天上门，" in page
    assert "[[" not in page


def test_filters_that_are_left_empty_do_not_matter(sign_in: SignIn, message: Message) -> None:
    client = sign_in("dispatcher")

    everything = client.get(f"{PAGE}&status=&template=&class=&day=&customer=", headers=HTML)
    assert message.subject in everything.text
    nothing = client.get(f"{PAGE}&status=sent", headers=HTML)
    assert nothing.status_code == 200
    assert message.subject not in nothing.text
    assert client.get(f"{PAGE}&class=loud", headers=HTML).status_code == 404


def test_every_state_kind_and_class_of_a_message_is_worded() -> None:
    for language in LANGUAGES:
        words = set(table(language))
        assert {f"messages.status.{status.value}" for status in MessageStatus} <= words
        assert {f"messages.template.{template}" for template in KINDS} <= words
        assert {f"messages.classes.{name}" for name in CLASSES} <= words


def test_what_needs_a_person_is_counted_picked_out_called_and_seen_to(
    sign_in: SignIn, message: Message, database: Database
) -> None:
    with transaction(database) as session:
        session.get_one(Customer, message.customer_id).phone = "+86 769 8555 0100"
    client = sign_in("intake")
    log = "/api/v1/territories/humen/message-log"

    assert "need a person: 1" in client.get(f"{PAGE}&lang=en", headers=HTML).text
    picked = f"{PAGE}&status=unreached&message={message.id}&lang=en"
    page = client.get(picked, headers=HTML).text
    assert message.subject in page
    assert 'href="tel:+8676985550100"' in page
    assert 'data-do="seen-to"' in page
    assert 'data-do="seen-to"' not in sign_in("auditor").get(picked, headers=HTML).text
    assert sign_in("auditor").post(f"/api/v1/messages/{message.id}/seen-to").status_code == 403

    assert client.post(f"/api/v1/messages/{message.id}/seen-to").status_code == 200
    again = client.post(f"/api/v1/messages/{message.id}/seen-to")
    assert (again.status_code, again.json()["code"]) == (409, "message_needs_nobody")
    assert client.get(log, params={"unreached": True}).json()["items"] == []
    assert "Seen to by a person" in client.get(picked, headers=HTML).text


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "Nobody comes, and nobody says so"), ("zh-CN", "无人上门且客户尚未得知")],
)
def test_who_waits_for_nobody_is_named_where_messages_need_a_person(
    sign_in: SignIn, database: Database, language: str, words: str
) -> None:
    with transaction(database) as session:
        crew_on(session, "C1")
        visit = job(session, window=(at("14:00"), at("16:00")))
        published(session, orders={"C1-20260310": []})
        visit_id = visit.id

    page = sign_in("dispatcher").get(f"{PAGE}&status=unreached&lang={language}", headers=HTML).text
    other = sign_in("dispatcher").get(f"{PAGE}&lang={language}", headers=HTML).text

    assert words in page
    assert visit_id in page
    assert "tel:" in page
    assert words not in other
