"""Open311 GeoReport v2 in both its formats: services, reports and their status, naming nobody."""

import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api.georeport import Format, answer
from dispatch.core.db import Database, transaction
from dispatch.desk import requests
from dispatch.desk.tables import Request, RequestKind
from dispatch.registry.tables import Customer, Premises
from tests.api.conftest import VirtualClock
from tests.builders.desk import CLERK, make_counters, make_request
from tests.builders.registry import make_territory
from tests.instants import NOW

BASE = "/open311/v2"
REPORT = {
    "service_code": "fault", "first_name": "Ming", "last_name": "Li", "phone": "0769 5550 0142",
    "description": "No power in the whole house", "address_string": "7 Liansheng Road",
}  # fmt: skip
EMPTY = ("description", "address", "address_id", "zipcode", "lat", "long", "media_url")
"""What the standard has and we tell nobody."""


@pytest.fixture(autouse=True)
def counters(database: Database) -> None:
    with transaction(database) as session:
        make_counters(session)


def send(client: TestClient, format: str = "json", **changes: str) -> httpx.Response:
    return client.post(f"{BASE}/requests.{format}", data={**REPORT, **changes})


def number_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()[0]["service_request_id"])


def listed(client: TestClient, **asked: str) -> list[str]:
    answer = client.get(f"{BASE}/requests.json", params=asked)
    assert answer.status_code == 200, answer.text
    return [row["service_request_id"] for row in answer.json()]


def plain(element: ET.Element) -> Any:
    """What JSON would say where an XML element says this, but for the types of plain values."""
    if len(element) == 0:
        return element.text
    if len(element) > 1 and len({inner.tag for inner in element}) > 1:
        return {inner.tag: plain(inner) for inner in element}
    (tag,) = {inner.tag for inner in element}
    singular = {"services": "service", "service_requests": "request", "errors": "error"}
    inner = singular | {"endpoints": "endpoint", "formats": "format"}
    assert tag == inner[element.tag]
    return [plain(one) for one in element]


def as_texts(value: Any) -> Any:
    """JSON's values as XML writes them."""
    if isinstance(value, list):
        return [as_texts(one) for one in value]
    if isinstance(value, dict):
        return {key: as_texts(one) for key, one in value.items()}
    if isinstance(value, bool):
        return str(value).lower()
    return None if value in (None, "") else str(value)


def test_a_report_gets_a_number_whose_status_tells_nothing_of_anybody(
    anonymous: TestClient, database: Database
) -> None:
    codes = [one["service_code"] for one in anonymous.get(f"{BASE}/services.json").json()]
    made = send(anonymous)

    assert codes == ["fault", "billing", "metering", "connection", "complaint", "consultation"]
    number = number_of(made)
    assert made.json()[0]["service_notice"].startswith("We answer by 2026-")
    answer = anonymous.get(f"{BASE}/requests/{number}.json")
    (row,) = answer.json()
    assert (row["service_request_id"], row["status"], row["service_code"]) == (
        number,
        "open",
        "fault",
    )
    assert row["requested_datetime"] == "2026-03-10T07:00:00+08:00"
    assert row["expected_datetime"] > row["requested_datetime"]
    assert {name: row[name] for name in EMPTY} == dict.fromkeys(EMPTY)
    for secret in ("Ming", "5550", "Liansheng", "whole house"):
        assert secret not in answer.text
        assert secret not in anonymous.get(f"{BASE}/requests.xml").text
    with transaction(database) as session:
        request = requests.get(session, number)
        assert request.channel == "open311"
        requests.answer(session, request, text="Done", actor=CLERK, now=NOW + timedelta(minutes=20))
    (row,) = anonymous.get(f"{BASE}/requests/{number}.json").json()
    assert (row["status"], row["status_notes"], row["expected_datetime"]) == (
        "closed",
        "Settled",
        None,
    )
    assert row["updated_datetime"] == "2026-03-10T07:20:00+08:00"


