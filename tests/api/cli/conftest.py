"""The command line as a person uses it: a process of its own on an installation of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.migrate import migrate

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path, database_variable: None) -> Path:
    """A data directory with a migrated, empty database."""
    database = Database(Settings(data_dir=tmp_path).database)
    migrate(database)
    database.close()
    return tmp_path


@pytest.fixture
def gridcrew(home: Path) -> Run:
    """Run `gridcrew` with these arguments; `given` is its standard input."""

    def run(*arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-c", "from api.cli import main; main()", *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "GRIDCREW_DATA_DIR": str(home), "COLUMNS": "120"},
        )

    return run
