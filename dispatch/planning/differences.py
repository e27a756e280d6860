"""What a plan changes for the people of the plan in force: who is told what."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.planning.board import Board
from dispatch.planning.states import NoSuchPlan
from dispatch.planning.tables import Assignment, Plan


@dataclass(frozen=True, slots=True)
class Told:
    """One visit whose crew or time becomes another by publishing: `new`, `moved`, `retimed` or `withdrawn`."""

    visit_id: str
    customer_id: str
    change: str
    crew_id: str | None
    start_at: datetime | None
    was_crew_id: str | None
    was_start_at: datetime | None


def affected(session: Session, plan: Plan, board: Board) -> list[dict[str, Any]]:
    """Who gets another crew or time by the plan than on the one in force, as JSON; nobody where none is."""
    if board.in_force is None:
        return []
    rows = session.exec(select(Assignment).where(Assignment.plan_id == plan.id))
    lines = differences(board, {stop.visit_id: stop for stop in rows})
    return [
        {
            **asdict(line),
            "start_at": line.start_at.isoformat() if line.start_at else None,
            "was_start_at": line.was_start_at.isoformat() if line.was_start_at else None,
        }
        for line in lines
    ]


def changed_shifts(session: Session, *, plan_id: int, than: int) -> set[str]:
    """The shifts whose route in the plan is not the one that they have in the other, of the same day.

    Raises NoSuchPlan for a plan that is not of that day.
    """
    rows = session.execute(
        sa.select(col(Plan.id), col(Plan.territory_id), col(Plan.day), col(Plan.answer)["routes"])
        .where(col(Plan.id).in_((plan_id, than)))
    )  # fmt: skip
    found = {row[0]: row for row in rows}
    if than not in found or found[than][1:3] != found[plan_id][1:3]:
        raise NoSuchPlan(f"This day has no plan {than}.", field="than")
    mine, other = (
        {route["shift"]: route for route in found[number][3] or ()} for number in (plan_id, than)
    )
    return {shift for shift in mine.keys() | other.keys() if mine.get(shift) != other.get(shift)}


def differences(board: Board, stops: Mapping[str, Assignment]) -> list[Told]:
    """What the stops change for the visits of the board that no crew has begun, by visit."""
    lines = []
    for row in board.visits:
        stop = stops.get(row.id)
        given = row.is_given
        if stop is None and not given:
            continue
        if stop is None:
            change = "withdrawn"
        elif not given:
            change = "new"
        elif (row.crew_id, row.shift_id) != (stop.crew_id, stop.shift_id):
            change = "moved"
        elif row.planned_start_at != stop.start_at:
            change = "retimed"
        else:
            continue
        lines.append(
            Told(
                visit_id=row.id,
                customer_id=row.customer_id,
                change=change,
                crew_id=stop.crew_id if stop else None,
                start_at=stop.start_at if stop else None,
                was_crew_id=row.crew_id if given else None,
                was_start_at=row.planned_start_at if given else None,
            )
        )
    return lines
