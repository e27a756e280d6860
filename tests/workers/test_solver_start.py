"""How a solver's process begins: nothing is compiled, and the search is under way within a second."""

import time
from collections.abc import Mapping
from pathlib import Path

import numba
import pytest

import optimizer.kernels
import optimizer.solve  # noqa: F401 - compiles what has never been compiled
from dispatch.core.config import Settings
from optimizer.codec import read_plan, write_problem
from tests.optimizer.builders import problem, visit
from tests.pace import quickest
from workers.solver import run_solver

pytestmark = pytest.mark.system

STARTS_WITHIN_S = 1.0


def kept() -> Mapping[Path, tuple[int, int]]:
    """The files of compiled functions, each with its size and when it was written."""
    folder = Path(numba.config.CACHE_DIR)
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def test_a_solve_compiles_nothing_and_begins_within_a_second() -> None:
    document = write_problem(problem(visit("A"), visit("B")))
    before = kept()
    began: list[float] = []

    def solve() -> None:
        at = time.perf_counter()
        answer = run_solver(
            Settings(), document, seconds=60, iterations=1, seed=1,
            on_progress=lambda _: began.append(time.perf_counter() - at),
        )  # fmt: skip
        assert len(read_plan(answer).routes) == 1

    took = quickest(solve, times=5)

    assert before, "the kernels are kept somewhere"
    assert kept() == before
    assert began
    assert took < 2 * STARTS_WITHIN_S
