"""Excel workbooks (xlsx) as records. A workbook is a zip of XML, so its size is looked at before it is opened.

Cells become the texts that a CSV file would hold: days as 2026-03-10, times as 08:30, whole numbers without point.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from xml.etree.ElementTree import ParseError

from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.exceptions import InvalidFileException

from dispatch.exchange.sheets import BadFile
from dispatch.exchange.sources import MAX_CELL, MAX_COLUMNS, Record, Source
from dispatch.exchange.worksheet import Book, Cell, Sheet, opened, rows_of

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
_FOREIGN = re.compile(
    rb"<!|<\?(?!xml )|\x00|<\?xml [^>]*encoding=(?![\"']utf-8[\"'])", re.IGNORECASE
)
"""Declarations, and encodings in which none of these patterns would be found."""
_PIECE = 1024 * 1024
_OVERLAP = 200
_EPOCH_DAY = date(1899, 12, 31)
_BROKEN = (
    zipfile.BadZipFile, zlib.error, ParseError, InvalidFileException, KeyError, ValueError, TypeError,
    AttributeError, IndexError, EOFError, OSError, NotImplementedError, RuntimeError, OverflowError,
)  # fmt: skip
"""What openpyxl and zipfile raise for files that are damaged, each in its own way."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What has to be known of a worksheet before its rows are read."""

    merged: list[tuple[int, int, int, int]]
    formulas: bool


def workbook_records(source: Source) -> Iterator[Record]:
    """The rows of a worksheet: the profile's, else the only one that is not hidden and holds anything.

    Raises BadFile for what is damaged, protected, or unpacks to more than a workbook of a million rows does.
    """
    with _refusing(source):
        _check_zip(source)
        with opened(source.path) as book:
            sheet, known = _chosen(source, book)
            yield from _records(source, book, sheet, known)


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
    if {"mimetype", "content.xml"} <= names:
        raise source.refuse(
            "it is an OpenDocument spreadsheet (ods). Save it as an Excel workbook (xlsx) or as CSV UTF-8."
        )
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


def _chosen(source: Source, book: Book) -> tuple[Sheet, _Known]:
    """The worksheet to read and what is known of it; raises BadFile when it is not clear which.

    Each is looked at before a row of it is read, for that is in memory at once.
    """
    sheets = [sheet for sheet in book.sheets if sheet.visible]
    names = ", ".join(sheet.title for sheet in sheets)
    if source.sheet is not None:
        found = [sheet for sheet in book.sheets if sheet.title == source.sheet]
        if not found:
            raise source.refuse(f"there is no worksheet {source.sheet!r}; there are: {names}.")
        return found[0], _looked_at(source, book, found[0])
    known = [_looked_at(source, book, sheet) for sheet in sheets]
    filled = [pair for pair in zip(sheets, known, strict=True) if _is_filled(source, book, pair[0])]
    if len(filled) != 1:
        several = ", ".join(sheet.title for sheet, _ in filled)
        why = f"several worksheets hold data ({several})" if filled else "no worksheet holds data"
        raise source.refuse(f'{why}; name one in the profile: sheet = "...".')
    return filled[0]


def _is_filled(source: Source, book: Book, sheet: Sheet) -> bool:
    with closing(rows_of(source, book, sheet)) as rows:
        return any(_holds_anything(row) for _, row in islice(rows, 5))


def _looked_at(source: Source, book: Book, sheet: Sheet) -> _Known:
    """Merged areas and whether there are formulas: the reader of rows tells neither."""
    merged: set[tuple[int, int, int, int]] = set()
    formulas, rest = False, b""
    row: int | None = 0  # bytes of the row at hand, None after the last
    with book.archive.open(sheet.path) as part:
        while piece := part.read(_PIECE):
            window = rest + piece
            if _FOREIGN.search(window):
                raise source.refuse("it holds declarations that no spreadsheet writes.")
            ends = [found.end() for found in _END.finditer(window)]
            if (row is None or ends) and _ROW.search(window, ends[-1] if ends else 0):
                raise source.refuse("it holds rows after the end of its rows.")
            row = None if row is None or ends else _row_bytes(row, piece)
            if row is not None and row > MAX_ROW:
                raise source.refuse("a row of it is larger than any spreadsheet writes.")
            formulas = formulas or _FORMULA.search(window) is not None
            for found in _MERGED.finditer(window):
                merged.add(range_boundaries(found[1].decode()))
            rest = window[-_OVERLAP:]
            if len(merged) > MAX_MERGED:
                raise source.refuse(f"more than {MAX_MERGED} areas of it are merged; unmerge them.")
    return _Known(sorted(merged), formulas)


def _row_bytes(before: int, piece: bytes) -> int:
    """How long the row is that the piece ends in; `before` bytes of it came earlier."""
    begins = [found.start() for found in _ROW.finditer(piece)]
    return len(piece) - begins[-1] if begins else before + len(piece)


def _records(source: Source, book: Book, sheet: Sheet, known: _Known) -> Iterator[Record]:
    merged = _Merged(known.merged)
    # Formulas as they are written tell an empty cell from one that was never computed.
    with (
        closing(rows_of(source, book, sheet)) as rows,
        closing(rows_of(source, book, sheet, formulas=True)) as formulas,
    ):
        for number, row in rows:
            written = next(formulas)[1] if known.formulas else row
            record = _record(source, number, row, written)
            if (area := merged.over(number)) is not None:
                record.wrong[-1] = (
                    f"the cells {area} are merged: unmerge them and write the value into each row."
                )
            yield record


class _Merged:
    """The merged areas, asked about row after row."""

    def __init__(self, areas: Sequence[tuple[int, int, int, int]]) -> None:
        self._areas = sorted(areas, key=lambda area: area[1], reverse=True)
        self._lowest = (0, 0, 0, 0)

    def over(self, row: int) -> str | None:
        """What the area is called that reaches into the row, or below it."""
        while self._areas and self._areas[-1][1] <= row:
            self._lowest = max(self._lowest, self._areas.pop(), key=lambda area: area[3])
        left, top, right, bottom = self._lowest
        return f"{_letters(left)}{top}:{_letters(right)}{bottom}" if row <= bottom else None


def _letters(column: int) -> str:
    return str(get_column_letter(column))


def _holds_anything(row: Sequence[Cell]) -> bool:
    return any(str(cell["value"] or "").strip() for cell in row)


def _record(source: Source, number: int, row: Sequence[Cell], written: Sequence[Cell]) -> Record:
    if any(cell["column"] > MAX_COLUMNS and _holds_anything([cell]) for cell in row):
        raise source.refuse(f"row {number} has more than {MAX_COLUMNS} columns.", row=number)
    width = max((cell["column"] for cell in row), default=0)
    record = Record(number, [""] * min(width, MAX_COLUMNS))
    for cell, as_written in zip(row, written, strict=True):
        place, value = cell["column"] - 1, cell["value"]
        if place >= MAX_COLUMNS:
            continue
        if value is None and as_written["data_type"] == "f":
            record.wrong[place] = (
                "it is a formula without a stored result: open the file in Excel and save it, or paste values."
            )
        elif cell["data_type"] == "e":
            record.wrong[place] = (
                f"it is the error {value}: correct the formula, or write the value."
            )
        try:
            record.cells[place] = as_text(value)
        except ValueError as error:
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
