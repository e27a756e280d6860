"""What crews do on their visits, as their devices tell it, in their order and each of them once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, DispatchError, InvalidError
from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove
from dispatch.field.operations import Operation, check, content_of, meaning
from dispatch.field.proof import check_done
from dispatch.field.steps import MOVES, allowed
from dispatch.field.tables import CrewAction
from dispatch.planning import plans
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry.tables import Shift
from dispatch.work import visits
from dispatch.work.tables import Visit
from dispatch.work.visits import VisitNotYours

CLOCK_AHEAD = timedelta(minutes=5)
"""How far a device's clock may be ahead of the server's; the time then counts as the server's."""
LATE_AFTER = timedelta(minutes=5)
OLDEST = timedelta(days=7)


class OperationReused(InvalidError):
    """The operation's number was used before, for something else."""

    code = "operation_reused"


class DeviceClockWrong(InvalidError):
    """The device's time lies too far from the server's to be believed."""

    code = "device_clock_wrong"


class OutOfOrder(ConflictError):
    """A later action on this visit is recorded already."""

    code = "out_of_order"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a queued operation: the visit's state after it, or the refusal."""

    op_id: str
    visit_id: str
    status: str
    refusal: DispatchError | None = None


def do(
    session: Session,
    *,
    op_id: str,
    visit_id: str,
    crew_id: str,
    action: str,
    device_at: datetime,
    actor: Actor,
    now: datetime,
    reason: str = "",
    note: str = "",
    data: Mapping[str, Any] | None = None,
    lat: float | None = None,
    lon: float | None = None,
) -> Visit:
    """Record one action of a crew: accept, decline, en_route, arrived, start, pause, resume, done or not_done.

    See `take`, which this calls; the answer is the visit as it is now.
    """
    asked = Operation(op_id, visit_id, action, device_at, reason, note, dict(data or {}), lat, lon)
    take(session, asked, crew_id=crew_id, actor=actor, now=now)
    return visits.get(session, visit_id)


def take(
    session: Session, asked: Operation, *, crew_id: str, actor: Actor, now: datetime
) -> CrewAction:
    """Record one action of a crew as its device tells it, and move the visit.

    The same `op_id` again changes nothing and gives the same row. The visit's times are the device's, `now` beside
    them; one told more than 5 min late is marked so. `done` needs `data` with every point of the work type's
    `checklist` and one of its `closing_code`s; `decline` and `not_done` need a reason of their lists. With a
    `version` the action is refused when anybody but the crew itself has changed the visit since. The day's first
    action makes its published plan active.

    Raises UnknownAction, BadOperation, OperationReused, DeviceClockWrong, OutOfOrder, VisitNotYours, StaleVersion,
    ChecklistIncomplete, ClosingCodeUnknown, and what `visits.act` raises: IllegalMove, CrewBusy, UnknownReason.
    """
    check(asked)
    lock_for(session, f"crew:{crew_id}")
    known = session.exec(select(CrewAction).where(CrewAction.op_id == asked.op_id)).first()
    if known is not None:
        if content_of(known) != meaning(asked, crew_id):
            raise OperationReused(
                f"Operation {asked.op_id} was something else before; give every action a number of its own.",
                field="op_id",
            )
        return known
    visit = visits.get(session, asked.visit_id)
    if visit.crew_id != crew_id:
        raise VisitNotYours(
            f"Visit {visit.id} is not with crew {crew_id} any more, or never was; load your day again.",
            visit=visit.id,
        )
    _refuse_changed_by_others(session, visit, asked)
    happened_at = _believed(session, asked, now=now)
    if asked.action == "done":
        check_done(session, visit, asked.data)
    _activate_plan(session, visit, actor=actor, now=now)
    before = visit.version
    _act(session, visit, asked, crew_id, happened_at=happened_at, actor=actor, now=now)
    taken = CrewAction(
        **meaning(asked, crew_id),
        device_at=asked.device_at,
        recorded_at=now,
        late=now - asked.device_at > LATE_AFTER,
        to_status=visit.status.value,
        from_version=before,
        to_version=visit.version,
    )
    session.add(taken)
    session.flush()
    return taken


