"""Made-up days of a power utility's field service around Humen, Dongguan, in the planning format.

The same kind, size and seed give the same problem on every machine: all chance is `random.Random`'s, all
arithmetic IEEE without transcendental functions. Days are slightly overloaded, so that a few visits are left out,
and about one visit in a hundred asks for what no crew has.
"""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from random import Random

from benchmarks.days.crews import Roster, roster
from benchmarks.days.ground import Ground
from benchmarks.days.sketch import sketched
from benchmarks.days.ties import tied
from benchmarks.days.work import Desk
from benchmarks.instances import Named
from optimizer.problem import Estimate, Problem, Visit, Weights

KINDS = ("plain", "hard", "soft", "linked", "replanned", "week", "week7")
SHIFTS = {50: 6, 100: 12, 200: 24, 400: 48, 1000: 120, 5000: 500}
"""Shifts by number of visits, as planned in practice; other sizes take one for eight visits."""
SIZES = tuple(SHIFTS)
START = datetime(2026, 11, 24, tzinfo=timezone(timedelta(hours=8)))
TRAVEL = Estimate(speed_kmh=30, detour=1.35, overhead=60)
CHANGE = 900
"""Points of moving a published visit to another shift."""


def made(kind: str, size: int, seed: int) -> Named:
    """A day, or for `week` and `week7` several: `kind` one of KINDS, `size` visits.

    plain: hard windows, levelled skills, crew sizes, parts, several depots, setups shared at a place. hard: that
    and lunch breaks. soft: due times by the points table, overtime, preferences, shifts that cost. linked: hard,
    and all four relations on some visits. replanned: hard, with a plan in force, a crew that is absent and new
    urgent visits. week: three or five days, visits promised or followed up on some of them, others priced by the
    day. week7: the same over seven days.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    chance = Random(f"days {kind} {size} {seed}")
    shifts = SHIFTS.get(size, max(2, size // 8))
    days = 7 if kind == "week7" else 1 if kind != "week" else 3 if size <= 100 else 5
    ground = Ground(chance, size, shifts)
    name, kind = kind, "week" if kind == "week7" else kind
    crews = roster(chance, ground, kind, max(2, -(-shifts // days)), days)
    desk = Desk(chance, ground, crews, kind, size / max(shifts, days * len(crews.crews)))
    visits = desk.visits(size)
    problem = Problem(
        start=START,
        places=tuple(ground.places),
        travel=TRAVEL,
        crews=crews.crews,
        shifts=crews.shifts,
        visits=visits,
        weights=Weights(not_preferred=600 if kind == "soft" else 0),
    )
    if kind == "linked":
        problem = tied(chance, problem)
    if kind == "replanned":
        problem = _replanned(problem, desk, crews)
    return Named("days", f"{name} {size}", f"{name}-{size}-{seed}", problem)


def _replanned(problem: Problem, desk: Desk, crews: Roster) -> Problem:
    """The day once more: one crew in twelve does not come, and some of its visits are new and urgent."""
    count = max(2, len(problem.visits) // 50)
    known = problem.visits[:-count]
    fresh = tuple(desk.urgent(visit) for visit in problem.visits[-count:])
    incumbent = sketched(replace(problem, visits=known))
    absent = {shift.id for shift in crews.shifts[:: max(6, min(12, len(crews.shifts)))]}
    visits: tuple[Visit, ...] = (*known, *fresh)
    return replace(
        problem,
        visits=visits,
        shifts=tuple(shift for shift in problem.shifts if shift.id not in absent),
        incumbent=incumbent,
        weights=Weights(change=CHANGE),
    )
