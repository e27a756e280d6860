"""Plans: the operations on a day's plan, from the request for it to its end, under one name."""

from datetime import datetime

from sqlmodel import Session

from dispatch.core.events import SYSTEM, Actor
from dispatch.planning import states
from dispatch.planning.differences import Told
from dispatch.planning.options import BadOption
from dispatch.planning.publishing import (
    AlreadyPublished,
    BoardMoved,
    LockBroken,
    NotProposed,
    Published,
    preview,
    publish,
)
from dispatch.planning.runs import (
    Taken,
    fail,
    give_back,
    goes_on,
    propose,
    record_progress,
    request_plan,
    stop,
    take,
)
from dispatch.planning.states import DayOver, NoSuchPlan, get, in_force, newest
from dispatch.planning.tables import Plan, PlanStatus

__all__ = [
    "AlreadyPublished",
    "BadOption",
    "BoardMoved",
    "DayOver",
    "LockBroken",
    "NoSuchPlan",
    "NotProposed",
    "Published",
    "Taken",
    "Told",
    "activate",
    "close",
    "discard",
    "fail",
    "get",
    "give_back",
    "goes_on",
    "in_force",
    "newest",
    "preview",
    "propose",
    "publish",
    "record_progress",
    "request_plan",
    "stop",
    "take",
]


def activate(session: Session, *, plan_id: int, actor: Actor, now: datetime) -> Plan:
    """Record that a crew has begun to work by the plan; an active plan stays so. Raises NoSuchPlan, IllegalMove."""
    plan = states.locked(session, plan_id)
    if plan.status is PlanStatus.ACTIVE:
        return plan
    return states.move(session, plan, "activate", actor=actor, now=now)


def close(session: Session, *, plan_id: int, actor: Actor, now: datetime) -> Plan:
    """End the plan with its day, and what waits or is proposed for that day. Raises NoSuchPlan, IllegalMove."""
    plan = states.locked(session, plan_id)
    waiting = states.in_states(
        session,
        territory_id=plan.territory_id,
        day=plan.day,
        states=(PlanStatus.DRAFT, PlanStatus.SOLVING, PlanStatus.PROPOSED),
    )
    for other in waiting:
        states.move(session, other, "supersede", actor=SYSTEM, now=now, data={"by": plan.number})
    return states.move(session, plan, "close", actor=actor, now=now)


def discard(
    session: Session, *, plan_id: int, actor: Actor, now: datetime, expect: int | None = None
) -> Plan:
    """Drop a plan that was not published; raises NoSuchPlan, StaleVersion and IllegalMove."""
    plan = states.locked(session, plan_id)
    plan.expect(expect)
    return states.move(session, plan, "discard", actor=actor, now=now)
