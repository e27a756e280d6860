"""The days ahead as one problem: several shifts for each crew, and work that waits or comes due within them.

It is a look ahead, not a plan: nothing of it is stored or told to anybody, and each day is planned on its own
when it comes. What is published on one of the days stays on its shift.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from dispatch.core.calendar import day_bounds, local_day
from dispatch.core.errors import InvalidError
from dispatch.planning.board import Board, BoardVisit
from dispatch.planning.drives import ESTIMATE
from dispatch.planning.problem import Built, build_from
from dispatch.planning.reading import read_board
from optimizer.plan import Plan as Answer
from optimizer.plan import Route
from optimizer.problem import Pin, Shift, Visit, Window
from optimizer.values import MAX_COST

MOST_DAYS = 7


class BadHorizon(InvalidError):
    """An outlook is over 1 to 7 days."""

    code = "bad_horizon"


@dataclass(frozen=True, slots=True)
class CrewLoad:
    """A shift's work: seconds of driving, on site and overtime; `share` is the part of the shift that is filled."""

    crew_id: str
    shift_id: str
    visits: int
    driving_s: int
    on_site_s: int
    overtime_s: int
    share: float


@dataclass(frozen=True, slots=True)
class DayAhead:
    """One day of an outlook."""

    day: date
    visits: int
    crews: tuple[CrewLoad, ...]


@dataclass(frozen=True, slots=True)
class NotPlanned:
    """A visit for which no day of the outlook has a place; why, and what would help."""

    visit_id: str
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """The days ahead, what is left out of all of them, and what driving times rest on (see `drives.between`)."""

    days: tuple[DayAhead, ...]
    left_out: tuple[NotPlanned, ...]
    travel_times: dict[str, Any]


def build_outlook(
    session: Session, *, territory_id: str, first: date, days: int, now: datetime
) -> Built:
    """The problem of `days` local days from `first` on, as they stand at `now`.

    A visit may begin on any day from its earliest on, within its promised window and its relations, which hold
    over the days. Lateness against a deadline prices later days; leaving a visit out counts as being late until the
    horizon ends, so that late beats not at all. A crew can do what it can on every one of its shifts, and its
    vehicle is loaded anew for each. Raises BadHorizon, NoSuchTerritory, BadPlanningRule, BadRelation, BoardRefused.
    """
    if not 1 <= days <= MOST_DAYS:
        raise BadHorizon(f"An outlook is over 1 to {MOST_DAYS} days, not {days}.", field="days")
    boards = [
        read_board(session, territory_id=territory_id, day=first + timedelta(days=ahead))
        for ahead in range(days)
    ]
    board = _joined(boards)
    built = build_from(board, now=now)
    rows = {row.id: row for row in board.visits}
    shifts = {shift.id for shift in built.problem.shifts}
    ends = built.clock.not_after(board.closes_at)
    visits = (
        _ahead(visit, rows.get(visit.id), board, built, shifts, ends)
        for visit in built.problem.visits
    )
    return replace(built, problem=replace(built.problem, visits=tuple(visits)))


def told(built: Built, answer: Answer) -> Outlook:
    """What a plan of the outlook's problem says, day by day; days without a shift are listed too."""
    board = built.rows
    routes = {route.shift: route for route in answer.routes}
    by_day: dict[date, list[CrewLoad]] = {day: [] for day in _days(board)}
    known = {shift.id: shift for shift in built.problem.shifts}
    for row in board.shifts:
        if row.id in known:
            load = _load(known[row.id], routes.get(row.id))
            by_day[local_day(row.starts_at, board.zone)].append(load)
    left = [NotPlanned(each.visit, each.reason, each.hint or "") for each in answer.unserved]
    left += [NotPlanned(each.visit_id, each.reason, each.text) for each in built.unplaceable]
    return Outlook(
        days=tuple(
            DayAhead(day, sum(load.visits for load in loads), tuple(loads))
            for day, loads in by_day.items()
        ),
        left_out=tuple(sorted(left, key=lambda each: each.visit_id)),
        travel_times=dict(built.problem.meta.get("travel", {"source": ESTIMATE})),
    )


def _joined(boards: Sequence[Board]) -> Board:
    """The days' boards as one: rows that several of them hold are the same rows."""
    last = boards[-1]
    visits = _by_id(row for board in boards for row in board.visits)
    return replace(
        boards[0],
        closes_at=last.closes_at,
        visits=tuple(visits[key] for key in sorted(visits)),
        under_way=tuple(_by_id(row for board in boards for row in board.under_way).values()),
        finished=tuple(_by_id(row for board in boards for row in board.finished).values()),
        shifts=tuple(shift for board in boards for shift in board.shifts),
        stock={crew: stock for board in boards for crew, stock in board.stock.items()},
        ties=tuple({tie.id: tie for board in boards for tie in board.ties}.values()),
        partners={key: row for board in boards for key, row in board.partners.items()},
        departed={key: when for board in boards for key, when in board.departed.items()},
        planned_breaks={key: span for b in boards for key, span in b.planned_breaks.items()},
    )


def _by_id(rows: Iterable[BoardVisit]) -> dict[str, BoardVisit]:
    return {row.id: row for row in rows}


def _ahead(
    visit: Visit,
    row: BoardVisit | None,
    board: Board,
    built: Built,
    shifts: set[str],
    ends: int,
) -> Visit:
    """The visit within the days that it may have; `ends` is when the horizon does, in the problem's seconds."""
    if row is None:
        return visit  # under way: pinned where it is
    if visit.due is not None:
        late = visit.late_cost * max(0, ends - visit.due)
        visit = replace(visit, unserved_cost=min(MAX_COST, visit.unserved_cost + late))
    if row.is_given and row.shift_id in shifts:
        # Published: its crew was found able on that day.
        return replace(
            visit,
            pinned=Pin(row.shift_id, None if visit.pinned is None else visit.pinned.start),
            skills={},
            members=1,
            allowed_crews=None,
            forbidden_crews=(),
        )
    if row.earliest_day <= board.day or visit.windows:
        return visit  # a promised window lies on a day that it may have
    opens_at, _ = day_bounds(row.earliest_day, board.zone)
    return replace(visit, windows=(Window(built.clock.not_before(opens_at), ends),))


def _days(board: Board) -> list[date]:
    last = local_day(board.closes_at - timedelta(seconds=1), board.zone)
    return [board.day + timedelta(days=ahead) for ahead in range((last - board.day).days + 1)]


def _load(shift: Shift, route: Route | None) -> CrewLoad:
    if route is None:
        return CrewLoad(shift.crew, shift.id, 0, 0, 0, 0, 0.0)
    on_site = sum(stop.end - stop.start for stop in route.stops)
    length = max(1, shift.end - shift.start - sum(pause.duration for pause in shift.breaks))
    return CrewLoad(
        crew_id=shift.crew,
        shift_id=shift.id,
        visits=len(route.stops),
        driving_s=route.travel_seconds,
        on_site_s=on_site,
        overtime_s=route.overtime,
        share=round((on_site + route.travel_seconds) / length, 3),
    )
