"""Customers' links: `gridcrew links`."""

from typing import Annotated

import typer
from rich.table import Table

from api.cli.console import OPERATOR, clock, opened, out, print_json, refuse
from dispatch.contact import revoking
from dispatch.core.config import Settings
from dispatch.core.db import transaction
from dispatch.registry import customers

group = typer.Typer(
    help="Take customers' links back, and change the key that they are made with.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="links")


@group.command()
def revoke(
    link: Annotated[int | None, typer.Option(help="One link, by its number.")] = None,
    visit: Annotated[str | None, typer.Option(help="All links to a visit.")] = None,
    customer: Annotated[str | None, typer.Option(help="All links of a customer.")] = None,
    key: Annotated[int | None, typer.Option(help="All links made with a key.")] = None,
) -> None:
    """Take links back: whoever opens one is told that it has ended."""
    if sum(chosen is not None for chosen in (link, visit, customer, key)) != 1:
        refuse("say which: --link NUMBER, --visit NUMBER, --customer ID or --key NUMBER")
    with opened(Settings()) as database, transaction(database) as session:
        now = clock()
        if link is not None:
            revoking.revoke(session, link_id=link, actor=OPERATOR, now=now)
            done = f"link {link} opens nothing any more"
        elif visit is not None:
            count = revoking.revoke_of_subject(session, subject=visit, actor=OPERATOR, now=now)
            done = f"{count} links to {visit} taken back"
        elif customer is not None:
            customers.get(session, customer)
            count = revoking.revoke_of_customer(
                session, customer_id=customer, actor=OPERATOR, now=now
            )
            done = f"{count} links of {customer} taken back"
        else:
            revoking.retire(session, key_id=key or 0, actor=OPERATOR, now=now)
            done = f"every link made with key {key} has ended"
    out.print(done)


@group.command()
def rotate() -> None:
    """Take a new key into use. The one before still opens its links; older ones are retired."""
    with opened(Settings()) as database, transaction(database) as session:
        made = revoking.rotate(session, actor=OPERATOR, now=clock())
    out.print(f"new links are made with key {made.id}")


@group.command()
def keys(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the keys, the newest first."""
    with opened(Settings()) as database, database.reading() as session:
        rows = [
            {"id": row.id, "created_at": row.created_at.isoformat(),
             "retired_at": row.retired_at.isoformat() if row.retired_at else None}
            for row in revoking.keys(session)
        ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    table = Table("key", "in use since", "retired")
    for row in rows:
        table.add_row(*(str(row[name] or "") for name in ("id", "created_at", "retired_at")))
    out.print(table)
