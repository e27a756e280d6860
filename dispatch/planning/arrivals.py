"""When a crew will be at each visit of its route: the distribution of its arrivals, carried along the route.

The route is played `SAMPLES` times at once, with drives and services drawn from their spreads: a lognormal bent in
the middle, so that it goes through the 10 %, 50 % and 90 % points. The draws are the same at every call (evenly
spread, shuffled once with a fixed seed), so that a range moves only when the facts do. What is under way is drawn
on the condition that it has already taken so long. Times are seconds from now.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, exp, inf, log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from dispatch.planning.spread import ON_TIME, Z90, Spread

SAMPLES = 256
"""Days played at once. The 10 % and 90 % points are some seconds off for it, far less than the minutes shown."""
_ROWS = 64
_LOW, _MID, _HIGH = (round(SAMPLES * share) for share in (0.1, 0.5, 0.9))
_FAR = 6.0
_TABLE = np.linspace(-9.0, 9.0, 1801)
_LOG_CDF = np.log(np.array([erfc(-z / sqrt(2)) / 2 for z in _TABLE]))

Draws = np.ndarray[Any, np.dtype[np.float64]]
Break = tuple[float, float]
"""Begin and length of a break."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A visit of a route that is still to come or under way, all times in seconds from now.

    `departs_s` is the earliest departure and `opens_s` the earliest begin of service. Of the three that may be set,
    `driven_s` is how long the crew has been driving, `left_s` how long it would still drive by plan from where it
    was seen, `worked_s` how long it has been working; `arrived_s` is when it came and `since_s` when it began,
    both not above 0. `arrive_by_s` and `start_by_s` are the limits that it is judged by. `setting_out` is how many
    seconds late the crew leaves for it when it can keep to its plan, or after its break.
    """

    travel_s: float
    travel: Spread
    service_s: float
    service: Spread
    departs_s: float = 0.0
    opens_s: float = -inf
    breaks_before: Sequence[Break] = ()
    breaks_there: Sequence[Break] = ()
    driven_s: float | None = None
    left_s: float | None = None
    arrived_s: float | None = None
    worked_s: float | None = None
    arrive_by_s: float | None = None
    start_by_s: float | None = None
    setting_out: Spread = ON_TIME


@dataclass(frozen=True, slots=True)
class Expected:
    """The arrival's 10 %, 50 % and 90 % points, and the middle begin and end of service.

    `broken` is the probability of an arrival after its limit, `too_late` of that or of a begin after its own.
    """

    early_s: float
    mid_s: float
    late_s: float
    start_s: float
    end_s: float
    broken: float
    too_late: float


def along(legs: Sequence[Leg], *, free_s: float = 0.0) -> list[Expected]:
    """What is expected of each leg of a route, in its order; the crew has nothing else to do from `free_s` on.

    `free_s` may lie in the past: a break that the crew could begin then has gone on since.
    """
    free = np.full(SAMPLES, float(free_s))
    found = []
    normal, _ = _draws()
    for place, leg in enumerate(legs):
        drive_row, work_row = 2 * place % _ROWS, (2 * place + 1) % _ROWS
        if leg.arrived_s is not None:
            arrive: Draws | float = leg.arrived_s
        else:
            departs = _departure(leg, free, (-1 - place) % _ROWS, is_next=place == 0)
            arrive = _arrival(leg, departs, drive_row)
        if leg.worked_s is not None:
            start: Draws | float = -leg.worked_s
            end = leg.service_s * _longer(leg.service, leg.worked_s, leg.service_s, work_row)
            end = end - leg.worked_s
        else:
            here = np.maximum(arrive, 0.0)
            start = np.maximum(_after(leg.breaks_there, here), max(leg.opens_s, 0.0))
            end = start + leg.service_s * _ratios(leg.service, normal[work_row])
        free = np.maximum(free, end)
        found.append(_expected(leg, arrive, start, end))
    return found


def _departure(leg: Leg, free: Draws, row: int, *, is_next: bool) -> Draws:
    """When the crew sets out; for the next visit on the condition that it has not done so yet."""
    rested = _after(leg.breaks_before, free)
    due = np.maximum(rested, leg.departs_s)
    if leg.setting_out == ON_TIME or leg.driven_s is not None:
        return np.maximum(due, 0.0)
    # What comes next sets out from one known time, so that its days are all due at once.
    late = _late(leg.setting_out, row, beyond_s=-float(due[0]) if is_next else None)
    can_keep_to_plan = bool(leg.breaks_before) | (rested <= leg.departs_s)
    return np.maximum(np.where(can_keep_to_plan, np.maximum(due + late, free), due), 0.0)


def _late(setting_out: Spread, row: int, *, beyond_s: float | None) -> Draws:
    """Seconds that crews set out late: those that are later than `beyond_s`, if it is given."""
    normal, log_tails = _draws()
    mid, drawn = setting_out.mid, normal[row]
    below = max(mid - setting_out.low, 1.0) / Z90
    above = max(setting_out.high - mid, 1.0) / Z90
    if beyond_s is not None:
        away = beyond_s - mid
        passed = min(away / (below if away < 0 else above), _FAR)
        drawn = -np.interp(log(erfc(passed / sqrt(2)) / 2) + log_tails[row], _LOG_CDF, _TABLE)
    return np.asarray(mid + np.where(drawn < 0, below, above) * drawn)


def _arrival(leg: Leg, departs: Draws, row: int) -> Draws:
    normal, _ = _draws()
    if leg.left_s is not None:
        return np.maximum(leg.left_s * _ratios(leg.travel, normal[row]), 0.0)
    if leg.driven_s is not None:
        whole = leg.travel_s * _longer(leg.travel, leg.driven_s, leg.travel_s, row)
        return np.maximum(whole - leg.driven_s, 0.0)
    return np.asarray(departs + leg.travel_s * _ratios(leg.travel, normal[row]))


def _after(breaks: Sequence[Break], free: Draws) -> Draws:
    """When a crew that is free then has taken these breaks, each at its time or later."""
    for begins, lasts in breaks:
        free = np.maximum(free, begins) + lasts
    return free


def _expected(leg: Leg, arrive: Draws | float, start: Draws | float, end: Draws) -> Expected:
    broken: Any = False
    if leg.arrive_by_s is not None:
        broken = arrive >= np.float64(leg.arrive_by_s)
    late = broken
    if leg.start_by_s is not None:
        late = broken | (start > np.float64(leg.start_by_s))
    share, either = float(np.mean(broken)), float(np.mean(late))
    middle = np.sort(start)[_MID] if isinstance(start, np.ndarray) else start
    if isinstance(arrive, np.ndarray):
        arrive.sort()
        early, mid, behind = arrive[_LOW], arrive[_MID], arrive[_HIGH]
    else:
        early = mid = behind = np.float64(arrive)
    at_last = float(np.sort(end)[_MID])
    return Expected(float(early), float(mid), float(behind), float(middle), at_last, share, either)


@lru_cache(maxsize=1)
def _draws() -> tuple[Draws, Draws]:
    """Standard normal draws, and the logarithms of their upper tails, a row for each drive and each service."""
    shuffled = np.random.default_rng(20260310)
    shares = (np.arange(SAMPLES) + 0.5) / SAMPLES
    normal = np.array([NormalDist().inv_cdf(float(share)) for share in shares])
    order = np.stack([shuffled.permutation(SAMPLES) for _ in range(_ROWS)])
    return normal[order], np.log1p(-shares)[order]


def _ratios(spread: Spread, normal: Draws) -> Draws:
    below, above = _bends(spread)
    return np.asarray(spread.mid * np.exp(np.where(normal < 0, below, above) * normal))


def _bends(spread: Spread) -> tuple[float, float]:
    """The standard deviations of the logarithm below and above the middle."""
    return (
        max(log(spread.mid / spread.low), 1e-3) / Z90,
        max(log(spread.high / spread.mid), 1e-3) / Z90,
    )


def _longer(spread: Spread, so_far_s: float, planned_s: float, row: int) -> Draws:
    """Ratios of what has already taken `so_far_s` of `planned_s` seconds and is not over."""
    normal, log_tails = _draws()
    if so_far_s <= 0 or planned_s <= 0:
        return _ratios(spread, normal[row])
    below, above = _bends(spread)
    away = log(so_far_s / planned_s / spread.mid)
    passed = min(away / (below if away < 0 else above), _FAR)
    log_tail = log(erfc(passed / sqrt(2)) / 2)
    drawn = -np.interp(log_tail + log_tails[row], _LOG_CDF, _TABLE)
    ratios = _ratios(spread, drawn)
    if passed == _FAR:  # so long that no draw would reach it: it goes on as from the farthest point
        ratios = ratios * (so_far_s / planned_s / (spread.mid * exp(_FAR * above)))
    return np.asarray(np.maximum(ratios, so_far_s / planned_s))
