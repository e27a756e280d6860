"""Excel workbooks (xlsx) as records. A workbook is a zip of XML, so its size is looked at before it is opened.

Cells become the texts that a CSV file would hold: days as 2026-03-10, times as 08:30, whole numbers without point.
"""

import re
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from dispatch.exchange.sheets import BadFile
from dispatch.exchange.sources import MAX_CELL, MAX_COLUMNS, Record, Source

MAX_UNPACKED = 1024 * 1024 * 1024
MAX_STRINGS = 96 * 1024 * 1024
MAX_PART = 8 * 1024 * 1024
MAX_ROW = 2 * 1024 * 1024
"""Bytes of a row's XML: its cells are in memory at once."""
MAX_ENTRIES = 2000
MAX_MERGED = 10_000
EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number: a longer one has lost its end."""

_MERGED = re.compile(
    rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]{1,3}[0-9]{1,7}(?::[A-Z]{1,3}[0-9]{1,7})?)"'
)
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_ROW = re.compile(rb"<(?:\w+:)?row[ />]")
_END = re.compile(rb"</(?:\w+:)?sheetData>")
_FOREIGN = re.compile(rb"<!|<\?(?!xml )")
_PIECE = 1024 * 1024
_OVERLAP = 200
_EPOCH_DAY = date(1899, 12, 31)
_BROKEN = (
    zipfile.BadZipFile, zlib.error, ParseError, InvalidFileException, KeyError, ValueError, TypeError,
    AttributeError, IndexError, EOFError, OSError, NotImplementedError, RuntimeError, OverflowError,
)  # fmt: skip
"""What openpyxl and zipfile raise for files that are damaged, each in its own way."""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What has to be known of a worksheet before its rows are read."""

    merged: list[tuple[int, int, int, int]]
    formulas: bool


def workbook_records(source: Source) -> Iterator[Record]:
    """The rows of a worksheet that hold anything: the profile's, else the only one that is not hidden.

    Raises BadFile for what is damaged, protected, or unpacks to more than a workbook of a million rows does.
    """
    with _refusing(source):
        _check_zip(source)
        with _opened(source, data_only=True) as book:
            sheet, known = _chosen(source, book)
            yield from _records(source, sheet, known)


@contextmanager
def _opened(source: Source, *, data_only: bool) -> Iterator[Any]:
    """The workbook, read as one goes; the file is closed also when it cannot be opened, which openpyxl forgets."""
    with source.path.open("rb") as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=data_only, keep_links=False)
        try:
            yield book
        finally:
            book.close()


@contextmanager
def _refusing(source: Source) -> Iterator[None]:
    try:
        yield
    except BadFile:
        raise
    except _BROKEN as error:
        raise source.refuse(
            "it is damaged or no Excel workbook. Open it in Excel and save it again as xlsx."
        ) from error


def _check_zip(source: Source) -> None:
    """Raise BadFile unless it is a workbook of a bearable size; no part unpacks to more than its stated size."""
    with zipfile.ZipFile(source.path) as archive:
        parts = archive.infolist()
    names = {part.filename for part in parts}
    if "xl/workbook.bin" in names:
        raise source.refuse("it is a binary workbook (xlsb). In Excel, save it as xlsx.")
    if "xl/workbook.xml" not in names:
        raise source.refuse("it is a zip file, but no Excel workbook (xlsx).")
    if any(part.flag_bits & 1 for part in parts):
        raise source.refuse("it has a password; save it without one.")
    unpacked = sum(part.file_size for part in parts)
    too_large = any(part.file_size > _most(part.filename) for part in parts)
    if len(parts) > MAX_ENTRIES or unpacked > MAX_UNPACKED or too_large:
        raise source.refuse(
            f"it unpacks to {unpacked / 1024**2:,.0f} MiB in {len(parts)} parts, more than a workbook may. "
            "Save it as CSV UTF-8, or split it."
        )


def _most(name: str) -> int:
    if name.startswith("xl/worksheets/"):
        return MAX_UNPACKED
    return MAX_STRINGS if name == "xl/sharedStrings.xml" else MAX_PART


def _chosen(source: Source, book: Any) -> tuple[Any, _Sheet]:
    """The worksheet to read and what is known of it; raises BadFile when it is not clear which.

    Each is looked at before openpyxl reads a row of it, for that it has in memory at once.
    """
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    names = ", ".join(sheet.title for sheet in sheets)
    if source.sheet is not None:
        found = [sheet for sheet in book.worksheets if sheet.title == source.sheet]
        if not found:
            raise source.refuse(f"there is no worksheet {source.sheet!r}; there are: {names}.")
        return found[0], _looked_at(source, found[0])
    known = {sheet.title: _looked_at(source, sheet) for sheet in sheets}
    for sheet in sheets:
        sheet.reset_dimensions()  # what a file says of its own size is often wrong
    filled = [sheet for sheet in sheets if any(_texts(row) for row in sheet.iter_rows(max_row=5))]
    if len(filled) != 1:
        several = ", ".join(sheet.title for sheet in filled)
        why = f"several worksheets hold data ({several})" if filled else "no worksheet holds data"
        raise source.refuse(f'{why}; name one in the profile: sheet = "...".')
    return filled[0], known[filled[0].title]


