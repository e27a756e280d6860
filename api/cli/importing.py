"""`gridcrew import`: a branch's folder for a day, or files of customers, premises, crews and work."""

import sys
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar
from rich.table import Table

from api.cli.console import OPERATOR, clock, err, opened, out, print_json, progress, refuse
from api.cli.opening import NoTerritory, load_with_progress, typed_date
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.migrate import migrate
from dispatch.exchange import profiles
from dispatch.exchange.checking import Choices, Given, Progress
from dispatch.exchange.columns import COLUMNS, kind_of_name
from dispatch.exchange.importing import run
from dispatch.exchange.mapping import NO_PROFILE, Profile, read_profile
from dispatch.exchange.report import Ending, Problem, ProblemsFile, Report
from dispatch.exchange.sources import Source
from dispatch.registry import territories

SHOWN = 20
"""Problems that are printed; `--report` has all."""
BAD_ROWS = 3
"""Exit code of an import that passed bad rows over."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("import")(import_data)


def import_data(
    paths: Annotated[
        list[Path], typer.Argument(help="A folder such as examples/humen, or CSV and Excel files.")
    ],
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="A folder: the day it is for; else the next working day."
        ),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(help=f"Files: one of {', '.join(COLUMNS)}; else as their names begin."),
    ] = None,
    territory: Annotated[str | None, typer.Option(help="Files: which; else the only one.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Files: a TOML file that maps columns, or a saved profile.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Files: only report.")] = False,
    skip_bad_rows: Annotated[
        bool, typer.Option(help="Files: take the good rows though others are bad.")
    ] = False,
    update: Annotated[
        bool, typer.Option(help="Files: give known rows the file's values where they differ.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Files: write every problem to this CSV file.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Files: print the report as JSON.")
    ] = False,
) -> None:
    """Import a branch's folder, or files of its customers, premises, crews, members, skills, shifts and work.

    All of it or, when anything is refused, nothing; twice changes nothing. Exit codes: 0 done, 1 refused, 3 done
    but for bad rows.
    """
    if len(paths) == 1 and not paths[0].suffix and not paths[0].exists():
        refuse(f"There is no folder {paths[0]}.")
    with opened(Settings(), rings=True) as database:
        migrate(database)
        if len(paths) == 1 and paths[0].is_dir():
            loaded = load_with_progress(database, folder=paths[0], day=typed_date(day), now=clock())
            out.print(loaded.message)
            return
        given = [Given(Source(path, path.name), kind or _kind_of(path)) for path in paths]
        choices = Choices(dry_run, skip_bad_rows, update)
        where = territory or _only_territory(database)
        layout = _profile(database, profile)
        with ExitStack() as stack:
            written = None if report is None else stack.enter_context(ProblemsFile(report))
            bar = stack.enter_context(progress("{task.fields[said]}"))
            found = run(
                database,
                given,
                territory_id=where,
                choices=choices,
                profile=layout,
                actor=OPERATOR,
                now=clock(),
                tell=_Shown(bar).tell,
                told=None if written is None else written.note,
            )
    if as_json:
        print_json(found.document())
    else:
        _print(found, report)
    if found.ending is Ending.REFUSED:
        sys.exit(1)
    if found.problem_count:
        sys.exit(BAD_ROWS)


class _Shown:
    """The progress bar of an import."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task = bar.add_task("reading", total=None, said="")

    def tell(self, now: Progress) -> None:
        """Show how far it is."""
        self._bar.update(
            self._task,
            description=f"{now.phase} {now.file}",
            completed=now.rows,
            total=max(now.total, now.rows) if now.total else None,
            said=f"{now.rows:,} rows",
        )


def _kind_of(path: Path) -> str:
    kind = kind_of_name(path.name)
    if kind is None:
        refuse(
            f"{path.name} does not tell what it holds. Name it like customers.csv, or say --kind: "
            f"{', '.join(COLUMNS)}."
        )
    return kind


def _only_territory(database: Database) -> str:
    with database.reading() as session:
        known = [found.id for found in territories.listed(session)]
    if not known:
        raise NoTerritory(
            "There is no territory to import into yet: import a branch's folder first, such as examples/humen, or "
            "make one with POST /api/v1/territories."
        )
    if len(known) > 1:
        refuse(f"Say which with --territory: {', '.join(known)}.")
    return known[0]


def _profile(database: Database, name: str | None) -> Profile:
    if name is None:
        return NO_PROFILE
    path = Path(name)
    if path.is_file():
        try:
            return read_profile(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            refuse(f"{path} cannot be read: {error}.")
    with database.reading() as session:
        return profiles.named(session, name)


def _print(found: Report, written: Path | None) -> None:
    table = Table("file", "kind", "read as", "rows", "new", "changed", "same", "differing", "bad")
    for file in found.files:
        counts = (file.rows, file.new, file.changed, file.same, file.differing, file.bad)
        table.add_row(file.file, file.kind, file.encoding, *(f"{count:,}" for count in counts))
        if file.ignored:
            err.print(
                f"{file.file}: not imported, columns {', '.join(file.ignored)}", soft_wrap=True
            )
    out.print(table)
    for problem in found.problems[:SHOWN]:
        err.print(_line(problem), soft_wrap=True, markup=False)
    if found.problem_count > SHOWN:
        more = "" if written else "; --report problems.csv writes all"
        err.print(f"and {found.problem_count - SHOWN:,} more{more}")
    if any(file.differing for file in found.files):
        out.print("Known rows that differ stay as they are; --update gives them the file's values.")
    said = {
        Ending.CHECKED: "Nothing was changed: this was a dry run.",
        Ending.REFUSED: "Nothing was imported. Correct the files, or take the good rows with --skip-bad-rows.",
        Ending.IMPORTED: f"Imported: {found.new:,} new, {found.changed:,} changed.",
    }
    out.print(said[found.ending])


def _line(problem: Problem) -> str:
    place = problem.file
    if problem.row is not None:
        place += f", row {problem.row}"
    if problem.column is not None:
        place += f", column {problem.column}"
    right = f" Right would be: {problem.right}." if problem.right else ""
    return f"{place}: {problem.wrong}{right}"
