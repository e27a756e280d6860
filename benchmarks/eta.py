"""`--suite eta`: whether expected arrivals are calibrated, and whether delay notices come early and are right.

Days of the world of `eta_world` are played in their order. What the product would have learnt on earlier days
(`learn`) forecasts later ones (`along`), every few minutes from what has happened until then; the rule for notices
is the product's (`is_due`). What the notices go out from is chosen on days before those that are reported.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from benchmarks.eta_world import CrewDay, Happened, Planned, World
from dispatch.contact import delays
from dispatch.contact.windows import Told, arrival_range
from dispatch.planning.arrivals import Expected, Leg, along
from dispatch.planning.spread import (
    SHORTEST_S,
    Departure,
    Measure,
    Observation,
    Occasion,
    Spreads,
    learn,
    of_catalogue,
)

SUITE = "eta"
DAYS, HISTORY, TUNING = 200, 100, 30
"""Days in all; the first are history alone, on the next the rule is chosen, the rest is reported."""
EVERY_S, RANGES_EVERY_S = 120, 600
LEAD_S = 20 * 60
Rule = tuple[float, float]
"""From which probability a delay is told: when the window ends soon, and while there is time."""
RULES: Sequence[Rule] = (
    (0.5, 0.5), (0.8, 0.8), (0.9, 0.9), (0.95, 0.95),
    (0.75, 0.99), (0.8, 0.99), (0.84, 0.99), (delays.NEAR, delays.FAR), (0.88, 0.99), (0.9, 0.99),
    (0.92, 0.99),
)  # fmt: skip
HORIZONS = ((0, 20), (20, 60), (60, 180), (180, 1440))
"""Minutes ahead that a range is told."""
_MIDNIGHT = datetime(2026, 3, 10, tzinfo=UTC)


@dataclass
class Ranges:
    """How many arrivals lay in their ranges, by how far ahead these were told."""

    inside: Counter[int] = field(default_factory=Counter)
    told_inside: Counter[int] = field(default_factory=Counter)
    count: Counter[int] = field(default_factory=Counter)
    width_s: Counter[int] = field(default_factory=Counter)

    def add(self, expected: Expected, now: float, arrived: float) -> None:
        """One range that was told at `now` of an arrival."""
        ahead = max(expected.mid_s, 0.0) / 60
        row = next(n for n, (_, until) in enumerate(HORIZONS) if ahead < until)
        told = _told(expected, now)
        self.count[row] += 1
        self.inside[row] += expected.early_s <= arrived - now <= expected.late_s
        self.told_inside[row] += told.start_at <= _at(arrived) <= told.end_at
        self.width_s[row] += round(expected.late_s - expected.early_s)


@dataclass(frozen=True)
class Watched:
    """A promise, whether it broke, and how probable that was as the day went: (time, expectation)."""

    end: float
    arrived: float
    course: list[tuple[float, Expected]]

    @property
    def is_broken(self) -> bool:
        """Whether the crew came after the window."""
        return self.arrived >= self.end

    def notices(self, rule: Rule) -> list[float]:
        """When the customer would have been told."""
        near, far = rule
        told: list[tuple[float, Told]] = []
        for now, expected in self.course:
            left = timedelta(seconds=self.end - now)
            at_risk = expected.broken >= delays.needed(left, near=near, far=far)
            last = told[-1][1] if told else None
            if (at_risk or last) and delays.is_due(_told(expected, now), last, at_risk=at_risk):
                told.append((now, _told(expected, now)))
        return [now for now, _ in told]


def run(count: int = DAYS, *, seed: int = 1) -> str:
    """The tables, in Markdown, of so many days of the seed's world, with the same shares for history and choice."""
    history, tuning = count * HISTORY // DAYS, count * TUNING // DAYS
    world = World(seed)
    played = list(world.days(count))
    catalogue = {
        code: of_catalogue(p50_s=60 * p50, p90_s=60 * p90, planned_s=60 * (p50 + (p90 - p50) / 4))
        for code, (p50, p90) in world.minutes.items()
    }
    seen = [list(_observed(day)) for day in played]
    before = Spreads.of(catalogue, learn(_flat(seen[:history])))
    _, tuned = _forecast(played[history : history + tuning], [before] * tuning)
    ranges, watched = _forecast(
        played[history + tuning :],
        [Spreads.of(catalogue, learn(_flat(seen[:day]))) for day in range(history + tuning, count)],
    )
    new = played[history + tuning :]
    untaught, _ = _forecast(new, [Spreads.of(catalogue, [])] * len(new), every_s=RANGES_EVERY_S)
    return "\n".join((*_ranges_table(untaught, ranges), "", *_notices_table(tuned, watched), ""))


