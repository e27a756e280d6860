"""Webhooks as a page, in both languages."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from api.pages.texts import LANGUAGES, table
from dispatch.core.db import Database, transaction
from dispatch.webhooks import deliveries
from dispatch.webhooks.tables import DeliveryStatus
from tests.api.conftest import SignIn
from tests.builders.webhooks import deliveries_of, happen, tell
from tests.instants import NOW

HTML = {"Accept": "text/html"}
PAGE = "/console/webhooks"
BODY = {"url": "https://example.com/hooks", "event_types": ["visit.*"], "description": "GIS<b>"}


@pytest.fixture
def admin(sign_in: SignIn) -> TestClient:
    return sign_in("admin")


@pytest.fixture
def hook(admin: TestClient, database: Database) -> dict[str, Any]:
    """A subscriber with one delivery that failed and one that waits."""
    made: dict[str, Any] = admin.post("/api/v1/webhooks", json=BODY).json()
    with transaction(database) as session:
        happen(session, "visit.moved", "visit.done")
    tell(database, now=NOW)
    with transaction(database) as session:
        first = deliveries_of(session, made["id"])[0]
        first.status, first.error, first.response_code = DeliveryStatus.FAILED, "broken <i>", 500
    return made


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("did not arrive", "waits", "Send again", "Pause", "Remove this webhook")),
        ("zh-CN", ("未送达", "等待推送", "重新推送", "暂停", "删除该推送对象")),
    ],
)
def test_a_subscriber_shows_its_deliveries_and_never_its_secret(
    admin: TestClient, hook: dict[str, Any], language: str, words: tuple[str, ...]
) -> None:
    page = admin.get(f"{PAGE}?webhook={hook['id']}&lang={language}", headers=HTML).text

    words = (*words, "GIS&lt;b&gt;", "broken &lt;i&gt;", "visit.moved", "visit.done")
    assert [word for word in words if word not in page] == []
    assert hook["secret"] not in page
    assert page.count("data-delivery=") == 1, "what waits is not sent again"


def test_the_log_is_picked_by_fate_and_a_replay_shows(
    admin: TestClient, hook: dict[str, Any], database: Database
) -> None:
    address = f"{PAGE}?webhook={hook['id']}&lang=en"

    def listed(status: str) -> int:
        page = admin.get(f"{address}&status={status}", headers=HTML).text
        return sum(f"<code>{type}</code>" in page for type in ("visit.moved", "visit.done"))

    assert [listed(status) for status in ("", "failed", "delivered")] == [2, 1, 0]
    with transaction(database) as session:
        (number,) = (row.id for row in deliveries.listing(
            session, webhook_id=hook["id"], status=DeliveryStatus.FAILED
        )[0])  # fmt: skip
    admin.post(f"/api/v1/webhooks/{hook['id']}/replay", json={"delivery_id": number})
    assert "sent again: 1" in admin.get(address, headers=HTML).text


def test_a_paused_one_can_be_told_again(admin: TestClient, hook: dict[str, Any]) -> None:
    admin.post(f"/api/v1/webhooks/{hook['id']}/disable", json={})

    page = admin.get(f"{PAGE}?webhook={hook['id']}&lang=en", headers=HTML).text

    assert "paused" in page
    assert "by hand" in page
    assert 'data-do="skip"' in page


def test_auditors_read_and_dispatchers_do_not(sign_in: SignIn, hook: dict[str, Any]) -> None:
    for address in (PAGE, f"{PAGE}?webhook={hook['id']}"):
        page = sign_in("auditor").get(address, headers=HTML)
        assert page.status_code == 200
        assert "data-do=" not in page.text
        assert "data-form=" not in page.text
        assert sign_in("dispatcher").get(address, headers=HTML).status_code == 403
    assert sign_in("admin").get(f"{PAGE}?webhook=H-9", headers=HTML).status_code == 404


def test_every_fate_of_a_delivery_is_worded() -> None:
    for language in LANGUAGES:
        assert {f"webhooks.fate.{one.value}" for one in DeliveryStatus} <= set(table(language))
