"""Rows of a kind as CSV: stable columns, no formula, and importing them changes nothing."""

import csv
import io
from pathlib import Path

import pytest

from dispatch.core.db import Database
from dispatch.exchange.columns import COLUMNS
from dispatch.exchange.kind_export import exported_lines
from tests.builders.importing import csv_file, imported, make_town

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|'/c calc'!A1",
    "'=1",
    '=HYPERLINK("http://x")',
    "-2+3",
]


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Database:
    make_town(database, tmp_path)
    return database


def exported(database: Database, kind: str) -> str:
    with database.reading() as session:
        return "".join(exported_lines(session, kind=kind, territory_id="town"))


@pytest.mark.parametrize("kind", COLUMNS)
def test_importing_an_export_changes_nothing(town: Database, tmp_path: Path, kind: str) -> None:
    text = exported(town, kind)
    path = tmp_path / f"{kind}.csv"
    path.write_text(text, encoding="utf-8", newline="")

    report = imported(town, (path, kind), update=True)

    rows = list(csv.reader(io.StringIO(text)))
    assert tuple(rows[0]) == tuple(column.name for column in COLUMNS[kind])
    assert report.problems == []
    assert (report.files[0].same, report.new, report.changed) == (len(rows) - 1, 0, 0)
    assert len(rows) > 2
    assert exported(town, kind) == text


def test_no_cell_of_an_export_is_a_formula_and_each_comes_back_as_it_was(
    town: Database, tmp_path: Path
) -> None:
    customers = io.StringIO()
    csv.writer(customers).writerows(
        [["id", "name"], *([f"F{n}", f"'{text}"] for n, text in enumerate(FORMULAS))]
    )
    premises = [f"Q{n},F{n},x" for n in range(len(FORMULAS))]
    imported(
        town,
        (csv_file(tmp_path, "a.csv", *customers.getvalue().splitlines()), "customers"),
        (csv_file(tmp_path, "b.csv", "id,customer_id,address", *premises), "premises"),
    )

    text = exported(town, "customers")

    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    names = {row[0]: row[1] for row in csv.reader(io.StringIO(text))}
    assert [names[f"F{n}"] for n in range(len(FORMULAS))] == [f"'{text}" for text in FORMULAS]
    path = tmp_path / "customers.csv"
    path.write_text(text, encoding="utf-8", newline="")
    again = imported(town, (path, "customers"), update=True)
    assert (again.changed, again.problem_count) == (0, 0)
