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
def settings(tmp_path: Path) -> Settings:
    """An installation in this test's own folder."""
    return Settings(data_dir=tmp_path, secret_key="k" * 40)


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


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[tuple[str, str]]:
    """A PostgreSQL server and the name of a database on it that has the tables."""
    with postgres.server() as url:
        yield url, postgres.make_template(url)


@pytest.fixture
def postgresql(postgresql_server: tuple[str, str]) -> Iterator[Database]:
    """A PostgreSQL database of this test's own."""
    with postgres.fresh_database(*postgresql_server) as url:
        database = Database(url)
        yield database
        database.close()
