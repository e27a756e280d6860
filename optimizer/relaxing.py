"""What would make a visit fit: one rule relaxed at a time, each proven by inserting the visit.

Every relaxation is tried on the crew's part of the plan, as a problem of its own with the one rule
changed. Of each kind the cheapest is told: the fewest minutes where it is a matter of time, the
fewest points otherwise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from optimizer.displacing import least_more
from optimizer.plan import Plan
from optimizer.problem import Crew, Problem, Shift, Visit, Window
from optimizer.search.insertion import spots_on
from optimizer.standing import Standing
from optimizer.values import MAX_TIME

MINUTE = 60
WIDEST = 24 * 60
"""Minutes by which a window is widened at most."""
LONGEST = 8 * 60
"""Minutes of overtime looked for at most, on top of what the shift allows."""
LARGEST_CREW = 10
"""Members of the largest crew looked for."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """One rule less, with which the visit fits: it would begin at `start` on `shift` of `crew`.

    `kind` is `window` (open `amount` minutes earlier, or close later, as `detail` says), `overtime`
    (`amount` more minutes on the shift), `skill` (`detail` at level `amount` for the crew),
    `members` (a crew of `amount`), `allow` (the crew is permitted), `unpin`, `parts` (`amount` more
    of the part `detail` in stock, beside what the other visits take), or `instead` (the visit
    `detail` goes: to the shift `to`, of another crew or day, or to a day beyond the problem's). `cost`
    is what the plan's total changes by, points.
    """

    kind: str
    shift: str
    crew: str
    start: int
    cost: int
    amount: int | None = None
    detail: str | None = None
    to: str | None = None


class Found(NamedTuple):
    """The cheapest place of the visit on a shift of a relaxed problem."""

    cost: int
    start: int


Change = Callable[[Visit, Shift, Crew], tuple[Visit, Shift, Crew]]


class Relaxer:
    """Tries relaxations for one visit that the standing leaves out."""

    def __init__(self, standing: Standing, v: int) -> None:
        self.standing = standing
        self.v = v
        self.visit = standing.problem.visits[v]
        crews = {crew.id: crew for crew in standing.problem.crews}
        self.crew_of = [crews[shift.crew] for shift in standing.problem.shifts]
        self._parts: dict[int, tuple[Problem, Plan]] = {}
        """The part of the plan by crew."""

    def each(self) -> list[Relaxation]:
        """The cheapest of each kind that works, the cheapest of them first; none is a guess."""
        kinds = (self._window, self._overtime, self._need)
        found = [relaxation for kind in kinds for relaxation in kind()]
        return sorted(found, key=lambda relaxation: (relaxation.cost, relaxation.kind))

    # Minutes: the fewest over all shifts, found by halving.

    def _window(self) -> Iterator[Relaxation]:
        pinned = self.visit.pinned is not None and self.visit.pinned.start is not None
        if not self.visit.windows or pinned:
            return
        best = self._fewest(WIDEST, {"", "window"}, self._wider)
        if best is not None:
            minutes, s, found = best
            yield self._told("window", s, found, minutes, self._side(found.start))

    def _overtime(self) -> Iterator[Relaxation]:
        best = self._fewest(LONGEST, {"", "window", "shift_hours"}, _longer)
        if best is not None:
            minutes, s, found = best
            yield self._told("overtime", s, found, minutes)

    def _fewest(
        self, most: int, barriers: set[str], relaxed: Callable[[int], Change]
    ) -> tuple[int, int, Found] | None:
        """The fewest minutes, on which shift, with which place; None when `most` do not help."""
        best: tuple[int, int, Found] | None = None
        instance = self.standing.instance
        for s in range(instance.shifts):
            if instance.barrier[self.v][s] not in barriers:
                continue
            high = most if best is None else best[0]
            found = self._try(s, relaxed(high))
            if found is None or (best is not None and not self._gains(s, relaxed, best, found)):
                continue
            low = 0
            while high - low > 1:
                middle = (low + high) // 2
                sooner = self._try(s, relaxed(middle))
                if sooner is None:
                    low = middle
                else:
                    high, found = middle, sooner
            best = (high, s, found)
        return best

    def _gains(
        self, s: int, relaxed: Callable[[int], Change], best: tuple[int, int, Found], found: Found
    ) -> bool:
        """Whether the shift needs fewer minutes than the best one, or as many for fewer points."""
        return found.cost < best[2].cost or (
            best[0] > 1 and self._try(s, relaxed(best[0] - 1)) is not None
        )

    def _wider(self, minutes: int) -> Change:
        more = minutes * MINUTE
        windows = tuple(
            Window(max(each.open - more, -MAX_TIME), min(each.close + more, MAX_TIME))
            for each in self.visit.windows
        )
        return lambda visit, shift, crew: (replace(visit, windows=windows), shift, crew)

    def _side(self, start: int) -> str:
        """Which side of its nearest window the visit begins on."""
        nearest = min(
            self.visit.windows, key=lambda each: max(each.open - start, start - each.close)
        )
        return "earlier" if start < nearest.open else "later"

    # Needs: one that the crew does not meet, granted.

    def _need(self) -> Iterator[Relaxation]:
        best: dict[str, Relaxation] = {}
        for s in range(self.standing.instance.shifts):
            lacking = list(self._lacking(s))
            if len(lacking) != 1:
                continue
            kind, amount, detail, change = lacking[0]
            if kind in best and least_more(self.standing.state, self.v, s) >= best[kind].cost:
                continue
            found = self._try(s, change)
            if found is None:
                continue
            told = self._told(kind, s, found, amount, detail)
            if kind not in best or told.cost < best[kind].cost:
                best[kind] = told
        yield from best.values()

    def _lacking(self, s: int) -> Iterator[tuple[str, int | None, str | None, Change]]:
        """Every need that the shift does not meet, and the change that would meet it."""
        visit, crew = self.visit, self.crew_of[s]
        shift = self.standing.problem.shifts[s]
        for skill, level in visit.skills.items():
            if crew.skills.get(skill, 0) < level:
                yield "skill", level, skill, _skilled(skill, level)
        if crew.members < visit.members:
            yield "members", visit.members, None, _larger(visit.members)
        allowed = visit.allowed_crews is None or crew.id in visit.allowed_crews
        if not allowed or crew.id in visit.forbidden_crews:
            yield "allow", None, None, _allowed
        if visit.pinned is not None and visit.pinned.shift != shift.id:
            yield "unpin", None, visit.pinned.shift, _unpinned
        names, order = self.standing.problem.visits, self.standing.state.order(s)
        for part, count in visit.parts.items():
            used = sum(names[other].parts.get(part, 0) for other in order)
            missing = count + used - shift.stock.get(part, 0) if count else 0
            if missing > 0:
                yield "parts", missing, part, _stocked(part, missing)

    # Proof.

    def _try(self, s: int, change: Change) -> Found | None:
        """The cheapest place on the shift once the change is made, or None."""
        shift, crew = self.standing.problem.shifts[s], self.crew_of[s]
        visit, longer, abler = change(self.visit, shift, crew)
        problem, plan = self._part(s)
        if longer is not shift or abler is not crew:
            problem = _changed(problem, longer, abler)
        part = Standing(replace(problem, visits=(*problem.visits[:-1], visit)), plan)
        v, at = part.visit(visit.id), part.shift(shift.id)
        if part.state.where[v] >= 0 or len(part.instance.groups[v]) > 1:
            return None
        for spot in sorted(spots_on(part.state, v, at)):
            made = part.state.copy()
            order = made.order(at)
            if made.place(at, (*order[: spot.position], v, *order[spot.position :])):
                route = made.routes[at]
                assert route is not None
                start = route.timing.stops[spot.position].begin
                return Found(made.cost() - part.state.cost(), start)
        return None

    def _part(self, s: int) -> tuple[Problem, Plan]:
        """The crew's shifts and what is tied to them, with the visit as their last.

        All of the crew's: a longer shift can run into one that it could not meet before.
        """
        crew_of = self.standing.instance.crew_of
        if crew_of[s] not in self._parts:
            shifts = (other for other, crew in enumerate(crew_of) if crew == crew_of[s])
            self._parts[crew_of[s]] = self.standing.cut(shifts, self.visit)
        return self._parts[crew_of[s]]

    def _told(
        self, kind: str, s: int, found: Found, amount: int | None = None, detail: str | None = None
    ) -> Relaxation:
        shift = self.standing.problem.shifts[s]
        return Relaxation(kind, shift.id, shift.crew, found.start, found.cost, amount, detail)


def _changed(problem: Problem, shift: Shift, crew: Crew) -> Problem:
    return replace(
        problem,
        shifts=tuple(shift if each.id == shift.id else each for each in problem.shifts),
        crews=tuple(crew if each.id == crew.id else each for each in problem.crews),
    )


def _longer(minutes: int) -> Change:
    more = minutes * MINUTE
    return lambda visit, shift, crew: (
        visit,
        replace(shift, max_overtime=min(shift.max_overtime + more, MAX_TIME)),
        crew,
    )


def _skilled(skill: str, level: int) -> Change:
    return lambda visit, shift, crew: (
        visit,
        shift,
        replace(crew, skills={**crew.skills, skill: level}),
    )


def _larger(members: int) -> Change:
    return lambda visit, shift, crew: (visit, shift, replace(crew, members=members))


def _stocked(part: str, missing: int) -> Change:
    return lambda visit, shift, crew: (
        visit,
        replace(shift, stock={**shift.stock, part: shift.stock.get(part, 0) + missing}),
        crew,
    )


def _allowed(visit: Visit, shift: Shift, crew: Crew) -> tuple[Visit, Shift, Crew]:
    others = tuple(name for name in visit.forbidden_crews if name != crew.id)
    allowed = visit.allowed_crews
    if allowed is not None and crew.id not in allowed:
        allowed = (*allowed, crew.id)
    return replace(visit, allowed_crews=allowed, forbidden_crews=others), shift, crew


def _unpinned(visit: Visit, shift: Shift, crew: Crew) -> tuple[Visit, Shift, Crew]:
    return replace(visit, pinned=None), shift, crew
