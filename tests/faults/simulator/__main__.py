"""`python -m tests.faults.simulator FIRST [COUNT] [--without PROTECTION] [--trace]`: play seeds; 1 when one fails.

Prints one JSON object: the seeds played, the troubles that landed, and what was violated, if anything.
"""

import argparse
import gc
import json
import logging
import sys

import structlog

from tests.faults.simulator.invariants import Violation
from tests.faults.simulator.runs import simulator
from tests.faults.simulator.weaker import WEAKER


def main() -> int:
    """Play the seeds that the command line names, up to the first that fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("first", type=int)
    parser.add_argument("count", type=int, nargs="?", default=1)
    parser.add_argument("--without", choices=list(WEAKER))
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    played, violation = 0, ""
    with simulator() as playing:
        gc.freeze()
        gc.set_threshold(100_000)  # seeds leave few cycles behind
        for seed in range(options.first, options.first + options.count):
            try:
                trace = playing.run(seed, WEAKER.get(options.without))
            except Violation as wrong:
                violation = str(wrong)
                break
            played += 1
            if options.trace:
                sys.stderr.write("\n".join(trace) + "\n")
        story = {"played": played, "landed": playing.landed, "violation": violation}
    sys.stdout.write(json.dumps(story) + "\n")
    return 1 if violation else 0


if __name__ == "__main__":
    sys.exit(main())
