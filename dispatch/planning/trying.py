"""A visit tried on every shift of a plan, for whoever holds it over the board: each with its change or reason."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from dispatch.planning import states
from dispatch.planning.clock import DayClock
from dispatch.planning.editing import NotEditable, stand
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.inserting import Partner, beginning_too
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.refusing import refuse_begun, refuse_unplaceable
from dispatch.planning.tables import PlanStatus
from dispatch.work import visits
from dispatch.work.tables import Visit
from optimizer.problem import Problem


@dataclass(frozen=True, slots=True)
class ShiftTrial:
    """The visit at its best place on a shift: what the plan has more of then; or why it cannot be there.

    The figures are None where `reason` has the first rule that keeps the visit from the shift. `together` are those
    that begin when it does, and what they change is in the figures.
    """

    shift_id: str
    crew_id: str
    reason: str | None
    position: int | None
    start_at: datetime | None
    driving_s: int | None
    late_s: int | None
    overtime_s: int | None
    cost: int | None
    together: tuple[Partner, ...] = ()


def try_shifts(
    session: Session, *, plan_id: int, visit_id: str, now: datetime, engine: Engine = in_process
) -> list[ShiftTrial]:
    """The visit on each shift of the plan's day as the board now is, all else left as the plan has it.

    A lock of its crew is looked past, since whoever moves it locks it anew; a lock of its time is kept. Raises
    NoSuchPlan, NoSuchVisit, NotEditable, VisitBegun, and DoesNotFit for a visit that no plan can hold.
    """
    visit = visits.get(session, visit_id)
    plan = states.get(session, plan_id)
    if plan.status not in (PlanStatus.PROPOSED, *IN_FORCE):
        raise NotEditable(f"Plan {plan.number} is {plan.status.value}.", plan=plan.id)
    standing = stand(session, plan, now=now)
    refuse_begun(standing, visit_id)
    refuse_unplaceable(standing, visit_id)
    held = standing.locks.get(visit_id)
    locked = visit.locked_crew if held is None else held["crew_id"] is not None
    problem = _unlocked(standing.problem, visit) if locked else standing.problem
    answer = engine.retime(problem, standing.orders)
    clock = DayClock(problem.start)
    crews = {shift.id: shift.crew for shift in problem.shifts}
    return [
        ShiftTrial(
            shift_id=each.shift,
            crew_id=each.crew,
            reason=each.reason,
            position=each.place.position if each.place else None,
            start_at=clock.instant(each.place.start) if each.place else None,
            driving_s=each.place.driving if each.place else None,
            late_s=each.place.late if each.place else None,
            overtime_s=each.place.overtime if each.place else None,
            cost=each.place.cost if each.place else None,
            together=beginning_too(each.place.together, crews, clock) if each.place else (),
        )
        for each in engine.trials(problem, answer, visit_id)
    ]


def _unlocked(problem: Problem, visit: Visit) -> Problem:
    """The problem with this visit bound to no crew but by what its order allows."""
    known = {crew.id for crew in problem.crews}
    allowed = None
    if visit.allowed_crews is not None:
        allowed = tuple(crew for crew in visit.allowed_crews if crew in known)
    return replace(
        problem,
        visits=tuple(
            replace(each, pinned=None, allowed_crews=allowed) if each.id == visit.id else each
            for each in problem.visits
        ),
    )
