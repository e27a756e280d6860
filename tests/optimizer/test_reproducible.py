"""The same board, seed, workers and iterations give the same plan in every process."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from optimizer.check import check
from optimizer.codec import plan_document, read_plan, write_problem
from optimizer.plan import Plan
from tests.optimizer.generate import random_problem

pytestmark = pytest.mark.system

BOARDS = range(20)
PROCESSES = 5
ITERATIONS = 300
MOST_VISITS = 25


SCRIPT = """
import json, sys
from optimizer.codec import plan_document, read_problem
from optimizer.solve import Limits, solve

for seed, board in enumerate(json.load(sys.stdin)):
    plan = solve(read_problem(board), Limits(iterations=int(sys.argv[1])), seed, workers=2)
    print(json.dumps(plan_document(plan)))
"""


def planned(boards: str, *, hash_seed: int) -> list[str]:
    """The plans of a process of its own, in which Python's sets and hashes have another order."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ITERATIONS)],
        input=boards,
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.splitlines()


def fingerprint(plan: Plan) -> str:
    """A hash of the plan without the story of its search."""
    document = {key: value for key, value in plan_document(plan).items() if key != "search"}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def test_five_fresh_processes_give_one_plan_of_each_board() -> None:
    boards = [random_problem(board, most_visits=MOST_VISITS) for board in BOARDS]
    written = json.dumps([write_problem(board) for board in boards])

    plans = [planned(written, hash_seed=i) for i in range(1, PROCESSES + 1)]

    for number, board in enumerate(boards):
        found = [read_plan(told[number]) for told in plans]
        assert len({fingerprint(plan) for plan in found}) == 1, f"board {number}"
        assert check(board, found[0]).ok
