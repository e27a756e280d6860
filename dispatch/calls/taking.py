"""Calls are taken by one caller at a time, who has the call for `HELD_FOR` and sees its number."""

from datetime import datetime, timedelta

from sqlmodel import Session

from dispatch.calls.tables import CallClaim
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor, record
from dispatch.work import catalogue, orders
from dispatch.work.orders import NotByPhone
from dispatch.work.progress import SUBJECT
from dispatch.work.tables import Mode, WorkOrder, WorkOrderStatus

HELD_FOR = timedelta(minutes=15)
"""How long a call stays with who took it; what they say later counts unless somebody else took it."""


class CallTaken(ConflictError):
    """Somebody else is calling now."""

    code = "call_taken"


class CallNotYours(ConflictError):
    """The call was not taken, or somebody else has it since."""

    code = "call_not_yours"


class CallDone(ConflictError):
    """The call has been made, or called off."""

    code = "call_done"


def take(session: Session, *, work_order_id: str, actor: Actor, now: datetime) -> CallClaim:
    """Take a call, or hold it longer; nobody else is given it for `HELD_FOR`.

    Raises NoSuchWorkOrder, NotByPhone, CallDone and CallTaken.
    """
    order = _to_be_called(session, work_order_id)
    claim = session.get(CallClaim, order.id, populate_existing=True)
    if claim is None:
        claim = CallClaim(work_order_id=order.id, caller_id=actor.id, expires_at=now + HELD_FOR)
        session.add(claim)
        tell(session, order, "taken", actor=actor, now=now)
    elif claim.caller_id != actor.id:
        if claim.expires_at > now:
            raise CallTaken(
                f"Somebody else has call {order.id} until {claim.expires_at.isoformat()}.",
                subject=order.id,
                until=claim.expires_at.isoformat(),
            )
        claim.caller_id = actor.id
        tell(session, order, "taken", actor=actor, now=now)
    claim.expires_at = now + HELD_FOR
    session.flush()
    return claim


def give_back(session: Session, *, work_order_id: str, actor: Actor) -> None:
    """Let others have the call; nothing happens when it is not the actor's."""
    lock_for(session, f"call:{work_order_id}")
    claim = session.get(CallClaim, work_order_id, populate_existing=True)
    if claim is not None and claim.caller_id == actor.id:
        session.delete(claim)
        session.flush()


def held(session: Session, *, work_order_id: str, actor: Actor) -> tuple[WorkOrder, CallClaim]:
    """The order of a call that the actor has taken; raises CallNotYours and what `take` does."""
    order = _to_be_called(session, work_order_id)
    claim = session.get(CallClaim, order.id, populate_existing=True)
    if claim is None or claim.caller_id != actor.id:
        raise CallNotYours(
            f"Take call {order.id} first; it is not yours, or somebody else has taken it since.",
            subject=order.id,
        )
    return order, claim


def masked(number: str | None) -> str:
    """A telephone number of which only the last four digits can be read."""
    return "*" * max(0, len(number) - 4) + number[-4:] if number else ""


def tell(
    session: Session,
    order: WorkOrder,
    what: str,
    *,
    actor: Actor,
    now: datetime,
    data: dict[str, object] | None = None,
) -> None:
    """Record that the call was taken (its number was shown) or made; nothing of what was said."""
    record(
        session,
        f"call.{what}",
        entity=SUBJECT,
        entity_id=order.id,
        actor=actor,
        now=now,
        territory_id=order.territory_id,
        data=data,
    )


def _to_be_called(session: Session, work_order_id: str) -> WorkOrder:
    """The order of a call that is still to be made, while nobody else writes about it."""
    lock_for(session, f"call:{work_order_id}")
    order = orders.get(session, work_order_id)
    if catalogue.get(session, order.work_type).mode is not Mode.PHONE:
        raise NotByPhone(
            f"Work order {order.id} ({order.work_type}) is done by a visit.", subject=order.id
        )
    if order.status is not WorkOrderStatus.READY:
        raise CallDone(
            f"Call {order.id} is {order.status.value}; there is nobody to be called.",
            subject=order.id,
            state=order.status.value,
        )
    return order
