"""People who sign in: `gridcrew user`."""

import sys
from typing import Annotated

import typer
from rich.table import Table

from api.cli.console import OPERATOR, clock, opened, out, print_json, refuse
from dispatch.core.config import Settings
from dispatch.core.db import transaction
from dispatch.registry import accounts
from dispatch.registry.tables import Role

group = typer.Typer(help="Add, list and disable the people who sign in.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.add_typer(group, name="user")


@group.command()
def add(
    login: Annotated[str, typer.Argument(help="What the person types to sign in.")],
    role: Annotated[Role, typer.Option(help="What the person may do.")],
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    crew: Annotated[
        str | None, typer.Option(help="The crew of a crew account, such as C01.")
    ] = None,
    language: Annotated[str, typer.Option(help="zh-CN or en.")] = "zh-CN",
    password_stdin: Annotated[
        bool, typer.Option(help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a person. Without a password the person signs in by a link: `gridcrew user link LOGIN`."""
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    with opened(Settings()) as database, transaction(database) as session:
        account = accounts.create(
            session,
            login=login,
            name=name or login,
            role=role,
            password=password,
            crew_id=crew,
            language=language,
            actor=OPERATOR,
            now=clock(),
        )
    out.print(f"added {account.login} ({account.role.value})")


@group.command("list")
def list_accounts(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List everybody."""
    with opened(Settings()) as database, database.reading() as session:
        rows = [
            {"login": row.login, "name": row.name, "role": row.role.value, "crew": row.crew_id,
             "disabled": row.disabled}
            for row in accounts.everybody(session)
        ]  # fmt: skip
    if as_json:
        print_json(rows)
        return
    table = Table("login", "name", "role", "crew", "")
    for row in rows:
        state = "disabled" if row["disabled"] else ""
        table.add_row(*(str(row[key] or "") for key in ("login", "name", "role", "crew")), state)
    out.print(table)


@group.command()
def link(
    login: str,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="How long it works.")] = 30,
) -> None:
    """Print a one-time sign-in link."""
    settings = Settings()
    with opened(settings) as database, transaction(database) as session:
        account = accounts.by_login(session, login)
        if account is None:
            refuse(f"nobody signs in as {login}; see `gridcrew user list`")
        token = accounts.make_link(session, account_id=account.id, now=clock(), minutes=minutes)
    out.print(f"{settings.base_url}/sign-in/{token}", soft_wrap=True)


@group.command()
def disable(login: str) -> None:
    """Disable a person and end all their sessions."""
    with opened(Settings()) as database, transaction(database) as session:
        account = accounts.by_login(session, login)
        if account is None:
            refuse(f"nobody signs in as {login}; see `gridcrew user list`")
        accounts.disable(session, account_id=account.id, actor=OPERATOR, now=clock())
    out.print(f"disabled {login}")
