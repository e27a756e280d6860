"""The public form: a report is one request, and its page says where it is; robots and floods get nowhere."""

import re
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from dispatch.core.db import Database, transaction
from dispatch.desk import requests
from dispatch.desk.tables import Request
from dispatch.registry.tables import Customer, Premises
from tests.api import public_form
from tests.api.conftest import VirtualClock
from tests.api.public_form import nonce_of
from tests.builders.desk import CLERK, make_counters
from tests.builders.registry import make_customer, make_premises, make_territory
from tests.instants import NOW

HTML = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
REPORT = {**public_form.REPORT, "text": "整栋楼没电\n楼道灯也不亮"}


@pytest.fixture(autouse=True)
def counters(database: Database) -> None:
    with transaction(database) as session:
        make_counters(session)


def send(client: TestClient, follow: bool = True, **changes: str) -> httpx.Response:
    form = {"nonce": nonce_of(client), **REPORT, **changes}
    return client.post("/ask", content=urlencode(form), headers=HTML, follow_redirects=follow)


def received(database: Database) -> list[Request]:
    with database.reading() as session:
        return list(session.execute(sa.select(Request).order_by(Request.id)).scalars())  # type: ignore[call-overload]


def test_a_report_becomes_a_request_with_a_page_that_follows_it(
    anonymous: TestClient, database: Database
) -> None:
    page = send(anonymous)

    (request,) = received(database)
    assert page.status_code == 200
    assert page.url.path.startswith("/r/")
    assert len(page.url.path) <= 60
    assert request.id in page.text
    assert "已受理" in page.text
    assert "答复时限" in page.text
    assert (request.kind.value, request.channel, request.counter_id) == ("fault", "web", "fault")
    assert request.subject == "整栋楼没电 楼道灯也不亮"
    with database.reading() as session:
        place = session.get_one(Premises, request.premises_id)
        customer = session.get_one(Customer, request.customer_id)
    assert (place.address, place.territory_id) == (REPORT["address"], "humen")
    assert (customer.name, customer.phone, customer.wants_messages) == (
        "李明",
        REPORT["phone"],
        True,
    )


def test_the_same_form_sent_twice_is_one_request_with_a_link_each_time(
    anonymous: TestClient, database: Database
) -> None:
    form = urlencode({"nonce": nonce_of(anonymous), **REPORT})

    pages = [anonymous.post("/ask", content=form, headers=HTML) for _ in range(2)]

    (request,) = received(database)
    assert [request.id in page.text for page in pages] == [True, True]
    assert pages[0].url != pages[1].url, "no token is kept that could be told again"


@pytest.mark.parametrize(
    ("phone", "is_theirs"), [("86-769-5550-9100", True), ("0769 5550 0199", False)]
)
def test_a_known_number_is_theirs_only_with_their_telephone_and_the_page_does_not_tell(
    anonymous: TestClient, database: Database, phone: str, is_theirs: bool
) -> None:
    with transaction(database) as session:
        place = make_premises(
            session, customer=make_customer(session, name="陈小明", phone="+86 769 5550 9100")
        )
        number, customer_id = place.id, place.customer_id

    page = send(anonymous, account=number, phone=phone)

    (request,) = received(database)
    assert (request.customer_id == customer_id) is is_theirs
    assert number in request.text
    assert "陈小明" not in page.text


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("kind", {"kind": ""}),
        ("kind", {"kind": "question", "about": "nothing"}),
        ("text", {"text": " \n "}),
        ("text", {"text": "x" * 4001}),
        ("address", {"address": " "}),
        ("address", {"address": "x" * 241}),
        ("name", {"name": ""}),
        ("phone", {"phone": "none"}),
        ("phone", {"phone": ""}),
        ("email", {"email": "nobody"}),
    ],
)
def test_a_report_with_a_mistake_is_shown_again_with_what_was_written(
    anonymous: TestClient, database: Database, field: str, changes: dict[str, str]
) -> None:
    page = send(anonymous, **changes)

    assert page.status_code == 422
    assert 'class="wrong"' in page.text
    if field != "kind":
        assert re.search(rf'id="{field}"[^>]*aria-invalid="true"', page.text, re.DOTALL)
    if field != "name":
        assert 'value="李明"' in page.text
    assert received(database) == []


def test_where_there_are_several_territories_one_is_chosen(
    anonymous: TestClient, database: Database
) -> None:
    with transaction(database) as session:
        make_territory(session, id="changan")
        make_counters(session, territory_id="changan")

    assert send(anonymous).status_code == 422
    assert send(anonymous, territory="changan").status_code == 200
    assert [request.territory_id for request in received(database)] == ["changan"]


def test_robots_and_forms_without_a_nonce_are_refused(
    anonymous: TestClient, database: Database
) -> None:
    assert send(anonymous, website="https://spam.example").status_code == 403
    assert send(anonymous, nonce="").status_code == 403
    assert received(database) == []


def test_a_flood_from_one_address_or_for_one_telephone_is_held_back(
    anonymous: TestClient, database: Database, clock: VirtualClock
) -> None:
    statuses = [send(anonymous, text=f"停电 {number}").status_code for number in range(4)]
    assert statuses == [200, 200, 200, 429]

    others = [
        send(anonymous, text="停电", phone=f"0769 8555 02{number:02d}").status_code
        for number in range(4)
    ]
    assert others == [200, 200, 429, 429], "six a minute from one address"
    held = send(anonymous, phone="0769 8555 0300")
    assert "retry-after" in held.headers or "过于频繁" in held.text
    clock.forward(minutes=1)
    assert send(anonymous, phone="0769 8555 0300").status_code == 200
    assert len(received(database)) == 6


def test_the_page_follows_the_request_to_its_answer(
    anonymous: TestClient, database: Database, clock: VirtualClock
) -> None:
    address = send(anonymous, kind="question", about="billing", email="li@example.com").url.path
    (request,) = received(database)

    def page() -> str:
        return anonymous.get(address, params={"lang": "en"}, headers=HTML).text

    assert "Bill and payment" in page()
    assert "We answer by" in page()
    clock.forward(days=30)
    assert "we are late and sorry" in page()
    with transaction(database) as session:
        requests.answer(
            session,
            requests.get(session, request.id),
            text="本月为阶梯电价 <b>",
            actor=CLERK,
            now=clock(),
        )
    assert "Settled" in page()
    assert "本月为阶梯电价 &lt;b&gt;" in page()
    assert "We answer by" not in page()
    clock.now = NOW
    clock.forward(days=180)
    assert anonymous.get(address, headers=HTML).status_code == 410


def test_a_link_to_a_visit_follows_no_request_and_the_other_way_round(
    anonymous: TestClient,
) -> None:
    token = send(anonymous).url.path.removeprefix("/r/")

    assert anonymous.get(f"/v/{token}", headers=HTML).status_code == 403
    assert anonymous.get("/r/" + "x" * 48, headers=HTML).status_code == 403
