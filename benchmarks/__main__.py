"""`./run bench`: the Humen day planned by each engine, judged by the checker, in one run.

Every engine is a process of its own with the same limits, as the product runs it. The table is Markdown.
"""

import argparse
import tempfile
from datetime import date, time
from pathlib import Path

from rich.console import Console

from dispatch.core.calendar import at_local, zone_named
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.migrate import migrate
from dispatch.exchange.loading import load_folder
from dispatch.planning.problem import build
from optimizer.check import check
from optimizer.codec import read_plan, read_problem, write_problem
from workers.solver import run_solver

HUMEN = Path(__file__).resolve().parents[1] / "examples" / "humen"
DAY = date(2026, 11, 24)
out = Console(highlight=False, soft_wrap=True)


def humen_day() -> str:
    """The problem of the Humen example on `DAY`, seen at 07:00: the same document on every machine."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        migrate(database)
        now = at_local(DAY, time(7), zone_named("Asia/Shanghai"))
        loaded = load_folder(database, folder=HUMEN, day=DAY, now=now)
        with database.reading() as session:
            built = build(session, territory_id=loaded.territory_id, day=DAY, now=now)
        database.close()
    return write_problem(built.problem)


def main() -> None:
    """Plan, judge, print."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, nargs="+", default=[2.0, 5.0, 20.0])
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    document = humen_day()
    problem = read_problem(document)
    out.print(f"Humen, {DAY}: {len(problem.visits)} visits, {len(problem.shifts)} shifts\n")
    out.print(
        "| engine | seconds | total cost | left out | minutes driven per visit | violations |"
    )
    out.print("| --- | ---: | ---: | ---: | ---: | ---: |")
    runs = [("naive", 1.0), *(("routing", seconds) for seconds in options.seconds)]
    for engine, seconds in runs:
        answer = run_solver(Settings(), document, seconds=seconds, seed=options.seed, engine=engine)
        plan = read_plan(answer)
        report = check(problem, plan)
        served = sum(len(route.stops) for route in plan.routes)
        driven = sum(route.travel_seconds for route in plan.routes) / 60 / served
        broken = len(report.violations) + len(report.figures)
        shown = "-" if engine == "naive" else f"{seconds:g}"
        out.print(
            f"| {engine} | {shown} | {plan.cost.total:,} | {len(plan.unserved)} | {driven:.1f} | {broken} |"
        )


if __name__ == "__main__":
    main()
