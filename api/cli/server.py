"""Starting things: `up`, `api`, `worker`, `migrate`."""

import contextlib
import os
import sys
import threading
import urllib.error
import urllib.request
from datetime import datetime
from typing import Annotated

import typer

from api.cli.console import clock, err, out, refuse
from api.cli.figures import show_plan
from api.cli.opening import (
    Opened,
    load_example,
    open_day,
    plan_and_publish,
    sign_in_link,
    typed_date,
)
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.migrate import migrate as apply_migrations
from dispatch.core.tasks import QUEUES
from workers import startup
from workers.installation import running

PYTHON = sys.executable


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(up)
    app.command()(api)
    app.command()(worker)
    app.command()(migrate)


def up(
    day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Open on this day; else the next that has not begun."
        ),
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Start without the Humen example.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Stop when the day is published: a smoke test.")
    ] = False,
) -> None:
    """Start Gridcrew: web, workers, database and Redis, with the Humen example planned and published.

    The first start loads the example; later ones go on where the last one stopped. Ctrl-C stops everything.
    """
    settings = Settings()
    wanted = typed_date(day)
    with running(settings, api=[PYTHON, "-m", "api"], say=_say) as installation:
        database = installation.database
        err.print(f"[bold]Gridcrew[/] on {_kind(database)}, data in {settings.data_dir.absolute()}")
        if not empty:
            load_example(database, day=wanted, now=clock())
        installation.wait_for("api", lambda: _is_ready(settings))
        opened = open_day(database, day=wanted, now=clock())
        if opened is not None and opened.plan_id is None:
            opened = plan_and_publish(database, opened, seconds=settings.solve_seconds, clock=clock)
        _welcome(settings, database, opened)
        if once:
            return
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
        err.print("stopping ...")
    err.print("[green]stopped[/]")


def _welcome(settings: Settings, database: Database, opened: Opened | None) -> None:
    if opened is not None:
        show_plan(database, opened)
        if not settings.smtp_url:
            out.print(f"Messages to customers are written to {settings.outbox_dir}", soft_wrap=True)
        if opened.quiet_until is not None:
            out.print(
                f"It is night there: they wait until {opened.quiet_until:%H:%M} (quiet hours)."
            )
    out.print(f"\nConsole: [bold]{settings.base_url}/[/]")
    link = sign_in_link(database, base_url=settings.base_url, now=clock())
    out.print(f"Sign in once with [bold]{link}[/]", soft_wrap=True)
    out.print("Ctrl-C stops everything; the next start goes on from here.")


def api() -> None:
    """Serve HTTP only, for an installation of several machines."""
    settings = Settings()
    startup.prepare(settings, say=_say).close()
    os.execv(PYTHON, [PYTHON, "-m", "api"])  # noqa: S606 - it takes this process' place


def worker(
    queues: Annotated[
        list[str] | None, typer.Argument(help="Queues to work on; all of them when none is named.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, max=64)] = None,
) -> None:
    """Run one worker process: as many as you like, on as many machines as you like."""
    settings = Settings()
    strange = sorted(set(queues or ()) - set(QUEUES))
    if strange:
        refuse(
            f"there is no queue {', '.join(strange)}; the queues are {', '.join(QUEUES)}", code=2
        )
    count = str(threads or settings.worker_threads)
    command = [PYTHON, "-m", "workers", "--threads", count, "--queues", *(queues or QUEUES)]
    os.execv(PYTHON, command)  # noqa: S606 - it takes this process' place


def migrate() -> None:
    """Bring the database to this release's schema."""
    settings = Settings()
    database = Database(settings.database)
    out.print(f"the database is at revision {apply_migrations(database)}")
    database.close()


def _is_ready(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104 - compared
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.port}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _say(text: str) -> None:
    err.print(f"[yellow]•[/] {text}", soft_wrap=True)


def _kind(database: Database) -> str:
    return "SQLite" if database.is_sqlite else f"PostgreSQL at {database.url.host or 'localhost'}"
