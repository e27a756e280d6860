"""What the system tests share: an installation in the test's own folder (`database` is in it), real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database
from tests.system import postgresql as postgres
from tests.system.servers import MailServer, Redis, mail_server, redis_running


@pytest.fixture
def database_folder(tmp_path: Path) -> Path:
    """On the disk: what these tests do to servers and processes is about what a disk keeps."""
    return tmp_path


@pytest.fixture
def settings(tmp_path: Path, request: pytest.FixtureRequest, on_postgresql: bool) -> Settings:
    """An installation in this test's own folder."""
    url = ""
    if on_postgresql:
        database: Database = request.getfixturevalue("database")
        url = database.url.render_as_string(hide_password=False)
    return Settings(data_dir=tmp_path, secret_key="k" * 40, database_url=url)


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    """The installation's Redis, running."""
    with redis_running(settings) as running:
        yield running


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A real mail server on this machine."""
    with mail_server() as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: tuple[str, str]) -> Iterator[Database]:
    """A PostgreSQL database of this test's own."""
    with postgres.fresh_database(*postgresql_server) as url:
        database = Database(url)
        yield database
        database.close()
