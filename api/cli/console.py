"""How the command line speaks: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.events import Actor
from workers.broker import bell, make_broker

OPERATOR = Actor("command-line", "admin")
"""Whoever holds the command line acts as an admin."""

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def refuse(message: str, *, code: int = 1) -> NoReturn:
    """Say what is wrong on standard error and end with `code`."""
    err.print(f"[bold red]gridcrew:[/] {message}", soft_wrap=True)
    sys.exit(code)


def print_json(value: Mapping[str, Any] | list[Any]) -> None:
    """Print for a script to read."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def clock() -> datetime:
    """The calendar clock; the command line is an edge, so it may read it."""
    return datetime.now(UTC)


@contextmanager
def opened(settings: Settings, *, rings: bool = False) -> Iterator[Database]:
    """The installation's database; with `rings`, commits wake the workers."""
    database = Database(settings.database, bell=bell(make_broker(settings)) if rings else None)
    try:
        yield database
    finally:
        database.close()


def progress(*columns: str) -> Progress:
    """A progress display on standard error that leaves no trace when it ends."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=32),
        *(TextColumn(column) for column in columns),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )
