"""A crew's day, and its actions. A crew's people reach their own crew's things only."""

from datetime import datetime

from fastapi import APIRouter

from api.deps import Now, OwnCrew, Reading, TheSettings, Who, Writing, requires
from api.repeats import Route
from api.schemas.field import (
    ActionOut,
    CrewActionIn,
    CrewDayOut,
    OutcomeOut,
    QueuedActions,
    ShiftReport,
)
from api.schemas.forms import PathDay, PathId
from api.schemas.registry import ShiftOut
from dispatch.core.calendar import local_day, zone_named
from dispatch.field import actions, queue
from dispatch.field.day import crew_day
from dispatch.field.operations import Operation
from dispatch.field.queue import Outcome
from dispatch.registry import crews, queries, shifts, territories
from dispatch.registry.shifts import NoSuchShift
from dispatch.work.tables import VisitStatus

router = APIRouter(route_class=Route, tags=["crew's day"])


@router.get("/crews/{crew_id}/days/{day}", dependencies=[requires("crew_day:read")])
def get_crew_day(
    crew_id: OwnCrew, day: PathDay, session: Reading, moment: Now, settings: TheSettings
) -> CrewDayOut:
    """The crew's shifts and visits of a local day, in the order of the plan."""
    return CrewDayOut.of(crew_day(session, crew_id=crew_id, day=day, now=moment, key=settings.key))


@router.get("/crews/{crew_id}/current-day", dependencies=[requires("crew_day:read")])
def get_current_day(
    crew_id: OwnCrew, session: Reading, moment: Now, settings: TheSettings
) -> CrewDayOut:
    """The crew's day of today, or its next one with work when it has none today."""
    crew = crews.get(session, crew_id)
    zone = zone_named(territories.get(session, crew.territory_id).zone)
    day = queries.next_day_of_work(
        session, territory_id=crew.territory_id, crew_id=crew_id, today=local_day(moment, zone)
    )
    return CrewDayOut.of(crew_day(session, crew_id=crew_id, day=day, now=moment, key=settings.key))


@router.post("/crews/{crew_id}/actions", dependencies=[requires("crew_day:act")])
def act(
    crew_id: OwnCrew,
    body: CrewActionIn,
    session: Writing,
    caller: Who,
    moment: Now,
    settings: TheSettings,
) -> ActionOut:
    """Record one action on a visit of the crew; the same `op_id` again is the same action."""
    taken = actions.take(
        session,
        _operation(body, moment),
        crew_id=crew_id,
        actor=caller.actor,
        now=moment,
        key=settings.key,
    )
    return ActionOut(
        op_id=taken.op_id,
        visit_id=taken.visit_id,
        status=VisitStatus(taken.to_status),
        version=taken.to_version,
    )


@router.post("/crews/{crew_id}/queued-actions", dependencies=[requires("crew_day:act")])
def act_queued(
    crew_id: OwnCrew,
    body: QueuedActions,
    session: Writing,
    caller: Who,
    moment: Now,
    settings: TheSettings,
) -> list[OutcomeOut]:
    """Record what a device queued without a network, in its order; each stands or is refused by itself.

    A refused one stays refused: sent again it is answered the same. What a person does about it is a new action.
    """
    queued = [_operation(one, moment) for one in body.actions]
    outcomes = queue.merge(
        session, queued, crew_id=crew_id, actor=caller.actor, now=moment, key=settings.key
    )
    return [_outcome(outcome) for outcome in outcomes]


@router.post("/crews/{crew_id}/shifts/{shift_id}/reports", dependencies=[requires("crew_day:act")])
def report(
    crew_id: OwnCrew,
    shift_id: PathId,
    body: ShiftReport,
    session: Writing,
    caller: Who,
    moment: Now,
) -> ShiftOut:
    """Report the crew on duty or off duty."""
    shift = shifts.get(session, shift_id)
    if shift.crew_id != crews.get(session, crew_id).id:
        raise NoSuchShift(f"There is no shift {shift_id}.", field="shift_id")
    return ShiftOut.of(shifts.move(session, shift, body.action, actor=caller.actor, now=moment))


def _operation(body: CrewActionIn, moment: datetime) -> Operation:
    return Operation(**body.model_dump(exclude={"device_at"}), device_at=body.device_at or moment)


def _outcome(outcome: Outcome) -> OutcomeOut:
    refusal = outcome.refusal
    return OutcomeOut(
        op_id=outcome.op_id,
        visit_id=outcome.visit_id,
        status=outcome.status,
        code=refusal.code if refusal else None,
        detail=refusal.message if refusal else None,
    )
