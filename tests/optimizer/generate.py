"""Small random problems over the whole format, for tests that solve and then check.

The same seed gives the same problem. Every feature of the format has its own coin, so that among a
hundred problems each one meets each other one.
"""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from random import Random

from optimizer.problem import (
    After,
    Break,
    Crew,
    DifferentCrew,
    Estimate,
    Incumbent,
    IncumbentRoute,
    Matrix,
    Pin,
    Place,
    Problem,
    Profiles,
    Relation,
    SameCrew,
    Shift,
    Together,
    Travel,
    Visit,
    Weights,
    Window,
)

HOUR = 3600
START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
SKILLS = ("hv", "meter")
PARTS = ("fuse", "meter")


def random_problem(seed: int, *, most_visits: int = 10) -> Problem:
    """A problem of up to `most_visits` visits, on one or two days."""
    chance = Random(seed)
    places = tuple(
        Place(f"P{i}", chance.uniform(22.7, 22.9), chance.uniform(113.6, 113.8))
        for i in range(chance.randint(1, 7))
    )
    profiles = chance.random() < 0.2
    travel: Travel = _way(chance, len(places))
    if profiles:
        travel = Profiles({"car": travel, "bike": _way(chance, len(places))})  # type: ignore[arg-type]
    crews = tuple(_crew(chance, i, profiles) for i in range(chance.randint(1, 4)))
    shifts = tuple(shift for crew in crews for shift in _shifts(chance, crew, places))
    count = chance.randint(0 if chance.random() < 0.1 else 3, most_visits)
    visits = tuple(_visit(chance, i, places, crews, shifts) for i in range(count))
    return Problem(
        start=START,
        places=places,
        travel=travel,
        crews=crews,
        shifts=shifts,
        visits=visits,
        relations=_relations(chance, visits),
        weights=_weights(chance),
        incumbent=_incumbent(chance, visits, shifts),
    )


def with_another_shift(problem: Problem, chance: Random) -> Problem:
    """The problem with one more shift: of a crew of its own, or of one that is off by then."""
    last = {shift.crew: shift.end for shift in sorted(problem.shifts, key=lambda shift: shift.end)}
    crew = chance.choice([*problem.crews, Crew("extra", {"hv": 3, "meter": 3}, members=3)])
    if crew.id == "extra":
        names = sorted({crew.profile for crew in problem.crews if crew.profile is not None})
        crew = replace(crew, profile=chance.choice(names) if names else None)
    begin = last.get(crew.id, chance.choice([0, 8 * HOUR]))
    more = Shift(
        id="more",
        crew=crew.id,
        start=begin,
        end=begin + 8 * HOUR,
        from_=chance.choice(problem.places).id,
        stock=dict.fromkeys(PARTS, 4),
    )
    crews = problem.crews if crew in problem.crews else (*problem.crews, crew)
    return replace(problem, crews=crews, shifts=(*problem.shifts, more))


def with_wider_windows(problem: Problem, chance: Random) -> Problem:
    """The problem with every window opened earlier or closed later, or both, or neither."""

    def wider(window: Window) -> Window:
        early, late = (chance.choice([0, 600, 2 * HOUR]) for _ in range(2))
        return Window(window.open - early, window.close + late)

    visits = tuple(
        replace(visit, windows=tuple(wider(window) for window in visit.windows))
        for visit in problem.visits
    )
    return replace(problem, visits=visits)


def _way(chance: Random, count: int) -> Matrix | Estimate:
    if chance.random() < 0.5:
        return Estimate(
            speed_kmh=chance.choice([20, 30, 45.5]), detour=1.35, overhead=chance.choice([0, 60])
        )
    # Neither symmetric nor true to the triangle inequality.
    seconds = tuple(
        tuple(
            0 if i == j else chance.choice([0, 120, 300, 600, 900, 1500, 4000])
            for j in range(count)
        )
        for i in range(count)
    )
    metres = tuple(tuple(10 * cell for cell in row) for row in seconds)
    return Matrix(seconds, metres if chance.random() < 0.5 else None)


def _crew(chance: Random, index: int, profiles: bool) -> Crew:
    return Crew(
        id=f"C{index}",
        skills={name: chance.randint(1, 3) for name in SKILLS if chance.random() < 0.7},
        members=chance.randint(1, 3),
        travel_factor=chance.choice([1.0, 1.0, 0.7, 1.25]),
        service_factor=chance.choice([1.0, 1.0, 0.9, 1.5]),
        profile=chance.choice(["car", "bike"]) if profiles else None,
    )


