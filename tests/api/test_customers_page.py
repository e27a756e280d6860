"""A customer's page for the office: wishes, STOP by telephone, and links to hand out."""

import re

import pytest
from starlette.testclient import TestClient

from api.pages.customers_page import SAID_BY
from api.pages.texts import LANGUAGES, table
from dispatch.contact.tables import Message
from dispatch.core.db import Database, transaction
from dispatch.work.tables import VisitStatus
from tests.api.conftest import SignIn
from tests.builders.contact import make_message
from tests.builders.desk import make_counters, make_request

HTML = {"Accept": "text/html"}
PAGE = "/console/customers?territory=humen"


@pytest.fixture
def message(database: Database) -> Message:
    """A customer with a visit to come who was told of it."""
    with transaction(database) as session:
        return make_message(session)


def shown(client: TestClient, customer: str, language: str = "en") -> str:
    answer = client.get(f"{PAGE}&customer={customer}&lang={language}", headers=HTML)
    assert answer.status_code == 200
    return answer.text


def states(page: str) -> dict[str, str]:
    return dict(re.findall(r'<li class="line" data-class="(\w+)" data-state="(\w+)"', page))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("Not before (hour)", "Must not be contacted", "Time told", "Make a link")),
        ("zh-CN", ("不早于（时）", "不得联系的原因", "上门时间", "生成链接")),
    ],
)
def test_a_customers_page_has_wishes_visits_and_messages(
    sign_in: SignIn, message: Message, language: str, words: tuple[str, ...]
) -> None:
    page = shown(sign_in("intake"), message.customer_id, language)

    words = (*words, message.subject_id, f"message={message.id}#opened")
    assert [word for word in words if word not in page] == []


def test_a_stop_by_telephone_shows_with_who_noted_it_and_is_taken_back(
    sign_in: SignIn, message: Message
) -> None:
    client = sign_in("intake")
    path = f"/api/v1/customers/{message.customer_id}/contact"
    usual = states(shown(client, message.customer_id))
    assert usual == {
        "emergency": "always",
        "service_urgent": "sent",
        "service": "sent",
        "survey": "sent",
        "marketing": "no_consent",
    }

    client.post(f"{path}/stop", json={"channel": "phone"})

    page = shown(client, message.customer_id)
    assert states(page) == usual | {"service": "stopped", "service_urgent": "stopped"}
    assert re.search(r"Stopped: service, urgent service.*telephone.*李明", page)
    assert 'data-do="resume" data-class="service"' in page
    client.post(f"{path}/resume", json={"channel": "counter"})
    assert states(shown(client, message.customer_id)) == usual
    client.put(path, json={"do_not_contact": "lawsuit"})
    page = shown(client, message.customer_id)
    assert set(states(page).values()) == {"always", "do_not_contact"}
    assert "lawsuit" in page


def test_who_may_not_change_wishes_reads_them(sign_in: SignIn, message: Message) -> None:
    page = shown(sign_in("auditor"), message.customer_id)

    assert "data-do=" not in page
    assert "<fieldset disabled" in page
    assert 'id="reach"' not in page


def test_the_page_without_a_customer_asks_for_one(sign_in: SignIn, message: Message) -> None:
    client = sign_in("dispatcher")

    page = client.get(f"{PAGE}&lang=en", headers=HTML).text

    assert 'id="find"' in page
    assert "Find a customer" in page
    assert client.get(f"{PAGE}&customer=C-9", headers=HTML).status_code == 404
    log = client.get(f"/console/messages?territory=humen&message={message.id}", headers=HTML).text
    assert f"/console/customers?territory=humen&amp;customer={message.customer_id}" in log


def test_a_link_to_a_request_is_handed_out_once_and_follows_it(
    sign_in: SignIn, anonymous: TestClient, database: Database
) -> None:
    with transaction(database) as session:
        make_counters(session)
        request = make_request(session)
        number = request.id
    path = f"/api/v1/requests/{number}/links"

    made = sign_in("intake").post(path, json={})

    assert made.status_code == 201
    assert number in anonymous.get(made.json()["url"], headers=HTML).text
    listed = sign_in("auditor").get(path).json()
    assert [(one["purpose"], one["subject_id"]) for one in listed] == [("request", number)]
    assert sign_in("auditor").post(path, json={}).status_code == 403


def test_every_state_of_a_visit_and_way_of_saying_is_worded() -> None:
    for language in LANGUAGES:
        words = set(table(language))
        assert {f"customers.visit.{status.value}" for status in VisitStatus} <= words
        assert {f"customers.by.{name}" for name in SAID_BY} <= words
