"""Files as utilities hand them over: CSV texts and Excel workbooks, and a town to import them into."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl

from dispatch.core.db import Database
from dispatch.exchange.checking import Choices, Given
from dispatch.exchange.importing import run
from dispatch.exchange.loading import load_folder
from dispatch.exchange.mapping import NO_PROFILE, Profile
from dispatch.exchange.report import Report
from dispatch.exchange.sources import Source
from tests.builders.exchange import make_folder
from tests.builders.registry import ADMIN
from tests.instants import NOW


def make_town(database: Database, folder: Path) -> None:
    """Load the small branch: territory town, depot north, counters fault and billing, crews, customers."""
    load_folder(database, folder=make_folder(folder / "town"), now=NOW)


def csv_file(folder: Path, name: str, *lines: str, encoding: str = "utf-8") -> Path:
    """A CSV file of these lines."""
    path = folder / name
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode(encoding))
    return path


def workbook(
    folder: Path, name: str, *rows: Sequence[Any], merged: Sequence[str] = (), title: str = "Sheet"
) -> Path:
    """An Excel workbook with one worksheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    for area in merged:
        sheet.merge_cells(area)
    path = folder / name
    book.save(path)
    return path


def imported(
    database: Database,
    *files: tuple[Path, str],
    profile: Profile = NO_PROFILE,
    dry_run: bool = False,
    skip_bad: bool = False,
    update: bool = False,
) -> Report:
    """Import files into the town, each with its kind."""
    return run(
        database,
        [Given(Source(path, path.name), kind) for path, kind in files],
        territory_id="town",
        choices=Choices(dry_run, skip_bad, update),
        profile=profile,
        actor=ADMIN,
        now=NOW,
    )
