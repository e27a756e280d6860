"""The rest of a day under way: what crews have begun stays theirs, and where each is free again.

A crew on the way to a visit or at it is bound: it is taken to be at that visit's place from the begin of service
on, so that whatever happened before can neither be undone nor make the visit impossible.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dispatch.planning.board import Board, BoardBreak, BoardShift, BoardVisit
from dispatch.planning.clock import DayClock
from dispatch.work.tables import VisitStatus
from optimizer.problem import Break

AT_LEAST_S = 300
"""Seconds that a visit still takes which should have ended by now."""

Leg = Callable[[BoardVisit, BoardShift], int]
"""Travel seconds from a visit's place to a shift's depot."""


@dataclass(frozen=True, slots=True)
class Held:
    """A visit under way: begun or expected at `start` (None: whenever the crew returns to it), for `service` s."""

    visit: BoardVisit
    start: int | None
    service: int


@dataclass(frozen=True, slots=True)
class ShiftRest:
    """What is left of a shift. `at` is the visit at whose place the crew was last bound; None: its depot."""

    shift: BoardShift
    start: int
    end: int
    max_overtime: int
    at: BoardVisit | None
    breaks: tuple[Break, ...]
    held: tuple[Held, ...]


def rest_of_shift(
    board: Board, shift: BoardShift, *, clock: DayClock, now: datetime, leg: Leg
) -> ShiftRest | None:
    """What is left of the shift at `now`; None when nothing can be given to it any more."""
    if not shift.works:
        return None
    starts, ends = clock.not_before(shift.starts_at), clock.not_after(shift.ends_at)
    mine = [visit for visit in board.under_way if visit.shift_id == shift.id]
    held = _held(mine, board, clock=clock, now=now)
    finished = [visit for visit in board.finished if visit.shift_id == shift.id]
    if not held and not finished and now <= shift.starts_at:
        breaks = [_as_given(pause, clock) for pause in shift.breaks]
        return ShiftRest(shift, starts, ends, shift.max_overtime_s, None, tuple(breaks), ())
    current = held[0] if held else None
    at: BoardVisit | None
    if current is not None and current.start is not None:
        start, at = current.start, current.visit
        free = start + current.service
    else:
        start = max(starts, clock.not_before(now))
        at = _last_place(finished)
        free = start
    if current is None and start > ends + shift.max_overtime_s:
        return None
    breaks = _remaining_breaks(board, shift, free, clock=clock, now=now)
    end = max(ends, start)
    latest = ends + shift.max_overtime_s
    if current is not None:
        # Service under way may run past the shift; it is a fact that no rule can refuse.
        needed = free + leg(current.visit, shift) + sum(pause.duration for pause in breaks)
        latest = max(latest, needed)
    return ShiftRest(shift, start, end, max(0, latest - end), at, tuple(breaks), held)


def _held(
    mine: Sequence[BoardVisit], board: Board, *, clock: DayClock, now: datetime
) -> tuple[Held, ...]:
    """The visits under way, the one that binds the crew now first; the others have been paused."""
    by_need = sorted(
        mine, key=lambda v: (v.status is VisitStatus.PAUSED, v.started_at or now, v.id)
    )
    result = []
    for index, visit in enumerate(by_need):
        begins = _begins(visit, board, now)
        service = _service(visit)
        if visit.started_at is not None:
            end = max(begins + service, now + timedelta(seconds=AT_LEAST_S))
            service = end - begins
        if index:
            done = max(timedelta(0), now - begins)
            left = max(service - done, timedelta(seconds=AT_LEAST_S))
            result.append(Held(visit, None, round(left.total_seconds())))
        else:
            start = clock.not_before(begins)
            result.append(Held(visit, start, round(service.total_seconds())))
    return tuple(result)


def _begins(visit: BoardVisit, board: Board, now: datetime) -> datetime:
    """When service began, or will: after the arrival, and not before the promised window opens."""
    if visit.started_at is not None:
        return visit.started_at
    begins = now
    if visit.status is VisitStatus.EN_ROUTE:
        left_at = board.departed.get(visit.id)
        if left_at is not None:
            begins = max(begins, left_at + timedelta(seconds=visit.travel_s or 0))
        elif visit.planned_arrive_at is not None:
            begins = max(begins, visit.planned_arrive_at)
    if visit.window_start_at is not None:
        begins = max(begins, visit.window_start_at)
    return begins


def _service(visit: BoardVisit) -> timedelta:
    if visit.planned_start_at is not None and visit.planned_end_at is not None:
        return visit.planned_end_at - visit.planned_start_at  # as published: with or without setup
    return timedelta(seconds=visit.duration_s + visit.setup_s)


def _last_place(finished: Sequence[BoardVisit]) -> BoardVisit | None:
    """The visit with a position that the crew finished last."""
    placed = [v for v in finished if v.lat is not None and v.finished_at is not None]
    return max(placed, key=lambda visit: (visit.finished_at, visit.id), default=None)


def _as_given(pause: BoardBreak, clock: DayClock) -> Break:
    return Break(
        pause.id,
        clock.not_before(pause.earliest_at),
        clock.not_after(pause.latest_at),
        pause.duration_s,
    )


def _remaining_breaks(
    board: Board, shift: BoardShift, free: int, *, clock: DayClock, now: datetime
) -> list[Break]:
    """The breaks still to be taken; one that a visit under way has pushed out comes right after it."""
    result: list[Break] = []
    begins = free
    for pause in shift.breaks:  # by latest begin
        if pause.latest_at < now or _was_taken(board, shift, pause, now):
            continue
        given = _as_given(pause, clock)
        earliest = max(given.earliest, free)
        result.append(Break(pause.id, earliest, max(given.latest, begins), pause.duration_s))
        begins = max(begins, earliest) + pause.duration_s
    return result


def _was_taken(board: Board, shift: BoardShift, pause: BoardBreak, now: datetime) -> bool:
    """Whether the plan in force had the break end by now and no visit was being served meanwhile."""
    if pause.id not in board.planned_breaks:
        return False
    span = board.planned_breaks[pause.id]
    if span is None:
        return True  # the plan in force no longer had it: it was over when that plan was made
    begins, ends = span
    at_work = any(
        visit.started_at is not None
        and visit.started_at < ends
        and (visit.finished_at or now) > begins
        for visit in (*board.under_way, *board.finished)
        if visit.shift_id == shift.id
    )
    return ends <= now and not at_work
