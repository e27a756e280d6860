"""Questions about a plan: `replan`, `explain`, `insert`, `offers`, `compare`, each answered from two documents."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from api.cli import replies
from api.cli.console import err, out, print_json, refuse
from api.cli.problems import DOCUMENT_REFUSED, accepted, moment, read, searched, write
from optimizer.codec import (
    plan_document,
    problem_document,
    read_plan,
    read_problem,
    write_plan,
    write_problem,
)
from optimizer.compare import compare
from optimizer.concluding import concluded
from optimizer.explain import explain
from optimizer.insert import apply, insert
from optimizer.offers import offers
from optimizer.plan import Plan
from optimizer.problem import Problem, ProblemError
from optimizer.rest import rest_of_day
from optimizer.standing import VisitUnknown
from workers.frames import plain

Answer = TypeVar("Answer")

_WINDOW = re.compile(r"(-?[\d:]+)-(-?[\d:]+)", re.ASCII)
EVERY = 7200
"""Length of the windows that are offered when none are asked for, seconds."""

ProblemFile = Annotated[
    Path, typer.Argument(help="A problem in the planning format (JSON); - reads standard input.")
]
PlanFile = Annotated[Path, typer.Argument(help="A plan for it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command("replan")(replan_rest)
    app.command("explain")(explain_visit)
    app.command("insert")(insert_visit)
    app.command("offers")(offer_windows)
    app.command("compare")(compare_plans)


def replan_rest(
    problem: ProblemFile,
    plan: PlanFile,
    now: Annotated[
        str,
        typer.Option(
            help="The time it is: seconds after the problem's start, or HH:MM on its first day."
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the plan of the rest here.")
    ] = None,
    rest: Annotated[
        Path | None,
        typer.Option("--rest", help="Write the problem of the rest here; `check` needs it."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, max=86400, help="Stop after so many seconds.")
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=0, help="Stop after so many iterations: repeatable.")
    ] = None,
    change: Annotated[
        int | None,
        typer.Option(min=0, help="Points for moving a visit; the problem's own unless given."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1)] = 0,
    workers: Annotated[int, typer.Option(min=1, max=64)] = 1,
    as_json: AsJson = False,
) -> None:
    """Plan the rest of the day again at a moment of it, and list who is affected.

    PROBLEM is the whole day as it is known now (new visits in it, cancelled ones gone); PLAN is the one in force,
    taken to have been kept until now. What has begun is frozen: finished visits are left out, those under way or
    driven to stay where they are. The rest moves only when that pays for `weights.change`.

        gridcrew replan day.json plan.json --now 10:30 --rest rest.json -o rest-plan.json
        gridcrew check rest.json rest-plan.json

    Exit code 0: a plan was made; 2: a document is refused.
    """
    given, before = _read(problem, plan)
    at = moment(now, given.start)
    if change is not None:
        given = replace(given, weights=replace(given.weights, change=change))
    left = rest_of_day(given, before, at)
    found = searched(
        write_problem(left), seconds=seconds, iterations=iterations, seed=seed, workers=workers
    )
    done = concluded(left, before, read_plan(found))
    if rest is not None:
        rest.write_text(write_problem(done.problem), encoding="utf-8")
        err.print(f"wrote {rest}")
    if as_json:
        print_json(
            {
                "plan": plan_document(done.plan),
                "problem": problem_document(done.problem),
                "affected": plain(done.affected),
            }
        )
    else:
        out.print(replies.replanned(done, given, at))
    if output is not None:
        write(write_plan(done.plan), output, also_print=False)


def explain_visit(
    problem: ProblemFile,
    plan: PlanFile,
    visit: Annotated[str, typer.Argument(help="The id of a visit of the problem.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the settled plan here, where there is one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say why PLAN leaves VISIT out, proven by trying every shift, or why it is where it is.

    A visit left out is impossible (no empty shift could), displaced (only instead of others: which, at what cost),
    not worth it (both figures), or tied to one that is left out. Below stand the smallest changes that would make
    it fit; each has been tried. A place that is worth its cost is no reason: the answer is then about the settled
    plan, which has the visit in it (-o). A planned visit is compared with the three next best crews.

        gridcrew explain day.json plan.json V17

    Exit code 0: answered; 2: a document is refused or the visit is unknown.
    """
    given, standing = _read(problem, plan)
    found = _asked(lambda: explain(given, standing, visit))
    if as_json:
        print_json(plain(found))
    else:
        out.print(replies.explained(found, given))
    if output is not None and found.plan is not None:
        write(write_plan(found.plan), output, also_print=False)


