"""What is done about a message whose sending has no known end, by what its provider makes possible."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from dispatch.contact import messages
from dispatch.contact.messages import InDoubt, Outgoing
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task, TaskState
from tests.builders.contact import make_message
from tests.instants import at
from tests.sink import Sink, gateway_file, sink_running
from workers import sending
from workers.channels import pacing
from workers.channels.registry import channels_of
from workers.execution import Outcome, drain
from workers.handlers import HANDLERS

MORNING = at("10:05") - timedelta(days=1)
S = MessageStatus


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sink_running() as running:
        yield running


def through(sink: Sink, folder: Path, *, keys: bool = False, look_up: bool = False) -> Settings:
    """An installation whose emails go through this gateway."""
    file = gateway_file(folder, sink, keys=keys, look_up=look_up)
    return Settings(data_dir=folder, secret_key="k" * 40, email_gateway=file)


def written(database: Database) -> int:
    with transaction(database) as session:
        message = make_message(session)
        assert message.id is not None
        return message.id


def send(database: Database, settings: Settings, after: float = 0) -> list[Outcome]:
    now = MORNING + timedelta(seconds=after)
    return list(drain(database, settings, now=now, handlers=HANDLERS).values())


def row(database: Database, message_id: int) -> Message:
    with database.reading() as session:
        return session.get_one(Message, message_id)


def die_while_sending(database: Database, settings: Settings, sink: Sink, *, after: bool) -> None:
    """Leave what a worker leaves that dies before, or `after`, the provider took the message."""
    channel = channels_of(settings)["email"]
    with transaction(database) as session:
        lease = tasks.claim_due(session, owner="dead", now=MORNING, limit=1)[0]
        begun = begin(session, int(lease.payload["message_id"]), settings)
    assert isinstance(begun, Outgoing)
    if after:
        channel.send(begun)
    with transaction(database) as session:
        tasks.recover_expired(session, now=MORNING + timedelta(minutes=1))


def begin(session: Session, number: int, settings: Settings) -> object:
    return messages.begin(
        session, message_id=number, base_url="http://x", key=settings.key, now=MORNING,
        recovery=channels_of(settings)["email"].recovery,
    )  # fmt: skip


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("how", ["keys", "look_up"])
def test_a_message_of_a_dead_worker_arrives_once(
    database: Database, sink: Sink, tmp_path: Path, how: str, after: bool
) -> None:
    message_id = written(database)
    sink.honours_keys = how == "keys"
    settings = through(sink, tmp_path, **{how: True})
    die_while_sending(database, settings, sink, after=after)

    assert send(database, settings, 60) == [Outcome.DONE]

    assert len(sink.accepted) == 1
    found = row(database, message_id)
    assert (found.status, found.provider, found.provider_id) == (S.SENT, "sink", "sms-1")
    assert "（重发）" not in json.dumps([asked.body.decode() for asked in sink.asked])


def test_without_keys_or_asking_it_is_listed_and_not_sent_again(
    database: Database, sink: Sink, tmp_path: Path
) -> None:
    """The control: what either of the two is for."""
    message_id, settings = written(database), through(sink, tmp_path)
    die_while_sending(database, settings, sink, after=True)

    assert send(database, settings, 60) == [Outcome.DONE]

    assert row(database, message_id).status is S.UNKNOWN
    assert len(sink.accepted) == 1


def test_a_lost_answer_is_made_up_for_with_the_same_key(
    database: Database, sink: Sink, tmp_path: Path
) -> None:
    message_id, settings = written(database), through(sink, tmp_path, keys=True)
    sink.cut = True
    assert send(database, settings) == [Outcome.RETRY]

    sink.cut = False
    assert send(database, settings, 10) == [Outcome.DONE]

    assert row(database, message_id).status is S.SENT
    assert len(sink.accepted) == 1
    assert {asked.headers["idempotency-key"] for asked in sink.asked} == {f"gridcrew-{message_id}"}


def test_a_key_is_not_trusted_beyond_the_providers_time(
    database: Database, sink: Sink, tmp_path: Path
) -> None:
    message_id, settings = written(database), through(sink, tmp_path, keys=True)
    with transaction(database) as session:
        session.get_one(Message, message_id).expires_at = MORNING + timedelta(days=9)
    sink.cut = True
    send(database, settings)
    sink.cut = False

    assert send(database, settings, 25 * 3600) == [Outcome.DONE]

    assert row(database, message_id).status in (S.UNKNOWN, S.SUPPRESSED)
    assert len(sink.accepted) == 1


def test_a_message_sent_again_by_hand_goes_out_whatever_became_of_the_first(
    database: Database, sink: Sink, tmp_path: Path
) -> None:
    message_id, settings = written(database), through(sink, tmp_path)
    sink.honours_keys = False
    sink.cut = True
    send(database, settings)
    assert row(database, message_id).status is S.UNKNOWN
    sink.cut = False

    with transaction(database) as session:
        from tests.builders.registry import DISPATCHER

        messages.resend(session, message_id=message_id, actor=DISPATCHER, now=MORNING)
    assert send(database, settings, 1) == [Outcome.DONE]

    assert row(database, message_id).status is S.SENT
    assert len(sink.accepted) == 2


def test_a_provider_that_cannot_be_asked_now_is_asked_later(
    database: Database, sink: Sink, tmp_path: Path
) -> None:
    message_id, settings = written(database), through(sink, tmp_path, look_up=True)
    sink.honours_keys = False
    die_while_sending(database, settings, sink, after=True)
    sink.answer = lambda asked: (401, {}, b"") if asked.method == "GET" else None
    assert send(database, settings, 60) == [Outcome.RETRY]

    sink.answer = lambda _asked: None
    assert send(database, settings, 120) == [Outcome.DONE]

    assert row(database, message_id).status is S.SENT
    assert len(sink.accepted) == 1


def test_a_provider_that_says_later_is_asked_again_then_and_no_attempt_is_counted(
    database: Database, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id, settings = written(database), through(sink, tmp_path)
    sink.answer = lambda _asked: (429, {"Retry-After": "90"}, b"")
    assert send(database, settings) == [Outcome.POSTPONED]

    with database.reading() as session:
        task = session.exec(select(Task)).one()
    assert (task.state, task.attempts) == (TaskState.DUE, 0)
    assert task.run_at == MORNING + timedelta(seconds=90)
    assert row(database, message_id).status is S.PENDING
    assert send(database, settings, 89) == []

    sending.pace_of.cache_clear()  # its clock is not this test's
    sink.answer = lambda _asked: None
    assert send(database, settings, 90) == [Outcome.DONE]
    assert len(sink.accepted) == 1


def test_a_provider_that_is_away_is_left_alone_by_all_messages(
    database: Database, sink: Sink, tmp_path: Path
) -> None:
    settings = through(sink, tmp_path)
    with transaction(database) as session:
        for _ in range(pacing.FAILURES + 3):
            make_message(session)
    sink.answer = lambda _asked: (503, {}, b"")

    outcomes = send(database, settings)

    assert outcomes.count(Outcome.RETRY) == pacing.FAILURES
    assert outcomes.count(Outcome.POSTPONED) == 3
    assert len(sink.asked) == pacing.FAILURES


def test_a_channel_that_is_not_configured_is_passed_over_for_another(
    database: Database, tmp_path: Path
) -> None:
    message_id = written(database)
    with transaction(database) as session:
        session.get_one(Message, message_id).channel = "sms"

    sent = send(database, Settings(data_dir=tmp_path, secret_key="k" * 40))

    assert sent == [Outcome.DONE, Outcome.DONE]
    found, instead = row(database, message_id), row(database, message_id + 1)
    assert (found.status, found.reason) == (S.SUPPRESSED, "no_channel")
    assert (instead.channel, instead.status) == ("email", S.SENT)


def test_a_message_to_be_printed_waits_for_a_person(database: Database, tmp_path: Path) -> None:
    message_id = written(database)
    with transaction(database) as session:
        session.get_one(Message, message_id).channel = "print"

    settings = Settings(data_dir=tmp_path, secret_key="k" * 40)
    assert send(database, settings) == [Outcome.POSTPONED]
    assert row(database, message_id).status is S.PENDING

    left = (row(database, message_id).expires_at - MORNING).total_seconds()
    assert send(database, settings, left - 1) == []
    assert send(database, settings, left) == [Outcome.DONE]
    assert row(database, message_id).status is S.EXPIRED


def test_a_safety_message_with_no_known_end_is_listed_after_its_last_attempt(
    database: Database, sink: Sink, tmp_path: Path
) -> None:
    settings = through(sink, tmp_path)
    with transaction(database) as session:
        message_id = make_message(session, safety=True).id
        task = session.exec(select(Task)).one()
        task.max_attempts = 2
    assert message_id is not None
    sink.cut = True

    assert send(database, settings) == [Outcome.RETRY]
    assert send(database, settings, 60) == [Outcome.DONE]

    assert row(database, message_id).status is S.UNKNOWN


def test_in_doubt_means_ask_first(database: Database, sink: Sink, tmp_path: Path) -> None:
    written(database)
    settings = through(sink, tmp_path, look_up=True)
    die_while_sending(database, settings, sink, after=False)

    with transaction(database) as session:
        step = begin(session, 1, settings)

    assert isinstance(step, InDoubt)
