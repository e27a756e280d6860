"""The command line: `gridcrew`. Every command has a module of its own kind; this puts them together."""

import sys

import typer
from pydantic import ValidationError

from api.cli import (
    ahead,
    data,
    day,
    doctor,
    documents,
    importing,
    people,
    places,
    questions,
    server,
    tasks,
)
from api.cli.console import refuse
from dispatch.core.errors import DispatchError
from workers import logs

app = typer.Typer(
    name="gridcrew",
    help="Field-service dispatch for power utilities: queue, plan, publish, follow, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    server,
    day,
    ahead,
    documents,
    questions,
    importing,
    data,
    places,
    people,
    tasks,
    doctor,
):
    module.register(app)


def main() -> None:
    """Run the command line; a mistake of the user's is one clear line and exit code 1, never a stack trace."""
    logs.set_up("WARNING")  # the command line speaks for itself; the servers set up their own
    try:
        app()
    except DispatchError as error:
        refuse(error.message)
    except ValidationError as error:
        refuse("; ".join(_setting(problem) for problem in error.errors()))
    except KeyboardInterrupt:
        sys.exit(130)


def _setting(problem: object) -> str:
    assert isinstance(problem, dict)
    place = ".".join(str(part) for part in problem.get("loc", ()))
    name = f"GRIDCREW_{place.upper()}: " if place else ""
    return name + str(problem["msg"]).removeprefix("Value error, ")
