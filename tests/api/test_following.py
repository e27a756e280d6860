"""A request is followed by its number and the reporter's telephone; nobody learns which numbers there are."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from dispatch.contact import incidents, outages
from dispatch.contact.tables import Link
from dispatch.core.db import Database, transaction
from dispatch.desk import merging, requests
from dispatch.desk.tables import Request, RequestKind
from dispatch.registry.tables import Premises
from tests.api import public_form
from tests.api.conftest import VirtualClock
from tests.api.public_form import nonce_of
from tests.builders.desk import make_counters, make_request
from tests.builders.registry import DISPATCHER
from tests.instants import NOW

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


def merged(database: Database, *, customers: bool) -> None:
    """Merge the report into another, of the same customer or of somebody else, that is settled with an answer."""
    with transaction(database) as session:
        report = session.get_one(Request, NUMBER)
        place = session.get_one(Premises, report.premises_id) if customers else None
        main = make_request(session, kind=RequestKind.FAULT, premises=place)
        merging.merge(session, report, "merge", into=main.id, actor=DISPATCHER, now=NOW)
        requests.answer(session, main, text="熔丝已更换", actor=DISPATCHER, now=NOW)


@pytest.mark.parametrize("customers", [True, False])
def test_a_report_that_was_merged_stands_as_the_request_does_that_goes_on(
    anonymous: TestClient, database: Database, customers: bool
) -> None:
    assert 'data-status="received"' in follow(anonymous).text

    merged(database, customers=customers)
    page = follow(anonymous).text

    assert 'data-status="done"' in page
    assert NUMBER in page
    assert "It is not lost" in page
    assert ("熔丝已更换" in page) == customers, "what others were answered is theirs"


@pytest.mark.parametrize("restored", [False, True])
def test_a_report_shows_when_supply_of_its_outage_is_expected_back(
    anonymous: TestClient, database: Database, clock: VirtualClock, restored: bool
) -> None:
    with transaction(database) as session:
        report = session.get_one(Request, NUMBER)
        notice = outages.announce(
            session, territory_id="humen", starts_at=clock.now, ends_at=clock.now + timedelta(hours=2),
            reason_zh="故障", reason_en="fault", premises=[report.premises_id or ""], unplanned=True,
            actor=DISPATCHER, now=clock.now,
        )  # fmt: skip
        assert incidents.gather(session, notice, now=clock.now) == 1
        if restored:
            outages.restore(session, notice_id=notice.id, actor=DISPATCHER, now=clock.now)

    page = follow(anonymous).text

    assert ("Supply is expected back" in page) != restored
    assert ("Supply is back since" in page) == restored
