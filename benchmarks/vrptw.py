"""The vehicle routing problem with time windows as a planning problem, read from files or made up.

Files are those of Solomon (Operations Research 35, 1987) and Gehring and Homberger (1999) in their usual text form.
The convention is that of the 12th DIMACS challenge (2021): distance and travel time are the Euclidean distance cut
off after one decimal; here times ten, so that all is whole. A plan's cost is then its distance times ten.
"""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from benchmarks.instances import Named
from optimizer.problem import Crew, Matrix, Place, Problem, Shift, Visit, Window

TENTHS = 10
NEVER = 10_000_000
"""Cost of leaving a customer out, points: more than any of these plans costs."""
START = datetime(2026, 1, 1, tzinfo=UTC)


class FileRefused(ValueError):
    """A text is no VRPTW instance; the message names the line."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A row of a file, in its units; the first row is the depot."""

    x: float
    y: float
    demand: int
    ready: int
    due: int
    service: int


def read_folder(folder: Path) -> list[Named]:
    """Every instance in a folder and the folders in it, with the best known costs of its `best_known.json`.

    The keys of that file are paths inside the folder, its values objects with a `cost_x10`. Raise FileRefused.
    """
    if not folder.is_dir():
        raise FileRefused(f"there is no folder {folder}")
    known: dict[str, dict[str, int]] = {}
    if (folder / "best_known.json").exists():
        known = json.loads((folder / "best_known.json").read_text(encoding="utf-8"))
    found = []
    for path in sorted(folder.rglob("*.txt")):
        try:
            problem = problem_from(path.read_text(encoding="utf-8"))
        except FileRefused as refusal:
            raise FileRefused(f"{path}: {refusal}") from refusal
        best = known.get(path.relative_to(folder).as_posix(), {}).get("cost_x10")
        kind = f"vrptw {len(problem.visits)}"
        found.append(Named("vrptw", kind, path.stem.lower(), problem, best))
    return sorted(found, key=lambda named: (named.size, named.name))


def problem_from(text: str) -> Problem:
    """The planning problem in the text of a file; raise FileRefused."""
    rows = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1)]
    vehicles: tuple[int, int] | None = None
    customers: list[Customer] = []
    for number, cells in rows:
        if not cells or not cells[0].isdigit():
            continue
        try:
            if vehicles is None:
                count, capacity = map(int, cells)
                vehicles = count, capacity
                continue
            index, x, y, *rest = map(float, cells)
            customer = Customer(x, y, *map(int, rest))
        except (ValueError, TypeError):
            raise FileRefused(
                f"line {number} is no row of an instance: {' '.join(cells)}"
            ) from None
        if index != len(customers):
            raise FileRefused(f"line {number} should be customer {len(customers)}")
        customers.append(customer)
    if vehicles is None or len(customers) < 2:
        raise FileRefused("has no vehicles or no customers")
    return problem_of(customers, *vehicles)


def problem_of(customers: list[Customer], vehicles: int, capacity: int) -> Problem:
    """The planning problem of these customers, the first of which is the depot."""
    depot = customers[0]
    seconds = tuple(
        tuple(
            math.floor(TENTHS * math.sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2)) for b in customers
        )
        for a in customers
    )
    names = [str(index) for index in range(len(customers))]
    return Problem(
        start=START,
        places=tuple(Place(name) for name in names),
        travel=Matrix(seconds),
        crews=tuple(Crew(f"vehicle {index}") for index in range(1, vehicles + 1)),
        shifts=tuple(
            Shift(
                id=f"vehicle {index}",
                crew=f"vehicle {index}",
                start=0,
                end=TENTHS * depot.due,
                from_=names[0],
                to=names[0],
                stock={"load": capacity},
            )
            for index in range(1, vehicles + 1)
        ),
        visits=tuple(
            Visit(
                id=name,
                place=name,
                duration=TENTHS * customer.service,
                windows=(Window(TENTHS * customer.ready, TENTHS * customer.due),),
                parts={"load": customer.demand},
                unserved_cost=NEVER,
            )
            for name, customer in zip(names[1:], customers[1:], strict=True)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the six types of instances differ in."""

    capacity: int
    horizon: int
    service: int
    width: int
    """Half of a window's usual width."""


_SHAPES = {
    "c1": _Shape(200, 1236, 90, 30),
    "c2": _Shape(700, 3390, 90, 80),
    "r1": _Shape(200, 230, 10, 10),
    "r2": _Shape(1000, 1000, 10, 60),
    "rc1": _Shape(200, 240, 10, 15),
    "rc2": _Shape(1000, 960, 10, 60),
}
TYPES = tuple(_SHAPES)


def made(kind: str, size: int, seed: int) -> Named:
    """An instance in the manner of Solomon: `kind` one of TYPES, `size` customers; the same on every machine."""
    chance = Random(f"vrptw {kind} {size} {seed}")
    shape = _SHAPES[kind]
    # Larger ones cover more ground at the same density, as Gehring and Homberger's do.
    side = round(100 * max(1.0, math.sqrt(size / 100)))
    horizon = round(shape.horizon * max(1.0, side / 140))
    depot = Customer(side // 2, side // 2, 0, 0, horizon, 0)
    share = chance.choice([0.25, 0.5, 0.75, 1.0, 1.0])
    spots = _spots(chance, kind.rstrip("12"), size, side)
    customers = [depot, *(_customer(chance, spot, depot, shape, share) for spot in spots)]
    problem = problem_of(customers, max(2, size // 4), shape.capacity)
    return Named("vrptw", f"vrptw made {size}", f"{kind}-{size}-{seed}", problem)


def _spots(chance: Random, kind: str, size: int, side: int) -> list[tuple[int, int]]:
    """Where customers are: anywhere (r), in clusters of ten (c), or half and half (rc)."""
    clustered = {"r": 0, "c": size, "rc": size // 2}[kind]
    centres = [
        (chance.randint(5, side - 5), chance.randint(5, side - 5))
        for _ in range(max(1, clustered // 10))
    ]
    spots = []
    for index in range(size):
        if index < clustered:
            x, y = centres[index % len(centres)]
            x += chance.randint(-3, 3) + chance.randint(-2, 2)
            y += chance.randint(-3, 3) + chance.randint(-2, 2)
            spots.append((min(side, max(0, x)), min(side, max(0, y))))
        else:
            spots.append((chance.randint(0, side), chance.randint(0, side)))
    return spots


def _customer(
    chance: Random, spot: tuple[int, int], depot: Customer, shape: _Shape, share: float
) -> Customer:
    """A customer whose window one vehicle alone could always keep."""
    x, y = spot
    way = math.isqrt(int((x - depot.x) ** 2 + (y - depot.y) ** 2)) + 1
    earliest, latest = way, depot.due - way - shape.service
    ready, due = 0, latest
    if chance.random() < share:
        centre = chance.randint(earliest, max(earliest, latest))
        half = chance.randint(max(1, shape.width // 2), 2 * shape.width)
        ready, due = max(0, centre - half), min(latest, centre + half)
    demand = chance.choice([10, 10, 20, 20, 30, 40])
    return Customer(x, y, demand, ready, max(due, earliest), shape.service)
