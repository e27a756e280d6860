"""From the board's rows to the optimizer's problem: nothing is dropped silently."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from dispatch.core.errors import InvalidError
from dispatch.planning import drives, fingerprint
from dispatch.planning.board import Board, BoardShift, BoardVisit
from dispatch.planning.clock import DayClock
from dispatch.planning.demand import Refusal, Supply, begun, narrowed, place_id, to_plan
from dispatch.planning.reading import read_board
from dispatch.planning.ties import Tied, resolve
from dispatch.planning.today import ShiftRest, rest_of_shift
from dispatch.work.tables import VisitStatus
from optimizer.problem import (
    Crew,
    Estimate,
    Incumbent,
    IncumbentRoute,
    Place,
    Problem,
    ProblemError,
    Shift,
    Visit,
)
from optimizer.travel import GeodesicTravel


class BoardRefused(InvalidError):
    """A row makes no sense to the optimizer; `details["field"]` names the row and the value."""

    code = "board_refused"


class Unplaceable(NamedTuple):
    """A ready visit that the problem cannot hold: why, and what would help."""

    visit_id: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Built:
    """A problem, the fingerprint of the board it was made from with its parts, and who is not in it."""

    problem: Problem
    board: str
    parts: fingerprint.Parts
    unplaceable: tuple[Unplaceable, ...]
    rows: Board

    @property
    def clock(self) -> DayClock:
        """What the problem's seconds count from."""
        return DayClock(self.problem.start)


def build(session: Session, *, territory_id: str, day: date, now: datetime) -> Built:
    """The problem of a territory's local day as it stands at `now`.

    Time 0 is the first instant of the day. Once the day has begun the problem is the rest of it: what crews have
    begun is pinned. Raises NoSuchTerritory, BadPlanningRule, BadRelation and BoardRefused.
    """
    return build_from(read_board(session, territory_id=territory_id, day=day), now=now)


def build_from(board: Board, *, now: datetime) -> Built:
    """The problem of a board that was read; see `build`."""
    clock = DayClock.of(board.opens_at, board.zone)
    rests = _rests(board, clock, now)
    supply = Supply.of(rests)
    refused: dict[str, Refusal] = {}
    visits: dict[str, Visit] = {}
    for row in board.visits:
        made = to_plan(row, board, supply, clock=clock, now=now)
        if isinstance(made, Refusal):
            refused[row.id] = made
        else:
            visits[row.id] = made
    held = {
        item.visit.id: begun(item, rest.shift.id, _place_of(item.visit, rest.shift))
        for rest in rests
        for item in rest.held
    }
    visits, tied = _tied(board, visits, held, refused, supply, clock)
    assert visits.keys() | refused.keys() == {row.id for row in board.visits}, "no visit is lost"
    assert not visits.keys() & refused.keys(), "no visit is both planned and refused"
    for row in board.under_way:
        if row.id not in held:
            refused[row.id] = Refusal("crew_gone")
    parts = fingerprint.parts(board)
    return Built(
        _problem(board, rests, clock, (*held.values(), *visits.values()), tied),
        fingerprint.of(parts),
        parts,
        tuple(Unplaceable(key, refused[key].reason, refused[key].text) for key in sorted(refused)),
        board,
    )


def _rests(board: Board, clock: DayClock, now: datetime) -> list[ShiftRest]:
    def leg(visit: BoardVisit, shift: BoardShift) -> int:
        if visit.lat is None:
            return 0
        ends = Place("visit", visit.lat, visit.lon), Place("depot", shift.lat, shift.lon)
        travel, _ = drives.between(ends, board.roads, board.rules.travel)
        matrix = GeodesicTravel(travel).matrix(ends) if isinstance(travel, Estimate) else travel
        return matrix.seconds[0][1]

    rests = (rest_of_shift(board, s, clock=clock, now=now, leg=leg) for s in board.shifts)
    return [rest for rest in rests if rest is not None]


def _tied(
    board: Board,
    visits: Mapping[str, Visit],
    held: Mapping[str, Visit],
    refused: dict[str, Refusal],
    supply: Supply,
    clock: DayClock,
) -> tuple[dict[str, Visit], Tied]:
    """The visits within their relations. One that is refused may leave others waiting, so this repeats."""
    spans = {
        key: (visit.pinned.start, visit.pinned.start + visit.duration)
        for key, visit in held.items()
        if visit.pinned is not None and visit.pinned.start is not None
    }
    left = dict(visits)
    while True:
        tied = resolve(board, open_ids=set(left), held=spans, clock=clock)
        fits = {key: narrowed(left[key], bounds, supply) for key, bounds in tied.bounds.items()}
        lost = {key: Refusal("no_time_left") for key, visit in fits.items() if visit is None}
        lost.update({key: Refusal("waits_for", other) for key, other in tied.waiting.items()})
        if not lost:
            return {**left, **{key: visit for key, visit in fits.items() if visit}}, tied
        refused.update(lost)
        left = {key: visit for key, visit in left.items() if key not in lost}


