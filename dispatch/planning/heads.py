"""The plans of a day without their stops."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.states import NoSuchPlan
from dispatch.planning.tables import Plan, PlanStatus


@dataclass(frozen=True, slots=True)
class PlanHead:
    """A plan without its stops."""

    id: int
    number: int
    day: date
    status: PlanStatus
    version: int
    origin: str
    branch: str | None
    created_by: str
    created_at: datetime
    published_at: datetime | None
    published_by: str | None
    error: str
    progress: Mapping[str, Any]
    figures: Mapping[str, Any]
    options: Mapping[str, Any]


def plans_of(session: Session, *, territory_id: str, day: date) -> list[PlanHead]:
    """The day's plans, the newest first, in one statement."""
    columns = [col(getattr(Plan, name)) for name in PlanHead.__slots__]
    statement = (
        sa.select(*columns)
        .where(col(Plan.territory_id) == territory_id, col(Plan.day) == day)
        .order_by(col(Plan.number).desc())
    )
    return [PlanHead(*row) for row in session.execute(statement)]


def head(session: Session, plan_id: int) -> PlanHead | None:
    """One plan as `plans_of` gives them."""
    columns = [col(getattr(Plan, name)) for name in PlanHead.__slots__]
    row = session.execute(sa.select(*columns).where(col(Plan.id) == plan_id)).first()
    return None if row is None else PlanHead(*row)


def current(heads: Sequence[PlanHead]) -> PlanHead | None:
    """The one of a day's plans that crews work by."""
    return next((head for head in heads if head.status in IN_FORCE), None)


def chosen(
    heads: Sequence[PlanHead], plan_id: int | None = None, *, draft: bool = False
) -> PlanHead | None:
    """The one of a day's plans, the newest first, that is shown: the one named, else the one in force.

    Without one in force it is the newest proposed; with `draft` also where that was made after the one in force.
    Raises NoSuchPlan.
    """
    if plan_id is not None:
        found = next((head for head in heads if head.id == plan_id), None)
        if found is None:
            raise NoSuchPlan(f"This day has no plan {plan_id}.", field="plan_id")
        return found
    drafts = (head for head in heads if head.status is PlanStatus.PROPOSED and head.branch is None)
    in_force, proposed = current(heads), next(drafts, None)
    if draft and proposed and in_force and proposed.number > in_force.number:
        return proposed
    return in_force or proposed


def compare_naive(session: Session, *, plan_id: int) -> dict[str, dict[str, Any]]:
    """The plan's figures beside those of the naive rule on the same problem; empty when it has none yet."""
    found = head(session, plan_id)
    if found is None or "naive" not in found.figures:
        return {}
    mine = {name: value for name, value in found.figures.items() if name != "naive"}
    return {"plan": mine, "naive": found.figures["naive"]}
