"""What an import over HTTP keeps: its files until it is done, its report, and layouts that are used again."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, document, instant
from dispatch.core.runs import RunRow


class ImportStatus(StrEnum):
    """Where an import is."""

    OPEN = "open"
    WAITING = "waiting"
    RUNNING = "running"
    CHECKED = "checked"
    REFUSED = "refused"
    IMPORTED = "imported"
    STOPPED = "stopped"
    FAILED = "failed"


class ImportRun(RunRow, table=True):
    """One import: what it may do, how far it is, and what it found (see `report.Report`, as JSON)."""

    status: ImportStatus = choice(ImportStatus, ImportStatus.OPEN)
    dry_run: bool = True
    skip_bad: bool = False
    update: bool = False
    profile: str | None = Field(default=None, max_length=64)
    starts: int = 0
    progress: dict[str, Any] = document()
    found: dict[str, Any] | None = Field(default=None, sa_type=sa.JSON)


class ImportFile(Row, table=True):
    """A file of an import, as it was sent; `size` is how many bytes it is to have."""

    __table_args__ = (sa.UniqueConstraint("import_id", "name"),)

    id: int | None = Field(default=None, primary_key=True)
    import_id: int = Field(foreign_key="import_run.id")
    name: str = Field(max_length=120)
    kind: str = Field(max_length=16)
    size: int


class ImportPart(Row, table=True):
    """A piece of a file; the file is its pieces in their order."""

    file_id: int = Field(primary_key=True, foreign_key="import_file.id")
    number: int = Field(primary_key=True)
    content: bytes = Field(sa_type=sa.LargeBinary)


class ImportProblems(Row, table=True):
    """A piece of the list of every problem that an import found: a CSV file, compressed piece by piece."""

    import_id: int = Field(primary_key=True, foreign_key="import_run.id")
    number: int = Field(primary_key=True)
    content: bytes = Field(sa_type=sa.LargeBinary)


class ImportProfile(Versioned, table=True):
    """A layout of files that is used again (see `mapping.Profile`, as JSON)."""

    name: str = Field(primary_key=True, max_length=64)
    document: dict[str, Any] = document()
    changed_by: str = Field(max_length=64)
    changed_at: datetime = instant()
