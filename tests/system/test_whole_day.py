"""The product as a newcomer meets it: `up` opens on a published day, `simulate` plays one to its report."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


def gridcrew(*arguments: str, home: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line on the data directory `home`."""
    return subprocess.run(
        [sys.executable, "-c", "from api.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "GRIDCREW_DATA_DIR": str(home), "COLUMNS": "140", **settings},
    )


def free_port() -> str:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_up_plans_and_publishes_the_example_and_the_next_up_goes_on(tmp_path: Path) -> None:
    settings = {"GRIDCREW_PORT": free_port(), "GRIDCREW_SOLVE_SECONDS": "3"}

    first = gridcrew("up", "--once", home=tmp_path, **settings)
    second = gridcrew("up", "--once", home=tmp_path, **settings)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    for start in (first, second):
        assert "plan 1, published" in start.stdout
        assert re.search(r"visits planned +│ +\d+ of 105", start.stdout)
        assert re.search(r"Sign in once with http://\S+/sign-in/\S{20,}", start.stdout)
        assert str(tmp_path / "outbox") in start.stdout
    links = {re.findall(r"sign-in/(\S+)", start.stdout)[0] for start in (first, second)}
    assert len(links) == 2


@pytest.mark.timeout(600)  # a minute of processor, and others want it too
def test_a_played_day_leaves_nothing_without_an_end_and_beats_the_rule_of_thumb(
    tmp_path: Path,
) -> None:
    played = gridcrew("simulate", "--seconds", "2", "--json", home=tmp_path)

    assert played.returncode == 0, played.stderr
    reports = json.loads(played.stdout)
    ours, by_hand = reports["Gridcrew"], reports["by hand rules"]
    for report in (ours, by_hand):
        visits = report["visits"]
        ended = visits["done"] + visits["not_done"] + visits["cancelled"] + visits["returned"]
        assert ended == visits["planned"]
        assert visits["open"] == 0
        assert all(missing["reason"] for missing in visits["left_out"])
        assert (report["calls"]["done"], report["calls"]["left"]) == (35, 0)
    assert ours["visits"]["done"] > by_hand["visits"]["done"] + 10
    assert ours["driving"]["planned_per_visit"] < by_hand["driving"]["planned_per_visit"]
    assert len(ours["visits"]["left_out"]) < len(by_hand["visits"]["left_out"])
