"""Documents of the planning format as commands take them: read, refused with a path, searched, written."""

import re
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import typer

from api.cli.console import err, progress, refuse
from dispatch.core.config import Settings
from optimizer.problem import ProblemError
from workers.solver import SolverFailed, run_solver

Document = TypeVar("Document")

DOCUMENT_REFUSED = 2
LONGEST = 86400.0
"""Seconds after which a search that counts iterations ends all the same."""
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def read(path: Path) -> bytes:
    """The document in a file, or on standard input for `-`; ends the command when there is none."""
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}", code=DOCUMENT_REFUSED)


def accepted(path: Path, document: bytes, reader: Callable[[bytes], Document]) -> Document:
    """What the document says; ends the command with the path of the faulty key when it is refused."""
    try:
        return reader(document)
    except ProblemError as error:
        refuse(f"{path}: {error}", code=DOCUMENT_REFUSED)


def searched(
    document: str,
    *,
    seconds: float | None,
    iterations: int | None,
    seed: int,
    workers: int,
    engine: str | None = None,
    bound: float = 0.0,
) -> str:
    """The plan of a problem, both as JSON, with progress on standard error; Ctrl-C ends the search early."""
    stop = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGINT, interrupt)
    limit = seconds if seconds is not None or iterations is not None else 20.0
    chosen: dict[str, Any] = {} if engine is None else {"engine": engine}
    with progress("{task.fields[best]}") as bar:
        task = bar.add_task("planning", total=limit, best="")

        def show(now: dict[str, Any]) -> None:
            best = f"cost {now['total']:,}, {now['served']} visits"
            bar.update(task, completed=now["seconds"], best=best)

        try:
            return run_solver(
                Settings(),
                document,
                seconds=limit or LONGEST,
                iterations=iterations,
                seed=seed,
                workers=workers,
                on_progress=show,
                should_stop=stop.is_set,
                bound_seconds=bound,
                **chosen,
            )
        except SolverFailed as error:
            refuse(str(error))
        finally:
            signal.signal(signal.SIGINT, before)


def write(plan: str, output: Path | None, *, also_print: bool) -> None:
    """Write a plan to a file, or print it."""
    if output is not None:
        output.write_text(plan.rstrip("\n") + "\n", encoding="utf-8")
        err.print(f"wrote {output}")
    if output is None or also_print:
        typer.echo(plan)


def moment(text: str, start: datetime) -> int:
    """Seconds after a problem's start: a number as it is, `HH:MM` on the first day by the problem's own clock."""
    match = _TIME.fullmatch(text)
    if match is None:
        try:
            return int(text)
        except ValueError:
            refuse(
                f"{text!r} is no time: give seconds after the problem's start, or HH:MM on its first day",
                code=DOCUMENT_REFUSED,
            )
    day = start.replace(hour=int(match[1]), minute=int(match[2]), second=0)
    return round((day - start).total_seconds())


def shown(seconds: int | None, start: datetime) -> str:
    """A time of a plan by the problem's own clock; the date too where it is not the first day's."""
    if seconds is None:
        return "-"
    at = start + timedelta(seconds=seconds)
    return f"{at:%H:%M}" if at.date() == start.date() else f"{at:%d %b %H:%M}"


def minutes(seconds: int) -> str:
    """Seconds as minutes, with a sign where there are any."""
    return f"{seconds / 60:+.0f} min" if abs(seconds) >= 30 else "0 min"
