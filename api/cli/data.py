"""Data out and back: `export`, `backup`, `restore`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.console import clock, opened, out, refuse
from api.cli.opening import chosen_day
from dispatch.core.backup import back_up, put_back
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.exchange.columns import COLUMNS
from dispatch.exchange.export import export_folder
from dispatch.exchange.kind_export import exported_lines
from workers.supervisor import DataDirInUse, data_dir_lock


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("export")(export)
    app.command("backup")(backup)
    app.command("restore")(restore)


def export(
    target: Annotated[
        Path, typer.Argument(help="Where the CSV files go; with --kind the file to write.")
    ],
    territory: Annotated[str | None, typer.Option(help="Which territory; else the first.")] = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Whose shifts; else the day `up` opens on."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help=f"Only this, as `import` reads it: one of {', '.join(COLUMNS)}."),
    ] = None,
) -> None:
    """Export a territory with its open work as CSV files with stable columns; no cell is a formula."""
    with opened(Settings()) as database:
        where = chosen_day(database, day=day, now=clock())
        if kind is not None:
            count = _export_kind(database, target, kind, territory or where.territory_id)
            out.print(f"wrote {target}: {count:,} rows of {kind}")
            return
        written = export_folder(
            database, folder=target, territory_id=territory or where.territory_id, day=where.day
        )
    table = Table("file", "rows")
    for name, rows in written.rows.items():
        table.add_row(name, f"{rows:,}")
    out.print(table)


def _export_kind(database: Database, target: Path, kind: str, territory_id: str) -> int:
    with database.reading() as session:
        found = exported_lines(session, kind=kind, territory_id=territory_id)
        try:
            # Spreadsheets take a file without the mark for their country's old encoding.
            with target.open("x", encoding="utf-8-sig", newline="") as file:
                return sum(1 for line in found if file.write(line)) - 1
        except OSError as error:
            refuse(f"{target} cannot be written: {error.strerror}. Name a new file.")


def backup(
    target: Annotated[Path, typer.Argument(help="The archive to write, such as gridcrew.tar.gz.")],
) -> None:
    """Write a consistent copy of the database and its audit key, while everything runs."""
    settings = Settings()
    with opened(settings) as database:
        made = back_up(database, key=settings.key, target=target, now=clock())
    out.print(
        f"wrote {target}: {sum(made.rows.values()):,} rows, audit chain at position {made.tail[0]:,}"
    )


def restore(
    archive: Annotated[Path, typer.Argument(help="An archive made by `gridcrew backup`.")],
    replace: Annotated[bool, typer.Option(help="Lose the data that is there now.")] = False,
) -> None:
    """Put a backup back, while nothing runs."""
    settings = Settings()
    configured = bool(settings.secret_key.get_secret_value())
    try:
        with data_dir_lock(settings), opened(settings) as database:
            manifest = put_back(
                database,
                archive=archive,
                secret_file=None if configured else settings.data_dir / "secret",
                replace=replace,
            )
    except DataDirInUse:
        refuse("Gridcrew is running here; stop it first (Ctrl-C in its terminal).")
    out.print(
        f"restored {archive}, made {manifest.made_at}: {sum(manifest.rows.values()):,} rows, "
        f"audit chain at position {manifest.tail[0]:,}"
    )
