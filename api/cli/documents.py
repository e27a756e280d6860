"""The planning format's two commands: `optimize` and `check`."""

import enum
import json
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, TypeVar

import typer

from api.cli.console import err, out, print_json, progress, refuse
from dispatch.core.config import Settings
from optimizer.check import Report, check
from optimizer.codec import read_plan, read_problem, write_problem
from optimizer.problem import Problem, ProblemError
from optimizer.reading import parsed
from optimizer.vroom import plan_to_vroom, problem_from_vroom
from workers.solver import SolverFailed, run_solver

Document = TypeVar("Document")

DOCUMENT_REFUSED = 2
LONGEST = 86400.0
"""Seconds after which a search that counts iterations ends all the same."""


class Format(enum.StrEnum):
    """The formats in which a problem is read and its plan written."""

    PLANNING = "planning"
    VROOM = "vroom"


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("optimize")(optimize)
    app.command("check")(check_plan)


def optimize(
    problem: Annotated[
        Path,
        typer.Argument(help="A problem in the planning format (JSON); - reads standard input."),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the plan here.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=86400, help="Stop after so many seconds.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=0, help="Stop after so many iterations: repeatable.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1)] = 0,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 1,
    engine: Annotated[
        str, typer.Option(help="routing (OR-Tools), or naive: the rule of thumb.")
    ] = "routing",
    format: Annotated[
        Format, typer.Option(help="planning: ours; vroom: VROOM's JSON in and out.")
    ] = Format.PLANNING,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan even when -o is given.")
    ] = False,
) -> None:
    """Plan PROBLEM: give its visits to crews at the lowest cost and say why what is left out is left out.

    Ctrl-C ends the search and writes the best plan so far. Exit code 0: a plan was written; 2: the document is
    refused, with the path of the faulty key on standard error.
    """
    given = _accepted(problem, _read(problem), _READERS[format])
    stop = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = signal.signal(signal.SIGINT, interrupt)
    limit = seconds if seconds is not None or iterations is not None else 20.0
    with progress("{task.fields[best]}") as bar:
        task = bar.add_task("planning", total=limit, best="")

        def show(now: dict[str, Any]) -> None:
            best = f"cost {now['total']:,}, {now['served']} visits"
            bar.update(task, completed=now["seconds"], best=best)

        try:
            plan = run_solver(
                Settings(),
                write_problem(given),
                seconds=limit or LONGEST,
                iterations=iterations,
                seed=seed,
                workers=workers,
                engine=engine,
                on_progress=show,
                should_stop=stop.is_set,
            )
        except SolverFailed as error:
            refuse(str(error))
        finally:
            signal.signal(signal.SIGINT, before)
    if format is Format.VROOM:
        plan = json.dumps(plan_to_vroom(given, read_plan(plan)), ensure_ascii=False)
    if output is not None:
        output.write_text(plan + "\n", encoding="utf-8")
        err.print(f"wrote {output}")
    if output is None or as_json:
        typer.echo(plan)


def check_plan(
    problem: Annotated[Path, typer.Argument(help="A problem in the planning format.")],
    plan: Annotated[Path, typer.Argument(help="A plan for it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Recompute PLAN from PROBLEM and print every broken rule and every figure that differs.

    Exit code 0: none; 1: at least one; 2: a document is refused.
    """
    report = check(
        _accepted(problem, _read(problem), read_problem), _accepted(plan, _read(plan), read_plan)
    )
    if as_json:
        print_json(_document(report))
    else:
        _show(report)
    raise typer.Exit(0 if report.ok else 1)


def _read(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        refuse(f"{path} cannot be read: {error.strerror}", code=DOCUMENT_REFUSED)


def _accepted(path: Path, document: bytes, read: Callable[[bytes], Document]) -> Document:
    try:
        return read(document)
    except ProblemError as error:
        refuse(f"{path}: {error}", code=DOCUMENT_REFUSED)


def _from_vroom(document: bytes) -> Problem:
    return problem_from_vroom(parsed(document))


_READERS: dict[Format, Callable[[bytes], Problem]] = {
    Format.PLANNING: read_problem,
    Format.VROOM: _from_vroom,
}


def _document(report: Report) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "violations": [violation._asdict() for violation in report.violations],
        "figures": [figure._asdict() for figure in report.figures],
        "cost": asdict(report.cost),
    }


def _show(report: Report) -> None:
    for violation in report.violations:
        out.print(f"[red]broken[/]  {violation}", soft_wrap=True)
    for figure in report.figures:
        out.print(f"[yellow]differs[/] {figure}", soft_wrap=True)
    if report.ok:
        out.print(f"[green]0 violations[/], every figure is right; cost {report.cost.total:,}")
    else:
        out.print(
            f"{len(report.violations)} broken rules, {len(report.figures)} figures that differ"
        )
