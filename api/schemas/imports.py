"""Imports: opened, sent files, started, followed; and saved layouts of files."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from api.schemas.forms import Input, Output
from dispatch.exchange.checking import Choices
from dispatch.exchange.tables import ImportStatus


class ImportStart(Input):
    """What the import may do; left out, it only reports."""

    dry_run: bool = True
    skip_bad: bool = False
    update: bool = False
    profile: Annotated[str, Field(max_length=64)] | None = None

    def choices(self) -> Choices:
        """The same for the import."""
        return Choices(self.dry_run, self.skip_bad, self.update)


class ImportFileOut(Output):
    """A file that was sent, or is being sent: `received` of its `size` bytes have arrived."""

    name: str
    kind: str
    size: int
    received: int


class ImportOut(Output):
    """An import: where it is, how far, and what it found (counts by file, problems with file, row and column)."""

    id: int
    territory_id: str
    status: ImportStatus
    dry_run: bool
    skip_bad: bool
    update: bool
    profile: str | None
    progress: dict[str, Any]
    found: dict[str, Any] | None
    stop_asked: bool
    error: str
    created_by: str
    created_at: datetime
    ended_at: datetime | None


class ProfileIn(Input):
    """A layout: by kind header_row, sheet, encoding, columns, values and defaults.

    `version` is the one you saw, 0 when there was none; If-Match may say it instead.
    """

    version: int | None = Field(None, ge=0, le=2**31)
    document: dict[str, Any]


class ProfileOut(Output):
    """A saved layout."""

    name: str
    version: int
    document: dict[str, Any]
    changed_by: str
    changed_at: datetime
