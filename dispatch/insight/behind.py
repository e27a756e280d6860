"""Crews that are behind: not on duty, not on their way, not moving, not begun, or with more work than shift."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from dispatch.insight.matters import Item, Kind, Matters
from dispatch.planning.queries import BoardPage
from dispatch.planning.tiles import CrewRow, StopRow
from dispatch.registry.tables import ShiftStatus
from dispatch.work.lifecycle import WAITING
from dispatch.work.tables import VisitStatus

PATIENCE = timedelta(minutes=10)
"""How long a crew may be behind its plan before somebody is to call it."""


def crews_stuck(
    found: Matters, board: BoardPage, still: Mapping[str, datetime], now: datetime
) -> None:
    """Crews on their way that do not move (`still`: since when), or at a place where they have not begun."""
    for crew in board.crews:
        for stop in crew.stops:
            visit = stop.visit
            if visit.status is VisitStatus.EN_ROUTE and crew.crew_id in still:
                kind: Kind = "not_moving"
                since = still[crew.crew_id]
            elif (due := _should_have_begun(stop)) and now > due + PATIENCE:
                kind, since = "not_started", due
            else:
                continue
            found.add(
                Item(
                    kind, "call_crew", stop.risk == "late", visit.id, visit.work_order_id,
                    crew_id=crew.crew_id, about=since,
                )
            )  # fmt: skip


def _should_have_begun(stop: StopRow) -> datetime | None:
    """When work should have begun at the place where the crew is; None when it is not there, or has."""
    visit = stop.visit
    if visit.status is not VisitStatus.ARRIVED or visit.arrived_at is None:
        return None
    moments = (visit.arrived_at, visit.window_start_at, stop.start_at)
    return max(moment for moment in moments if moment is not None)


def crews_behind(found: Matters, board: BoardPage, now: datetime) -> None:
    """Crews that should be on duty, or on their way to their next visit, and are not."""
    for crew in board.crews:
        if crew.shift_id is None or crew.starts_at is None or crew.absent:
            continue
        overdue = crew.status is ShiftStatus.PLANNED and now > crew.starts_at + PATIENCE
        if overdue and crew.stops and not any(stop.visit.has_begun for stop in crew.stops):
            found.add(
                Item("not_on_duty", "call_crew", True, crew_id=crew.crew_id, about=crew.starts_at)
            )
        elif late := _not_set_out(crew, now):
            found.add(late)


def work_left(found: Matters, board: BoardPage) -> None:
    """Crews that will probably not have done when their shift and its overtime end: the first visit too many."""
    for crew in board.crews:
        if crew.ends_at is None or crew.absent:
            continue
        limit = crew.ends_at + timedelta(seconds=crew.max_overtime_s or 0)
        too_many = [
            stop
            for stop in crew.stops
            if stop.visit.status in WAITING
            and stop.projected_end_at is not None
            and stop.projected_end_at > limit
        ]
        if too_many:
            first, last = too_many[0], too_many[-1]
            found.add(
                Item(
                    "shift_end", "move_visit", False, first.visit.id, first.visit.work_order_id,
                    crew_id=crew.crew_id, count=len(too_many), about=last.projected_end_at, since=limit,
                )
            )  # fmt: skip


def _not_set_out(crew: CrewRow, now: datetime) -> Item | None:
    """The crew's next visit, when the crew is free and should have set out for it."""
    if any(stop.visit.status in _AT_WORK for stop in crew.stops):
        return None
    stop = next((one for one in crew.stops if one.visit.status in WAITING), None)
    if stop is None or stop.arrive_at is None:
        return None
    departs = stop.arrive_at - timedelta(seconds=stop.travel_s)
    if now <= departs + PATIENCE:
        return None
    return Item(
        "not_set_out", "call_crew", False, stop.visit.id, stop.visit.work_order_id,
        crew_id=crew.crew_id, about=departs,
    )  # fmt: skip


_AT_WORK = (
    VisitStatus.EN_ROUTE,
    VisitStatus.ARRIVED,
    VisitStatus.WORKING,
    VisitStatus.PAUSED,
)
