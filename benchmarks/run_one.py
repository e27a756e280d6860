"""One engine on one problem in a process of its own: the problem on stdin, a JSON object on stdout.

The object holds `plan` (the plan as text), the wall `seconds` of its search and the most `memory_mb` it took; or
`cannot`, what the engine has no word for.
"""

import argparse
import json
import resource
import sys
import time

from benchmarks.peers import PEERS, PROVING, CannotExpress, planner
from optimizer.codec import read_problem, write_plan

KILOBYTES = 1 if sys.platform != "darwin" else 1024
"""What the system counts memory in."""


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser(prog="benchmarks.run_one", description=__doc__)
    parser.add_argument("--engine", required=True, choices=tuple(PEERS))
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bound", type=float, default=0.0)
    options = parser.parse_args()
    problem = read_problem(sys.stdin.buffer.read())
    plan_with = planner(options.engine)
    began = time.monotonic()
    try:
        more = {"bound": options.bound} if options.engine in PROVING else {}
        plan = plan_with(problem, options.seconds, options.seed, **more)
    except CannotExpress as reason:
        sys.stdout.write(json.dumps({"cannot": str(reason)}))
        return
    answer = {
        "plan": write_plan(plan),
        "seconds": plan.search.get("seconds", round(time.monotonic() - began, 2)),
        "memory_mb": _memory(resource.RUSAGE_SELF) + _memory(resource.RUSAGE_CHILDREN),
    }
    sys.stdout.write(json.dumps(answer))


def _memory(who: int) -> int:
    return resource.getrusage(who).ru_maxrss // KILOBYTES // 1024


if __name__ == "__main__":
    main()
