"""Places on the command line, and what the doctor says of the services outside."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api.cli.figures import travel_words
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from tests.api.cli.conftest import Run
from tests.builders.registry import make_premises
from tests.builders.services import osrm, serving


@pytest.fixture
def branch(home: Path) -> None:
    database = Database(Settings(data_dir=home).database)
    with transaction(database) as session:
        make_premises(session, id="P-1", lat=None, lon=None, address="解放路1号")
    database.close()


@pytest.mark.usefixtures("branch")
def test_what_has_no_position_is_listed_and_set(gridcrew: Run) -> None:
    listed = gridcrew("places", "list", "humen")
    assert listed.returncode == 0, listed.stderr
    assert "1 premises have no position" in listed.stdout
    assert "解放路1号" in listed.stdout
    (row,) = json.loads(gridcrew("places", "list", "humen", "--json").stdout)["rows"]
    assert row["premises_id"] == "P-1"

    outside = gridcrew("places", "set", "P-1", "30", "113.66")
    assert outside.returncode == 1
    assert "outside Humen" in outside.stderr
    placed = gridcrew("places", "set", "P-1", "22.81", "113.66", "--datum", "gcj02")
    assert placed.returncode == 0, placed.stderr
    assert "converted from gcj02" in placed.stdout
    assert "0 premises have no position" in gridcrew("places", "list", "humen").stdout


@pytest.mark.usefixtures("branch")
def test_without_a_geocoder_the_command_says_what_to_do(gridcrew: Run) -> None:
    refused = gridcrew("places", "geocode", "humen")

    assert refused.returncode == 1
    assert "GRIDCREW_GEOCODER" in refused.stderr


def findings(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    return {row["what"]: row for row in json.loads(done.stdout)}


def test_the_doctor_asks_the_services_and_says_what_is_wrong(
    gridcrew: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDCREW_ROADS", "osrm")
    monkeypatch.setenv("GRIDCREW_GEOCODER", "nominatim")
    with serving(lambda *said: (200, []) if "/search" in said[1] else osrm()(*said)) as server:
        monkeypatch.setenv("GRIDCREW_ROADS_URL", server.url)
        monkeypatch.setenv("GRIDCREW_GEOCODER_URL", server.url)
        well = findings(gridcrew("doctor", "--json"))
    ill = findings(gridcrew("doctor", "--json"))

    assert (well["road times"]["well"], well["geocoder"]["well"]) == (True, True)
    assert (ill["road times"]["well"], ill["geocoder"]["well"]) == (False, False)
    assert "GRIDCREW_ROADS_URL" in ill["road times"]["advice"]


def test_half_a_setting_is_refused_with_its_name(
    gridcrew: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDCREW_ROADS", "osrm")

    refused = gridcrew("doctor")

    assert refused.returncode == 1
    assert "GRIDCREW_ROADS_URL" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_plans_driving_times_are_told_as_a_sentence() -> None:
    assert "estimates" in travel_words({})
    times = {"source": "osrm", "pairs": 200, "estimated": 3, "unreachable": 2}
    assert travel_words(times) == (
        "driving times: the road network's, by osrm; 1.5 % are estimates, for the service has not given "
        "them; 2 pairs of places have no road between them"
    )


@pytest.mark.usefixtures("branch")
def test_the_roads_of_the_maps_are_loaded_from_a_file(gridcrew: Run, tmp_path: Path) -> None:
    file = tmp_path / "roads.geojson"
    file.write_text("{", encoding="utf-8")
    broken = gridcrew("places", "roads", "humen", str(file))
    assert broken.returncode == 1
    assert "is no JSON" in broken.stderr
    line = {"type": "LineString", "coordinates": [[113.65, 22.80], [113.66, 22.81]]}
    road = {"type": "Feature", "geometry": line, "properties": {"highway": "primary"}}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [road]}), encoding="utf-8")

    loaded = gridcrew("places", "roads", "humen", str(file), "--attribution", "© Us", "--json")

    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == {"lines": 1, "points": 2, "left_out": 0}
