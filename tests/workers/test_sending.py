"""The task message.send with messages as files: each settled, none sent twice without a reason."""

import email
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.contact import messages
from dispatch.contact.messages import Outgoing
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task, TaskClass, TaskState
from dispatch.registry.tables import Customer
from tests.builders.contact import make_message
from tests.instants import at
from workers.channels.delivery import Refused
from workers.channels.mail import check_address, compose
from workers.execution import Outcome, drain, execute
from workers.handlers import HANDLERS

MORNING = at("10:05") - timedelta(days=1)
NIGHT = at("23:00") - timedelta(days=1)
S = MessageStatus


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation without a mail server."""
    return Settings(data_dir=tmp_path, secret_key="k" * 40)


def written(database: Database, *, safety: bool = False) -> int:
    """A pending message; its number."""
    with transaction(database) as session:
        message = make_message(session, safety=safety)
        assert message.id is not None
        for task in session.exec(select(Task)):
            task.kind = "message.send_safety" if safety else task.kind
            task.task_class = message.task_class
        return message.id


def send(database: Database, settings: Settings, now: datetime = MORNING) -> list[Outcome]:
    return list(drain(database, settings, now=now, handlers=HANDLERS).values())


def status(database: Database, message_id: int) -> MessageStatus:
    with database.reading() as session:
        return session.get_one(Message, message_id).status


def files(settings: Settings) -> list[EmailMessage]:
    found = []
    for path in sorted(settings.outbox_dir.glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        found.append(mail)
    return found


def test_a_message_becomes_a_file_that_a_mail_program_opens(
    database: Database, settings: Settings
) -> None:
    message_id = written(database)

    assert Outcome.DONE in send(database, settings)

    assert status(database, message_id) is S.SENT
    mail = files(settings)[0]
    with database.reading() as session:
        message = session.get_one(Message, message_id)
    assert mail["To"] == "chen@example.com"
    assert mail["Subject"] == message.subject
    assert message.message_id.strip("<>") in mail["Message-ID"]
    assert "http://127.0.0.1:8000/v/" in mail.get_body(("plain",)).get_content()


def test_a_message_of_the_night_waits_for_the_morning_without_counting_attempts(
    database: Database, settings: Settings
) -> None:
    message_id = written(database)

    assert send(database, settings, NIGHT) == [Outcome.POSTPONED]
    assert files(settings) == []

    with database.reading() as session:
        task = session.exec(select(Task)).one()
    assert (task.state, task.attempts) == (TaskState.DUE, 0)
    assert task.run_at == at("08:00")
    assert send(database, settings, at("08:00")) == [Outcome.DONE]
    assert status(database, message_id) is S.SENT


def test_a_customer_who_wants_none_gets_none(database: Database, settings: Settings) -> None:
    message_id = written(database)
    with transaction(database) as session:
        session.exec(select(Customer)).one().wants_messages = False

    assert send(database, settings) == [Outcome.DONE]

    assert status(database, message_id) is S.SUPPRESSED
    assert files(settings) == []


def _die_while_sending(database: Database, settings: Settings) -> None:
    """Leave what a worker leaves that dies after it began and before it knew."""
    with transaction(database) as session:
        lease = tasks.claim_due(session, owner="dead", now=MORNING, limit=1)[0]
        number = int(lease.payload["message_id"])
        begun = messages.begin(
            session, message_id=number, base_url="http://x", key=b"k" * 32, now=MORNING
        )
        assert isinstance(begun, Outgoing)
    with transaction(database) as session:
        tasks.recover_expired(session, now=MORNING + timedelta(minutes=1))


def test_a_courtesy_message_cut_off_by_a_crash_is_listed_and_not_sent_again(
    database: Database, settings: Settings
) -> None:
    message_id = written(database)
    _die_while_sending(database, settings)

    assert send(database, settings, MORNING + timedelta(minutes=1)) == [Outcome.DONE]

    assert status(database, message_id) is S.UNKNOWN
    assert files(settings) == []


def test_a_safety_message_cut_off_by_a_crash_goes_out_again_with_the_same_id(
    database: Database, settings: Settings
) -> None:
    message_id = written(database, safety=True)
    _die_while_sending(database, settings)

    assert send(database, settings, MORNING + timedelta(minutes=1)) == [Outcome.DONE]

    assert status(database, message_id) is S.SENT
    assert len(files(settings)) == 1


def test_an_outbox_that_cannot_be_written_is_tried_again_later(
    database: Database, settings: Settings
) -> None:
    message_id = written(database)
    settings.outbox_dir.write_text("a file where the folder should be")

    assert send(database, settings) == [Outcome.RETRY]
    assert status(database, message_id) is S.PENDING

    settings.outbox_dir.unlink()
    assert send(database, settings, MORNING + timedelta(minutes=1)) == [Outcome.DONE]
    assert status(database, message_id) is S.SENT


def test_a_message_that_never_gets_through_ends_failed(
    database: Database, settings: Settings
) -> None:
    message_id = written(database)
    settings.outbox_dir.write_text("in the way")
    with transaction(database) as session:
        session.exec(select(Task)).one().max_attempts = 2

    assert send(database, settings) == [Outcome.RETRY]
    assert send(database, settings, MORNING + timedelta(minutes=1)) == [Outcome.DONE]
    assert status(database, message_id) is S.FAILED


def test_courtesy_waits_while_other_work_is_late(database: Database, settings: Settings) -> None:
    message_id = written(database)
    with transaction(database) as session:
        tasks.enqueue(session, "request.follow", key="late", now=MORNING - timedelta(seconds=31))
        task_id = session.exec(select(Task.id).where(Task.kind == "message.send")).one()
    assert task_id is not None

    outcome = execute(
        database, settings, task_id, owner="w", handlers=HANDLERS, clock=lambda _: MORNING
    )

    assert outcome is Outcome.POSTPONED
    assert status(database, message_id) is S.PENDING


@pytest.mark.parametrize(
    "address",
    [
        "a@b.cn\r\nBcc: all@b.cn", "a@b.cn, c@d.cn", "a@b.cn;c@d.cn", "<a@b.cn>", "a", "@b.cn", "a@",
        "a b@c.cn", "陈@例子.cn", "a@b.cn\x00", "", '"a"@b.cn', "a@b@c.cn",
    ],
)  # fmt: skip
def test_an_address_that_is_no_single_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(Refused) as caught:
        check_address(address)
    assert caught.value.final


def test_a_domain_in_other_letters_is_written_as_mail_servers_read_it() -> None:
    assert check_address("chen@例子.cn") == "chen@xn--fsqu00a.cn"


@pytest.mark.parametrize("subject", ["hello\r\nBcc: all@b.cn", "hello\nX: y"])
def test_a_subject_cannot_add_a_header(subject: str) -> None:
    outgoing = Outgoing(1, "1@x", "a@b.cn", subject, "body", "en", TaskClass.COURTESY)

    with pytest.raises(Refused):
        compose(outgoing, sender="Gridcrew <dispatch@localhost>")
