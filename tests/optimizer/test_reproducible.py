"""The same board, seed, workers and iterations give the same plan in every process."""

import hashlib
import json
import os
import subprocess
import sys

import pytest

from optimizer.check import check
from optimizer.codec import plan_document, read_plan, write_problem
from optimizer.plan import Plan
from optimizer.problem import Problem
from tests.optimizer.generate import random_problem

pytestmark = pytest.mark.system

BOARDS = range(20)
PROCESSES = 5
ITERATIONS = 300
MOST_VISITS = 25


def planned(given: Problem, *, seed: int, hash_seed: int) -> Plan:
    """The plan of a process of its own, in which Python's sets and hashes have another order."""
    options = ["--iterations", str(ITERATIONS), "--seed", str(seed), "--workers", "2"]
    ended = subprocess.run(
        [sys.executable, "-m", "optimizer", *options],
        input=write_problem(given),
        env=os.environ | {"PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return read_plan(ended.stdout)


def fingerprint(plan: Plan) -> str:
    """A hash of the plan without the story of its search."""
    document = {key: value for key, value in plan_document(plan).items() if key != "search"}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize("board", BOARDS)
def test_five_fresh_processes_give_one_plan(board: int) -> None:
    given = random_problem(board, most_visits=MOST_VISITS)

    plans = [planned(given, seed=board, hash_seed=i) for i in range(1, PROCESSES + 1)]

    assert len({fingerprint(plan) for plan in plans}) == 1
    assert check(given, plans[0]).ok
