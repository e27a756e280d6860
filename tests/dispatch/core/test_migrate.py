"""Migrations: they make exactly the tables of the code, once, whoever starts first."""

import threading
from collections.abc import Iterator

import pytest

from dispatch.core.db import Database, DatabaseAway
from dispatch.core.migrate import NewerDatabase, migrate, revisions
from dispatch.model import missing
from tests.conftest import NewDatabase


@pytest.fixture
def new(new_database: NewDatabase) -> Iterator[Database]:
    """A database without any table."""
    with new_database(bare=True) as database:
        yield database


def test_the_migrations_make_exactly_the_tables_of_the_code(new: Database) -> None:
    migrate(new)

    assert missing(new) == []
    assert revisions(new)[0] == revisions(new)[1]


def test_migrating_again_changes_nothing(new: Database) -> None:
    assert migrate(new) == migrate(new)


def test_processes_that_start_at_once_migrate_once(new: Database) -> None:
    failures: list[Exception] = []

    def start() -> None:
        other = Database(new.url.render_as_string(hide_password=False))
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


@pytest.mark.sqlite
def test_the_databases_own_rules_outlive_every_migration(database: Database) -> None:
    # A migration that has SQLite copy a table drops the triggers on it.
    with database.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        names = set(found.scalars())

    assert names == {
        "event_append_only", "event_never_deleted", "visit_double_booking", "visit_double_booking_new",
        "visit_frozen",
    }  # fmt: skip
