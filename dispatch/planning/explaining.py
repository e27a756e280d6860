"""Why a visit is on no route of a plan, proven, and what would help; or why it is with this crew."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from dispatch.planning import states
from dispatch.planning.clock import DayClock
from dispatch.planning.editing import DoesNotFit, NoPlanYet, stand
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.refusing import refuse_begun, refuse_unplaceable
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.work import visits
from optimizer.codec import plan_from, problem_from
from optimizer.explain import SERVED
from optimizer.explain import Explanation as Found
from optimizer.plan import Plan as Answer
from optimizer.problem import Problem


@dataclass(frozen=True, slots=True)
class ShiftReason:
    """The first rule that keeps the visit from a shift; one of the planning format's reasons."""

    shift_id: str
    crew_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change with which the visit fits: it would begin at `start_at` on this shift.

    `kind`: `window` (`amount` minutes `detail`: earlier or later), `overtime` (`amount` minutes), `skill` (`detail`
    at level `amount`), `members` (a crew of `amount`), `allow`, `unpin`, `parts` (`amount` more of `detail`), or
    `instead` (the visit `detail` goes, to the shift `to_shift_id` of `to_crew_id` where it has a place). `cost` in
    points is what the plan's total changes by.
    """

    kind: str
    shift_id: str
    crew_id: str
    start_at: datetime
    cost: int
    amount: int | None
    detail: str | None
    to_shift_id: str | None
    to_crew_id: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A visit that goes to another place to make room."""

    visit_id: str
    crew_id: str
    shift_id: str
    start_at: datetime


@dataclass(frozen=True, slots=True)
class OtherCrew:
    """The visit on another crew, all else left as it is: what the plan has more of then, negative for less."""

    crew_id: str
    shift_id: str
    position: int
    start_at: datetime
    driving_s: int
    late_s: int
    overtime_s: int
    cost: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why the plan treats the visit so.

    `verdict`: `served` (with the next best crews as `alternatives`), `fits` (left out, and a place that is worth it
    exists: `crew_id` at `start_at`), `impossible` (no shift could, even when empty), `displaced` (only instead of
    `pushed_out`, for `cost` points), `not_worth_it` (`cost` to serve it, `leaving_out` otherwise), or `tied` (what
    it is tied to keeps it out). `moved` go elsewhere for it. `reasons` has the rule that fails first on each
    shift, `changes` the cheapest single changes that would make it fit, each of them tried.
    """

    visit_id: str
    verdict: str
    crew_id: str | None
    shift_id: str | None
    start_at: datetime | None
    cost: int | None
    leaving_out: int
    pushed_out: tuple[str, ...]
    moved: tuple[Moved, ...]
    reasons: tuple[ShiftReason, ...]
    changes: tuple[Change, ...]
    alternatives: tuple[OtherCrew, ...]


def explain(
    session: Session, *, plan_id: int, visit_id: str, now: datetime, engine: Engine = in_process
) -> Explanation:
    """Why the plan leaves the visit out or where it is.

    A plan that can be edited is looked at against the board as it now is, another one against the problem it was
    made for. Raises NoSuchPlan, NoSuchVisit, NoPlanYet for a plan without an answer, VisitBegun for a visit
    that is over, and DoesNotFit with the reason for one that the problem cannot hold.
    """
    visits.get(session, visit_id)
    plan = states.get(session, plan_id)
    problem, answer = _asked_about(session, plan, visit_id, now, engine)
    found = engine.explain(problem, answer, visit_id)
    return _told(found, problem)


def _asked_about(
    session: Session, plan: Plan, visit_id: str, now: datetime, engine: Engine
) -> tuple[Problem, Answer]:
    """The problem and the plan that are explained; refuses a visit that is not in it."""
    if plan.status in (PlanStatus.PROPOSED, *IN_FORCE):
        standing = stand(session, plan, now=now)
        if all(visit.id != visit_id for visit in standing.problem.visits):
            refuse_begun(standing, visit_id)
            refuse_unplaceable(standing, visit_id)
        return standing.problem, engine.retime(standing.problem, standing.orders)
    if plan.problem is None or plan.answer is None:
        raise NoPlanYet(f"Plan {plan.number} has no answer yet.", plan=plan.id)
    problem = problem_from(plan.problem)
    if all(visit.id != visit_id for visit in problem.visits):
        raise DoesNotFit(
            f"Visit {visit_id} was not in the problem of plan {plan.number}.",
            reason="not_ready",
            visit=visit_id,
        )
    return problem, plan_from(plan.answer)


def _told(found: Found, problem: Problem) -> Explanation:
    clock = DayClock(problem.start)
    crews: Mapping[str, str] = {shift.id: shift.crew for shift in problem.shifts}
    fits = found.verdict == SERVED and found.plan is not None
    return Explanation(
        visit_id=found.visit,
        verdict="fits" if fits else found.verdict,
        crew_id=None if found.shift is None else crews[found.shift],
        shift_id=found.shift,
        start_at=None if found.start is None else clock.instant(found.start),
        cost=found.cost,
        leaving_out=found.leaving_out,
        pushed_out=found.pushed_out,
        moved=tuple(
            Moved(each.visit, crews[each.shift], each.shift, clock.instant(each.start))
            for each in found.moved
        ),
        reasons=tuple(ShiftReason(each.shift, each.crew, each.reason) for each in found.reasons),
        changes=tuple(
            Change(
                kind=each.kind,
                shift_id=each.shift,
                crew_id=each.crew,
                start_at=clock.instant(each.start),
                cost=each.cost,
                amount=each.amount,
                detail=each.detail,
                to_shift_id=each.to,
                to_crew_id=None if each.to is None else crews[each.to],
            )
            for each in found.relaxations
        ),
        alternatives=tuple(
            OtherCrew(
                crew_id=each.crew,
                shift_id=each.shift,
                position=each.position,
                start_at=clock.instant(each.start),
                driving_s=each.driving,
                late_s=each.late,
                overtime_s=each.overtime,
                cost=each.cost,
            )
            for each in found.alternatives
        ),
    )
