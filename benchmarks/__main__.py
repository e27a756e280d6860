"""`./run bench`: engines and instances side by side, in one run on one machine.

Every engine is a process of its own with the same wall time and one thread (`gridcrew x2` has two); every plan is
judged by the checker. Tables are Markdown on standard output, progress is on standard error.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import console, eta, importing, questions, sendings, tasks
from benchmarks.days import KINDS
from benchmarks.instances import Named
from benchmarks.peers import PEERS, names
from benchmarks.running import Row, run_all
from benchmarks.suites import SUITES, instances, seconds_for
from benchmarks.tables import printed
from benchmarks.vrptw import FileRefused

WITHOUT = "gridcrew without CP-SAT"


def main() -> None:
    """Plan, judge, print."""
    parser = _parser()
    options = parser.parse_args()
    if options.suite == questions.SUITE:
        for visits in options.sizes or [questions.VISITS]:
            sys.stdout.write(questions.run(visits=visits, shifts=max(2, visits // 10)))
        return
    if options.suite == console.SUITE:
        for visits in options.sizes or [console.VISITS]:
            sys.stdout.write(console.run(visits=visits, shifts=max(2, visits // 10)))
        return
    if options.suite == importing.SUITE:
        sys.stdout.write(importing.run(options.sizes))
        return
    if options.suite == eta.SUITE:
        days = options.sizes[0] if options.sizes else eta.DAYS
        sys.stdout.write(eta.run(days, seed=options.instance_seeds[0]))
        return
    if options.suite in (tasks.SUITE, sendings.SUITE):
        suite = tasks if options.suite == tasks.SUITE else sendings
        sys.stdout.write(suite.run(options.sizes))
        return
    try:
        engines = _engines(options.engines, options.choice)
        named = instances(
            options.suite,
            sizes=options.sizes,
            seeds=options.instance_seeds,
            kinds=options.kinds,
            folder=options.vrptw,
        )
    except (ValueError, FileRefused) as error:
        parser.error(str(error))

    def seconds(instance: Named) -> list[float]:
        return options.seconds or [seconds_for(instance, options.suite)]

    rows = run_all(
        named, engines, seconds=seconds, seeds=options.seeds, jobs=options.jobs,
        bound=options.bound, told=_tell,
    )  # fmt: skip
    if options.json is not None:
        lines = (json.dumps(asdict(row), ensure_ascii=False) for row in rows)
        options.json.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    sys.stdout.write(printed(rows))
    if any(row.violations for row in rows):
        sys.exit("A plan broke the format's rules.")


def _engines(wanted: list[str], choice: str) -> list[str]:
    engines = names(wanted)
    if choice == "off":
        engines = [WITHOUT if engine == "gridcrew" else engine for engine in engines]
    if choice == "both" and "gridcrew" in engines:
        engines.insert(engines.index("gridcrew") + 1, WITHOUT)
    return list(dict.fromkeys(engines))


def _tell(row: Row, done: int, of: int) -> None:
    said = row.cannot or f"{row.total:,} points, {row.left_out} out, {row.seconds:g} s"
    sys.stderr.write(f"[{done}/{of}] {row.instance} {row.engine}: {said}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "--suite",
        choices=(
            *SUITES,
            console.SUITE,
            questions.SUITE,
            importing.SUITE,
            tasks.SUITE,
            sendings.SUITE,
            eta.SUITE,
        ),
        default="quick",
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[], help="visits an instance")
    parser.add_argument("--kinds", choices=KINDS, nargs="+", default=[], help="kinds of days")
    parser.add_argument("--seconds", type=float, nargs="+", help="wall seconds, one or several")
    parser.add_argument(
        "--engines",
        nargs="+",
        default=[engine for engine in PEERS if engine != WITHOUT],
        help=f"of {', '.join(PEERS)}",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="of the engines")
    parser.add_argument(
        "--instance-seeds", type=int, nargs="+", default=[1], help="of what is made up"
    )
    parser.add_argument("--jobs", type=int, default=1, help="engines at a time")
    parser.add_argument("--vrptw", type=Path, metavar="FOLDER", help="read VRPTW files from here")
    parser.add_argument(
        "--choice",
        choices=("on", "off", "both"),
        default="on",
        help="CP-SAT's rounds in gridcrew's search",
    )
    parser.add_argument(
        "--bound",
        type=float,
        default=0.0,
        help="so many seconds more, in which our own engines prove a lower bound",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="raw rows, one JSON object a line"
    )
    return parser


if __name__ == "__main__":
    main()
