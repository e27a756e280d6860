"""Webhooks over HTTP: made, tested, read, replayed, by administrators."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.webhooks import deliveries
from dispatch.webhooks.secrets import secret_of
from tests.api.conftest import SignIn
from tests.builders.webhooks import happen, tell
from tests.instants import NOW

HOOKS = "/api/v1/webhooks"
BODY = {"url": "https://example.com/hooks", "event_types": ["visit.*"], "description": "GIS"}


@pytest.fixture
def admin(sign_in: SignIn) -> TestClient:
    return sign_in("admin")


@pytest.fixture
def hook(admin: TestClient) -> dict[str, Any]:
    answer = admin.post(HOOKS, json=BODY)
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def test_the_secret_is_shown_once(
    admin: TestClient, hook: dict[str, Any], settings: Settings
) -> None:
    assert hook["secret"] == secret_of(settings.key, hook["id"], 1)

    shown = admin.get(f"{HOOKS}/{hook['id']}").json()
    assert "secret" not in shown
    assert admin.get(HOOKS).json() == [shown]
    renewed = admin.post(f"{HOOKS}/{hook['id']}/secret").json()
    assert renewed["secret"] == secret_of(settings.key, hook["id"], 2)
    assert renewed["old_secret_until"] is not None


def test_a_repeated_write_is_not_told_the_secret_again(admin: TestClient) -> None:
    headers = {"Idempotency-Key": "0123456789"}
    admin.post(HOOKS, json=BODY, headers=headers)

    again = admin.post(HOOKS, json=BODY, headers=headers)

    assert again.json()["code"] == "answer_not_kept"
    assert len(admin.get(HOOKS).json()) == 1


def test_a_webhook_is_changed_as_it_was_seen(admin: TestClient, hook: dict[str, Any]) -> None:
    address = f"{HOOKS}/{hook['id']}"
    stale = {"event_types": ["plan.published"], "version": hook["version"] + 5}

    assert admin.patch(address, json=stale).json()["code"] == "stale_version"
    changed = admin.patch(address, json={"event_types": ["plan.published"]}).json()
    assert (changed["event_types"], changed["url"]) == (["plan.published"], BODY["url"])


def test_deliveries_are_listed_and_replayed(
    admin: TestClient, hook: dict[str, Any], database: Database
) -> None:
    with transaction(database) as session:
        happen(session, "visit.moved", "visit.moved")
    tell(database, now=NOW)
    address = f"{HOOKS}/{hook['id']}"

    rows = admin.get(f"{address}/deliveries").json()["items"]
    assert [row["status"] for row in rows] == ["waiting", "waiting"]
    first = admin.get(f"{address}/deliveries", params={"limit": 1}).json()
    assert first["items"] == rows[:1]
    second = admin.get(f"{address}/deliveries", params={"limit": 1, "cursor": first["next"]}).json()
    assert (second["items"], second["next"]) == (rows[1:], None)

    with transaction(database) as session:
        deliveries.succeed(session, delivery_id=rows[0]["id"], code=204, now=NOW)
    delivered = admin.get(f"{address}/deliveries", params={"status": "delivered"}).json()["items"]
    assert [row["id"] for row in delivered] == [rows[0]["id"]]
    one = admin.post(f"{address}/replay", json={"delivery_id": rows[0]["id"]})
    assert (one.status_code, one.json()) == (202, {"replayed": 1})
    span = {"begin_at": "2026-03-09T00:00:00Z", "end_at": "2026-03-11T00:00:00Z"}
    assert admin.post(f"{address}/replay", json=span).json() == {"replayed": 0}


def test_a_test_is_sent(admin: TestClient, hook: dict[str, Any]) -> None:
    answer = admin.post(f"{HOOKS}/{hook['id']}/test")

    assert answer.status_code == 202
    assert (answer.json()["type"], answer.json()["event_id"]) == ("webhook.test", None)


def test_a_webhook_is_disabled_enabled_and_removed(admin: TestClient, hook: dict[str, Any]) -> None:
    address = f"{HOOKS}/{hook['id']}"

    assert admin.post(f"{address}/disable").json()["status"] == "disabled"
    assert admin.post(f"{address}/disable").json()["code"] == "illegal_move"
    assert admin.post(f"{address}/enable", json={"skip_missed": True}).json()["status"] == "active"
    assert admin.delete(address).status_code == 204
    assert admin.get(address).json()["code"] == "no_such_webhook"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://example.com/"}, "url"),
        ({"url": "https://169.254.169.254/"}, "url"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["Visit"]}, "event_types.0"),
        ({"territories": ["atlantis"]}, None),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_a_webhook_that_is_none_is_refused_by_its_field(
    admin: TestClient, change: dict[str, Any], field: str | None
) -> None:
    answer = admin.post(HOOKS, json={**BODY, **change})

    assert answer.status_code in {404, 422}
    if field is not None:
        assert answer.json()["field"] == field


def test_only_administrators_have_webhooks_and_auditors_see_them(
    sign_in: SignIn, hook: dict[str, Any]
) -> None:
    assert sign_in("auditor").get(HOOKS).status_code == 200
    assert sign_in("auditor").post(f"{HOOKS}/{hook['id']}/test").status_code == 403
    assert sign_in("dispatcher").get(HOOKS).status_code == 403