def _looked_at(source: Source, sheet: Any) -> _Sheet:
    """Merged areas and whether there are formulas: the reader of rows tells neither."""
    merged: set[tuple[int, int, int, int]] = set()
    formulas, rest = False, b""
    row: int | None = 0  # bytes of the row at hand, None after the last
    with zipfile.ZipFile(source.path) as archive, archive.open(sheet._worksheet_path) as part:  # noqa: SLF001
        while piece := part.read(_PIECE):
            window = rest + piece
            if _FOREIGN.search(window):
                raise source.refuse("it holds declarations that no spreadsheet writes.")
            row = None if row is None or _END.search(window) else _row_bytes(row, piece)
            if row is not None and row > MAX_ROW:
                raise source.refuse("a row of it is larger than any spreadsheet writes.")
            formulas = formulas or _FORMULA.search(window) is not None
            for found in _MERGED.finditer(window):
                merged.add(range_boundaries(found[1].decode()))
            rest = window[-_OVERLAP:]
            if len(merged) > MAX_MERGED:
                raise source.refuse(f"more than {MAX_MERGED} areas of it are merged; unmerge them.")
    return _Sheet(sorted(merged), formulas)


def _row_bytes(before: int, piece: bytes) -> int:
    """How long the row is that the piece ends in; `before` bytes of it came earlier."""
    begins = [found.start() for found in _ROW.finditer(piece)]
    return len(piece) - begins[-1] if begins else before + len(piece)


def _records(source: Source, sheet: Any, known: _Sheet) -> Iterator[Record]:
    sheet.reset_dimensions()
    merged = _merged_rows(known.merged)
    formulas = _formula_rows(source, sheet.title) if known.formulas else None
    try:
        for number, row in enumerate(sheet.iter_rows(), start=1):
            written = next(formulas) if formulas is not None else None
            if len(row) > MAX_COLUMNS and any(_texts(row[MAX_COLUMNS:])):
                raise source.refuse(
                    f"row {number} has more than {MAX_COLUMNS} columns.", row=number
                )
            record = _record(number, row[:MAX_COLUMNS], written)
            if number in merged:
                record.wrong[-1] = (
                    f"the cells {merged[number]} are merged: unmerge them and write the value into each row."
                )
            if record.wrong or any(record.cells):
                yield record
    finally:
        if formulas is not None:
            formulas.close()


def _merged_rows(areas: Sequence[tuple[int, int, int, int]]) -> dict[int, str]:
    """The rows that a merged area lies in, and what it is called."""
    rows: dict[int, str] = {}
    for left, top, right, bottom in areas:
        name = f"{_letters(left)}{top}:{_letters(right)}{bottom}"
        for row in range(top, min(bottom, top + MAX_MERGED) + 1):
            rows.setdefault(row, name)
    return rows


def _letters(column: int) -> str:
    return str(get_column_letter(column))


def _formula_rows(source: Source, title: str) -> Generator[tuple[Any, ...]]:
    """The same rows with formulas as they are written, to tell an empty cell from one that was never computed."""
    with _opened(source, data_only=False) as book:
        sheet = book[title]
        sheet.reset_dimensions()
        yield from sheet.iter_rows()


def _texts(row: Sequence[Any]) -> list[str]:
    return [text for cell in row if (text := str(cell.value or "").strip())]


def _record(number: int, row: Sequence[Any], written: Sequence[Any] | None) -> Record:
    record = Record(number, [])
    for place, cell in enumerate(row):
        value = cell.value
        if value is None and written is not None and written[place].data_type == "f":
            record.wrong[place] = (
                "it is a formula without a stored result: open the file in Excel and save it, or paste values."
            )
        elif cell.data_type == "e":
            record.wrong[place] = (
                f"it is the error {value}: correct the formula, or write the value."
            )
        try:
            record.cells.append(as_text(value))
        except ValueError as error:
            record.cells.append("")
            record.wrong[place] = str(error)
    return record


def as_text(value: object) -> str:
    """A cell's value as a CSV file would hold it; raises ValueError with the reason."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        if value.date() <= _EPOCH_DAY:  # a time of day, as spreadsheets store it
            return f"{value:%H:%M}"
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    text = str(value).strip()
    if len(text) > MAX_CELL:
        raise ValueError(f"it has {len(text)} characters.")
    return text


def _number(value: float) -> str:
    if not float(value).is_integer():
        return repr(value)
    if abs(value) >= EXACT:
        raise ValueError(
            "it is a number of more than 15 digits, of which a spreadsheet keeps 15: format the column as text "
            "and enter it again."
        )
    return str(int(value))
