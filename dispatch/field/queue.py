"""What a device queued without a network, merged in its order; what was refused is named and stays refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from dispatch.core import events
from dispatch.core.errors import DispatchError
from dispatch.core.events import Actor
from dispatch.field.actions import OperationRefused, OperationReused, take
from dispatch.field.operations import BadOperation, Operation, UnknownAction, mark
from dispatch.field.tables import RefusedAction
from dispatch.registry import crews
from dispatch.work.tables import Visit


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an action was refused: a code for programs, and words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a queued operation: the visit's state after it, or the refusal."""

    op_id: str
    visit_id: str
    status: str
    refusal: Refusal | None = None


def merge(
    session: Session,
    operations: Sequence[Operation],
    *,
    crew_id: str,
    actor: Actor,
    now: datetime,
    key: bytes | None = None,
) -> list[Outcome]:
    """Take what a device queued without a network, in the device's order, each by itself.

    A refused one moves nothing: it is remembered with its reason, told in the visit's trail, and answered the same
    when it is sent again, so that a queue may be sent as often as it takes. The others stand. The outcomes come in
    the order of the doing, two of the same instant by their numbers. Raises NoSuchCrew.
    """
    crews.get(session, crew_id)
    in_order = sorted(operations, key=lambda one: (one.device_at, one.op_id))
    return [
        _take_one(session, one, crew_id=crew_id, actor=actor, now=now, key=key) for one in in_order
    ]


def _take_one(
    session: Session,
    one: Operation,
    *,
    crew_id: str,
    actor: Actor,
    now: datetime,
    key: bytes | None,
) -> Outcome:
    try:
        with session.begin_nested():
            taken = take(session, one, crew_id=crew_id, actor=actor, now=now, key=key)
        return Outcome(one.op_id, one.visit_id, taken.to_status)
    except OperationRefused:
        before = session.get_one(RefusedAction, one.op_id)
        return Outcome(one.op_id, one.visit_id, before.status, Refusal(before.code, before.detail))
    except DispatchError as refusal:
        seen = session.get(Visit, one.visit_id)
        state = seen.status.value if seen else ""
        if not isinstance(refusal, UnknownAction | BadOperation | OperationReused):
            _remember(session, one, refusal, seen, crew_id=crew_id, actor=actor, now=now)
        return Outcome(one.op_id, one.visit_id, state, Refusal(refusal.code, refusal.message))


def _remember(
    session: Session,
    one: Operation,
    refusal: DispatchError,
    visit: Visit | None,
    *,
    crew_id: str,
    actor: Actor,
    now: datetime,
) -> None:
    session.add(
        RefusedAction(
            op_id=one.op_id,
            crew_id=crew_id,
            visit_id=one.visit_id,
            action=one.action,
            mark=mark(one, crew_id),
            status=visit.status.value if visit else "",
            code=refusal.code,
            detail=refusal.message[:1000],
            device_at=one.device_at,
            recorded_at=now,
        )
    )
    if visit is not None:  # without a visit there is no trail to tell it in
        events.record(
            session,
            "visit.action_refused",
            entity="visit",
            entity_id=visit.id,
            actor=actor,
            now=now,
            happened_at=min(one.device_at, now),
            territory_id=visit.territory_id,
            data={
                "op_id": one.op_id,
                "crew_id": crew_id,
                "action": one.action,
                "code": refusal.code,
            },
        )
    session.flush()
