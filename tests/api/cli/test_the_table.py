"""The command line: every command has its place in the table, and is loaded from there alone."""

import sys
from importlib import import_module
from pathlib import Path
from subprocess import run

import pytest
import typer

from api.cli import MODULES


@pytest.mark.parametrize("module", sorted(set(MODULES.values())))
def test_the_table_names_all_commands_of_a_module_and_no_others(module: str) -> None:
    part = typer.Typer()
    import_module(f"api.cli.{module}").register(part)
    part.callback()(lambda: None)  # so that a lone command makes a group too
    named = [command for command, home in MODULES.items() if home == module]
    assert sorted(typer.main.get_group(part).commands) == sorted(named)


def test_a_command_does_not_load_what_others_need() -> None:
    script = (
        "import sys; from api.cli import app; app(['migrate', '--help'], standalone_mode=False);"
        "print([name for name in sys.modules if name.startswith('optimizer.exact.')])"
    )
    done = run([sys.executable, "-c", script], cwd=Path(__file__).parents[3], capture_output=True)
    assert done.stdout.decode().strip().endswith("[]"), done.stderr
