"""CSV files: read with every mistake located by file, row and column; written so that no cell is a formula.

Rows are counted as a spreadsheet counts them: the header is row 1.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from dispatch.core.errors import DispatchError, InvalidError

Value = TypeVar("Value")
Kind = TypeVar("Kind", bound=StrEnum)

MAX_BYTES = 64 * 1024 * 1024
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet read a cell as a formula (OWASP, "CSV Injection")."""


class BadFile(InvalidError):
    """A file cannot be taken; `details` name the file, and the row and column where there is one."""

    code = "bad_file"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a sheet and its place, so that whoever reads a cell can say where it is wrong."""

    file: str
    number: int
    cells: dict[str, str]
    titles: Mapping[str, str] = field(default_factory=dict)
    """What the file itself calls a column, where that differs."""

    def wrong(self, column: str, why: str) -> BadFile:
        """The refusal that names this row and `column`; `details["why"]` is the reason alone."""
        return BadFile(
            f"{self.file}, row {self.number}, column {self.titles.get(column, column)}: {why}",
            file=self.file,
            row=self.number,
            column=column,
            field=column,
            why=why,
        )

    @contextmanager
    def located(self, columns: dict[str, str] | None = None, otherwise: str = "") -> Iterator[None]:
        """Turn a refusal from inside into one that names this row.

        `columns` maps the fields of an operation to the columns they came from; a field without an entry has the
        column of its own name, and one that is no column has `otherwise`.
        """
        try:
            yield
        except BadFile:
            raise
        except DispatchError as error:
            field = str(error.details.get("field", ""))
            column = (columns or {}).get(field, field)
            if column not in self.cells:
                column = otherwise or next(iter(self.cells))
            raise self.wrong(column, f"{error.message} [{error.code}]") from error

    def text(self, column: str, *, most: int = 240) -> str:
        """A text that must be there."""
        value = self.optional(column, most=most)
        if value is None:
            raise self.wrong(column, "it is empty.")
        return value

    def optional(self, column: str, *, most: int = 240) -> str | None:
        """A text of one line, None when the cell is empty."""
        value = self.cells[column].strip()
        if not value:
            return None
        if len(value) > most:
            raise self.wrong(column, f"it has {len(value)} characters; {most} is the most.")
        if not value.isprintable():
            raise self.wrong(
                column, "it holds a line break or another sign that cannot be printed."
            )
        return value

    def whole(self, column: str, *, least: int = 0, most: int = 1_000_000) -> int:
        """A whole number within bounds."""
        try:
            value = int(self.text(column))
        except ValueError as error:
            raise self.wrong(column, f"{self.cells[column]!r} is no whole number.") from error
        if not least <= value <= most:
            raise self.wrong(column, f"{value} is not in {least}..{most}.")
        return value

    def number_or_none(self, column: str) -> float | None:
        """A decimal number with a point, None when the cell is empty."""
        value = self.optional(column)
        if value is None:
            return None
        try:
            return float(value)
        except ValueError as error:
            raise self.wrong(column, f"{value!r} is no number such as 22.8165.") from error

    def flag(self, column: str) -> bool:
        """yes or no."""
        value = self.text(column).lower()
        if value not in {"yes", "no"}:
            raise self.wrong(column, f"{value!r} is neither yes nor no.")
        return value == "yes"

    def choice(self, column: str, kind: type[Kind]) -> Kind:
        """One value of `kind`."""
        value = self.text(column)
        try:
            return kind(value)
        except ValueError as error:
            known = ", ".join(member.value for member in kind)
            raise self.wrong(column, f"{value!r} is not one of {known}.") from error

    def several(self, column: str, *, most: int = 1000) -> list[str]:
        """Values separated by semicolons; none when the cell is empty."""
        value = self.optional(column, most=most)
        return [part.strip() for part in value.split(";") if part.strip()] if value else []

    def parsed(self, column: str, parse: Callable[[str], Value]) -> Value:
        """What `parse` makes of the text; its ValueError is the refusal's reason."""
        try:
            return parse(self.text(column))
        except ValueError as error:
            raise self.wrong(column, str(error)) from error


def read(
    folder: Path,
    file: str,
    columns: Sequence[str],
    *,
    required: bool = True,
    may_lack: Sequence[str] = (),
) -> list[Row]:
    """The rows of a sheet whose header names exactly `columns`, in any order; blank lines are passed over.

    Columns that it `may_lack` are empty where they are not named. A file that is not there is refused, or has no
    rows when it is not `required`. Raises BadFile.
    """
    text = read_text(folder, file, required=required)
    if text is None:
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(file, header, columns, may_lack)
        lacking = {name: "" for name in may_lack if name not in header}
        number = 1
        for number, cells in enumerate(reader, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise BadFile(
                    f"{file}, row {number}: it has {len(cells)} cells and the header {len(header)}.",
                    file=file,
                    row=number,
                )
            plain = (unguarded(cell) for cell in cells)
            rows.append(Row(file, number, lacking | dict(zip(header, plain, strict=True))))
    except csv.Error as error:
        raise BadFile(f"{file}, line {reader.line_num}: {error}.", file=file) from error
    return rows


def read_text(folder: Path, file: str, *, required: bool = True) -> str | None:
    """The text of a UTF-8 file, None when it is not there and not `required`; raises BadFile."""
    path = folder / file
    if not path.is_file():
        if required:
            raise BadFile(f"{file} is missing in {folder}.", file=file)
        return None
    if path.stat().st_size > MAX_BYTES:
        raise BadFile(f"{file} is larger than {MAX_BYTES // 1024**2} MiB; split it.", file=file)
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadFile(
            f"{file}, line {line}: it is not UTF-8. In a spreadsheet, save it as CSV UTF-8.",
            file=file,
            row=line,
        ) from error


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a sheet as UTF-8 (RFC 4180); returns the number of rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        return sum(1 for line in lines(columns, rows) if file.write(line)) - 1


def lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a sheet, the header first; no cell is a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)  # CRLF: with LF alone it would leave a lone CR unquoted
    writer.writerow(columns)
    yield buffer.getvalue()
    for row in rows:
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([guarded(cell) for cell in row])
        yield buffer.getvalue()


def _check_header(
    file: str, header: list[str], columns: Sequence[str], may_lack: Sequence[str]
) -> None:
    for name in header:
        if header.count(name) > 1:
            raise BadFile(
                f"{file}: the column {name} is there twice.", file=file, row=1, column=name
            )
        if name not in columns:
            raise BadFile(
                f"{file}: there is no column {name!r}; the columns are {', '.join(columns)}.",
                file=file,
                row=1,
                column=name,
            )
    for name in columns:
        if name not in header and name not in may_lack:
            raise BadFile(f"{file}: the column {name} is missing.", file=file, row=1, column=name)


def guarded(cell: object) -> str:
    """The cell's text, with an apostrophe before what a spreadsheet would run; numbers stay as they are."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    text = str(cell)
    plain_number = isinstance(cell, int | float)
    return f"'{text}" if text.startswith((*FORMULA, "'")) and not plain_number else text


def unguarded(cell: str) -> str:
    """What `lines` wrote as the cell, without the apostrophe that kept it from being a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell
