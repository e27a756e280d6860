"""Sending over a real mail server: each of its answers has one consequence, and none is guessed."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import select

from dispatch.contact.messages import Outgoing
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task, TaskClass
from tests.builders.contact import make_message
from tests.instants import at
from tests.system.servers import MailServer, free_port
from workers.channels import smtp
from workers.channels.delivery import Refused, Unclear
from workers.execution import Outcome, drain
from workers.handlers import HANDLERS

pytestmark = pytest.mark.system

MORNING = at("10:05") - timedelta(days=1)
S = MessageStatus


@pytest.fixture
def mailing(settings: Settings, mail: MailServer) -> Settings:
    """An installation that sends through the mail server."""
    return settings.model_copy(update={"smtp_url": mail.url})


@pytest.fixture
def message_id(database: Database) -> int:
    """A pending message with its task."""
    with transaction(database) as session:
        message = make_message(session)
        assert message.id is not None
        return message.id


def outgoing(**changes: str) -> Outgoing:
    given = {"recipient": "chen@example.com", "subject": "明天上门", "body": "您好\n", **changes}
    return Outgoing(7, "7@gridcrew", **given, language="zh-CN", task_class=TaskClass.COURTESY)


def send(database: Database, settings: Settings, after: float = 0) -> list[Outcome]:
    now = MORNING + timedelta(seconds=after)
    return list(drain(database, settings, now=now, handlers=HANDLERS).values())


def status(database: Database, message_id: int) -> MessageStatus:
    with database.reading() as session:
        return session.get_one(Message, message_id).status


def test_what_the_server_gets_is_what_was_written(mail: MailServer) -> None:
    smtp.send(outgoing(), url=mail.url, sender="Humen Power <dispatch@example.com>")

    got = mail.accepted[0]
    assert (got["Subject"], got["Message-ID"]) == ("明天上门", "<7@gridcrew>")
    assert got.get_content().strip() == "您好"
    assert mail.envelopes[0].rcpt_tos == ["chen@example.com"]
    assert mail.envelopes[0].mail_from == "dispatch@example.com"


def test_an_accepted_message_is_sent_and_its_task_done(
    database: Database, mailing: Settings, mail: MailServer, message_id: int
) -> None:
    assert send(database, mailing) == [Outcome.DONE]

    assert status(database, message_id) is S.SENT
    assert len(mail.accepted) == 1
    assert send(database, mailing, 3600) == []


@pytest.mark.parametrize("answer", ["421 closing down", "451 try again later"])
def test_not_now_is_tried_again(
    database: Database, mailing: Settings, mail: MailServer, message_id: int, answer: str
) -> None:
    mail.answer = lambda _envelope: answer
    assert send(database, mailing) == [Outcome.RETRY]
    assert status(database, message_id) is S.PENDING

    mail.answer = lambda _envelope: None
    assert send(database, mailing, 10) == [Outcome.DONE]
    assert status(database, message_id) is S.SENT
    assert len(mail.accepted) == 1


def test_never_is_not_tried_again_and_asks_for_a_person(
    database: Database, mailing: Settings, mail: MailServer, message_id: int
) -> None:
    mail.answer = lambda _envelope: "550 no such user"

    assert send(database, mailing) == [Outcome.DONE]

    assert status(database, message_id) is S.FAILED
    assert send(database, mailing, 86400) == []
    assert mail.offered == 1


def test_a_connection_cut_after_the_message_leaves_a_courtesy_message_unknown(
    database: Database, mailing: Settings, mail: MailServer, message_id: int
) -> None:
    mail.cut_after_data = True

    assert send(database, mailing) == [Outcome.DONE]

    assert status(database, message_id) is S.UNKNOWN
    assert send(database, mailing, 86400) == []
    assert len(mail.accepted) == 1


def test_a_connection_cut_after_the_message_repeats_a_safety_message_with_the_same_id(
    database: Database, mailing: Settings, mail: MailServer, message_id: int
) -> None:
    with transaction(database) as session:
        session.get_one(Message, message_id).task_class = TaskClass.SAFETY
        session.exec(select(Task)).one().task_class = TaskClass.SAFETY
    mail.cut_after_data = True
    assert send(database, mailing) == [Outcome.RETRY]

    mail.cut_after_data = False
    assert send(database, mailing, 10) == [Outcome.DONE]

    assert status(database, message_id) is S.SENT
    assert len(set(mail.ids())) == 1
    assert len(mail.accepted) == 2


def test_a_server_that_takes_too_long_for_its_answer_leaves_the_fate_unclear(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "TOTAL_S", 0.5)
    mail.delay_s = 30

    with pytest.raises(Unclear):
        smtp.send(outgoing(), url=mail.url, sender="d@example.com")


def test_a_server_that_is_away_is_worth_another_try() -> None:
    with pytest.raises(Refused) as caught:
        smtp.send(outgoing(), url=f"smtp://127.0.0.1:{free_port()}", sender="d@example.com")

    assert not caught.value.final


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        yield silent.getsockname()[1]


def test_a_server_that_says_nothing_costs_no_more_than_the_time_to_connect(
    silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "CONNECT_S", 0.3)

    with pytest.raises(Refused) as caught:
        smtp.send(outgoing(), url=f"smtp://127.0.0.1:{silent_port}", sender="d@example.com")

    assert not caught.value.final


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": "a@b.cn\r\nRCPT TO:<all@b.cn>"}, {"recipient": "a@b.cn,c@d.cn"},
        {"subject": "hi\r\nBcc: all@b.cn"},
    ],
)  # fmt: skip
def test_nothing_in_a_message_can_reach_a_second_person(
    mail: MailServer, changes: dict[str, str]
) -> None:
    with pytest.raises(Refused):
        smtp.send(outgoing(**changes), url=mail.url, sender="d@example.com")

    assert mail.offered == 0


def test_a_line_that_is_one_dot_does_not_end_the_message(mail: MailServer) -> None:
    smtp.send(
        outgoing(body="before\n.\nRCPT TO:<x@y>\n", subject="s"), url=mail.url, sender="d@x.com"
    )

    assert mail.accepted[0].get_content().splitlines() == ["before", ".", "RCPT TO:<x@y>"]


def test_many_messages_go_out_at_once(mail: MailServer) -> None:
    threads = [
        threading.Thread(
            target=smtp.send, args=(outgoing(),), kwargs={"url": mail.url, "sender": "d@x.com"}
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(mail.accepted) == 8
