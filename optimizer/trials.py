"""A visit tried on every shift: what it would change there, or the first rule that keeps it away."""

from dataclasses import dataclass

from optimizer.alternatives import Alternative, Places
from optimizer.plan import Plan
from optimizer.problem import Problem
from optimizer.reasons import reasons_on
from optimizer.standing import Standing


@dataclass(frozen=True, slots=True)
class Trial:
    """A visit at its best place on a shift, everything else left as it is; or, without a place, why not.

    Those that begin together with it go with it: to its second, and to other places where they must.
    `reason` is one of the planning format's reasons where `place` is None.
    """

    shift: str
    crew: str
    place: Alternative | None
    reason: str | None


def trials(problem: Problem, plan: Plan, visit_id: str) -> list[Trial]:
    """The visit on each shift of the problem, in its order, whether it is served or not; raise VisitUnknown."""
    return tried(Standing(problem, plan), visit_id)


def tried(standing: Standing, visit_id: str) -> list[Trial]:
    """What `trials` answers for a standing."""
    v = standing.visit(visit_id)
    shifts, places = standing.problem.shifts, Places.of(standing.state, v)
    if places is None:
        return [Trial(shift.id, shift.crew, None, "relation") for shift in shifts]
    found: list[Trial] = []
    reasons: list[str] | None = None
    for s, shift in enumerate(shifts):
        place = places.best_on(s, standing.state)
        reason = None
        if place is None:
            reasons = reasons_on(places.rest, v) if reasons is None else reasons
            reason = reasons[s]
            # What would fit but for its partners on other routes is tied to them.
            reason = "relation" if reason == "cost" else reason
        found.append(Trial(shift.id, shift.crew, place, reason))
    return found
