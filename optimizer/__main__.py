"""The optimizer as a process of its own: a problem on stdin, the plan on stdout.

Progress goes to stderr, one JSON object a line. SIGINT and SIGTERM end the search, and the best
plan so far is written all the same. Exit status 2, with `path: message` on stderr, when the
document is refused.
"""

import argparse
import json
import signal
import sys
from types import FrameType

from optimizer.codec import read_problem, write_plan
from optimizer.naive import naive
from optimizer.problem import ProblemError
from optimizer.solve import ENGINES, Limits, Progress, solve

NAIVE = "naive"
"""The rule of thumb to compare with, as if it were an engine."""


def main() -> int:
    """Run once; the exit status, 0 when a plan was written and 2 when the problem is refused."""
    options = _options()
    told = _Told()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told.hear)
    try:
        problem = read_problem(sys.stdin.buffer.read())
    except ProblemError as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    if options.engine == NAIVE:
        plan = naive(problem)
    else:
        plan = solve(
            problem,
            Limits(seconds=options.seconds, iterations=options.iterations),
            seed=options.seed,
            workers=options.workers,
            engine=options.engine,
            bound_seconds=options.bound,
            progress=_report,
            stop=told.stop,
        )
    sys.stdout.write(write_plan(plan))
    sys.stdout.flush()
    return 0


class _Told:
    """Whether a signal has told the search to end."""

    def __init__(self) -> None:
        self._heard = False

    def hear(self, _number: int, _frame: FrameType | None) -> None:
        """Take note of a signal."""
        self._heard = True

    def stop(self) -> bool:
        """Whether one came."""
        return self._heard


def _report(progress: Progress) -> None:
    line = {
        "seconds": round(progress.seconds, 3),
        "iterations": progress.iterations,
        "total": progress.total,
        "served": progress.served,
    }
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m optimizer", description=__doc__)
    parser.add_argument("--seconds", type=float, help="wall seconds for the search")
    parser.add_argument("--iterations", type=int, help="iterations of the search; reproducible")
    parser.add_argument("--bound", type=float, default=0.0, help="more seconds, to prove a bound")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--engine", choices=(*ENGINES, NAIVE), default=ENGINES[0])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
