"""Backups: consistent, complete, and never put over data unasked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.core import events
from dispatch.core.backup import BackupFailed, NoBackup, back_up, put_back
from dispatch.core.db import Database, transaction
from dispatch.registry.tables import Customer, Organisation, Territory
from tests.conftest import NewDatabase
from tests.instants import NOW

KEY = b"a key of this test, long enough to be kept"


@pytest.fixture
def branch(database: Database) -> Database:
    """A database with a territory, a customer and a sealed event."""
    with transaction(database) as session:
        session.add(Organisation(id="o", name_zh="局", name_en="Bureau"))
        session.flush()
        session.add(
            Territory(id="t", organisation_id="o", name_zh="区", name_en="T", zone="Asia/Shanghai")
        )
        session.add(Customer(id="C1", name="陈大文"))
        events.record(session, "a.b", entity="a", entity_id="1", actor=events.SYSTEM, now=NOW)
    events.seal(database, KEY)
    return database


@pytest.fixture
def bare(new_database: NewDatabase) -> Iterator[Database]:
    """A database without any table."""
    with new_database(bare=True) as database:
        yield database


def test_a_backup_put_back_has_the_same_rows_key_and_audit_chain(
    branch: Database, bare: Database, tmp_path: Path
) -> None:
    archive = tmp_path / "backup.tar.gz"
    made = back_up(branch, key=KEY, target=archive, now=NOW)

    restored = put_back(bare, archive=archive, secret_file=tmp_path / "other" / "secret")

    assert restored == made
    assert made.rows["customer"] == 1
    assert made.tail[0] == 1
    assert (tmp_path / "other" / "secret").read_bytes() == KEY
    with bare.reading() as session:
        assert session.get_one(Customer, "C1").name == "陈大文"
        assert events.verify(session, KEY) is None


def test_a_backup_is_made_while_somebody_writes(branch: Database, tmp_path: Path) -> None:
    writer = Database(branch.url.render_as_string(hide_password=False))
    with transaction(writer) as session:
        session.add(Customer(id="C2", name="not committed"))
        session.flush()
        with branch.reading() as reader:
            assert reader.get(Customer, "C2") is None
    archive = tmp_path / "backup.tar.gz"
    assert back_up(branch, key=KEY, target=archive, now=NOW).rows["customer"] == 2
    writer.close()


def test_restoring_over_data_needs_a_word(branch: Database, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar.gz"
    back_up(branch, key=KEY, target=archive, now=NOW)

    with pytest.raises(BackupFailed, match="--replace"):
        put_back(branch, archive=archive, secret_file=None)
    put_back(branch, archive=archive, secret_file=None, replace=True)


def test_a_damaged_archive_changes_nothing(branch: Database, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar.gz"
    back_up(branch, key=KEY, target=archive, now=NOW)
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)

    with pytest.raises(NoBackup, match="damaged"):
        put_back(branch, archive=archive, secret_file=None, replace=True)
    with branch.reading() as session:
        assert session.get(Customer, "C1") is not None


def test_a_file_that_is_no_backup_is_refused(branch: Database, tmp_path: Path) -> None:
    archive = tmp_path / "letter.txt"
    archive.write_text("Dear customer")

    with pytest.raises(NoBackup, match="no backup"):
        put_back(branch, archive=archive, secret_file=None, replace=True)


def test_an_empty_database_has_nothing_to_back_up(bare: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="nothing to back up"):
        back_up(bare, key=KEY, target=tmp_path / "x.tar.gz", now=NOW)
