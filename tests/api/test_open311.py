"""Open311 GeoReport v2: services, reports and their status in the standard's own words, naming nobody."""

import pytest
from starlette.testclient import TestClient

from dispatch.core.db import Database, transaction
from dispatch.desk import requests
from tests.builders.desk import CLERK, make_counters
from tests.instants import NOW

BASE = "/open311/v2"
REPORT = {
    "service_code": "fault", "first_name": "Ming", "last_name": "Li", "phone": "0769 5550 0142",
    "description": "No power in the whole house", "address_string": "7 Liansheng Road",
}  # fmt: skip


@pytest.fixture(autouse=True)
def counters(database: Database) -> None:
    with transaction(database) as session:
        make_counters(session)


def test_a_report_gets_a_number_whose_status_tells_nothing_of_anybody(
    anonymous: TestClient, database: Database
) -> None:
    codes = [one["service_code"] for one in anonymous.get(f"{BASE}/services.json").json()]
    made = anonymous.post(f"{BASE}/requests.json", data=REPORT)

    assert codes == ["fault", "billing", "metering", "connection", "complaint", "consultation"]
    assert made.status_code == 200, made.text
    number = made.json()[0]["service_request_id"]
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
    for secret in ("Ming", "5550", "Liansheng", "whole house"):
        assert secret not in answer.text
    with transaction(database) as session:
        request = requests.get(session, number)
        assert request.channel == "open311"
        requests.answer(session, request, text="Done", actor=CLERK, now=NOW)
    (row,) = anonymous.get(f"{BASE}/requests/{number}.json").json()
    assert (row["status"], row["status_notes"], row["expected_datetime"]) == (
        "closed",
        "Settled",
        None,
    )


@pytest.mark.parametrize(
    ("named", "changes"),
    [
        ("service_code", {"service_code": "lamps"}),
        ("description", {"description": ""}),
        ("phone", {"phone": ""}),
        ("address_string", {"address_string": ""}),
        ("email", {"email": "nobody"}),
    ],
)
def test_a_report_that_lacks_something_is_refused_in_the_standards_form(
    anonymous: TestClient, named: str, changes: dict[str, str]
) -> None:
    answer = anonymous.post(f"{BASE}/requests.json", data={**REPORT, **changes})

    assert answer.status_code == 400
    (fault,) = answer.json()
    assert fault["code"] == 400
    assert fault["description"].startswith(f"{named}: ")


def test_another_jurisdiction_and_another_number_are_not_found(anonymous: TestClient) -> None:
    elsewhere = anonymous.post(f"{BASE}/requests.json", data={**REPORT, "jurisdiction_id": "mars"})

    assert (elsewhere.status_code, elsewhere.json()[0]["code"]) == (404, 404)
    assert anonymous.get(f"{BASE}/requests/R-999999.json").status_code == 404
    assert anonymous.post(f"{BASE}/requests.json", json=REPORT).status_code == 415


def test_a_flood_is_held_back(anonymous: TestClient) -> None:
    statuses = [anonymous.post(f"{BASE}/requests.json", data=REPORT).status_code for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
