"""Migrations: they make exactly the tables of the code, once, whoever starts first."""

import threading
from pathlib import Path

import pytest

from dispatch.core.db import Database, DatabaseAway
from dispatch.core.migrate import NewerDatabase, migrate, revisions
from dispatch.model import missing


@pytest.fixture
def new(tmp_path: Path) -> Database:
    """A database that does not exist yet."""
    return Database(f"sqlite:///{tmp_path / 'new.db'}")


def test_the_migrations_make_exactly_the_tables_of_the_code(new: Database) -> None:
    migrate(new)

    assert missing(new) == []
    assert revisions(new)[0] == revisions(new)[1]


def test_migrating_again_changes_nothing(new: Database) -> None:
    assert migrate(new) == migrate(new)


def test_processes_that_start_at_once_migrate_once(new: Database) -> None:
    failures: list[Exception] = []

    def start() -> None:
        other = Database(new.url.render_as_string())
        try:
            migrate(other)
        except Exception as error:  # noqa: BLE001 - any failure fails the test
            failures.append(error)
        other.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert missing(new) == []


def test_a_database_of_a_newer_release_is_refused(new: Database) -> None:
    migrate(new)
    with new.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(NewerDatabase, match="newer release"):
        migrate(new)


def test_a_database_that_is_away_is_said_so() -> None:
    with pytest.raises(DatabaseAway, match="cannot be reached"):
        migrate(Database("postgresql://nobody@127.0.0.1:1/none"))
