"""Why a visit is left out, verified as far as a problem alone can tell."""

from collections import Counter

from optimizer.check.facts import Facts
from optimizer.check.plan import misfits
from optimizer.check.report import Findings
from optimizer.plan import REASONS, Unserved
from optimizer.problem import Shift, Visit, Window

_SOFT = ("relation", "capacity", "cost")
"""Reasons that depend on the rest of the plan; one of them holds where no other does."""


def check_unserved(facts: Facts, entry: Unserved, path: str, found: Findings) -> None:
    """The reason and its counts: exact where a shift could not serve the visit even when empty.

    The visit must be known.
    """
    visit = facts.visits[entry.visit]
    fails = [failing(facts, shift, visit) for shift in facts.problem.shifts]
    counts = Counter(reason for reason in fails if reason is not None)
    for reason in REASONS:
        if reason not in _SOFT:
            at = f"{path}.shifts.{reason}"
            found.compare(at, entry.shifts.get(reason, 0), counts[reason])
    open_shifts = fails.count(None)
    stated = sum(entry.shifts.get(reason, 0) for reason in _SOFT)
    if stated != open_shifts:
        message = f"counts {stated} shifts under {', '.join(_SOFT)}, but {open_shifts} could serve"
        found.broken("reason", f"{path}.shifts", f"{message} {visit.id} when empty")
    if not fails:
        return  # Without a shift there is nothing that fails, and nothing to verify.
    met = {reason for reason in _SOFT if reason in entry.shifts} if open_shifts else set(counts)
    if entry.reason not in met or entry.reason != max(met, key=REASONS.index):
        right = max(met, key=REASONS.index) if met else f"one of {', '.join(_SOFT)}"
        found.broken("reason", f"{path}.reason", f"is {entry.reason}, but should be {right}")


def failing(facts: Facts, shift: Shift, visit: Visit) -> str | None:
    """The first reason why an empty shift cannot serve a visit, None when it can."""
    rules = misfits(facts.crew_of(shift), shift, visit)
    if rules:
        return rules[0]
    if any(count > shift.stock.get(part, 0) for part, count in visit.parts.items()):
        return "parts"
    if not fits_alone(facts, shift, visit, ()):
        return "shift_hours"
    if visit.begins and not fits_alone(facts, shift, visit, visit.begins):
        return "window"
    return None


def fits_alone(facts: Facts, shift: Shift, visit: Visit, windows: tuple[Window, ...]) -> bool:
    """Whether an empty shift has the time for a visit that begins in one of the windows.

    Without windows it may begin at any time. The crew drives out, serves and drives home, with its
    breaks before, between or after these. Of all orders of that, `soonest[step, taken]` keeps the
    earliest second at which `step` steps are done and the breaks in the set `taken` are over:
    waiting is free, so whatever can follow can follow the earliest.
    """
    crew = facts.crew_of(shift)
    out = facts.seconds(crew, shift.from_, visit.place)
    home = 0 if shift.to is None else facts.seconds(crew, visit.place, shift.to)
    if shift.max_visits == 0 or (shift.max_travel is not None and out + home > shift.max_travel):
        return False
    limit = shift.end + shift.max_overtime
    service = facts.service(crew, visit, setup=True)
    soonest: dict[tuple[int, int], int] = {(0, 0): shift.start}
    for taken in range(1 << len(shift.breaks)):
        for step in range(3):
            now = soonest.get((step, taken))
            if now is None:
                continue
            begin = _first_begin(windows, now) if step == 1 else now
            if begin is not None and begin + (out, service, home)[step] <= limit:
                # Without a way home the crew is back when the service ends: no break between.
                done = 3 if step == 1 and shift.to is None else step + 1
                _keep_sooner(soonest, (done, taken), begin + (out, service, home)[step])
            for index, pause in enumerate(shift.breaks):
                start = max(now, pause.earliest)
                if not taken >> index & 1 and start <= pause.latest:
                    _keep_sooner(soonest, (step, taken | 1 << index), start + pause.duration)
        returns = soonest.get((3, taken))
        left = [pause for index, pause in enumerate(shift.breaks) if not taken >> index & 1]
        if returns is not None and all(returns <= pause.latest for pause in left):
            return True
    return False


def _first_begin(windows: tuple[Window, ...], now: int) -> int | None:
    begins = [max(now, window.open) for window in windows if now <= window.close]
    return min(begins, default=None) if windows else now


def _keep_sooner(soonest: dict[tuple[int, int], int], state: tuple[int, int], time: int) -> None:
    soonest[state] = min(time, soonest.get(state, time))
