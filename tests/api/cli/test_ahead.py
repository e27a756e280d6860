"""The outlook on the command line: a table, its JSON, and refusals in one line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.registry.tables import Crew
from tests.api.cli.conftest import Run
from tests.builders.planning import crew_on, job
from tests.builders.registry import make_shift

pytestmark = pytest.mark.system


@pytest.fixture
def first(home: Path) -> str:
    """The first of two days in which a crew has a shift and two long visits wait."""
    day = datetime.now(UTC).date() + timedelta(days=3)
    database = Database(Settings(data_dir=home).database)
    with transaction(database) as session:
        crew_on(session, "C1", skills={}, day=day)
        make_shift(session, crew=session.get_one(Crew, "C1"), day=day + timedelta(days=1))
        for _ in range(2):
            visit = job(session, minutes=400, work_type="FU-VIS", day=day)
            visit.duration_s = 400 * 60
    database.close()
    return day.isoformat()


def test_the_days_ahead_are_listed_with_what_is_left_out(gridcrew: Run, first: str) -> None:
    told = gridcrew("outlook", "humen", "--days", "2", "--from", first, "--iterations", "300")
    found = json.loads(
        gridcrew(
            "outlook", "humen", "--days", "2", "--from", first, "--iterations", "300", "--json"
        ).stdout
    )

    assert told.returncode == 0, told.stderr
    assert "C1" in told.stdout
    assert found["days"][0]["day"] == first
    assert sum(day["visits"] for day in found["days"]) + len(found["left_out"]) == 2


def test_an_unknown_territory_and_a_horizon_of_a_month_are_refused(gridcrew: Run) -> None:
    unknown = gridcrew("outlook", "atlantis")
    month = gridcrew("outlook", "humen", "--days", "30")

    assert (unknown.returncode, "atlantis" in unknown.stderr) == (1, True)
    assert month.returncode == 2
    assert "Traceback" not in unknown.stderr + month.stderr
