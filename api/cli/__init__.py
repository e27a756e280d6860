"""The command line: `gridcrew`. Every command has a module of its own kind; this puts them together."""

import sys
from importlib import import_module
from typing import Any

import typer
from pydantic import ValidationError
from typer.core import TyperGroup

from api.cli.console import refuse
from dispatch.core.errors import DispatchError
from workers import logs

MODULES = {
    "up": "server",
    "api": "server",
    "worker": "server",
    "migrate": "server",
    "plan": "day",
    "publish": "day",
    "report": "day",
    "simulate": "day",
    "demo": "day",
    "outlook": "ahead",
    "optimize": "documents",
    "check": "documents",
    "replan": "questions",
    "explain": "questions",
    "insert": "questions",
    "offers": "questions",
    "compare": "questions",
    "openapi": "interface",
    "import": "importing",
    "export": "data",
    "backup": "data",
    "restore": "data",
    "places": "places",
    "print-list": "printing",
    "user": "people",
    "links": "links",
    "tasks": "tasks",
    "doctor": "doctor",
}
"""Where each command lives. A command loads its own module only: all of them take seconds."""


class Commands(TyperGroup):
    """The commands of `MODULES`, each loaded when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click calls it so
        """All names, in the order of the help."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """The command of this name, or nothing."""
        if cmd_name not in MODULES:
            return None
        part = typer.Typer()
        import_module(f"api.cli.{MODULES[cmd_name]}").register(part)
        return typer.main.get_group(part).commands[cmd_name]


app = typer.Typer(
    cls=Commands,
    name="gridcrew",
    help="Field-service dispatch for power utilities: queue, plan, publish, follow, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def gridcrew() -> None:
    """Make `app` a group though it holds no command itself."""


def main() -> None:
    """Run the command line; a mistake of the user's is one clear line and exit code 1, never a stack trace."""
    logs.set_up("WARNING")  # the command line speaks for itself; the servers set up their own
    try:
        app()
    except DispatchError as error:
        refuse(error.message)
    except ValidationError as error:
        refuse("; ".join(_setting(problem) for problem in error.errors()))
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        refuse(f"{place}{error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit(130)


def _setting(problem: object) -> str:
    assert isinstance(problem, dict)
    place = ".".join(str(part) for part in problem.get("loc", ()))
    name = f"GRIDCREW_{place.upper()}: " if place else ""
    return name + str(problem["msg"]).removeprefix("Value error, ")
