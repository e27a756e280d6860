"""Rows of a kind as CSV: stable columns, no formula, and importing them changes nothing."""

import csv
import io
from pathlib import Path

import pytest

from dispatch.core.db import Database, transaction
from dispatch.exchange.columns import COLUMNS
from dispatch.exchange.kind_export import exported_lines
from dispatch.registry.tables import Customer
from tests.builders.importing import csv_file, imported, make_town
from tests.builders.registry import make_premises

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


def test_customers_without_premises_are_exported_and_those_of_other_territories_are_not(
    town: Database, tmp_path: Path
) -> None:
    lines = ("N1,新户", "N2,别处", "N3,别处有诉求")
    imported(town, (csv_file(tmp_path, "a.csv", "id,name", *lines), "customers"))
    with transaction(town) as session:
        for id in ("N2", "N3"):
            owner = session.get_one(Customer, id)
            make_premises(session, customer=owner, territory_id="other")
    asked = "billing,N3,2026-03-09 08:30,发票"
    header = "kind,customer_id,received,subject"
    imported(town, (csv_file(tmp_path, "b.csv", header, asked), "requests"))

    text = exported(town, "customers")

    assert "\r\nN1,新户," in text
    assert "\r\nN2," not in text
    assert "\r\nN3,别处有诉求," in text
