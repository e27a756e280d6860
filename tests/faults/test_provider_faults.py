"""Providers fail in every way that providers fail; each ends a message in one known state."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task, TaskClass, TaskState
from tests.builders.contact import make_message
from tests.faults.counts import FULL
from tests.instants import at
from tests.sink import gateway_file, sink_running
from tests.system.servers import MailServer
from workers import sending
from workers.channels import smtp
from workers.channels.delivery import Refused, Unclear
from workers.execution import Outcome, drain
from workers.handlers import HANDLERS

pytestmark = pytest.mark.faults

MORNING = at("10:05") - timedelta(days=1)
S, CLASS = MessageStatus, TaskClass


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The full run waits for the real limits."""
    if not FULL:
        monkeypatch.setattr(smtp, "TOTAL_S", 0.5)


def late(mail: MailServer) -> None:
    mail.delay_s = 30.0


def cut(mail: MailServer) -> None:
    mail.cut_after_data = True


def answers(text: str) -> Callable[[MailServer], None]:
    def set_up(mail: MailServer) -> None:
        mail.answer = lambda _envelope: text

    return set_up


def mend(mail: MailServer) -> None:
    mail.delay_s, mail.cut_after_data = 0.0, False
    mail.answer = lambda _envelope: None


CELLS = {
    # fault: (breaks, courtesy then, courtesy in the end, safety then, safety in the end)
    "250 after 30 s": (late, S.UNKNOWN, S.UNKNOWN, S.PENDING, S.SENT),
    "cut after DATA": (cut, S.UNKNOWN, S.UNKNOWN, S.PENDING, S.SENT),
    "421": (answers("421 closing down"), S.PENDING, S.SENT, S.PENDING, S.SENT),
    "451": (answers("451 try later"), S.PENDING, S.SENT, S.PENDING, S.SENT),
    "550": (answers("550 no such user"), S.FAILED, S.FAILED, S.FAILED, S.FAILED),
}


def written(database: Database, message_class: TaskClass) -> int:
    with transaction(database) as session:
        message = make_message(session, safety=message_class is CLASS.SAFETY)
        task = session.exec(select(Task)).one()
        task.task_class = message_class
        assert message.id is not None
        return message.id


def send(database: Database, settings: Settings, after: float = 0) -> list[Outcome]:
    now = MORNING + timedelta(seconds=after)
    return list(drain(database, settings, now=now, handlers=HANDLERS).values())


def status(database: Database, number: int) -> MessageStatus:
    with database.reading() as session:
        return session.get_one(Message, number).status


@pytest.mark.parametrize("message_class", [CLASS.COURTESY, CLASS.SAFETY])
@pytest.mark.parametrize("fault", CELLS)
def test_each_fault_of_a_mail_server_ends_in_its_cell(
    either_in_full: Database,
    settings: Settings,
    mail: MailServer,
    fault: str,
    message_class: TaskClass,
) -> None:
    here = settings.model_copy(update={"smtp_url": mail.url})
    breaks, courtesy_then, courtesy_end, safety_then, safety_end = CELLS[fault]
    safety = message_class is CLASS.SAFETY
    number = written(either_in_full, message_class)
    breaks(mail)

    send(either_in_full, here)
    assert status(either_in_full, number) is (safety_then if safety else courtesy_then)
    offered = mail.offered
    mend(mail)
    for after in (10, 60, 3600):
        send(either_in_full, here, after)

    end = safety_end if safety else courtesy_end
    assert status(either_in_full, number) is end
    if end in (S.FAILED, S.UNKNOWN):
        assert mail.offered == offered, "what is over is not tried again"
    assert len(set(mail.ids())) <= 1


@contextmanager
def drops_tls() -> Iterator[str]:
    """A mail server that offers TLS and hangs up when it begins; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    line, _ = listening.accept()
                except OSError:
                    return
                with line, line.makefile("rwb", buffering=0) as talk:
                    talk.write(b"220 here\r\n")
                    talk.readline()
                    talk.write(b"250-here\r\n250 STARTTLS\r\n")
                    talk.readline()
                    talk.write(b"220 go ahead\r\n")
                    line.recv(16)

        threading.Thread(target=serve, daemon=True).start()
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("message_class", [CLASS.COURTESY, CLASS.SAFETY])
def test_a_line_dropped_as_tls_begins_is_worth_another_try(
    either_in_full: Database, settings: Settings, mail: MailServer, message_class: TaskClass
) -> None:
    number = written(either_in_full, message_class)
    with drops_tls() as address:
        assert send(either_in_full, settings.model_copy(update={"smtp_url": address})) == [
            Outcome.RETRY
        ]
    assert status(either_in_full, number) is S.PENDING

    assert send(either_in_full, settings.model_copy(update={"smtp_url": mail.url}), 10) == [
        Outcome.DONE
    ]

    assert status(either_in_full, number) is S.SENT
    assert len(mail.accepted) == 1


@pytest.mark.parametrize("message_class", [CLASS.COURTESY, CLASS.SAFETY])
def test_429_waits_as_long_as_it_says_and_counts_no_attempt(
    either_in_full: Database, settings: Settings, tmp_path: Path, message_class: TaskClass
) -> None:
    number = written(either_in_full, message_class)
    with sink_running() as sink:
        here = settings.model_copy(update={"email_gateway": gateway_file(tmp_path, sink)})
        sink.answer = lambda _asked: (429, {"Retry-After": "40"}, b"")
        assert send(either_in_full, here) == [Outcome.POSTPONED]
        with either_in_full.reading() as session:
            task = session.exec(select(Task)).one()
        assert (task.state, task.attempts) == (TaskState.DUE, 0)
        assert status(either_in_full, number) is S.PENDING
        assert send(either_in_full, here, 39) == []

        sending.pace_of.cache_clear()  # its clock is not this test's
        sink.answer = lambda _asked: None
        assert send(either_in_full, here, 40) == [Outcome.DONE]
        assert len(sink.accepted) == 1

    assert status(either_in_full, number) is S.SENT


def test_taking_a_lost_answer_for_a_refusal_tells_a_customer_twice(
    either_in_full: Database, settings: Settings, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    plain = smtp._converse

    async def careless(url: str, sender: str, recipient: str, data: bytes) -> None:
        try:
            await plain(url, sender, recipient, data)
        except Unclear as unclear:
            raise Refused(str(unclear), final=False) from unclear

    monkeypatch.setattr(smtp, "_converse", careless)
    here = settings.model_copy(update={"smtp_url": mail.url})
    written(either_in_full, CLASS.COURTESY)
    cut(mail)
    send(either_in_full, here)
    mend(mail)

    send(either_in_full, here, 10)

    assert len(mail.accepted) == 2
