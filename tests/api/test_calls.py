"""Calls over HTTP, and the callers' page."""

import pytest

from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn, VirtualClock
from tests.builders.desk import make_counters
from tests.dispatch.calls.test_calls import GOOD, call_to
from tests.instants import at

LIST = "/api/v1/territories/humen/calls"


@pytest.fixture
def order_id(database: Database, clock: VirtualClock) -> str:
    clock.now = at("09:30")
    with transaction(database) as session:
        make_counters(session)
        return call_to(session).id


def test_a_call_is_listed_taken_and_reported(sign_in: SignIn, order_id: str) -> None:
    zhou, wang = sign_in("intake"), sign_in("intake")

    (listed,) = zhou.get(LIST, params={"day": "2026-03-10"}).json()
    assert listed["work_order_id"] == order_id
    assert listed["number"].startswith("*")
    assert listed["script"]["questions"][0]["values"] == ["good", "short_cuts", "bad"]

    taken = zhou.post(f"/api/v1/calls/{order_id}/claim")
    assert taken.json()["number"] == "+86 769 5550 9100"
    other = wang.post(f"/api/v1/calls/{order_id}/claim")
    assert (other.status_code, other.json()["code"]) == (409, "call_taken")
    assert wang.get(f"/api/v1/calls/{order_id}").json()["number"].startswith("*")

    body = {"outcome": "reached", "answers": {**GOOD, "satisfaction": "1"}, "note": "急"}
    made = zhou.post(f"/api/v1/calls/{order_id}/attempts", json=body)
    assert made.status_code == 201
    (request_id,) = made.json()["requests"]
    assert zhou.get(f"/api/v1/requests/{request_id}").json()["kind"] == "complaint"
    assert zhou.get(LIST).json() == []


def test_a_call_is_given_back(sign_in: SignIn, order_id: str) -> None:
    zhou, wang = sign_in("intake"), sign_in("intake")
    zhou.post(f"/api/v1/calls/{order_id}/claim")

    assert zhou.delete(f"/api/v1/calls/{order_id}/claim").status_code == 204
    assert wang.post(f"/api/v1/calls/{order_id}/claim").status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"outcome": "asleep"}, "invalid", "outcome"),
        ({"outcome": "call_back"}, "bad_call", "call_back_at"),
        (
            {"outcome": "call_back", "call_back_at": "2026-03-10T15:00:00"},
            "invalid",
            "call_back_at",
        ),
        ({"outcome": "reached", "answers": {}}, "bad_call_answer", "answers.supply"),
        ({"outcome": "refused", "surprise": 1}, "invalid", "surprise"),
    ],
)
def test_a_report_that_is_none_is_refused_by_its_field(
    sign_in: SignIn, order_id: str, body: dict[str, object], code: str, field: str
) -> None:
    client = sign_in("intake")
    client.post(f"/api/v1/calls/{order_id}/claim")

    answer = client.post(f"/api/v1/calls/{order_id}/attempts", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["field"] == field


def test_who_may_only_read_takes_no_call(sign_in: SignIn, order_id: str, crew_a: str) -> None:
    auditor, crew = sign_in("auditor"), sign_in("crew", crew_id=crew_a)

    assert auditor.get(LIST).status_code == 200
    assert auditor.post(f"/api/v1/calls/{order_id}/claim").status_code == 403
    assert crew.get(LIST).status_code == 403


HTML = {"Accept": "text/html"}
PAGE = "/console/calls?territory=humen"


@pytest.mark.parametrize(("language", "word"), [("en", "Take this call"), ("zh-CN", "领取此电话")])
def test_the_page_shows_the_number_and_the_script_to_who_has_the_call(
    sign_in: SignIn, order_id: str, language: str, word: str
) -> None:
    zhou, wang = sign_in("intake"), sign_in("intake")
    address = f"{PAGE}&call={order_id}&lang={language}"

    before = zhou.get(address, headers=HTML)
    assert before.status_code == 200
    assert word in before.text
    assert "5550 9100" not in before.text
    assert 'id="report"' not in before.text

    zhou.post(f"/api/v1/calls/{order_id}/claim")
    after = zhou.get(address, headers=HTML).text
    assert 'href="tel:+8676955509100"' in after
    assert 'name="answer.satisfaction"' in after
    assert "5550 9100" not in wang.get(address, headers=HTML).text


def test_the_page_is_of_its_day_and_leaves_out_what_its_reader_may_not_do(
    sign_in: SignIn, order_id: str
) -> None:
    auditor = sign_in("auditor")

    assert order_id in auditor.get(PAGE, headers=HTML).text
    assert "data-do=" not in auditor.get(f"{PAGE}&call={order_id}", headers=HTML).text
    before = auditor.get(f"{PAGE}&day=2026-03-09", headers=HTML).text
    assert order_id not in before
    assert "&amp;day=2026-03-10" in before


def test_the_page_of_a_call_that_does_not_exist_says_so(sign_in: SignIn, order_id: str) -> None:
    assert sign_in("intake").get(f"{PAGE}&call=W-9", headers=HTML).status_code == 404