def _forecast(
    days: Sequence[Sequence[CrewDay]], spreads: Sequence[Spreads], *, every_s: int = EVERY_S
) -> tuple[Ranges, list[Watched]]:
    """What would have been told on these days, each with what was known on its morning."""
    ranges, watched = Ranges(), []
    for crews, known in zip(days, spreads, strict=True):
        for day in crews:
            courses: dict[int, list[tuple[float, Expected]]] = defaultdict(list)
            now = 7.5 * 3600
            promised = max((n for n, one in enumerate(day.planned) if one.window), default=-1)
            while now < day.happened[-1].arrived:
                is_range = now % RANGES_EVERY_S == 0
                last = len(day.planned) - 1 if is_range else promised
                for place, expected in _expected(day, now, known, last):
                    if is_range:
                        ranges.add(expected, now, day.happened[place].arrived)
                    courses[place].append((now, expected))
                now += every_s
            for place, course in courses.items():
                window = day.planned[place].window
                if window is not None:
                    watched.append(Watched(window[1], day.happened[place].arrived, course))
    return ranges, watched


def _expected(day: CrewDay, now: float, spreads: Spreads, last: int) -> list[tuple[int, Expected]]:
    """What is expected at `now` of the visits up to the `last` that the crew has not come to."""
    places, legs, free = [], [], 8 * 3600.0
    if last < 0 or day.happened[last].arrived <= now:
        return []
    for place, (plan, fact) in enumerate(zip(day.planned, day.happened, strict=True)):
        if place > last:
            break
        if fact.ended <= now:
            free = fact.ended
            continue
        places.append(place)
        leg = _leg(day, plan, fact, now, spreads)
        legs.append(replace(leg, setting_out=spreads.setting_out(_occasion(place, plan))))
    found = zip(places, along(legs, free_s=free - now), strict=True)
    return [(place, one) for place, one in found if day.happened[place].arrived > now]


