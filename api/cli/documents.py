"""The planning format's two commands: `optimize` and `check`."""

import enum
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.console import err, out, print_json
from api.cli.problems import accepted, read, searched, write
from optimizer.check import Report, check
from optimizer.codec import read_plan, read_problem, write_problem
from optimizer.gap import gap
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.reading import parsed
from optimizer.vroom import plan_to_vroom, problem_from_vroom


class Format(enum.StrEnum):
    """The formats in which a problem is read and its plan written."""

    PLANNING = "planning"
    VROOM = "vroom"


class Engine(enum.StrEnum):
    """What makes the plan."""

    SEARCH = "search"
    ROUTING = "routing"
    NAIVE = "naive"


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
        Engine,
        typer.Option(
            help="search: ruin and recreate with OR-Tools' choice; routing: OR-Tools' routing; naive: hand rules."
        ),
    ] = Engine.SEARCH,
    format: Annotated[
        Format, typer.Option(help="planning: ours; vroom: VROOM's JSON in and out.")
    ] = Format.PLANNING,
    bound: Annotated[
        float,
        typer.Option(min=0, max=3600, help="So many seconds more, to prove how cheap it can get."),
    ] = 0.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the plan even when -o is given.")
    ] = False,
) -> None:
    """Plan PROBLEM: give its visits to crews at the lowest cost and say why what is left out is left out.

    Ctrl-C ends the search and writes the best plan so far. Exit code 0: a plan was written; 2: the document is
    refused, with the path of the faulty key on standard error.
    """
    given = accepted(problem, read(problem), _READERS[format])
    plan = searched(
        write_problem(given),
        seconds=seconds,
        iterations=iterations,
        seed=seed,
        workers=workers,
        engine=engine,
        bound=bound,
    )
    proven = _proven(given, read_plan(plan))
    if proven:
        err.print(proven)
    if format is Format.VROOM:
        plan = json.dumps(plan_to_vroom(given, read_plan(plan)), ensure_ascii=False)
    write(plan, output, also_print=as_json)


def check_plan(
    problem: Annotated[Path, typer.Argument(help="A problem in the planning format.")],
    plan: Annotated[Path, typer.Argument(help="A plan for it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Recompute PLAN from PROBLEM and print every broken rule and every figure that differs.

    Where the plan states a bound, its gap is told: by how much another plan may be cheaper. The proof of a bound is
    not repeated.

    Exit code 0: none; 1: at least one; 2: a document is refused.
    """
    given = accepted(problem, read(problem), read_problem)
    judged = accepted(plan, read(plan), read_plan)
    report = check(given, judged)
    if as_json:
        print_json({**_document(report), "bound": judged.bound, "gap": gap(given, judged)})
    else:
        _show(report)
        proven = _proven(given, judged)
        if proven:
            out.print(proven)
    raise typer.Exit(0 if report.ok else 1)


def _from_vroom(document: bytes) -> Problem:
    return problem_from_vroom(parsed(document))


_READERS: dict[Format, Callable[[bytes], Problem]] = {
    Format.PLANNING: read_problem,
    Format.VROOM: _from_vroom,
}


def _proven(given: Problem, plan: Plan) -> str:
    """What the plan's bound says, in a line; empty without one."""
    found = gap(given, plan)
    if found is None:
        return ""
    return f"no plan costs less than {plan.bound:,}: a gap of at most {100 * found:.2f} %"


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
