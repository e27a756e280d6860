"""The fault tests' servers are those of the system tests; on them stand installations that ring."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database
from tests.faults.counts import FULL
from tests.faults.crowd import Crowd, crowd
from tests.faults.racing import Copies
from tests.system.conftest import database_folder, mail, postgresql, redis, settings
from tests.system.servers import Redis
from workers.broker import bell, make_broker

__all__ = [
    "copies", "database_folder", "either", "either_in_full", "mail", "postgresql", "redis", "settings", "workers",
    "workers_on_either",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Full counts take their time."""
    for item in items:
        if FULL and item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.timeout(7200))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What a test did by chance can be done again: its seed stands in the report of its failure."""
    seed = getattr(getattr(item, "module", None), "SEED", None)
    if seed is not None:
        item.add_report_section("setup", "seed", str(seed))


def _database(request: pytest.FixtureRequest) -> Database:
    name = "database" if request.param == "sqlite" else "postgresql"
    found = request.getfixturevalue(name)
    assert isinstance(found, Database)
    return found


@pytest.fixture
def workers(settings: Settings, database: Database, redis: Redis) -> Iterator[Crowd]:
    """An installation on SQLite that rings; it has no workers yet."""
    database.bell = bell(make_broker(settings))
    with crowd(settings, database) as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Database:
    """A database of either kind."""
    return _database(request)


@pytest.fixture(params=["sqlite", "postgresql"] if FULL else ["sqlite"])
def either_in_full(request: pytest.FixtureRequest) -> Database:
    """A database of either kind at full counts; SQLite's in the normal run, which has four minutes."""
    return _database(request)


@pytest.fixture
def workers_on_either(settings: Settings, either: Database, redis: Redis) -> Iterator[Crowd]:
    """The same on SQLite, and on PostgreSQL."""
    address = either.url.render_as_string(hide_password=False)
    here = settings.model_copy(update={"database_url": address})
    either.bell = bell(make_broker(here))
    with crowd(here, either) as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def copies(request: pytest.FixtureRequest, tmp_path: Path, empty_database_file: Path) -> Copies:
    """Databases of either kind, as many as a test needs."""
    server, template = None, ""
    if request.param == "postgresql":
        server, template = request.getfixturevalue("postgresql_server")
    return Copies(request.param, tmp_path, empty_database_file, server, template)
