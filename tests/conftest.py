"""What every test may use: a fresh database file and an open transaction on it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from dispatch.core.db import Database, transaction
from dispatch.core.migrate import migrate


@pytest.fixture(scope="session")
def empty_database_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the tables and nothing else, made once and copied for each test."""
    path = tmp_path_factory.mktemp("schema") / "empty.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def warm_engine() -> sa.Engine:
    """An engine whose dialect and compiled statements all databases of the fast ring share.

    A product's process has one engine and compiles a statement once; without this each test would compile it anew.
    """
    return Database("sqlite:///:memory:").engine


@pytest.fixture
def database_folder() -> Iterator[Path]:
    """A folder in memory where the system has one: most tests are not about what a disk does."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def database(
    empty_database_file: Path, database_folder: Path, warm_engine: sa.Engine
) -> Iterator[Database]:
    """A database of this test's own."""
    path = database_folder / "gridcrew.db"
    shutil.copyfile(empty_database_file, path)
    database = Database(f"sqlite:///{path}")
    for engine in (database.engine, database.reader):
        engine.dialect = warm_engine.dialect
        engine._compiled_cache = warm_engine._compiled_cache
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """An open transaction; it commits when the test ends well."""
    with transaction(database) as session:
        yield session
