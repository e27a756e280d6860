"""VROOM, in its own process by pyvroom: heuristics and local search at its deepest exploration level.

It knows skills (levels and crew sizes are written as such), breaks, several windows, loads, setups shared at a
place, fixed costs. It ranks visits by priority instead of weighing what leaving them out costs.
"""

import json
import time
from datetime import timedelta

import numpy as np
import vroom

from benchmarks.peers.features import CannotExpress, timed
from optimizer.plan import Plan
from optimizer.problem import Problem, ProblemError
from optimizer.travel import compile_travel
from optimizer.vroom import problem_to_vroom
from optimizer.vroom.writing import profile_names

DEEPEST = 5
"""VROOM's highest exploration level."""


def planned(problem: Problem, seconds: float, _seed: int) -> Plan:
    """The plan of VROOM, which is deterministic and may end early; raise CannotExpress.

    The time limit is VROOM's own: to read the document costs it none.
    """
    try:
        document = problem_to_vroom(problem, matrices=False)
    except ProblemError as refusal:
        raise CannotExpress(f"{refusal.message} ({refusal.path})") from refusal
    given = vroom.Input()
    given._from_json(json.dumps(document | {"matrices": {}}), False)  # noqa: SLF001
    travel = compile_travel(problem)
    for name, way in dict(zip(profile_names(travel), travel, strict=True)).items():
        given.set_durations_matrix(name, way.seconds.astype(np.uint32))
    began = time.monotonic()
    found = given.solve(
        exploration_level=DEEPEST, nb_threads=1, timeout=timedelta(seconds=seconds)
    ).to_dict()
    at_shift = {vehicle["id"]: s for s, vehicle in enumerate(document["vehicles"])}
    at_visit = {job["id"]: v for v, job in enumerate(document["jobs"])}
    orders: list[list[int]] = [[] for _ in problem.shifts]
    for route in found["routes"]:
        orders[at_shift[route["vehicle"]]] = [
            at_visit[step["id"]] for step in route["steps"] if step["type"] == "job"
        ]
    return timed(problem, orders, "vroom", began=began)
