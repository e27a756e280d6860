"""What happens before anything serves."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.contact import messages
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core import events, tasks
from dispatch.core.config import Settings
from dispatch.core.db import database_now, transaction
from dispatch.core.events import SYSTEM
from dispatch.core.tables import Alert, Event, Task, TaskState
from tests.builders.contact import make_message
from tests.builders.tampering import unguarded
from tests.conftest import NewDatabase
from tests.instants import at
from workers.channels.gateway_file import BadGateway
from workers.identity import machine
from workers.startup import DatabaseDamaged, DataDirUnusable, prepare


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase, on_postgresql: bool) -> Iterator[Settings]:
    """An installation in this test's folder, its database without any table."""
    with new_database(bare=True) as database:
        url = database.url.render_as_string(hide_password=False) if on_postgresql else ""
        yield Settings(data_dir=tmp_path / "data", secret_key="k" * 40, database_url=url)


def test_an_empty_folder_becomes_an_installation(settings: Settings) -> None:
    said: list[str] = []

    database = prepare(settings, say=said.append)

    with database.reading() as session:
        assert session.exec(select(Task)).all() == []
    assert said == []
    assert settings.data_dir.stat().st_mode & 0o777 == 0o700
    database.close()


def test_starting_twice_changes_nothing(settings: Settings) -> None:
    prepare(settings, say=str).close()
    prepare(settings, say=str).close()


def test_unfinished_tasks_of_dead_workers_go_on_and_a_person_is_told(settings: Settings) -> None:
    said: list[str] = []
    database = prepare(settings, say=str)
    with transaction(database) as session:
        now = database_now(session)
        for number in range(3):
            tasks.enqueue(session, "a.b", key=str(number), now=now)
        tasks.claim_due(session, owner=f"{machine()}:999999999.1", now=now, limit=2)
        tasks.claim_due(session, owner="elsewhere/1.1:1.1", now=now, limit=1)
    database.close()

    database = prepare(settings, say=said.append)

    with database.reading() as session:
        states = sorted(session.exec(select(Task.state)))
    assert states == [TaskState.DUE, TaskState.DUE, TaskState.LEASED]
    assert said == ["2 unfinished tasks go on."]
    database.close()


def test_a_message_nobody_will_finish_is_listed_as_unknown(settings: Settings) -> None:
    database = prepare(settings, say=str)
    morning = at("10:05") - timedelta(days=1)
    with transaction(database) as session:
        message = make_message(session)
        messages.begin(
            session, message_id=message.id or 0, base_url="http://x", key=b"k" * 32, now=morning
        )
        for task in session.exec(select(Task)):
            task.state = TaskState.DONE
    database.close()
    said: list[str] = []

    database = prepare(settings, say=said.append)

    with database.reading() as session:
        assert session.exec(select(Message.status)).one() is MessageStatus.UNKNOWN
    assert "1 messages were cut off" in said[0]
    database.close()


def test_a_broken_audit_chain_is_told_and_does_not_stop_the_house(settings: Settings) -> None:
    database = prepare(settings, say=str)
    with transaction(database) as session:
        now = database_now(session)
        for number in range(3):
            events.record(session, "a.b", entity="a", entity_id=str(number), actor=SYSTEM, now=now)
    events.seal(database, settings.key)
    with unguarded(database) as connection:
        connection.exec_driver_sql("UPDATE event SET actor = 'somebody' WHERE id = 2")
    database.close()
    said: list[str] = []

    database = prepare(settings, say=said.append)

    assert "The audit chain does not hold at event 2" in said[0]
    with database.reading() as session:
        assert session.get(Alert, "audit.broken") is not None
        assert len(session.exec(select(Event)).all()) == 3
    database.close()


@pytest.mark.sqlite("its file is what is damaged")
@pytest.mark.parametrize("place", [0.0, 0.5])
def test_a_damaged_database_file_is_refused_with_the_way_out(
    settings: Settings, place: float
) -> None:
    database = prepare(settings, say=str)
    with transaction(database) as session:
        now = database_now(session)
        for number in range(500):
            tasks.enqueue(session, "a.b", key=f"{number:060}", now=now)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    path = settings.data_dir / "gridcrew.db"
    content = bytearray(path.read_bytes())
    begin = int(len(content) * place)
    content[begin : begin + 20_000] = b"\xff" * 20_000
    path.write_bytes(content)

    with pytest.raises(DatabaseDamaged, match="gridcrew restore"):
        prepare(settings, say=str)


def test_a_folder_that_cannot_be_written_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DataDirUnusable, match="GRIDCREW_DATA_DIR"):
        prepare(Settings(data_dir=tmp_path / "file" / "data"), say=str)


def test_a_gateways_file_that_is_wrong_is_refused_before_anything_serves(
    settings: Settings,
) -> None:
    file = settings.data_dir.parent / "sms.toml"
    file.write_text('name = "sms"\n[request]\nurl = "ftp://x"\n')

    with pytest.raises(BadGateway, match=r"request\.url"):
        prepare(settings.model_copy(update={"sms_gateway": file}), say=str)