def _leg(day: CrewDay, plan: Planned, fact: Happened, now: float, spreads: Spreads) -> Leg:
    driving = fact.departed <= now < fact.arrived
    waiting = now < fact.departed
    arrive_hour, start_hour = (int(max(at, now) // 3600) for at in (plan.departs, plan.starts))
    opens = plan.window[0] - now if plan.window else float("-inf")
    return Leg(
        travel_s=plan.travel_s,
        travel=spreads.travel(crew_id=day.crew, hour=arrive_hour),
        service_s=plan.service_s,
        service=spreads.service(plan.work_type, crew_id=day.crew, hour=start_hour),
        departs_s=plan.departs - now,
        opens_s=opens,
        breaks_before=[(begins - now, lasts) for begins, lasts in plan.breaks if waiting],
        driven_s=now - fact.departed if driving else None,
        left_s=_left(plan, fact, now) if driving and day.is_followed else None,
        arrived_s=fact.arrived - now if fact.arrived <= now else None,
        worked_s=now - fact.started if fact.started <= now else None,
        arrive_by_s=plan.window[1] - now if plan.window else None,
    )


def _occasion(place: int, plan: Planned) -> Occasion:
    if place == 0:
        return Occasion.BEGIN
    return Occasion.BREAK if plan.breaks else Occasion.WAITING


def _left(plan: Planned, fact: Happened, now: float) -> float:
    """Planned seconds of drive from where the crew is: it moves evenly, and not at all in a jam."""
    begins, lasts = fact.jam
    moved = now - fact.departed - min(max(now - begins, 0.0), lasts)
    return plan.travel_s * (1 - moved / (fact.arrived - fact.departed - lasts))


def _observed(crews: Sequence[CrewDay]) -> Iterator[Observation | Departure]:
    for day in crews:
        yield from _departures(day)
        for plan, fact in zip(day.planned, day.happened, strict=True):
            drive = (fact.arrived - fact.departed) / plan.travel_s
            yield Observation(Measure.TRAVEL, "", day.crew, int(fact.departed // 3600), drive)
            if fact.done:
                took = (fact.ended - fact.started) / plan.service_s
                hour = int(fact.started // 3600)
                yield Observation(Measure.SERVICE, plan.work_type, day.crew, hour, took)


def _departures(day: CrewDay) -> Iterator[Departure]:
    """How late the crew set out where it could keep to its plan, as the product learns it."""
    planned_end = free = float("-inf")
    for place, (plan, fact) in enumerate(zip(day.planned, day.happened, strict=True)):
        waits = free <= plan.departs - SHORTEST_S
        if place == 0 or (free <= planned_end if plan.breaks else waits):
            yield Departure(_occasion(place, plan), fact.departed - plan.departs)
        planned_end, free = plan.starts + plan.service_s, fact.ended


def _flat(days: Iterable[Sequence[Observation | Departure]]) -> list[Observation | Departure]:
    return [one for day in days for one in day]


def _told(expected: Expected, now: float) -> Told:
    return arrival_range(early_at=_at(now + expected.early_s), late_at=_at(now + expected.late_s))


def _at(seconds: float) -> datetime:
    return _MIDNIGHT + timedelta(seconds=seconds)


def _ranges_table(untaught: Ranges, ranges: Ranges) -> Iterator[str]:
    yield "| told ahead | ranges | inside, by the catalogue | inside, learnt | inside as told | mean width, min |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    rows = [(f"{a} to {b} min", [n]) for n, (a, b) in enumerate(HORIZONS)]
    rows[-1] = ("3 h and more", [len(HORIZONS) - 1])
    for name, which in [*rows, ("all", list(range(len(HORIZONS))))]:
        counts, plain = (sum(one.count[n] for n in which) for one in (ranges, untaught))
        if not counts or not plain:
            continue
        yield (
            f"| {name} | {counts:,} "
            f"| {sum(untaught.inside[n] for n in which) / plain:.1%} "
            f"| {sum(ranges.inside[n] for n in which) / counts:.1%} "
            f"| {sum(ranges.told_inside[n] for n in which) / counts:.1%} "
            f"| {sum(ranges.width_s[n] for n in which) / counts / 60:.0f} |"
        )


def _notices_table(tuned: Sequence[Watched], watched: Sequence[Watched]) -> Iterator[str]:
    yield (
        "| told from, near | far off | days | promises | broken | told | told though kept, of notices "
        "| of kept promises | broken told 20 min before the arrival | before the window's end |"
    )
    yield "| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for rule in RULES:
        yield _notices(rule, "choice", tuned)
    for rule in RULES:
        name = "**report**" if rule == (delays.NEAR, delays.FAR) else "report"
        yield _notices(rule, name, watched)


def _notices(rule: Rule, name: str, watched: Sequence[Watched]) -> str:
    told = [(one, one.notices(rule)) for one in watched]
    broken = [(one, times) for one, times in told if one.is_broken]
    kept = [(one, times) for one, times in told if not one.is_broken]
    wrong = sum(bool(times) for _, times in kept)
    notified = wrong + sum(bool(times) for _, times in broken)
    by_arrival = sum(bool(times) and one.arrived - times[0] >= LEAD_S for one, times in broken)
    by_window = sum(bool(times) and one.end - times[0] >= LEAD_S for one, times in broken)
    most = max(1, len(broken))
    return (
        f"| {rule[0]:g} | {rule[1]:g} | {name} | {len(told):,} | {len(broken):,} | {notified:,} "
        f"| {wrong / max(1, notified):.1%} | {wrong / max(1, len(kept)):.1%} "
        f"| {by_arrival / most:.1%} | {by_window / most:.1%} |"
    )
