"""Background tasks that gave up: `gridcrew tasks`."""

from typing import Annotated

import typer
from rich.table import Table

from api.cli.console import clock, opened, out, print_json
from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import transaction

group = typer.Typer(help="See and put back background tasks that gave up.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="tasks")


@group.command("list")
def list_dead(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the dead tasks, newest first."""
    with opened(Settings()) as database, database.reading() as session:
        dead = tasks.dead(session)
        counts = tasks.counts(session)
    if as_json:
        print_json([task.model_dump(mode="json", exclude={"payload"}) for task in dead])
        return
    out.print(
        ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "no tasks yet"
    )
    if dead:
        table = Table("number", "kind", "attempts", "gave up at", "last error")
        for task in dead:
            moment = task.finished_at.isoformat(timespec="seconds") if task.finished_at else ""
            table.add_row(
                str(task.id), task.kind, str(task.attempts), moment, task.last_error or ""
            )
        out.print(table)


@group.command()
def requeue(number: Annotated[int, typer.Argument(help="The task's number.")]) -> None:
    """Give a dead task all its attempts again."""
    with opened(Settings(), rings=True) as database, transaction(database) as session:
        task = tasks.requeue(session, number, now=clock())
    out.print(f"put back task {number} ({task.kind})")
