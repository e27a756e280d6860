"""`gridcrew` with all that any command loads, ready to be forked: importing it takes seconds."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

os.environ["COLUMNS"] = "120"  # what prints asks for it once, when it is imported

from api.cli import MODULES, main

for _module in sorted({*MODULES.values()}):
    import_module(f"api.cli.{_module}")
for _module in ("api.app", "optimizer.solve", "optimizer.explain", "optimizer.offers", "optimizer.replan",
                "optimizer.compare", "optimizer.check", "optimizer.vroom"):  # fmt: skip
    import_module(_module)


def gridcrew(arguments: Sequence[str], env: Mapping[str, str], folder: str) -> None:
    """Run the command line in this process, with the standard streams `in`, `out` and `err` of a folder."""
    os.environ.clear()
    os.environ.update(env)
    for number, (name, mode) in enumerate((("in", "r"), ("out", "w"), ("err", "w"))):
        with (Path(folder) / name).open(mode) as stream:
            os.dup2(stream.fileno(), number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    sys.argv = ["gridcrew", *arguments]
    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
