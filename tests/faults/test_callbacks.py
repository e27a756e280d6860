"""Providers call back three times over, in any order, and others in their name: each message has its fate once."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from httpx import Response
from sqlmodel import col, func, select
from standardwebhooks import Webhook
from starlette.testclient import TestClient

from api.app import create_app
from dispatch.contact import messages
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Event
from dispatch.planning.engine import in_process
from tests.builders.contact import make_message
from tests.faults.counts import times
from tests.instants import at
from workers.channels import inbound

pytestmark = pytest.mark.faults

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MORNING = at("10:05") - timedelta(days=1)
COUNT = times(25, 500)
SEED = 32


@pytest.fixture
def provider(
    settings: Settings, either: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """What the provider reaches: the web application, at ten in the morning."""
    monkeypatch.setenv("SIGNING", SECRET)
    file = tmp_path / "own.toml"
    file.write_text(
        'name = "own"\n[secrets]\nsigning = "SIGNING"\n[request]\nurl = "https://x.example/"\n'
        '[callback]\nscheme = "standard"\nsecret = "{{ secret.signing }}"\nmessage = "id"\n'
    )
    here = settings.model_copy(update={"sms_gateway": file})
    with TestClient(create_app(here, either, clock=lambda: MORNING, engine=in_process)) as client:
        yield client


def send_all(database: Database) -> None:
    with transaction(database) as session:
        for number in range(COUNT):
            message_id = make_message(session).id
            assert message_id is not None
            messages.begin(session, message_id=message_id, base_url="x", key=b"k" * 32, now=MORNING)
            messages.complete(
                session,
                message_id=message_id,
                provider="own",
                provider_id=f"sms-{number}",
                now=MORNING,
            )


def call(
    client: TestClient, number: int, status: str, *, sent: datetime = MORNING, secret: str = SECRET
) -> int:
    return asked(client, number, status, sent=sent, secret=secret).status_code


def asked(
    client: TestClient, number: int, status: str, *, sent: datetime = MORNING, secret: str = SECRET
) -> Response:
    """One callback; what it was answered."""
    body = json.dumps({"id": f"sms-{number}", "status": status}).encode()
    event = f"{number}:{status}"
    headers = {
        "webhook-id": event,
        "webhook-timestamp": str(int(sent.timestamp())),
        "webhook-signature": Webhook(secret).sign(event, sent, body.decode()),
        "content-type": "application/json",
    }
    return client.post("/api/v1/callbacks/own", content=body, headers=headers)


def end_of(number: int) -> str:
    return "failed" if number % 5 == 0 else "delivered"


def fates(database: Database) -> dict[str, MessageStatus]:
    """What became of each message that the provider took, by the provider's name for it."""
    with database.reading() as session:
        taken = select(Message.provider_id, Message.status).where(Message.provider_id != "")
        return dict(session.exec(taken).all())


def letters(database: Database) -> int:
    """How many messages go as a letter in the stead of one that bounced."""
    with database.reading() as session:
        instead = col(Message.fallback_of).is_not(None)
        return session.exec(select(func.count()).select_from(Message).where(instead)).one()


def told(database: Database) -> Counter[str]:
    """How often each message's fate was recorded, by message."""
    with database.reading() as session:
        fate = col(Event.type).in_(["message.delivered", "message.bounced"])
        rows = session.exec(
            select(Event.entity_id, func.count()).where(fate).group_by(Event.entity_id)
        )
        return Counter(dict(rows.all()))


def test_callbacks_in_triplicate_and_in_any_order_have_their_effect_once(
    provider: TestClient, either: Database
) -> None:
    send_all(either)
    chance = random.Random(SEED)
    calls = [
        (number, status) for number in range(COUNT) for status in ("queued", "sent", end_of(number))
    ] * 3
    chance.shuffle(calls)

    answers = [asked(provider, *one) for one in calls]

    assert Counter(answer.status_code for answer in answers) == {202: 9 * COUNT}, f"seed {SEED}"
    outcomes = Counter(answer.json()["outcomes"][0] for answer in answers)
    assert outcomes == {"applied": COUNT, "no_news": 2 * COUNT, "repeated": 6 * COUNT}
    assert fates(either) == {
        f"sms-{number}": MessageStatus.BOUNCED if number % 5 == 0 else MessageStatus.DELIVERED
        for number in range(COUNT)
    }
    assert 0 < letters(either) <= COUNT // 5, "a bounce brings no more than one letter"
    assert set(told(either).values()) == {1}
    assert len(told(either)) == COUNT


def test_forged_and_old_callbacks_are_refused_and_have_no_effect(
    provider: TestClient, either: Database
) -> None:
    send_all(either)
    other = "whsec_" + "A" * 32
    old, early = MORNING - timedelta(minutes=6), MORNING + timedelta(minutes=6)
    answers: Counter[int] = Counter()
    for number in range(COUNT):
        answers[call(provider, number, "failed", secret=other)] += 1
        answers[call(provider, number, "failed", sent=old)] += 1
        answers[call(provider, number, "failed", sent=early)] += 1

    assert answers == {401: 3 * COUNT}
    assert set(fates(either).values()) == {MessageStatus.SENT}
    assert told(either) == {}


def test_without_the_check_of_signatures_anybody_decides_what_became_of_a_message(
    provider: TestClient, either: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    send_all(either)
    monkeypatch.setattr(inbound, "_compare", lambda *_given: None)

    assert call(provider, 1, "failed", secret="whsec_" + "A" * 32) == 202

    assert fates(either)["sms-1"] is MessageStatus.BOUNCED