def _problem(
    board: Board,
    rests: Sequence[ShiftRest],
    clock: DayClock,
    visits: Sequence[Visit],
    tied: Tied,
) -> Problem:
    rows = {row.id: row for row in (*board.visits, *board.under_way)}
    places: dict[str, Place] = {}
    for rest in rests:
        depot = _depot(rest.shift)
        places[depot] = Place(depot, rest.shift.lat, rest.shift.lon)
        if rest.at is not None and rest.at.lat is not None:
            places[place_id(rest.at)] = Place(place_id(rest.at), rest.at.lat, rest.at.lon)
    for visit in visits:
        row = rows[visit.id]
        if visit.place not in places:
            places[visit.place] = Place(visit.place, row.lat, row.lon)
    travel, note = drives.between(tuple(places.values()), board.roads, board.rules.travel)
    try:
        return Problem(
            start=clock.start,
            places=tuple(places.values()),
            travel=travel,
            crews=_crews(rests),
            shifts=tuple(_shift(rest, board) for rest in rests),
            visits=tuple(visits),
            relations=tuple(tied.relations),
            weights=board.rules.weights,
            incumbent=_incumbent(board),
            meta={**_meta(board, clock), "travel": note},
        )
    except ProblemError as error:
        raise _located(error, rests, tied) from error


def _meta(board: Board, clock: DayClock) -> dict[str, Any]:
    """What the figures need beside the problem: real deadlines, and what is no longer the plan's choice."""
    return {
        "territory": board.territory_id,
        "day": board.day.isoformat(),
        "due": {
            row.id: clock.not_after(row.due)
            for row in (*board.visits, *board.under_way)
            if row.due is not None
        },
        "under_way": [row.id for row in board.under_way],
        "finished": len(board.finished),
    }


def _located(error: ProblemError, rests: Sequence[ShiftRest], tied: Tied) -> BoardRefused:
    """The refusal, naming the row where the format names a position in a list."""
    kind, _, rest = error.path.partition("[")
    index, _, key = rest.partition("]")
    names: dict[str, Sequence[object]] = {
        "shifts": [item.shift.id for item in rests],
        "relations": tied.numbers,
    }
    if kind in names and index.isdigit():
        where = f"{kind[:-1]} {names[kind][int(index)]}"
        field = f"{kind[:-1]}.{names[kind][int(index)]}{key}"
    else:
        where, field = error.path or "the board", error.path
    return BoardRefused(
        f"{where}{key and ' ' + key.lstrip('.')}: {error.message}. Correct it, then plan again.",
        field=field,
    )


def _crews(rests: Sequence[ShiftRest]) -> tuple[Crew, ...]:
    """One crew per working crew. With several shifts that day it can do what every one of them can."""
    skills: dict[str, dict[str, int]] = {}
    members: dict[str, int] = {}
    for rest in rests:
        crew, able = rest.shift.crew_id, rest.shift.skills
        if crew in skills:
            both = skills[crew].keys() & able.skills.keys()
            skills[crew] = {name: min(skills[crew][name], able.skills[name]) for name in both}
            members[crew] = min(members[crew], able.members)
        else:
            skills[crew], members[crew] = dict(able.skills), able.members
    return tuple(
        Crew(crew, skills=dict(sorted(skills[crew].items())), members=members[crew])
        for crew in sorted(skills)
    )


def _shift(rest: ShiftRest, board: Board) -> Shift:
    shift = rest.shift
    stock = dict(board.stock.get(shift.crew_id, {}))
    # What the crew's other visits of the day have used, or are using, is no longer on the vehicle.
    used = [row for row in board.finished if row.crew_id == shift.crew_id and _was_done(row)]
    for row in (*used, *(item.visit for item in rest.held)):
        for part, amount in row.parts.items():
            stock[part] = max(0, stock.get(part, 0) - amount)
    at = _depot(shift) if rest.at is None else _place_of(rest.at, shift)
    try:
        return Shift(
            id=shift.id,
            crew=shift.crew_id,
            start=rest.start,
            end=rest.end,
            from_=at,
            max_overtime=rest.max_overtime,
            to=_depot(shift),
            breaks=rest.breaks,
            stock=stock,
        )
    except ProblemError as error:
        raise BoardRefused(
            f"Shift {shift.id}: {error.path} {error.message}. Correct the shift, then plan again.",
            field=f"shift.{shift.id}.{error.path}",
        ) from error


def _was_done(row: BoardVisit) -> bool:
    return row.status is VisitStatus.DONE


def _place_of(visit: BoardVisit, shift: BoardShift) -> str:
    """Where a visit that was begun is; its shift's depot when the position has been lost since."""
    return _depot(shift) if visit.lat is None else place_id(visit)


def _depot(shift: BoardShift) -> str:
    return f"depot:{shift.depot_id}"


def _incumbent(board: Board) -> Incumbent | None:
    """Who has what on the plan in force; a visit that returned to the pool has no shift any more."""
    given: dict[str, list[BoardVisit]] = {}
    for row in (*board.under_way, *board.visits):
        if row.shift_id is not None:
            given.setdefault(row.shift_id, []).append(row)
    if not given:
        return None
    return Incumbent(
        tuple(
            IncumbentRoute(shift, tuple(row.id for row in sorted(rows, key=_by_time)))
            for shift, rows in sorted(given.items())
        )
    )


def _by_time(row: BoardVisit) -> tuple[bool, float, str]:
    planned = row.planned_start_at
    return not row.is_under_way, planned.timestamp() if planned else 0.0, row.id
