"""Days in which chance breaks everything, thousands of them: whatever breaks, the same few things always hold."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.counts import times
from tests.faults.simulator.invariants import Violation
from tests.faults.simulator.runs import Simulator, simulator
from tests.faults.simulator.weaker import WEAKER

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.faults

SEEDS = times(500, 20_000)
ENOUGH_TO_NOTICE = 80
"""Seeds among which the simulator finds a missing protection."""


@pytest.fixture(scope="module")
def here() -> Iterator[Simulator]:
    """A simulator in this process."""
    with simulator() as made:
        yield made


def play(first: int, count: int, *options: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.simulator", str(first), str(count), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(times(900, 24 * 3600))
def test_whatever_breaks_the_same_few_things_hold() -> None:
    processes = min(os.cpu_count() or 1, 8)
    share = -(-SEEDS // processes)
    running = [play(number * share, share) for number in range(processes)]
    landed: Counter[str] = Counter()
    played = 0
    for process in running:
        told, errors = process.communicate()
        assert told, errors[-2000:]
        story = json.loads(told)
        assert process.returncode == 0, story["violation"]
        played += story["played"]
        landed.update(story["landed"])

    assert played >= SEEDS
    troubles = {"killed", "frozen", "answer lost", "solver died", "nonsense", "rings lost",
                "rings doubled", "rings forgotten", "rings turned round"}  # fmt: skip
    assert troubles <= landed.keys(), f"some trouble never came about: {landed}"
    assert landed["killed"] >= SEEDS
    assert landed["frozen"] >= SEEDS / 10


def test_a_seed_plays_the_same_again_in_another_process() -> None:
    one, other = (play(3, 4, "--trace", PYTHONHASHSEED=number) for number in ("1", "2"))

    (_, first), (_, second) = one.communicate(), other.communicate()

    assert first == second
    assert len(first.splitlines()) > 60


@pytest.mark.parametrize("protection", list(WEAKER))
def test_without_a_protection_the_simulator_finds_what_it_prevents(
    here: Simulator, protection: str
) -> None:
    for seed in range(ENOUGH_TO_NOTICE):
        try:
            here.run(seed, WEAKER[protection])
        except Violation:
            break
    else:
        raise AssertionError(f"{ENOUGH_TO_NOTICE} seeds did not notice the lack of {protection}")

    here.run(seed)  # with the protection the same seed is all right
