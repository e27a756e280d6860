"""The bench as a person runs it, and the tables it prints."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.peers import names
from benchmarks.running import Row
from benchmarks.tables import gap, printed

ROW = Row("days", "hard 8", "hard-8-1", 8, "gridcrew", 1, 1.0, None, total=1500, unavoidable=500)


@pytest.mark.system
def test_the_bench_plans_judges_and_prints_a_table(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    arguments = ["--suite", "days", "--kinds", "plain", "linked", "--sizes", "8", "--bound", "5"]
    arguments += ["--seconds", "1", "--engines", "gridcrew", "ortools", "vroom", "pyvrp", "naive"]

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments, "--json", str(rows)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in rows.read_text().splitlines()]
    assert len(found) == 10
    assert all(row["violations"] == 0 for row in found)
    planned = {(row["kind"], row["engine"]) for row in found if row["total"] is not None}
    assert len(planned) == 8
    unsaid = {row["engine"]: row["cannot"] for row in found if row["cannot"]}
    assert unsaid["pyvrp"] == "relations"
    assert "relations" in unsaid["vroom"]
    ours = [row for row in found if row["engine"] == "gridcrew"]
    assert all(row["steps_a_second"] > 0 for row in ours)
    assert all(row["bound"] <= row["total"] for row in ours if row["bound"] is not None)
    assert any(row["bound"] is not None for row in ours)
    assert "### plain 8, 1 s" in done.stdout
    assert "| **mean** |" in done.stdout
    assert "[10/10]" in done.stderr


@pytest.mark.system
def test_a_missing_folder_of_files_is_a_mistake_told_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--suite", "vrptw", "--vrptw", "nowhere"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_gap_leaves_out_what_no_plan_can_avoid() -> None:
    dearer = replace(ROW, engine="naive", total=1600)

    assert gap(dearer, [ROW, dearer]) == pytest.approx(10.0)
    assert gap(ROW, [ROW, dearer]) == 0.0


def test_a_gap_is_to_the_best_known_cost_where_there_is_one() -> None:
    row = replace(ROW, best_known=1000, total=1010, unavoidable=0)

    assert gap(row, [row]) == pytest.approx(1.0)


def test_the_table_names_what_could_not_be_expressed_and_what_is_broken() -> None:
    rows = [
        replace(ROW, violations=2),
        replace(ROW, engine="vroom", total=None, cannot="no relations"),
    ]

    text = printed(rows)

    assert "| hard-8-1 | 1,500 | 1,500 (0.00 %, **2 broken**) | – |" in text
    assert "- vroom on hard 8: no relations" in text


def test_the_means_tell_what_is_proven_and_how_fast_the_search_was() -> None:
    rows = [
        replace(ROW, steps_a_second=4000, bound=1490, proven_gap=1.0),
        replace(ROW, engine="naive"),
    ]

    text = printed(rows)

    assert "| 4,000 | 1.00 % |" in text
    assert "| 0 | – |" in text


def test_several_limits_are_columns_of_their_own() -> None:
    text = printed([ROW, replace(ROW, limit=60.0, total=1450)])

    assert "| gridcrew 1 s | gridcrew 60 s |" in text


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no engine 'magic'"):
        names(["magic"])
