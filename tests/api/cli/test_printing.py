"""Notices on paper from the command line."""

from datetime import timedelta
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from tests.api.cli.conftest import Run
from tests.builders.contact import make_message
from tests.instants import DAY

EVE = (DAY - timedelta(days=1)).isoformat()


@pytest.fixture
def notices(home: Path) -> None:
    database = Database(Settings(data_dir=home).database)
    with transaction(database) as session:
        for _ in range(5):
            make_message(session).channel = "print"
    database.close()


@pytest.mark.usefixtures("notices")
def test_the_notices_of_a_day_become_a_file_and_are_handed_over(
    gridcrew: Run, tmp_path: Path
) -> None:
    target = tmp_path / "notices.pdf"

    printed = gridcrew("print-list", "humen", "--day", EVE, "-o", str(target))
    assert printed.returncode == 0, printed.stderr
    assert "5 notices to hand over, on 2 pages" in printed.stdout
    assert target.read_bytes().startswith(b"%PDF-")

    handed = gridcrew("print-list", "humen", "--day", EVE, "-o", str(target), "--handed-over")
    assert "5 notices handed over" in handed.stdout
    again = gridcrew("print-list", "humen", "--day", EVE, "-o", str(target))
    assert "0 notices to hand over" in again.stdout
    assert gridcrew("print-list", "nowhere").returncode == 1
