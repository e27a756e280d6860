"""The task webhook.deliver against a real receiver: signed, pinned, never redirected, tried again."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.webhooks import subscribers
from dispatch.webhooks.deliveries import Outgoing
from dispatch.webhooks.secrets import secret_of
from dispatch.webhooks.tables import DeliveryStatus, WebhookDelivery
from tests.builders.webhooks import deliveries_of, happen, make_webhook, tell
from tests.receiving import Receiver, receiving
from workers import webhooks
from workers.execution import Outcome, drain
from workers.handlers import HANDLERS

S = DeliveryStatus


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation whose webhooks may call this machine."""
    return Settings(data_dir=tmp_path, secret_key="k" * 40, webhook_networks="127.0.0.0/8")


def subscribed(database: Database, settings: Settings, receiver: Receiver, events: int = 1) -> str:
    """The receiver subscribes; then so many visits move."""
    now = datetime.now(UTC)
    with transaction(database) as session:
        webhook_id = make_webhook(session, url=receiver.url, now=now).id
        happen(session, *["visit.moved"] * events, now=now)
    receiver.secret = secret_of(settings.key, webhook_id, 1)
    assert tell(database, now=now) == events
    return webhook_id


def work(database: Database, settings: Settings, **later: float) -> list[Outcome]:
    now = datetime.now(UTC) + timedelta(**later)
    return list(drain(database, settings, now=now, handlers=HANDLERS).values())


def rows(database: Database, webhook_id: str) -> list[WebhookDelivery]:
    with database.reading() as session:
        return deliveries_of(session, webhook_id)


def test_a_receiver_verifies_what_it_is_sent(database: Database, settings: Settings) -> None:
    with receiving() as receiver:
        webhook_id = subscribed(database, settings, receiver, events=3)
        assert work(database, settings) == [Outcome.DONE] * 3

    assert (len(receiver.accepted), receiver.forged) == (3, 0)
    assert {row.status for row in rows(database, webhook_id)} == {S.DELIVERED}
    assert {row.response_code for row in rows(database, webhook_id)} == {204}
    assert {message_id for message_id, _ in receiver.accepted} == {
        row.message_id for row in rows(database, webhook_id)
    }
    assert receiver.accepted[0][1]["type"] == "gridcrew.visit.moved"
    assert receiver.headers[0]["host"] == f"127.0.0.1:{receiver.port}"


def test_a_receiver_with_another_secret_refuses(database: Database, settings: Settings) -> None:
    with receiving() as receiver:
        webhook_id = subscribed(database, settings, receiver)
        receiver.secret = secret_of(b"somebody else's key" * 3, webhook_id, 1)
        assert work(database, settings) == [Outcome.RETRY]

    assert (receiver.accepted, receiver.forged) == ([], 1)
    assert rows(database, webhook_id)[0].response_code == 401


def test_a_failure_is_tried_again_with_the_same_id(database: Database, settings: Settings) -> None:
    with receiving() as receiver:
        receiver.reply = lambda number: (500 if number < 2 else 200, {})
        webhook_id = subscribed(database, settings, receiver)
        outcomes = [
            outcome for later in (0, 10, 60) for outcome in work(database, settings, seconds=later)
        ]

    assert outcomes == [Outcome.RETRY, Outcome.RETRY, Outcome.DONE]
    (row,) = rows(database, webhook_id)
    assert (row.status, row.attempts) == (S.DELIVERED, 3)
    assert receiver.ids() == {row.message_id: 1}


def test_after_the_last_attempt_it_is_given_up_and_can_be_replayed(
    database: Database, settings: Settings
) -> None:
    with receiving() as receiver:
        receiver.reply = lambda _number: (404, {})
        webhook_id = subscribed(database, settings, receiver)
        outcomes = [
            out for hours in range(0, 70, 7) for out in work(database, settings, hours=hours)
        ]

    assert outcomes == [Outcome.RETRY] * 6 + [Outcome.DONE]
    (row,) = rows(database, webhook_id)
    assert (row.status, row.attempts, row.error) == (S.FAILED, 7, "answered 404")


