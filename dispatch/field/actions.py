"""What crews do on their visits, as their devices tell it, in their order and each of them once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove
from dispatch.field import lone, parts
from dispatch.field.operations import Operation, check, content_of, mark, meaning
from dispatch.field.proof import check_done, check_failed
from dispatch.field.steps import CHECK_IN, MOVES, allowed
from dispatch.field.tables import CrewAction, RefusedAction
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


class OperationRefused(ConflictError):
    """The operation was refused when it was sent first, and stays so."""

    code = "operation_refused"


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
    key: bytes | None = None,
) -> Visit:
    """Record one action of a crew: accept, decline, en_route, arrived, start, pause, resume, done or not_done.

    See `take`, which this calls; the answer is the visit as it is now.
    """
    asked = Operation(op_id, visit_id, action, device_at, reason, note, dict(data or {}), lat, lon)
    take(session, asked, crew_id=crew_id, actor=actor, now=now, key=key)
    return visits.get(session, visit_id)


def take(
    session: Session,
    asked: Operation,
    *,
    crew_id: str,
    actor: Actor,
    now: datetime,
    key: bytes | None = None,
) -> CrewAction:
    """Record one action of a crew as its device tells it, and move the visit.

    The same `op_id` again changes nothing and gives the same row. The visit's times are the device's, `now` beside
    them; one told more than 5 min late is marked so. `done` needs `data` as `proof.check_done` says, and takes the
    parts used from the crew's stock; `decline` and `not_done` need a reason of their lists, `not_done` may name
    `photos`. `check_in` says that somebody who works alone is well. With a `version` the action is refused when
    anybody but the crew itself has changed the visit since. The day's first action makes its published plan
    active. `key` is the installation's, to check customers' codes.

    Raises UnknownAction, BadOperation, OperationReused, OperationRefused, DeviceClockWrong, OutOfOrder,
    VisitNotYours, StaleVersion, NothingToCheckIn, what `proof.check_done` raises, and what `visits.act` does:
    IllegalMove, CrewBusy, UnknownReason.
    """
    check(asked)
    lock_for(session, f"crew:{crew_id}")
    known = _known(session, asked, crew_id)
    if known is not None:
        return known
    visit = visits.get(session, asked.visit_id)
    if visit.crew_id != crew_id:
        raise VisitNotYours(
            f"Visit {visit.id} is not with crew {crew_id} any more, or never was; load your day again.",
            visit=visit.id,
        )
    _refuse_changed_by_others(session, visit, asked)
    happened_at = _believed(session, asked, now=now)
    before = visit.version
    if asked.action == CHECK_IN:
        lone.check_in(session, visit, at=happened_at, actor=actor, now=now)
    else:
        _move(session, visit, asked, crew_id, at=happened_at, actor=actor, now=now, key=key)
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


def _known(session: Session, asked: Operation, crew_id: str) -> CrewAction | None:
    """The action of this number, if it was taken; raises when the number is another's or was refused."""
    known = session.exec(select(CrewAction).where(CrewAction.op_id == asked.op_id)).first()
    refused = session.get(RefusedAction, asked.op_id)
    another = (known is not None and content_of(known) != meaning(asked, crew_id)) or (
        refused is not None and refused.mark != mark(asked, crew_id)
    )
    if another:
        raise OperationReused(
            f"Operation {asked.op_id} was something else before; give every action a number of its own.",
            field="op_id",
        )
    if refused is not None:
        raise OperationRefused(
            f"Operation {asked.op_id} was refused before ({refused.code}): {refused.detail}",
            first=refused.code,
        )
    return known


def _move(
    session: Session,
    visit: Visit,
    asked: Operation,
    crew_id: str,
    *,
    at: datetime,
    actor: Actor,
    now: datetime,
    key: bytes | None,
) -> None:
    proof = check_done(session, visit, asked.data, key=key) if asked.action == "done" else None
    if asked.action == "not_done":
        check_failed(session, visit, asked.data)
    _activate_plan(session, visit, actor=actor, now=now)
    _act(session, visit, asked, crew_id, happened_at=at, actor=actor, now=now)
    lone.follow(session, visit, asked.action, at=at, actor=actor, now=now)
    if proof is not None and proof.parts:
        parts.use(session, visit, proof.parts, actor=actor, now=now)


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