@pytest.mark.parametrize(
    ("path", "root", "item"),
    [
        ("/open311/discovery", "discovery", None),
        (f"{BASE}/services", "services", "service"),
        (f"{BASE}/requests", "service_requests", "request"),
        (f"{BASE}/requests/{{number}}", "service_requests", "request"),
        (f"{BASE}/requests/R-999999", "errors", "error"),
        (f"{BASE}/requests?status=lost", "errors", "error"),
    ],
)
def test_every_answer_says_the_same_in_xml_as_in_json(
    anonymous: TestClient, path: str, root: str, item: str | None
) -> None:
    number = number_of(send(anonymous))
    address, _, query = path.format(number=number).partition("?")

    in_xml = anonymous.get(f"{address}.xml?{query}")
    in_json = anonymous.get(f"{address}.json?{query}")

    assert in_xml.status_code == in_json.status_code
    assert in_xml.headers["content-type"] == "text/xml; charset=utf-8"
    assert in_json.headers["content-type"] == "application/json"
    assert in_xml.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    document = ET.fromstring(in_xml.content)
    assert document.tag == root
    assert item is None or {one.tag for one in document} == {item}
    assert plain(document) == as_texts(in_json.json())


def test_a_report_in_xml_is_answered_in_the_standards_shape(anonymous: TestClient) -> None:
    document = ET.fromstring(send(anonymous, "xml").content)

    (request,) = document
    assert (document.tag, request.tag) == ("service_requests", "request")
    assert [one.tag for one in request] == ["service_request_id", "service_notice", "account_id"]
    services = ET.fromstring(anonymous.get(f"{BASE}/services.xml").content)
    assert [one.tag for one in services[0]] == [
        "service_code", "service_name", "description", "metadata", "type", "keywords", "group",
    ]  # fmt: skip
    assert services.findtext("service/metadata") == "false"


def test_the_discovery_says_where_and_in_which_formats(anonymous: TestClient) -> None:
    document = ET.fromstring(anonymous.get("/open311/discovery.xml").content)

    assert [one.tag for one in document] == ["changeset", "contact", "key_service", "endpoints"]
    (endpoint,) = document.findall("endpoints/endpoint")
    assert endpoint.findtext("specification") == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint.findtext("url") == "http://testserver/open311/v2"
    assert endpoint.findtext("type") == "test"
    assert [one.text for one in endpoint.findall("formats/format")] == [
        "text/xml",
        "application/json",
    ]


def test_xml_holds_no_character_that_it_cannot_hold() -> None:
    text = 'a\x00b\x0bc\ufffe\ud800 <i> & "q" 东莞 \U0001f4a1\ttab\nline'

    made = answer(Format.XML, "errors", [{"code": 400, "description": text}])

    assert ET.fromstring(bytes(made.body)).findtext("error/description") == (
        'a\ufffdb\ufffdc\ufffd\ufffd <i> & "q" 东莞 \U0001f4a1\ttab\nline'
    )


@pytest.mark.parametrize(
    ("status", "named", "changes"),
    [
        (404, "service_code", {"service_code": "lamps"}),
        (404, "jurisdiction_id", {"jurisdiction_id": "ma\x0brs<"}),
        (400, "service_code", {"service_code": ""}),
        (400, "description", {"description": ""}),
        (400, "description", {"description": "x" * 4001}),
        (400, "phone", {"phone": ""}),
        (400, "address_string", {"address_string": ""}),
        (400, "email", {"email": "nobody"}),
        (400, "lat", {"lat": "north", "long": "113.67"}),
        (400, "lat", {"lat": "22.81"}),
        (400, "lat", {"lat": "nan", "long": "113.67"}),
        (400, "long", {"lat": "22.81", "long": "1e9"}),
    ],
)
def test_a_report_that_cannot_be_taken_is_refused_in_the_standards_form_and_leaves_nothing(
    anonymous: TestClient, database: Database, status: int, named: str, changes: dict[str, str]
) -> None:
    in_json, in_xml = send(anonymous, "json", **changes), send(anonymous, "xml", **changes)

    assert (in_json.status_code, in_xml.status_code) == (status, status)
    (fault,) = in_json.json()
    assert fault["code"] == status
    assert fault["description"].startswith(f"{named}: ")
    (element,) = ET.fromstring(in_xml.content)
    assert (element.tag, element.findtext("code")) == ("error", str(status))
    assert (element.findtext("description") or "").startswith(f"{named}: ")
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Request)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Customer)) == 0


def test_a_position_is_enough_and_a_long_description_is_kept_whole(
    anonymous: TestClient, database: Database
) -> None:
    text = "灯" * 4000

    number = number_of(
        send(anonymous, address_string="", lat="22.81540", long="113.67310", description=text)
    )

    with database.reading() as session:
        request = requests.get(session, number)
        place = session.get_one(Premises, request.premises_id)
    assert request.text == text
    assert (place.lat, place.lon, place.address) == (22.8154, 113.6731, "22.81540, 113.67310")


