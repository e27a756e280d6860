"""Plans one by one: finding, numbering, and the only function that changes a plan's status."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from dispatch.core import events
from dispatch.core.calendar import day_bounds, zone_named
from dispatch.core.db import lock_for
from dispatch.core.errors import InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.planning.lifecycle import IN_FORCE, PLANS
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import territories

WITHOUT_DOCUMENTS = [defer(getattr(Plan, name)) for name in ("problem", "answer", "board_parts")]
"""A plan's documents, megabytes on a large day, are read when they are looked at."""


class NoSuchPlan(NotFoundError):
    """No plan has this id."""

    code = "no_such_plan"


class DayOver(InvalidError):
    """The day has ended, so nothing of it can be planned any more."""

    code = "day_over"


def get(session: Session, plan_id: int) -> Plan:
    """The plan with this id; raises NoSuchPlan."""
    plan = session.get(Plan, plan_id, options=WITHOUT_DOCUMENTS)
    if plan is None:
        raise NoSuchPlan(f"There is no plan {plan_id}.", field="plan_id")
    return plan


def locked(session: Session, plan_id: int) -> Plan:
    """The plan as it now is, and its day to oneself until the transaction ends; raises NoSuchPlan."""
    plan = get(session, plan_id)
    lock_day(session, plan.territory_id, plan.day)
    session.flush()  # a refresh would forget what has not been written
    session.refresh(plan)
    return plan


def lock_day(session: Session, territory_id: str, day: date) -> None:
    """Let nobody else number or publish a plan of this day until the transaction ends."""
    lock_for(session, f"plan:{territory_id}:{day.isoformat()}")


def in_force(session: Session, *, territory_id: str, day: date) -> Plan | None:
    """The plan that crews work by on this day, if one was published and not closed."""
    statement = _of_day(territory_id, day).where(col(Plan.status).in_(IN_FORCE))
    return session.exec(statement.limit(1)).first()


def newest(session: Session, *, territory_id: str, day: date) -> Plan | None:
    """The day's plan with the highest number, whatever became of it."""
    return session.exec(_of_day(territory_id, day).limit(1)).first()


def in_states(
    session: Session, *, territory_id: str, day: date, states: tuple[PlanStatus, ...]
) -> list[Plan]:
    """The day's plans in any of `states`, the newest first."""
    statement = _of_day(territory_id, day).where(col(Plan.status).in_(states))
    return list(session.exec(statement))


def create(
    session: Session,
    *,
    territory_id: str,
    day: date,
    origin: str,
    options: dict[str, Any],
    actor: Actor,
    now: datetime,
    branch: str | None = None,
) -> Plan:
    """A new draft with the day's next number; raises NoSuchTerritory, and DayOver for a day that has ended."""
    refuse_past_day(session, territory_id, day, now=now)
    lock_day(session, territory_id, day)
    last = session.exec(
        select(sa.func.max(Plan.number)).where(Plan.territory_id == territory_id, Plan.day == day)
    ).one()
    plan = Plan(
        territory_id=territory_id,
        day=day,
        number=(last or 0) + 1,
        origin=origin,
        branch=branch,
        options=options,
        created_by=actor.id,
        created_at=now,
    )
    session.add(plan)
    session.flush()
    record(session, plan, "plan.draft", actor=actor, now=now, to_status=plan.status.value)
    return plan


def refuse_past_day(session: Session, territory_id: str, day: date, *, now: datetime) -> None:
    """Raise DayOver when the local day has ended."""
    territory = territories.get(session, territory_id)
    _, closes_at = day_bounds(day, zone_named(territory.zone))
    if now >= closes_at:
        raise DayOver(
            f"{day.isoformat()} is over in {territory.name_en}; plan today or a later day.",
            field="day",
        )


def move(
    session: Session,
    plan: Plan,
    action: str,
    *,
    actor: Actor,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> Plan:
    """Change the plan's status by one move of its life cycle; raises IllegalMove and MoveNotYours."""
    before = plan.status
    plan.status = PLANS.target(before, action, role=actor.role, subject=str(plan.number))
    record(
        session,
        plan,
        f"plan.{plan.status.value}",
        actor=actor,
        now=now,
        from_status=before.value,
        to_status=plan.status.value,
        data={"action": action, **(data or {})},
    )
    session.flush()
    return plan


def record(
    session: Session,
    plan: Plan,
    type: str,
    *,
    actor: Actor,
    now: datetime,
    from_status: str | None = None,
    to_status: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Write an event about the plan."""
    events.record(
        session,
        type,
        entity="plan",
        entity_id=str(plan.id),
        actor=actor,
        now=now,
        from_status=from_status,
        to_status=to_status,
        territory_id=plan.territory_id,
        data={"day": plan.day.isoformat(), "number": plan.number, **(data or {})},
    )


def _of_day(territory_id: str, day: date) -> SelectOfScalar[Plan]:
    return (
        select(Plan)
        .where(Plan.territory_id == territory_id, Plan.day == day)
        .order_by(col(Plan.number).desc())
        .options(*WITHOUT_DOCUMENTS)
    )
