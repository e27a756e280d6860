"""What every test may use: a fresh database and an open transaction on it.

`--database postgresql` runs the tests that use `database` on PostgreSQL instead of SQLite.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session
from xdist.scheduler.loadscope import LoadScopeScheduling

from dispatch.core.db import Database, transaction
from dispatch.core.migrate import migrate
from tests.system import postgresql as postgres

NewDatabase = Callable[..., AbstractContextManager[Database]]
IN_A_BROWSER, WHOLE_DAYS = "tests/browser/", "tests/system/test_whole_day.py"


class OneBrowser(LoadScopeScheduling):
    """`--dist loadscope`: tests in a browser follow each other in one process, the others are shared out singly.

    The product that they look at takes a minute to start and to plan; and browsers side by side starve each other.
    What is together goes first: so do the whole days, which would keep one process busy when the others have ended.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next(
            (each for each in (IN_A_BROWSER, WHOLE_DAYS) if nodeid.startswith(each)), nodeid
        )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneBrowser | None:
    """How processes share the tests out; None: as xdist's own `--dist` says."""
    return OneBrowser(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what the tests that use a database run on",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL there is nothing to see for tests of what only SQLite has, or that use no database."""
    if config.getoption("database") == "sqlite":
        return
    kept, left = [], []
    for item in items:
        of_it = "on_postgresql" in getattr(item, "fixturenames", ())
        (kept if of_it and not item.get_closest_marker("sqlite") else left).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@pytest.fixture(scope="session")
def on_postgresql(request: pytest.FixtureRequest) -> bool:
    """Whether this run is on PostgreSQL."""
    return bool(request.config.getoption("database") == "postgresql")


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
    engine = Database("sqlite:///:memory:").engine
    with engine.connect():
        pass  # the dialect learns with its first connection which SQLite it speaks to
    return engine


@pytest.fixture
def database_folder() -> Iterator[Path]:
    """A folder in memory where the system has one: most tests are not about what a disk does."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[tuple[str, str]]:
    """A PostgreSQL server and the name of a database on it that has the tables."""
    with postgres.server() as url:
        yield url, postgres.make_template(url)


@pytest.fixture(scope="session")
def kept_postgresql(postgresql_server: tuple[str, str]) -> Iterator[Database]:
    """The one database, and the connections to it, that tests on PostgreSQL have one after the other."""
    with postgres.fresh_database(*postgresql_server) as url:
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def database(request: pytest.FixtureRequest, on_postgresql: bool) -> Iterator[Database]:
    """A database of this test's own."""
    if on_postgresql:
        kept: Database = request.getfixturevalue("kept_postgresql")
        postgres.empty(kept)
        kept.bell = None
        yield kept
        return
    path = request.getfixturevalue("database_folder") / "gridcrew.db"
    shutil.copyfile(request.getfixturevalue("empty_database_file"), path)
    database = Database(f"sqlite:///{path}")
    warm: sa.Engine = request.getfixturevalue("warm_engine")
    for engine in (database.engine, database.reader):
        engine.dialect = warm.dialect
        engine._compiled_cache = warm._compiled_cache
    yield database
    database.close()


@pytest.fixture(scope="session")
def new_database(
    request: pytest.FixtureRequest, on_postgresql: bool, tmp_path_factory: pytest.TempPathFactory
) -> NewDatabase:
    """`with new_database() as other`: one more database with the tables and nothing else; `bare`: without them."""

    @contextmanager
    def make(*, bare: bool = False) -> Iterator[Database]:
        if on_postgresql:
            server, template = request.getfixturevalue("postgresql_server")
            with postgres.fresh_database(server, "template1" if bare else template) as url:
                database = Database(url)
                try:
                    yield database
                finally:
                    database.close()
            return
        path = tmp_path_factory.mktemp("new") / "gridcrew.db"
        if not bare:
            shutil.copyfile(request.getfixturevalue("empty_database_file"), path)
        database = Database(f"sqlite:///{path}")
        try:
            yield database
        finally:
            database.close()

    return make


@pytest.fixture
def database_variable(
    new_database: NewDatabase, on_postgresql: bool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """What installations that a test makes itself are told of their database: on SQLite nothing."""
    if not on_postgresql:
        yield
        return
    with new_database() as database:
        url = database.url.render_as_string(hide_password=False)
        monkeypatch.setenv("GRIDCREW_DATABASE_URL", url)
        yield


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """An open transaction; it commits when the test ends well."""
    with transaction(database) as session:
        yield session
