"""Small files that unpack to endless ones: refused in words, in little time and memory."""

import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from sqlmodel import select

from dispatch.core.db import Database
from dispatch.exchange import workbook, worksheet
from dispatch.exchange.checking import Choices, Given, Progress, Stopped
from dispatch.exchange.importing import run
from dispatch.exchange.report import Ending, Report
from dispatch.exchange.sources import Source
from dispatch.registry.tables import Customer
from tests.builders.importing import csv_file, imported, make_town
from tests.builders.importing import workbook as make_workbook
from tests.builders.registry import ADMIN
from tests.instants import NOW

SHEET = "xl/worksheets/sheet1.xml"
QUICK_S = 30.0
"""Ample for a file of a few kilobytes on a slow machine, and nothing beside the days that some would take."""


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Database:
    make_town(database, tmp_path)
    return database


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < QUICK_S


def bent(folder: Path, change: Callable[[bytes], bytes]) -> Path:
    """A workbook of one customer whose worksheet is changed so."""
    whole = make_workbook(folder, "whole.xlsx", ["id", "name"], ["A1", "甲"])
    path = folder / "bent.xlsx"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            content = old.read(part)
            new.writestr(part.filename, change(content) if part.filename == SHEET else content)
    assert path.stat().st_size < 100_000
    return path


def with_rows(rows: bytes) -> Callable[[bytes], bytes]:
    return lambda sheet: sheet.replace(b"</sheetData>", rows + b"</sheetData>")


def of(town: Database, path: Path) -> Report:
    return imported(town, (path, "customers"))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b'<row r="1000000000000"><c t="b"><v>1</v></c></row>', "it has a row 1000000000000; 1048576 is"),
        (b'<row r="1048577"/>', "it has a row 1048577; 1048576 is the last."),
        (b'<row r="1"/>', "row 1 comes after row 2."),
        (b'<row r="-5"/>', "row -5 comes after row 2."),
        (b'<row r="nan"/>', "damaged or no Excel workbook"),
        (b'<row><c r="ZZZZZZZZ3"><v>1</v></c></row>', "damaged or no Excel workbook"),
        (b'<row><c r="XFD3"><v>1</v></c></row>', "row 3 has more than 200 columns."),
    ],
)  # fmt: skip
def test_rows_and_columns_that_no_spreadsheet_has_are_refused(
    town: Database, tmp_path: Path, rows: bytes, said: str
) -> None:
    report = of(town, bent(tmp_path, with_rows(rows)))

    assert report.ending is Ending.REFUSED
    assert said in report.problems[0].wrong
    assert report.problems[0].wrong_zh


def test_more_rows_than_a_spreadsheet_has_are_refused_also_when_they_are_empty(
    town: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worksheet, "MAX_ROWS", 20_000)

    report = of(town, bent(tmp_path, with_rows(b"<row/>" * 500_000)))

    assert report.problems[0].wrong == "it has a row 20001; 20000 is the last."


def test_rows_far_apart_are_read_without_those_between_them(town: Database, tmp_path: Path) -> None:
    last = b'<row r="1048576"><c t="inlineStr"><is><t>A2</t></is></c><c t="inlineStr"><is><t/></is></c></row>'

    (problem,) = of(town, bent(tmp_path, with_rows(last))).problems

    assert (problem.row, problem.column) == (1_048_576, "name")


def test_cells_far_apart_cost_nothing(town: Database, tmp_path: Path) -> None:
    rows = b"".join(b'<row><c r="ZZZ%d"/></row>' % number for number in range(3, 4000))

    assert of(town, bent(tmp_path, with_rows(rows))).new == 1


def test_thousands_of_merged_areas_of_a_million_rows_are_named(
    town: Database, tmp_path: Path
) -> None:
    areas = b"".join(b'<mergeCell ref="C%d:C1048576"/>' % number for number in range(2, 9000))

    (problem,) = of(
        town,
        bent(tmp_path, lambda sheet: sheet.replace(b"</sheetData>", b"</sheetData>" + areas)),
    ).problems

    assert problem.row == 2
    assert "the cells C2:C1048576 are merged" in problem.wrong


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "cp037"])
def test_a_worksheet_in_an_encoding_that_hides_what_it_holds_is_refused(
    town: Database, tmp_path: Path, encoding: str
) -> None:
    def hidden(sheet: bytes) -> bytes:
        declared = b'<?xml version="1.0" encoding="cp037"?>' if encoding == "cp037" else b""
        return declared + sheet.decode().encode(encoding, "xmlcharrefreplace")

    report = of(town, bent(tmp_path, hidden))

    assert report.ending is Ending.REFUSED
    with town.reading() as session:
        assert session.exec(select(Customer).where(Customer.id == "A1")).all() == []


def test_an_early_end_of_the_rows_hides_no_row_that_is_too_large(
    town: Database, tmp_path: Path
) -> None:
    def early(sheet: bytes) -> bytes:
        end = b'<y:sheetData xmlns:y="y"></y:sheetData>'
        large = b"<row>" + b"<c/>" * 2_000_000 + b"</row></sheetData>"
        return sheet.replace(b"<sheetData>", end + b"<sheetData>").replace(b"</sheetData>", large)

    (problem,) = of(town, bent(tmp_path, early)).problems

    assert problem.wrong == "it holds rows after the end of its rows."


def test_a_workbook_that_unpacks_to_more_in_all_than_it_may_is_refused_before_it_is_opened(
    town: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 3_000_000)

    report = of(town, bent(tmp_path, with_rows(b"<row/>" * 500_000)))

    assert "it unpacks to 3 MiB in" in report.problems[0].wrong


def test_an_import_of_blank_rows_can_be_stopped(town: Database, tmp_path: Path) -> None:
    blank = csv_file(tmp_path, "a.csv", "id,name", *[""] * 5000)
    told: list[Progress] = []

    with pytest.raises(Stopped):
        run(
            town,
            [Given(Source(blank, "a.csv"), "customers")],
            territory_id="town",
            choices=Choices(),
            actor=ADMIN,
            now=NOW,
            tell=told.append,
            should_stop=lambda: len(told) == 2,
        )


def test_days_in_the_forms_that_chinese_spreadsheets_do_not_write_out_are_days(
    town: Database, tmp_path: Path
) -> None:
    rows = ["member_id", "skill", "valid_from", "valid_until"], ["K1-1", "HV", 46023, 46387.0]
    path = make_workbook(tmp_path, "skills.xlsx", *rows)
    book = openpyxl.load_workbook(path)
    for cell in ("C2", "D2"):
        book.active[cell].number_format = "yyyy-mm-dd"
    book.save(path)
    chinese = tmp_path / "chinese.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(chinese, "w") as new:
        for part in old.infolist():
            content = old.read(part).replace(b'numFmtId="164"', b'numFmtId="31"')
            content = content.replace(b'<numFmt numFmtId="31" formatCode="yyyy-mm-dd" />', b"")
            new.writestr(part, content)

    report = imported(town, (chinese, "skills"))

    assert report.problems == []
    assert report.new == 1
