"""Which instances a run is made of, and how long each is planned."""

from pathlib import Path

from benchmarks import days, vrptw
from benchmarks.humen import humen
from benchmarks.instances import Named

SUITES = ("quick", "days", "vrptw", "all")
QUICK_SECONDS = 3.0
DAYS_SIZES = (50, 100, 200, 400, 1000)
VRPTW_SIZES = (100, 200)
SECONDS = {100: 10.0, 200: 30.0, 400: 60.0, 1000: 60.0, 5000: 300.0}
"""Wall seconds by size: those of the largest entry that is not above it, and at least the first."""


def instances(
    suite: str, *, sizes: list[int], seeds: list[int], kinds: list[str], folder: Path | None
) -> list[Named]:
    """The instances of a suite, in the order of the tables; `sizes` and `kinds` narrow it when given."""
    if suite == "quick":
        return [
            humen(),
            *_days(sizes or [100], seeds, kinds),
            *_vrptw(sizes or [100], seeds, ["c1", "r1", "rc2"], folder),
        ]
    found: list[Named] = []
    if suite in {"days", "all"}:
        found += [] if sizes else [humen()]
        found += _days(sizes or list(DAYS_SIZES), seeds, kinds)
    if suite in {"vrptw", "all"}:
        found += _vrptw(sizes or list(VRPTW_SIZES), seeds, list(vrptw.TYPES), folder)
        if folder is not None:
            read = vrptw.read_folder(folder)
            found += [named for named in read if not sizes or named.size in sizes]
    return found


def _days(sizes: list[int], seeds: list[int], kinds: list[str]) -> list[Named]:
    return [
        days.made(kind, size, seed)
        for size in sizes
        for kind in (kinds or days.KINDS)
        for seed in seeds
    ]


def _vrptw(
    sizes: list[int], seeds: list[int], types: list[str], folder: Path | None
) -> list[Named]:
    """Made-up instances, where no files are given that would say more."""
    if folder is not None:
        return []
    return [vrptw.made(kind, size, seed) for size in sizes for kind in types for seed in seeds]


def seconds_for(named: Named, suite: str) -> float:
    """How long an instance is planned when nothing else is said."""
    if suite == "quick":
        return QUICK_SECONDS
    fitting = [seconds for size, seconds in SECONDS.items() if named.size >= size]
    return fitting[-1] if fitting else SECONDS[100]
