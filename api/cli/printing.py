"""Notices on paper: `print-list`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.console import OPERATOR, clock, opened, out
from api.cli.opening import typed_date
from dispatch.contact import print_list
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.config import Settings
from dispatch.core.db import transaction
from dispatch.registry import territories
from workers.channels.door_hangers import sheets


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("print-list")(print_notices)


def print_notices(
    territory: Annotated[str, typer.Argument(help="The territory's id.")],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day; else today.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the PDF here.")
    ] = None,
    handed_over: Annotated[
        bool, typer.Option("--handed-over", help="Say that they all hang at their doors.")
    ] = False,
) -> None:
    """Print the notices that are handed over by hand: four door hangers a page, to be cut.

    Printing sends nothing: say `--handed-over` when they hang.

        gridcrew print-list humen --day 2026-03-10 -o notices.pdf
    """
    settings, now = Settings(), clock()
    with opened(settings) as database, transaction(database) as session:
        zone = zone_named(territories.get(session, territory).zone)
        chosen = typed_date(day) or local_day(now, zone)
        notices = print_list.printed(
            session,
            territory_id=territory,
            day=chosen,
            base_url=settings.base_url,
            key=settings.key,
            now=now,
        )
        if handed_over:
            numbers = [notice.message_id for notice in notices]
            print_list.hand_over(
                session, territory_id=territory, message_ids=numbers, actor=OPERATOR, now=now
            )
    target = output or Path(f"print-list-{chosen.isoformat()}.pdf")
    target.write_bytes(sheets(notices, day=chosen))
    said = "handed over" if handed_over else "to hand over"
    out.print(f"{len(notices)} notices {said}, on {-(-len(notices) // 4)} pages: {target}")