def test_requests_are_listed_by_service_status_and_time_the_newest_first(
    anonymous: TestClient, database: Database, clock: VirtualClock
) -> None:
    first = number_of(send(anonymous))
    clock.forward(days=60)
    second = number_of(send(anonymous, service_code="billing"))
    with transaction(database) as session:
        request = requests.get(session, second)
        requests.answer(session, request, text="Done", actor=CLERK, now=clock())
    clock.forward(days=10)
    third = number_of(send(anonymous))

    assert listed(anonymous) == [third, second, first]
    assert listed(anonymous, service_code="billing,metering") == [second]
    assert listed(anonymous, status="open") == [third, first]
    assert listed(anonymous, status="closed") == [second]
    assert listed(anonymous, status="open,closed") == [third, second, first]
    assert listed(anonymous, end_date="2026-05-01") == [first]
    assert listed(anonymous, start_date="2026-05-01T00:00:00+08:00") == [third, second]
    assert listed(anonymous, start_date="2026-03-10T07:00:00 08:00", end_date="2026-05-01") == [
        first
    ]
    named = f"{second},{first},R-999999"
    assert listed(anonymous, service_request_id=named, status="open") == [second, first]
    clock.forward(days=30)
    assert listed(anonymous) == [third, second], "ninety days unless something else is asked"


@pytest.mark.parametrize(
    ("status", "named", "asked"),
    [
        (404, "service_code", {"service_code": "fault,lamps"}),
        (404, "jurisdiction_id", {"jurisdiction_id": "mars"}),
        (400, "status", {"status": "open,lost"}),
        (400, "start_date", {"start_date": "yesterday"}),
        (400, "end_date", {"end_date": "0001-01-01"}),
        (400, "start_date", {"start_date": "2026-01-01", "end_date": "2026-04-02"}),
        (400, "end_date", {"start_date": "2026-03-02", "end_date": "2026-03-01"}),
        (400, "status", {"status": "x" * 201}),
    ],
)
def test_a_list_asked_for_by_what_cannot_be_is_refused(
    anonymous: TestClient, status: int, named: str, asked: dict[str, str]
) -> None:
    answer = anonymous.get(f"{BASE}/requests.json", params=asked)

    assert answer.status_code == status
    (fault,) = answer.json()
    assert fault["description"].startswith(f"{named}: ")


def test_what_came_in_some_other_way_is_shown_to_nobody(
    anonymous: TestClient, database: Database
) -> None:
    with transaction(database) as session:
        number = make_request(session, kind=RequestKind.COMPLAINT, channel="phone").id

    assert listed(anonymous) == []
    assert listed(anonymous, service_request_id=number) == []
    assert anonymous.get(f"{BASE}/requests/{number}.json").status_code == 404


def test_where_there_are_several_jurisdictions_each_call_names_one(
    anonymous: TestClient, database: Database
) -> None:
    number = number_of(send(anonymous))
    with transaction(database) as session:
        make_territory(session, id="changan")
        make_counters(session, territory_id="changan")

    for path in ("services", "requests", f"requests/{number}"):
        missing = anonymous.get(f"{BASE}/{path}.json")
        assert missing.status_code == 400
        assert missing.json()[0]["description"].startswith("jurisdiction_id: ")
    assert send(anonymous).status_code == 400
    there = number_of(send(anonymous, jurisdiction_id="changan"))
    assert listed(anonymous, jurisdiction_id="changan") == [there]
    assert listed(anonymous, jurisdiction_id="humen") == [number]
    elsewhere = anonymous.get(f"{BASE}/requests/{number}.json?jurisdiction_id=changan")
    assert elsewhere.status_code == 404


def test_another_format_and_another_body_are_refused(anonymous: TestClient) -> None:
    assert anonymous.get(f"{BASE}/services.csv").json()[0]["code"] == 400
    nowhere = anonymous.get(f"{BASE}/tokens/1.xml")
    assert (nowhere.status_code, ET.fromstring(nowhere.content).findtext("error/code")) == (
        404,
        "404",
    )
    for format in Format:
        assert anonymous.post(f"{BASE}/requests.{format}", json=REPORT).status_code == 415


def test_a_flood_is_held_back(anonymous: TestClient) -> None:
    answers = [send(anonymous, "xml") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert ET.fromstring(answers[-1].content).findtext("error/code") == "429"
