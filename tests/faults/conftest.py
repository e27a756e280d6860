"""The fault tests' servers are those of the system tests."""

from pathlib import Path

import pytest

from tests.faults.racing import Copies
from tests.system.conftest import database_folder, mail, postgresql, redis, settings

__all__ = ["copies", "database_folder", "mail", "postgresql", "redis", "settings"]


@pytest.fixture(params=["sqlite", "postgresql"])
def copies(request: pytest.FixtureRequest, tmp_path: Path, empty_database_file: Path) -> Copies:
    """Databases of either kind, as many as a test needs."""
    server, template = None, ""
    if request.param == "postgresql":
        server, template = request.getfixturevalue("postgresql_server")
    return Copies(request.param, tmp_path, empty_database_file, server, template)
