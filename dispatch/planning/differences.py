"""What a plan changes for the people of the plan in force: who is told what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatch.planning.board import Board
from dispatch.planning.tables import Assignment


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
