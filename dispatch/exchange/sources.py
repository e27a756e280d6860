"""A file of somebody else's as records: what it is, which encoding, one list of texts for each row.

Nothing of a file is held but the row at hand. Rows are counted as a spreadsheet counts them.
"""

import codecs
import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dispatch.exchange.sheets import BadFile, unguarded

MAX_FILE_BYTES = 256 * 1024 * 1024
MAX_COLUMNS = 200
MAX_CELL = 32_767
"""Characters that a spreadsheet holds in a cell at most."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TRIED = ("utf-8", "gb18030")
"""GB 18030 contains GBK and GB 2312, what Chinese spreadsheets save CSV files in."""
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    """A row as it is in the file. `wrong` says by column number (from 0) why a cell cannot be read; -1: the row."""

    number: int
    cells: list[str]
    wrong: dict[int, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing to read in it."""
        return not self.wrong and not any(cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Source:
    """A file: `name` is what people call it, `path` where it lies; `encoding` and `sheet` as the profile asks."""

    path: Path
    name: str
    encoding: str | None = None
    sheet: str | None = None

    def refuse(self, why: str, **place: object) -> BadFile:
        """The refusal of the whole file."""
        return BadFile(f"{self.name}: {why}", file=self.name, why=why, **place)


def is_workbook(source: Source) -> bool:
    """Whether it is an Excel workbook (xlsx), else CSV; raises BadFile for what is neither."""
    path = source.path
    if not path.exists():
        raise source.refuse("there is no such file.")
    if not path.is_file():
        raise source.refuse("it is a folder or a device, no file.")
    size = path.stat().st_size
    if size == 0:
        raise source.refuse("it is empty.")
    if size > MAX_FILE_BYTES:
        raise source.refuse(f"it is larger than {MAX_FILE_BYTES // 1024**2} MiB; split it.")
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise source.refuse(f"it cannot be read: {error.strerror}.") from error
    if head.startswith(b"PK\x03\x04"):
        return True
    if head.startswith(_OLD_OFFICE):
        raise source.refuse(
            "it is an old Excel file (xls) or has a password. In Excel, save it as an Excel workbook (xlsx) "
            "without a password, or as CSV UTF-8."
        )
    if (
        head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")
        .lower()
        .startswith((b"<html", b"<!doc", b"<?xml", b"<table"))
    ):
        raise source.refuse(
            "it is a web page or XML under a spreadsheet's name. Open it in Excel and save it as an Excel "
            "workbook (xlsx)."
        )  # fmt: skip
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"Rar!", b"7z\xbc\xaf")):
        raise source.refuse("it is neither CSV nor an Excel workbook (xlsx).")
    return False


@dataclass(frozen=True, slots=True)
class Scanned:
    """What a CSV file is written in, and how many lines it has."""

    encoding: str
    lines: int


def scanned(source: Source) -> Scanned:
    """Read a CSV file through in the encoding asked for, else its mark's, else UTF-8 or GB 18030, as it fits.

    Raises BadFile with the line when it is none of them.
    """
    with source.path.open("rb") as file:
        head = file.read(4)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    tried = (source.encoding,) if source.encoding else (marked,) if marked else _TRIED
    wrong = []
    for encoding in tried:
        try:
            lines, whole = _read_through(source.path, encoding)
        except (LookupError, ValueError) as error:
            raise source.refuse(
                f"{encoding!r} is no encoding such as utf-8 or gb18030.", field="encoding"
            ) from error
        if whole:
            return Scanned(encoding, lines)
        wrong.append(f"line {lines} is not {encoding}")
    raise source.refuse(
        f"its encoding is unknown ({', '.join(wrong)}). In a spreadsheet, save it as CSV UTF-8, or name the "
        "encoding in the profile."
    )


def _read_through(path: Path, encoding: str) -> tuple[int, bool]:
    """The number of lines up to the end, or up to the first that is not of this encoding."""
    if not getattr(codecs.lookup(encoding), "_is_text_encoding", True):
        raise LookupError(encoding)  # hex and its like make bytes of bytes
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    lines, piece = 1, b""
    with path.open("rb") as file:
        try:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
                lines += piece.count(b"\n")
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return lines + piece.count(b"\n", 0, error.start), False
        except UnicodeError:  # as UTF-16 says without its mark
            return lines, False
    return lines, True


def csv_records(source: Source, encoding: str) -> Iterator[Record]:
    """The rows of a CSV file whose cells are separated by commas, semicolons or tabs; raises BadFile."""
    csv.field_size_limit(MAX_CELL)
    with source.path.open(encoding=encoding, newline="") as file:
        separator = _separator(file.readline(_PIECE))
        file.seek(0)
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            for number, cells in enumerate(reader, start=1):
                if len(cells) > MAX_COLUMNS:
                    raise source.refuse(
                        f"row {number} has {len(cells)} columns; {MAX_COLUMNS} is the most.",
                        row=number,
                    )
                yield Record(number, [unguarded(cell) for cell in cells])
        except csv.Error as error:
            raise source.refuse(
                f"line {reader.line_num}: {error}. Is a quotation mark missing, or one too many?",
                row=reader.line_num,
            ) from error


def _separator(header: str) -> str:
    return max((",", ";", "\t"), key=header.count)
