"""Providers call back over HTTP: signed and fresh, or not at all."""

import json
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from api.state import State
from dispatch.contact import messages
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from tests.api.conftest import ORIGIN, VirtualClock
from tests.builders.contact import make_message
from tests.instants import at
from tests.workers.channels.test_inbound import ALIYUN_REPORT, IN_ADDRESS, SECRET, twilio
from workers.logs import mask

MORNING = at("10:05") - timedelta(days=1)
PATH = "/api/v1/callbacks"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with gateways that call back: two that sign, and Alibaba's, which does not."""
    monkeypatch.setenv("OWN", SECRET)
    monkeypatch.setenv("TOKEN", "12345")
    aliyun = Path(__file__).parents[2] / "docs/examples/gateway-aliyun-sms.toml"
    for variable in tomllib.loads(aliyun.read_text(encoding="utf-8"))["secrets"].values():
        monkeypatch.setenv(variable, IN_ADDRESS)
    files = {}
    for name, scheme, secret in (("own", "standard", "OWN"), ("twilio", "twilio", "TOKEN")):
        files[name] = tmp_path / f"{name}.toml"
        files[name].write_text(
            f'name = "{name}"\n[secrets]\nmine = "{secret}"\n[request]\nurl = "https://x.example/"\n'
            f'[callback]\nscheme = "{scheme}"\nsecret = "{{{{ secret.mine }}}}"\nmessage = "id"\n'
        )
    return Settings(
        data_dir=tmp_path, public_url=ORIGIN, sms_gateway=files["own"], chat_gateway=files["twilio"],
        voice_gateway=aliyun,
    )  # fmt: skip


def told(
    clock: VirtualClock, body: bytes, *, minutes: float = 0, number: str = "m1"
) -> dict[str, str]:
    moment = clock() + timedelta(minutes=minutes)
    return {
        "webhook-id": number,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(number, moment, body.decode()),
        "content-type": "application/json",
    }


def sent(database: Database, provider: str = "own") -> int:
    with transaction(database) as session:
        message = make_message(session)
        assert message.id is not None
        messages.begin(session, message_id=message.id, base_url="x", key=b"k" * 32, now=MORNING)
        messages.complete(
            session, message_id=message.id, provider=provider, provider_id="SM1", now=MORNING
        )
        return message.id


def status(database: Database, number: int) -> MessageStatus:
    with database.reading() as session:
        return session.get_one(Message, number).status


BODY = json.dumps({"id": "SM1", "status": "delivered"}).encode()


def test_a_signed_callback_says_what_became_of_a_message(
    anonymous: TestClient, database: Database, clock: VirtualClock
) -> None:
    number = sent(database)

    answers = [
        anonymous.post(f"{PATH}/own", content=BODY, headers=told(clock, BODY)) for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [202] * 3
    assert [answer.json()["outcomes"] for answer in answers] == [
        ["applied"],
        ["repeated"],
        ["repeated"],
    ]
    assert status(database, number) is MessageStatus.DELIVERED


def test_a_forged_or_old_callback_is_401_and_changes_nothing(
    anonymous: TestClient, database: Database, clock: VirtualClock
) -> None:
    number = sent(database)
    old = told(clock, BODY, minutes=-6)
    forged = {**told(clock, BODY), "webhook-signature": "v1,Zm9yZ2Vk"}

    for headers in (old, forged, {"content-type": "application/json"}):
        answer = anonymous.post(f"{PATH}/own", content=BODY, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["code"] == "bad_signature"
    assert status(database, number) is MessageStatus.SENT


def test_twilios_forms_are_taken_with_the_signature_over_the_public_address(
    anonymous: TestClient, database: Database
) -> None:
    number = sent(database, "twilio")
    body, headers = twilio(
        {"MessageSid": "SM1", "MessageStatus": "delivered"}, f"{ORIGIN}{PATH}/twilio"
    )
    headers["content-type"] = "application/x-www-form-urlencoded"

    answer = anonymous.post(f"{PATH}/twilio", content=body, headers=headers)

    assert answer.json() == {"outcomes": ["applied"]}
    assert status(database, number) is MessageStatus.DELIVERED


def test_a_message_that_nobody_knows_is_taken_and_counted(
    anonymous: TestClient, app: FastAPI, clock: VirtualClock
) -> None:
    state: State = app.state.gridcrew

    answer = anonymous.post(f"{PATH}/own", content=BODY, headers=told(clock, BODY))

    assert (answer.status_code, answer.json()) == (202, {"outcomes": ["unknown"]})
    registry: CollectorRegistry = state.metrics.registry
    labels = {"provider": "own", "outcome": "unknown"}
    assert registry.get_sample_value("gridcrew_callbacks_total", labels) == 1


def test_a_provider_that_is_not_configured_is_404(anonymous: TestClient) -> None:
    answer = anonymous.post(
        f"{PATH}/nobody", content=BODY, headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_provider")


def test_forms_are_taken_nowhere_else(anonymous: TestClient) -> None:
    answer = anonymous.post("/api/v1/sessions", data={"login": "x"})

    assert answer.status_code == 415


def test_unsigned_reports_are_taken_at_the_address_with_the_secret_once_and_answered_as_asked(
    anonymous: TestClient, app: FastAPI, database: Database
) -> None:
    number = sent(database, "aliyun")
    report = {**ALIYUN_REPORT, "biz_id": "SM1"}
    others = {**ALIYUN_REPORT, "biz_id": "of somebody else's"}
    address = f"{PATH}/aliyun/{IN_ADDRESS}"

    answers = [anonymous.post(address, json=body) for body in ([report], [others, report])]

    assert [(one.status_code, one.json()) for one in answers] == [
        (200, {"code": 0, "msg": "OK"})
    ] * 2
    assert status(database, number) is MessageStatus.DELIVERED
    failed = anonymous.post(address, json=[{**report, "success": False}])
    assert failed.status_code == 200
    assert status(database, number) is MessageStatus.DELIVERED, "what was delivered has not failed"
    registry: CollectorRegistry = app.state.gridcrew.metrics.registry
    counted = {
        outcome: registry.get_sample_value(
            "gridcrew_callbacks_total", {"provider": "aliyun", "outcome": outcome}
        )
        for outcome in ("applied", "repeated", "unknown", "no_news")
    }
    assert counted == {"applied": 1, "repeated": 1, "unknown": 1, "no_news": 1}


def test_a_wrong_secret_is_401_changes_nothing_and_no_secret_is_logged(
    anonymous: TestClient, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    number = sent(database, "aliyun")
    body = [{**ALIYUN_REPORT, "biz_id": "SM1"}]

    wrong = "Z" * 32
    for address in (f"aliyun/{wrong}", "aliyun", f"own/{IN_ADDRESS}", f"twilio/{IN_ADDRESS}"):
        answer = anonymous.post(f"{PATH}/{address}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature"), address
        assert IN_ADDRESS not in answer.text
        assert wrong not in answer.text
    assert status(database, number) is MessageStatus.SENT
    assert anonymous.post(f"{PATH}/aliyun/{IN_ADDRESS}", json=body).status_code == 200

    logged = capsys.readouterr()
    assert "callbacks" in logged.out + logged.err
    assert IN_ADDRESS not in logged.out + logged.err
    assert wrong not in logged.out + logged.err


def test_what_logs_an_address_by_itself_shows_no_secret() -> None:
    assert mask(f"POST {PATH}/aliyun/{IN_ADDRESS} 200") == f"POST {PATH}/aliyun/[token] 200"
    assert mask(f"POST {PATH}/aliyun/{'z' * 40}") == f"POST {PATH}/aliyun/[token]"
