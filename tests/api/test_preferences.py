"""Wishes of customers and notices of outages over HTTP."""

from datetime import timedelta

import pytest
from sqlmodel import select

from dispatch.contact.tables import Message
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from tests.api.conftest import SignIn
from tests.builders.registry import make_customer, make_premises
from tests.instants import NOW
from workers.execution import drain
from workers.handlers import HANDLERS


@pytest.fixture
def customer(database: Database) -> str:
    with transaction(database) as session:
        return make_customer(session).id


def test_wishes_are_read_and_replaced_by_version(sign_in: SignIn, customer: str) -> None:
    client, path = sign_in("intake"), f"/api/v1/customers/{customer}/contact"
    nothing = client.get(path)

    assert nothing.json()["version"] == 0
    assert nothing.headers["etag"] == '"0"'
    kept = client.put(
        path,
        json={"channels": ["sms", "email"], "earliest_hour": 10},
        headers={"If-Match": '"0"'},
    )
    assert (kept.status_code, kept.headers["etag"]) == (200, '"1"')
    assert kept.json()["channels"] == ["sms", "email"]
    again = client.put(path, json={}, headers={"If-Match": '"0"'})
    assert (again.status_code, again.json()["code"]) == (409, "stale_version")


def test_a_page_says_which_version_it_saw(sign_in: SignIn, customer: str) -> None:
    client = sign_in("dispatcher", cookie=True)
    headers = {"Origin": "http://testserver", "Idempotency-Key": "abcdefgh-1"}

    refused = client.put(f"/api/v1/customers/{customer}/contact", json={}, headers=headers)

    assert refused.status_code == 428


def test_nonsense_is_refused_by_its_field(sign_in: SignIn, customer: str) -> None:
    client, path = sign_in("intake"), f"/api/v1/customers/{customer}/contact"

    refused = client.put(path, json={"earliest_hour": 20, "latest_hour": 8})

    assert (refused.status_code, refused.json()["code"]) == (422, "bad_preference")
    assert refused.json()["field"] == "latest_hour"
    assert client.put(path, json={"channels": ["fax"]}).status_code == 422
    assert client.get("/api/v1/customers/nobody/contact").status_code == 404


def test_stop_says_what_is_still_sent(sign_in: SignIn, customer: str) -> None:
    client, path = sign_in("intake"), f"/api/v1/customers/{customer}/contact"

    stopped = client.post(f"{path}/stop", json={"channel": "phone"}).json()
    refused = client.post(f"{path}/stop", json={"message_class": "emergency"})
    resumed = client.post(f"{path}/resume", json={}).json()

    assert stopped["stopped"] == ["service", "service_urgent"]
    assert stopped["still_sent"] == ["emergency", "planned_outage", "outage_withdrawn"]
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_be_stopped")
    assert resumed["stopped"] == []


def test_who_only_reads_changes_no_wishes(sign_in: SignIn, customer: str) -> None:
    client = sign_in("auditor")

    assert client.get(f"/api/v1/customers/{customer}/contact").status_code == 200
    assert client.put(f"/api/v1/customers/{customer}/contact", json={}).status_code == 403


def test_a_notice_of_an_outage_reaches_its_customers_and_so_does_its_end(
    sign_in: SignIn, database: Database, settings: Settings
) -> None:
    with transaction(database) as session:
        places = [make_premises(session).id for _ in range(3)]
    client = sign_in("dispatcher")
    start = NOW + timedelta(days=2)
    body = {
        "territory_id": "humen",
        "starts_at": start.isoformat(),
        "ends_at": (start + timedelta(hours=6)).isoformat(),
        "reason_zh": "线路检修",
        "reason_en": "line maintenance",
        "premises": places,
    }

    made = client.post("/api/v1/outage-notices", json=body)

    assert made.status_code == 201
    assert made.json()["premises"] == 3
    drain(database, settings, now=NOW, handlers=HANDLERS)
    with database.reading() as session:
        assert len(session.exec(select(Message)).all()) == 3
    path = f"/api/v1/outage-notices/{made.json()['id']}"
    found = client.get(path).json()
    assert sum(found["messages"]["planned_outage"].values()) == 3
    assert [one["id"] for one in client.get("/api/v1/outage-notices?territory=humen").json()] == [
        found["id"]
    ]
    early = client.post(f"{path}/restored", json={"version": found["version"]})
    assert (early.status_code, early.json()["field"]) == (422, "restored_at")
    stale = client.post(f"{path}/withdraw", json={"version": 9})
    assert stale.status_code == 409
    assert client.post(f"{path}/withdraw", json={"version": found["version"]}).status_code == 200
    over = client.put(
        f"{path}/times", json={"starts_at": body["starts_at"], "ends_at": body["ends_at"]}
    )
    assert (over.status_code, over.json()["code"]) == (409, "outage_over")
    assert sign_in("intake").post("/api/v1/outage-notices", json=body).status_code == 403