def do_queued(
    session: Session,
    operations: Sequence[Operation],
    *,
    crew_id: str,
    actor: Actor,
    now: datetime,
) -> list[Outcome]:
    """Take what a device queued without a network, in the device's order, each by itself.

    A refused one leaves no trace but its outcome; the others stand. The outcomes come in the order of the doing.
    """
    outcomes = []
    for one in sorted(operations, key=lambda operation: operation.device_at):
        try:
            with session.begin_nested():
                taken = take(session, one, crew_id=crew_id, actor=actor, now=now)
            outcomes.append(Outcome(one.op_id, one.visit_id, taken.to_status))
        except DispatchError as refusal:
            seen = session.get(Visit, one.visit_id)
            state = seen.status.value if seen else ""
            outcomes.append(Outcome(one.op_id, one.visit_id, state, refusal))
    return outcomes


def of_visit(session: Session, visit_id: str) -> list[CrewAction]:
    """The recorded actions on a visit, in their order."""
    statement = select(CrewAction).where(CrewAction.visit_id == visit_id)
    return list(session.exec(statement.order_by(col(CrewAction.id))))


def _refuse_changed_by_others(session: Session, visit: Visit, asked: Operation) -> None:
    """Raise StaleVersion unless every change since the version seen was one of the crew's own actions."""
    if asked.version is None or visit.version <= asked.version:
        return
    own = select(CrewAction.from_version, CrewAction.to_version).where(
        CrewAction.visit_id == visit.id, CrewAction.crew_id == visit.crew_id
    )
    reached = visit.version
    for before, after in session.exec(own.order_by(col(CrewAction.id).desc())):
        if after != reached or reached <= asked.version:
            break
        reached = before
    if reached > asked.version:
        visit.expect(asked.version)


def _act(
    session: Session,
    visit: Visit,
    asked: Operation,
    crew_id: str,
    *,
    happened_at: datetime,
    actor: Actor,
    now: datetime,
) -> None:
    told: dict[str, Any] = {"op_id": asked.op_id, "told_by": actor.id}
    if asked.action == "done":
        told["closing_code"] = asked.data.get("closing_code", "")
    try:
        visits.act(
            session,
            visit,
            MOVES[asked.action],
            actor=Actor(crew_id, "crew") if actor.role == "crew" else actor,
            now=now,
            happened_at=happened_at,
            reason=asked.reason,
            note=asked.note,
            data=told,
        )
    except IllegalMove as refusal:
        possible = allowed(visit.status)
        raise IllegalMove(
            f"Visit {visit.id} is {visit.status.value}: {asked.action} is not possible now; "
            f"possible: {', '.join(possible) or 'nothing more'}.",
            subject=visit.id,
            state=visit.status.value,
            action=asked.action,
            allowed=list(possible),
        ) from refusal


def _activate_plan(session: Session, visit: Visit, *, actor: Actor, now: datetime) -> None:
    """The day's first action makes the published plan the one that crews follow."""
    statement = (
        select(Plan.id)
        .join(Shift, col(Shift.day) == col(Plan.day))
        .where(
            Shift.id == visit.shift_id,
            Plan.territory_id == visit.territory_id,
            col(Plan.status) == PlanStatus.PUBLISHED,
        )
    )
    plan_id = session.exec(statement).first()
    if plan_id is not None:
        plans.activate(session, plan_id=plan_id, actor=actor, now=now)


def _believed(session: Session, asked: Operation, *, now: datetime) -> datetime:
    """When it happened: the device's time, never after the server's nor before the visit's last action."""
    if asked.device_at - now > CLOCK_AHEAD:
        raise DeviceClockWrong(
            f"The device's clock is ahead of ours ({asked.device_at.isoformat()}). Set it and repeat.",
            field="device_at",
        )
    if now - asked.device_at > OLDEST:
        raise DeviceClockWrong(
            f"The device's time is more than {OLDEST.days} days ago ({asked.device_at.isoformat()}). "
            "Set its clock and repeat, or ask the dispatcher to enter the action.",
            field="device_at",
        )
    last = session.exec(
        select(CrewAction.device_at)
        .where(CrewAction.visit_id == asked.visit_id)
        .order_by(col(CrewAction.device_at).desc())
        .limit(1)
    ).first()
    happened_at = min(asked.device_at, now)
    if last is None or last <= happened_at:
        return happened_at
    if last - asked.device_at > CLOCK_AHEAD:
        raise OutOfOrder(
            f"Visit {asked.visit_id} has an action of {last.isoformat()}, after this one. "
            "Send queued actions in the order in which they happened.",
            visit=asked.visit_id,
            last_at=last.isoformat(),
        )
    return min(last, now)  # a clock set back by a little