def test_the_next_events_wait_while_a_receiver_is_away(
    database: Database, settings: Settings
) -> None:
    with receiving() as receiver:
        webhook_id = subscribed(database, settings, receiver, events=4)
    outcomes = work(database, settings)

    assert sorted(outcomes) == sorted([Outcome.RETRY, *[Outcome.POSTPONED] * 3])
    assert [row.attempts for row in rows(database, webhook_id)] == [1, 0, 0, 0]
    assert rows(database, webhook_id)[0].error == "ConnectError"


def test_redirects_are_not_followed(database: Database, settings: Settings) -> None:
    with receiving() as elsewhere, receiving() as receiver:
        receiver.reply = lambda _number: (302, {"location": elsewhere.url})
        webhook_id = subscribed(database, settings, receiver)
        work(database, settings)

    assert elsewhere.posts == 0
    assert rows(database, webhook_id)[0].error == "answered 302"


def test_a_receiver_that_asks_for_time_is_given_it(database: Database, settings: Settings) -> None:
    with receiving() as receiver:
        receiver.reply = lambda _number: (429, {"retry-after": "120"})
        webhook_id = subscribed(database, settings, receiver)
        work(database, settings)

    with database.reading() as session:
        rests = subscribers.get(session, webhook_id).rests_until
    assert rests is not None
    assert 100 < (rests - datetime.now(UTC)).total_seconds() < 125


def test_a_receiver_that_never_answers_costs_its_time_and_no_more(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TOTAL_S", 0.3)
    with receiving() as receiver:
        receiver.slow_s = 2.0
        webhook_id = subscribed(database, settings, receiver)
        assert work(database, settings) == [Outcome.RETRY]

    assert rows(database, webhook_id)[0].error == "no answer within 0.3 s"


def test_deliveries_beyond_a_processs_share_come_back_later(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:
        webhook_id = subscribed(database, settings, receiver)
        for busy in ({"H-000008", "H-000009"}, {webhook_id}):
            monkeypatch.setattr(webhooks, "_busy", busy)
            assert work(database, settings, seconds=90 - 30 * len(busy)) == [Outcome.POSTPONED]
        assert rows(database, webhook_id)[0].attempts == 0

        monkeypatch.setattr(webhooks, "_busy", {"H-000009"})
        assert work(database, settings, seconds=120) == [Outcome.DONE]


# -- where it goes ---------------------------------------------------------------------------------


def stands_for(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Have every name stand for these addresses, one after the other; the names that were asked for."""
    asked: list[str] = []
    left = list(answers)

    def look_up(host: str, port: int, *_args: Any, **_more: Any) -> list[Any]:
        asked.append(host)
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def post(url: str, **settings: Any) -> webhooks.Answer:
    return webhooks.post(Outgoing(1, url, "{}", {}), Settings(secret_key="k" * 40, **settings))


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::ffff:192.168.0.1"]
)
def test_a_name_that_stands_for_a_private_address_is_not_called(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    stands_for(monkeypatch, address)

    answer = post("https://example.com/hooks")

    assert answer.code is None
    assert "webhooks do not call" in answer.error


def test_a_name_is_looked_up_once_and_what_was_judged_is_dialled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that stands for something else at the second look-up gains nothing: there is none."""
    with receiving() as receiver:
        receiver.secret = secret_of(b"k" * 40, "H-000001", 1)
        asked = stands_for(monkeypatch, "127.0.0.1", "169.254.169.254")
        url = f"http://hooks.example:{receiver.port}/in"
        answer = post(url, webhook_networks="127.0.0.0/8")

    assert receiver.posts == 1
    assert receiver.paths == ["/in"]
    assert answer.code == 401, "nothing is signed here"
    assert asked.count("hooks.example") == 1


def test_plain_http_does_not_leave_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    stands_for(monkeypatch, "10.0.0.1")

    answer = post("http://hooks.example/in", webhook_networks="10.0.0.0/8")

    assert answer.error == "only https goes out of this machine"


def test_a_name_that_nobody_knows_is_a_failure_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_args: Any, **_more: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)

    assert post("https://example.com/").error == "gaierror"


def test_what_is_no_network_is_refused_by_the_settings() -> None:
    with pytest.raises(ValueError, match="GRIDCREW_WEBHOOK_NETWORKS"):
        Settings(webhook_networks="127.0.0.0/8, ten")
