"""Runs engines on instances, each in a process of its own, and judges what they answer."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.instances import Named
from optimizer.check import check
from optimizer.codec import read_plan, write_problem
from optimizer.gap import gap, unavoidable
from optimizer.plan import Plan

AT_MOST = 900.0
"""Seconds beyond its limit after which an engine is given up: large plans take time to be told."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True)
class Row:
    """What one engine made of one instance. Costs are points; `cannot` says why there are none."""

    suite: str
    kind: str
    instance: str
    size: int
    engine: str
    seed: int
    limit: float
    best_known: int | None
    total: int | None = None
    unavoidable: int = 0
    """Points of visits that no shift could serve."""
    left_out: int = 0
    served: int = 0
    travel_minutes: float = 0.0
    violations: int = 0
    seconds: float = 0.0
    memory_mb: int = 0
    steps_a_second: int = 0
    """Steps of the search in each second of it, all walks together; 0 where none are counted."""
    bound: int | None = None
    proven_gap: float | None = None
    """What the bound leaves open, percent of the total without what is unavoidable."""
    cannot: str | None = None


def run_all(
    named: Sequence[Named],
    engines: Sequence[str],
    *,
    seconds: Callable[[Named], Sequence[float]],
    seeds: Sequence[int],
    jobs: int,
    bound: float = 0.0,
    told: Callable[[Row, int, int], None],
) -> list[Row]:
    """A row for each instance, limit, engine and seed, in that order; `told` hears of each as it ends.

    Engines without chance in them (`vroom`, `naive`) are run with the first seed only.
    """
    tasks = [
        (instance, engine, limit, seed)
        for instance in named
        for limit in seconds(instance)
        for engine in engines
        for seed in (seeds[:1] if engine in {"vroom", "naive"} else seeds)
    ]
    rows: list[Row] = []
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        for row in pool.map(lambda task: run(*task, bound=bound), tasks):
            rows.append(row)
            told(row, len(rows), len(tasks))
    return rows


def run(named: Named, engine: str, limit: float, seed: int, *, bound: float = 0.0) -> Row:
    """Run one engine on one instance and judge its plan; `bound` seconds more may go into a proof."""
    keys: dict[str, Any] = {
        "suite": named.suite,
        "kind": named.kind,
        "instance": named.name,
        "size": named.size,
        "engine": engine,
        "seed": seed,
        "limit": limit,
        "best_known": named.best_known,
    }
    argv = [sys.executable, "-m", "benchmarks.run_one", "--engine", engine]
    argv += ["--seconds", str(limit), "--seed", str(seed), "--bound", str(bound)]
    try:
        done = subprocess.run(
            argv,
            input=write_problem(named.problem).encode(),
            capture_output=True,
            check=False,
            timeout=limit + bound + AT_MOST,
            env={**os.environ, **ONE_THREAD},
        )
    except subprocess.TimeoutExpired:
        return Row(**keys, cannot=f"no answer {AT_MOST:.0f} s after its limit")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no word"]
        return Row(**keys, cannot=f"failed: {said[-1]}")
    answer = json.loads(done.stdout)
    if "cannot" in answer:
        return Row(**keys, cannot=answer["cannot"])
    plan = read_plan(answer["plan"])
    return Row(
        **keys,
        **_judged(named, plan),
        seconds=answer["seconds"],
        memory_mb=answer["memory_mb"],
    )


def _judged(named: Named, plan: Plan) -> dict[str, Any]:
    report = check(named.problem, plan)
    proven = gap(named.problem, plan)
    steps, seconds = plan.search.get("iterations", 0), plan.search.get("seconds", 0.0)
    return {
        "total": report.cost.total,
        "unavoidable": unavoidable(named.problem, plan),
        "left_out": len(plan.unserved),
        "served": sum(len(route.stops) for route in plan.routes),
        "travel_minutes": round(sum(route.travel_seconds for route in plan.routes) / 60, 1),
        "steps_a_second": round(steps / seconds) if seconds else 0,
        "bound": plan.bound,
        "proven_gap": None if proven is None else 100 * proven,
        "violations": len(report.violations) + len(report.figures),
    }
