"""The command line as a person uses it: a process of its own on an installation of its own.

The process is a copy of one that has loaded everything; what starting one costs is tested where it matters.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.migrate import migrate
from tests.forks import FORKS, call

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
        env = {**os.environ, "GRIDCREW_DATA_DIR": str(home), "COLUMNS": "120"}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "in").write_text(given)
            main = ("tests.api.cli.commands", "gridcrew", arguments, env, name)
            process = FORKS.Process(target=call, args=main)
            process.start()
            process.join(60)
            if process.exitcode is None:
                process.kill()
                raise subprocess.TimeoutExpired(arguments, 60)
            out, err = ((folder / each).read_text() for each in ("out", "err"))
        return subprocess.CompletedProcess(arguments, process.exitcode, out, err)

    return run
