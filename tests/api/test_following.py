"""A request is followed by its number and the reporter's telephone; nobody learns which numbers there are."""

import re
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from dispatch.contact.tables import Link
from dispatch.core.db import Database, transaction
from tests.api import public_form
from tests.api.conftest import VirtualClock
from tests.api.public_form import nonce_of
from tests.builders.desk import make_counters

HTML = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
NUMBER, PHONE = "R-000001", public_form.REPORT["phone"]


@pytest.fixture(autouse=True)
def reported(anonymous: TestClient, database: Database) -> None:
    """One report, which is request R-000001."""
    with transaction(database) as session:
        make_counters(session)
    form = {"nonce": nonce_of(anonymous), **public_form.REPORT, "text": "整栋楼没电"}
    assert NUMBER in anonymous.post("/ask", content=urlencode(form), headers=HTML).text


def follow(client: TestClient, number: str = NUMBER, phone: str = PHONE) -> httpx.Response:
    page = client.get("/follow", headers=HTML).text
    nonce = re.search(r'name="nonce" value="([^"]+)"', page)
    assert nonce
    form = {"nonce": nonce[1], "number": number, "phone": phone, "lang": "en"}
    return client.post("/follow", content=urlencode(form), headers=HTML)


def without_what_was_typed(page: httpx.Response) -> str:
    return re.sub(r'value="[^"]*"', "", page.text)


@pytest.mark.parametrize("number", [NUMBER, "r 000001", "R1", "1"])
@pytest.mark.parametrize("phone", [PHONE, "+86-769-8555-0100"])
def test_number_and_telephone_lead_to_the_requests_page(
    anonymous: TestClient, number: str, phone: str
) -> None:
    page = follow(anonymous, number, phone)

    assert page.status_code == 200
    assert page.url.path.startswith("/r/")
    assert "整栋楼没电" in page.text
    assert "Received" in page.text


def test_a_number_that_is_none_is_answered_like_another_telephone(
    anonymous: TestClient, database: Database
) -> None:
    answers = [
        follow(anonymous, "R-000777", PHONE),
        follow(anonymous, NUMBER, "0769 8555 0199"),
        follow(anonymous, NUMBER, ""),
        follow(anonymous, "<b>" * 30, "x"),
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert len({without_what_was_typed(answer) for answer in answers}) == 1
    assert "整栋楼没电" not in answers[1].text
    with database.reading() as session:
        links = session.execute(sa.select(sa.func.count()).select_from(Link)).scalar_one()
    assert links == 1, "only the report itself made one"


def test_guessing_is_held_back_whether_or_not_there_is_anything_to_find(
    anonymous: TestClient, clock: VirtualClock
) -> None:
    def tried(phones: range, number: str) -> list[int]:
        return [follow(anonymous, number, f"0769 8555 1{n:03d}").status_code for n in phones]

    assert tried(range(5), NUMBER) == [422, 422, 422, 422, 429], "four a minute for one number"
    clock.forward(minutes=1)
    assert tried(range(10, 15), "R-000777") == [422, 422, 422, 422, 429]
    clock.forward(minutes=1)
    numbers = [follow(anonymous, f"R-{n:06d}", PHONE).status_code for n in range(5, 10)]
    assert numbers == [422, 422, 422, 422, 429], "and with one telephone"
    clock.forward(minutes=1)
    anywhere = [follow(anonymous, str(50 + n), f"0769 8555 2{n:03d}").status_code for n in range(7)]
    assert anywhere == [422] * 6 + [429], "six a minute from one address"


def test_a_form_without_a_nonce_is_refused_and_looking_changes_nothing(
    anonymous: TestClient, database: Database
) -> None:
    form = urlencode({"number": NUMBER, "phone": PHONE})

    assert anonymous.post("/follow", content=form, headers=HTML).status_code == 403
    assert anonymous.get("/follow?number=R-000001", headers=HTML).status_code == 200


@pytest.mark.parametrize(("language", "word"), [("en", "Show it"), ("zh-CN", "查询办理进度")])
def test_the_form_is_in_both_languages_and_the_report_form_leads_to_it(
    anonymous: TestClient, language: str, word: str
) -> None:
    assert word in anonymous.get(f"/follow?lang={language}", headers=HTML).text
    assert 'href="/follow"' in anonymous.get(f"/ask?lang={language}", headers=HTML).text
