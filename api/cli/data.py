"""Data in and out: `import`, `export`, `backup`, `restore`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli.console import clock, opened, out, refuse
from api.cli.opening import chosen_day, load_with_progress, typed_date
from dispatch.core.backup import back_up, put_back
from dispatch.core.config import Settings
from dispatch.core.migrate import migrate
from dispatch.exchange.export import export_folder
from workers.supervisor import DataDirInUse, data_dir_lock


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("import")(import_folder)
    app.command("export")(export)
    app.command("backup")(backup)
    app.command("restore")(restore)


def import_folder(
    folder: Annotated[Path, typer.Argument(help="A folder of CSV files, such as examples/humen.")],
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day it is for; else the next working day."),
    ] = None,
) -> None:
    """Import a branch: all of it or, when anything is refused, nothing; twice changes nothing."""
    with opened(Settings(), rings=True) as database:
        migrate(database)
        loaded = load_with_progress(database, folder=folder, day=typed_date(day), now=clock())
    out.print(loaded.message)


def export(
    folder: Annotated[Path, typer.Argument(help="Where the CSV files go; made when missing.")],
    territory: Annotated[str | None, typer.Option(help="Which territory; else the first.")] = None,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Whose shifts; else the day `up` opens on."),
    ] = None,
) -> None:
    """Export a territory with its open work as CSV files with stable columns."""
    with opened(Settings()) as database:
        where = chosen_day(database, day=day, now=clock())
        written = export_folder(
            database, folder=folder, territory_id=territory or where.territory_id, day=where.day
        )
    table = Table("file", "rows")
    for name, rows in written.rows.items():
        table.add_row(name, f"{rows:,}")
    out.print(table)


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