def insert_visit(
    problem: ProblemFile,
    plan: PlanFile,
    visit: Annotated[str, typer.Argument(help="The id of a visit that the plan leaves out.")],
    count: Annotated[int, typer.Option("-k", min=1, max=1000, help="So many places at most.")] = 3,
    shift: Annotated[
        str | None, typer.Option("--shift", help="Places on this shift alone.")
    ] = None,
    displacing: Annotated[
        bool,
        typer.Option(
            "--displacing", help="Where none is free, places of visits that cost less to leave out."
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Write the plan with the first of the places here."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Name the cheapest places for VISIT in PLAN, with the times, the cost, and whom each delays or puts out.

    Everything else keeps its crew and its order. Visits that begin together go in together.

        gridcrew insert day.json plan.json V17 -o with-it.json

    Exit code 0: there is a place; 1: there is none; 2: a document is refused or the visit is unknown.
    """
    given, standing = _read(problem, plan)
    found = _asked(
        lambda: insert(given, standing, visit, count, displacing=displacing, shift=shift)
    )
    if as_json:
        print_json(plain(found))
    else:
        out.print(replies.inserted(found, given, visit))
    if not found:
        raise typer.Exit(1)
    if output is not None:
        write(write_plan(apply(given, standing, found[0])), output, also_print=False)


def offer_windows(
    problem: ProblemFile,
    plan: PlanFile,
    visit: Annotated[str, typer.Argument(help="The id of a visit that the plan leaves out.")],
    window: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPEN-CLOSE",
            help="When service may begin, from OPEN to CLOSE, both included: seconds after the problem's start or "
            "HH:MM. Repeat it. Without any, every two hours in which a crew works.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which windows VISIT can be offered beside PLAN, what each costs, and why others cannot.

    Costs are what the plan's total changes by, points; negative is better than leaving the visit out. The cheapest
    windows, and those within five minutes of driving of them, are recommended.

        gridcrew offers day.json plan.json V17 --window 09:00-11:00 --window 14:00-16:00

    Exit code 0: at least one window can be offered; 1: none can; 2: a document is refused or the visit is unknown.
    """
    given, standing = _read(problem, plan)
    windows = [_window(text, given) for text in window or ()]
    found = _asked(lambda: offers(given, standing, visit, windows or _every(given)))
    if as_json:
        print_json(plain(found))
    else:
        out.print(replies.offered(found, given, visit))
    raise typer.Exit(0 if any(offer.shift is not None for offer in found) else 1)


def compare_plans(
    problem: ProblemFile,
    plan_a: Annotated[Path, typer.Argument(help="A plan for it.")],
    plan_b: Annotated[Path, typer.Argument(help="Another plan for it.")],
    as_json: AsJson = False,
) -> None:
    """Compare two plans of PROBLEM: each term of the cost, each crew's day, and every visit treated differently.

        gridcrew compare day.json current.json proposed.json

    Exit code 0: compared; 2: a document is refused.
    """
    given, one = _read(problem, plan_a)
    other = accepted(plan_b, read(plan_b), read_plan)
    found = compare(given, one, other)
    if as_json:
        print_json(plain(found))
    else:
        for table in replies.compared(found, given):
            out.print(table)


def _read(problem: Path, plan: Path) -> tuple[Problem, Plan]:
    return accepted(problem, read(problem), read_problem), accepted(plan, read(plan), read_plan)


def _asked(ask: Callable[[], Answer]) -> Answer:
    """The answer, or the refusal as one line."""
    try:
        return ask()
    except VisitUnknown as error:
        refuse(str(error), code=DOCUMENT_REFUSED)
    except ProblemError as error:
        refuse(error.message, code=DOCUMENT_REFUSED)


def _window(text: str, given: Problem) -> tuple[int, int]:
    match = _WINDOW.fullmatch(text)
    if match is None:
        refuse(f"{text!r} is no window: give OPEN-CLOSE, as in 09:00-11:00", code=DOCUMENT_REFUSED)
    return moment(match[1], given.start), moment(match[2], given.start)


def _every(given: Problem) -> list[tuple[int, int]]:
    """Windows of two hours from the first begin of a shift to the last end."""
    first: Any = min((shift.start for shift in given.shifts), default=0)
    last: Any = max((shift.end for shift in given.shifts), default=EVERY)
    begins = range(first, max(last, first + 1), EVERY)
    return [(opens, min(opens + EVERY - 1, max(last, opens))) for opens in begins]
