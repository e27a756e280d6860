"""What an import found: counts by file, and each problem with file, row, column, wrong and right."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, astuple, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dispatch.exchange.columns import column
from dispatch.exchange.sheets import BadFile, guarded
from dispatch.exchange.wording import in_chinese

MOST_PROBLEMS = 500
"""Problems that are kept; the others are counted."""


class Ending(StrEnum):
    """How an import ended."""

    CHECKED = "checked"
    REFUSED = "refused"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `row` and `column` are empty where it concerns the whole file or row."""

    file: str
    row: int | None
    column: str | None
    """The column's name in the file."""
    wrong: str
    right: str = ""
    right_zh: str = ""
    wrong_zh: str = ""
    """Empty where an operation refused a row: that has no Chinese sentence."""


class ProblemsFile:
    """Every problem of an import as a CSV file, written as they are found; no cell is a formula."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([one.name for one in fields(Problem)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def note(self, problem: Problem) -> None:
        """Write one."""
        self._writer.writerow([guarded(cell) for cell in astuple(problem)])

    def pieces(self, size: int) -> Iterator[bytes]:
        """What was written so far, at most `size` bytes at a time."""
        self._file.flush()
        with self._path.open("rb") as written:
            while piece := written.read(size):
                yield piece


@dataclass
class FileReport:
    """One file. `new + changed + same + differing + bad` is `rows`.

    `differing` are rows that are known with other values and were left as they are.
    """

    file: str
    kind: str
    encoding: str = ""
    headers: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    rows: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    differing: int = 0
    bad: int = 0


@dataclass
class Report:
    """All files of an import. `broken`: a file as a whole cannot be read, so that nothing is taken from any."""

    ending: Ending = Ending.CHECKED
    files: list[FileReport] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0
    broken: bool = False
    told: Callable[[Problem], None] | None = None
    """Told every problem, also those that are not kept."""

    @property
    def new(self) -> int:
        """Rows that were not known."""
        return sum(file.new for file in self.files)

    @property
    def changed(self) -> int:
        """Known rows that get other values."""
        return sum(file.changed for file in self.files)

    def note(self, about: FileReport, error: BadFile) -> None:
        """Keep a problem of a row, or of the whole file."""
        name, place = (
            error.details.get("column"),
            column(about.kind, str(error.details.get("column"))),
        )
        wrong = str(error.details.get("why", error.message))
        problem = Problem(
            about.file,
            error.details.get("row"),
            None if name is None else about.columns.get(name, name),
            wrong,
            place.en if place else "",
            place.zh if place else "",
            in_chinese(wrong),
        )
        self.problem_count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)
        if self.told is not None:
            self.told(problem)

    def document(self) -> dict[str, Any]:
        """The same as JSON's own types."""
        return {
            "ending": self.ending.value,
            "files": [asdict(file) for file in self.files],
            "problems": [asdict(problem) for problem in self.problems],
            "problem_count": self.problem_count,
        }