def _shifts(chance: Random, crew: Crew, places: tuple[Place, ...]) -> list[Shift]:
    shifts = []
    begin = chance.choice([-HOUR, 0, 8 * HOUR])
    for i in range(chance.choice([0, 1, 1, 1, 1, 2, 2, 3])):
        length = chance.choice([1, 3, 5, 8, 9]) * HOUR
        shifts.append(
            Shift(
                id=f"{crew.id}S{i}",
                crew=crew.id,
                start=begin,
                end=begin + length,
                max_overtime=chance.choice([0, 0, 1800, 2 * HOUR]),
                from_=chance.choice(places).id,
                to=chance.choice([None, chance.choice(places).id]),
                breaks=_breaks(chance, begin, length),
                stock={part: chance.randint(0, 4) for part in PARTS if chance.random() < 0.7},
                max_visits=chance.choice([None, None, None, None, None, 0, 1, 2, 3]),
                max_travel=chance.choice([None, None, None, None, 0, 2000, 5000]),
                use_cost=chance.choice([0, 0, 500, 5000]),
            )
        )
        # The next shift may begin at once, inside the overtime of this one.
        begin += length + chance.choice([0, 0, HOUR, 16 * HOUR])
    return shifts


def _breaks(chance: Random, begin: int, length: int) -> tuple[Break, ...]:
    breaks = []
    for i in range(chance.choice([0, 0, 0, 1, 1, 1, 2, 3])):
        earliest = begin + chance.randint(-HOUR, length)
        latest = max(begin, earliest + chance.choice([0, 600, HOUR, 2 * HOUR]))
        breaks.append(Break(f"B{i}", earliest, latest, chance.choice([0, 600, 1800, HOUR])))
    return tuple(breaks)


def _visit(
    chance: Random,
    index: int,
    places: tuple[Place, ...],
    crews: tuple[Crew, ...],
    shifts: tuple[Shift, ...],
) -> Visit:
    def some(share: float) -> tuple[str, ...]:
        return tuple(crew.id for crew in crews if chance.random() < share)

    pinned = None
    if shifts and chance.random() < 0.1:
        shift = chance.choice(shifts)
        begin = chance.choice([None, chance.randint(shift.start, shift.end)])
        pinned = Pin(shift.id, begin)
    return Visit(
        id=f"V{index}",
        place=chance.choice(places).id,
        duration=chance.choice([0, 600, 1200, 1800, HOUR]),
        unserved_cost=chance.choice([0, 500, 3000, 10_000, 50_000, 2_000_000, 200_000_000]),
        setup=chance.choice([0, 0, 300, 900]),
        windows=_windows(chance),
        due=chance.choice([None, chance.randint(-HOUR, 12 * HOUR)]),
        late_cost=chance.choice([0, 1, 10, 200]),
        skills={name: chance.choice([1, 1, 2, 3]) for name in SKILLS if chance.random() < 0.15},
        members=chance.choice([1, 1, 1, 1, 1, 2, 3]),
        parts={part: chance.randint(0, 2) for part in PARTS if chance.random() < 0.2},
        allowed_crews=chance.choice([None, None, None, None, None, None, some(0.7)]),
        forbidden_crews=some(0.05),
        preferred_crews=some(0.2),
        pinned=pinned,
    )


def _windows(chance: Random) -> tuple[Window, ...]:
    windows = []
    for _ in range(chance.choice([0, 0, 0, 1, 1, 2, 3])):
        opens = chance.randint(-HOUR, 14 * HOUR)
        windows.append(Window(opens, opens + chance.choice([0, 1799, 2 * HOUR, 6 * HOUR])))
    return tuple(windows)


def _relations(chance: Random, visits: tuple[Visit, ...]) -> tuple[Relation, ...]:
    names = [visit.id for visit in visits]
    relations: list[Relation] = []
    if len(names) < 2 or chance.random() < 0.4:
        return ()
    for _ in range(chance.randint(1, 3)):
        members = tuple(chance.sample(names, chance.randint(2, min(3, len(names)))))
        kind = chance.choice(["after", "after", "together", "same", "different"])
        if kind == "after":
            # By order of the names, so that no cycle can arise.
            first, second = sorted(members[:2], key=names.index)
            least = chance.choice([0, 0, 900, HOUR])
            most = chance.choice([None, least, least + 1800, least + 24 * HOUR])
            relations.append(After(first, second, least, most))
        else:
            group = {"together": Together, "same": SameCrew, "different": DifferentCrew}[kind]
            relations.append(group(members))
    return tuple(relations)


def _weights(chance: Random) -> Weights:
    if chance.random() < 0.4:
        return Weights()
    return Weights(
        travel=chance.choice([0, 1, 2]),
        work=chance.choice([0, 0, 1, 3]),
        overtime=chance.choice([0, 2, 10]),
        not_preferred=chance.choice([0, 300]),
        change=chance.choice([0, 900]),
    )


def _incumbent(
    chance: Random, visits: tuple[Visit, ...], shifts: tuple[Shift, ...]
) -> Incumbent | None:
    if not shifts or chance.random() < 0.6:
        return None
    routes: dict[str, list[str]] = {}
    for visit in visits:
        if chance.random() < 0.8:
            shift = chance.choice([*(shift.id for shift in shifts), "gone"])
            routes.setdefault(shift, []).append(visit.id)
    routes.setdefault(shifts[0].id, []).append("finished")
    return Incumbent(tuple(IncumbentRoute(shift, tuple(order)) for shift, order in routes.items()))
