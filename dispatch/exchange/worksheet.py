"""The inside of a workbook: its worksheets, and the rows of one as they stand in the file.

openpyxl reads the cells. Its own way through a worksheet is not gone: that makes every row and cell that is left
out, up to whatever number the file names, and holds what lies before and after the rows in memory.
"""

import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import builtin_format_code, is_date_format, is_timedelta_format
from openpyxl.worksheet._reader import DATA_TAG, ROW_TAG, WorkSheetParser
from openpyxl.xml.constants import ARC_STYLE, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from dispatch.exchange.sources import Source

MAX_ROWS = 1_048_576
"""Rows of a worksheet, as spreadsheets have them."""

Cell = dict[str, Any]
"""A cell as openpyxl parses it: its column (from 1), value and data_type."""

_CHINESE_DATES = {*range(27, 37), *range(50, 59)}
"""Numbers of formats that Chinese spreadsheets need not write out: all are of days or times."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet: its title, and the part of the file that holds its rows."""

    title: str
    path: str
    visible: bool


@dataclass(frozen=True, slots=True)
class Book:
    """An open workbook: its worksheets, and the words and formats that they share."""

    archive: zipfile.ZipFile
    sheets: list[Sheet]
    strings: list[str]
    epoch: datetime
    dates: set[int]
    spans: set[int]
    """Styles whose numbers are days or times, and those that are lengths of time."""


@contextmanager
def opened(path: Path) -> Iterator[Book]:
    """The workbook; nothing of its worksheets is read yet."""
    with path.open("rb") as file:
        reader = ExcelReader(file, read_only=True, keep_links=False)
        with reader.archive as archive:
            reader.read_manifest()
            reader.read_strings()
            reader.read_workbook()
            parts = set(archive.namelist())
            sheets = [
                Sheet(sheet.name, rel.target, sheet.state == "visible")
                for sheet, rel in reader.parser.find_sheets()
                if rel.target in parts and "chartsheet" not in rel.Type
            ]
            dates, spans = _styles(archive) if ARC_STYLE in parts else (set(), set())
            yield Book(archive, sheets, reader.shared_strings, reader.wb.epoch, dates, spans)


def _styles(archive: zipfile.ZipFile) -> tuple[set[int], set[int]]:
    """The numbers of the cell styles that mean days and times, and of those that mean lengths of time."""
    dates, spans, own = set[int](), set[int](), dict[int, str]()
    with archive.open(ARC_STYLE) as part:
        for _, element in iterparse(part):
            if element.tag == f"{{{SHEET_MAIN_NS}}}numFmt":
                own[int(element.get("numFmtId", 0))] = element.get("formatCode", "")
            if element.tag != f"{{{SHEET_MAIN_NS}}}cellXfs":
                continue
            for number, style in enumerate(element):
                kind = int(style.get("numFmtId", 0))
                code = own.get(kind) or builtin_format_code(kind)
                if is_date_format(code) or (kind in _CHINESE_DATES and kind not in own):
                    dates.add(number)
                if is_timedelta_format(code):
                    spans.add(number)
    return dates, spans


def rows_of(
    source: Source, book: Book, sheet: Sheet, *, formulas: bool = False
) -> Generator[tuple[int, list[Cell]]]:
    """The rows that are in the file, each with its number and its cells; cells hold `formulas` or their results.

    Raises BadFile for more rows than a spreadsheet has.
    """
    last = 0
    with book.archive.open(sheet.path) as part:
        parser = WorkSheetParser(
            part,
            book.strings,
            data_only=not formulas,
            epoch=book.epoch,
            date_formats=book.dates,
            timedelta_formats=book.spans,
        )
        for _, element in iterparse(part):
            if element.tag == DATA_TAG:
                break
            if element.tag != ROW_TAG:
                continue
            number, cells = parser.parse_row(element)
            element.clear()
            parser.row_dimensions.clear()
            if number > MAX_ROWS:
                raise source.refuse(f"it has a row {number}; {MAX_ROWS} is the last.")
            if number <= last:
                raise source.refuse(f"row {number} comes after row {last}.")
            last = number
            yield number, cells
