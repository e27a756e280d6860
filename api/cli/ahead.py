"""The days ahead: `outlook`."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from api.cli.console import clock, opened, out, print_json
from api.cli.figures import travel_words
from api.cli.opening import typed_date
from api.cli.problems import searched
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.config import Settings
from dispatch.planning.answers import judged
from dispatch.planning.outlook import MOST_DAYS, Outlook, build_outlook, told
from dispatch.registry import territories
from optimizer.codec import write_problem
from workers.roads import fill


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(outlook)


def outlook(
    territory: Annotated[str, typer.Argument(help="The territory's id.")],
    days: Annotated[
        int, typer.Option(min=1, max=MOST_DAYS, help="How many days to look ahead.")
    ] = 5,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day; else today.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=3600, help="How long to search.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many iterations: repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print for a script.")] = False,
) -> None:
    """Look ahead: give the next days' work to their shifts at once, and say what fits on none of them.

    One problem over all the days: each crew has several shifts, and a visit may be done on any day from its
    earliest on; a deadline makes later days dearer. What is published stays. Nothing is stored or told to anybody:
    each day is planned on its own with `gridcrew plan`. Orders that a series will make later are not in it yet.

        gridcrew outlook humen --days 5
    """
    settings, now = Settings(), clock()
    with opened(settings) as database:
        fill(database, settings, territory, now=now)
    with opened(settings) as database, database.reading() as session:
        zone = zone_named(territories.get(session, territory).zone)
        begins = typed_date(first) or local_day(now, zone)
        built = build_outlook(session, territory_id=territory, first=begins, days=days, now=now)
    answer = searched(
        write_problem(built.problem),
        seconds=seconds if seconds or iterations else settings.solve_seconds,
        iterations=iterations,
        seed=seed,
        workers=settings.solve_workers,
    )
    found = told(built, judged(built.problem, answer))
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)


def _show(found: Outlook) -> None:
    table = Table()
    for name in ("day", "crew", "visits", "driving", "on site", "overtime", "filled"):
        table.add_column(name, justify="left" if name in {"day", "crew"} else "right")
    for day in found.days:
        table.add_row(
            f"{day.day:%a %d %b}", f"{len(day.crews)} shifts", str(day.visits), style="bold"
        )
        for load in day.crews:
            table.add_row(
                "",
                escape(load.crew_id),
                str(load.visits),
                *(f"{s / 60:.0f} min" for s in (load.driving_s, load.on_site_s, load.overtime_s)),
                f"{load.share:.0%}",
            )
    out.print(table)
    out.print(travel_words(found.travel_times), soft_wrap=True)
    reasons = Table("left out", "reason", "what would make it fit", box=None)
    for entry in found.left_out:
        reasons.add_row(escape(entry.visit_id), entry.reason, escape(entry.hint))
    if found.left_out:
        out.print(reasons)
    else:
        out.print("Everything that waits has a place on one of the days.")
