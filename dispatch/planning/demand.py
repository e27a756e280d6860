"""One visit of the board as a visit of the problem, or the reason why it cannot be one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from dispatch.planning.board import Board, BoardVisit
from dispatch.planning.clock import DayClock
from dispatch.planning.rules import unserved_points
from dispatch.planning.ties import LATEST, Bounds, intersection
from dispatch.planning.today import Held, ShiftRest
from dispatch.work.queries import class_today
from dispatch.work.tables import Priority
from optimizer.problem import Pin, ProblemError, Visit, Window
from optimizer.values import MAX_COST

REASONS: Mapping[str, str] = {
    "no_position": "The premises have no position. Locate them on the map.",
    "no_duration": "The visit has no duration. Give the visit, or its work type, minutes on site.",
    "no_shift": "No crew works that day. Add a shift, or take an absence back.",
    "promise_past": "The promised window is over. Agree on another with the customer.",
    "promise_later": "The promised window lies after the day's last shift. It comes back on its day.",
    "waits_for": "It must follow, or begin together with, a visit that is on no plan: {detail}.",
    "no_time_left": "The visits it is tied to leave no time for it. Change the relation or its window.",
    "crew_gone": "Its crew has begun it and is off duty. End it as not done, or withdraw it.",
    "bad_data": "A value of the visit is wrong: {detail}.",
}
"""Why a ready visit cannot be in the problem, and what would help."""


class Refusal(NamedTuple):
    """Why a visit cannot be in the problem."""

    reason: str
    detail: str = ""

    @property
    def text(self) -> str:
        """The reason in words, with the way out."""
        return REASONS[self.reason].format(detail=self.detail)


@dataclass(frozen=True, slots=True)
class Supply:
    """What the day supplies: its shifts by crew, when work can begin, and when the last shift must have ended."""

    shifts: Mapping[str, tuple[str, ...]]
    begins: int
    ends: int

    @classmethod
    def of(cls, rests: Collection[ShiftRest]) -> "Supply":
        """The supply of these shifts."""
        shifts: dict[str, tuple[str, ...]] = {}
        for rest in rests:
            shifts[rest.shift.crew_id] = (*shifts.get(rest.shift.crew_id, ()), rest.shift.id)
        return cls(
            shifts,
            min((rest.start for rest in rests), default=0),
            max((rest.end + rest.max_overtime for rest in rests), default=0),
        )


def to_plan(
    row: BoardVisit, board: Board, supply: Supply, *, clock: DayClock, now: datetime
) -> Visit | Refusal:
    """The visit with its points and rules, or why it cannot be planned."""
    if row.lat is None or row.lon is None:
        return Refusal("no_position")
    if row.duration_s <= 0:
        return Refusal("no_duration")
    if not supply.shifts:
        return Refusal("no_shift")
    if row.window_end_at is not None and row.window_end_at <= max(now, board.opens_at):
        return Refusal("promise_past")
    if row.window_start_at is not None and clock.not_before(row.window_start_at) > supply.ends:
        return Refusal("promise_later")
    priority = effective_priority(row, board)
    due, late = _due(row, board, supply, priority, clock)
    allowed = None if row.allowed_crews is None else _known(row.allowed_crews, supply)
    pinned, locked = _lock(row, supply)
    if locked is not None:
        allowed = locked if allowed is None else tuple(c for c in allowed if c in locked)
    try:
        return Visit(
            id=row.id,
            place=place_id(row),
            duration=row.duration_s,
            setup=row.setup_s,
            windows=_windows(row, board, supply, clock),
            due=due,
            late_cost=late,
            unserved_cost=min(MAX_COST, _unserved(row, board, priority)),
            skills=dict(row.skills),
            members=row.members,
            parts=dict(row.parts),
            allowed_crews=allowed,
            forbidden_crews=_known(row.forbidden_crews, supply),
            preferred_crews=_known(row.preferred_crews, supply),
            pinned=pinned,
        )
    except ProblemError as error:
        return Refusal("bad_data", str(error))


def begun(held: Held, shift_id: str, place: str) -> Visit:
    """A visit under way: pinned where it is, at a price that never leaves it out, and free of every other rule."""
    return Visit(
        id=held.visit.id,
        place=place,
        duration=held.service,
        unserved_cost=MAX_COST,
        pinned=Pin(shift_id, held.start),
    )


def narrowed(visit: Visit, bounds: Bounds, supply: Supply) -> Visit | None:
    """The visit within what its relations ask; None when that leaves no time."""
    windows = list(visit.windows)
    if bounds.windows is not None:
        allowed = [(w.open, w.close) for w in visit.windows] or [(-LATEST, LATEST)]
        cut = [span for low, high in bounds.windows for span in intersection(allowed, (low, high))]
        if not cut:
            return None
        windows = [Window(*span) for span in sorted(set(cut))]
    crews = visit.allowed_crews
    if bounds.crews is not None:
        chosen = _known(sorted(bounds.crews), supply)
        crews = chosen if crews is None else tuple(crew for crew in crews if crew in chosen)
    others = {*visit.forbidden_crews, *_known(sorted(bounds.other_crews), supply)}
    return replace(
        visit,
        windows=tuple(windows),
        allowed_crews=crews,
        forbidden_crews=tuple(sorted(others)),
    )


def effective_priority(row: BoardVisit, board: Board) -> Priority:
    """The class by which it is planned: a promise, or a deadline that ends with this day, makes it P3 at least."""
    return class_today(
        row.priority,
        due_at=row.due,
        window_start_at=row.window_start_at,
        day_ends_at=board.closes_at,
    )


def place_id(row: BoardVisit) -> str:
    """The id of the premises among the problem's places."""
    return f"premises:{row.premises_id}"


def _unserved(row: BoardVisit, board: Board, priority: Priority) -> int:
    waiting = (board.day - row.earliest_day).days
    return unserved_points(board.rules, priority, row.customer_class, waiting)


def _due(
    row: BoardVisit, board: Board, supply: Supply, priority: Priority, clock: DayClock
) -> tuple[int | None, int]:
    """The deadline as it can still be influenced.

    Lateness before work can begin is the same for every plan; counted, it would make long overdue visits look too
    dear to be planned at all. A deadline after the last shift cannot be missed.
    """
    late = board.rules.points[priority][1]
    if row.due is None or late == 0:
        return None, 0
    due = max(clock.not_after(row.due), supply.begins)
    return (due, late) if due < supply.ends else (None, 0)


def _windows(row: BoardVisit, board: Board, supply: Supply, clock: DayClock) -> tuple[Window, ...]:
    """When service may begin: the promised window, by the branch's slack earlier over than promised.

    At least half of a window stays. What is given to a crew on a day under way may use the slack up, and so may
    what could not begin earlier any more: that is what it is for.
    """
    if row.locked_start_at is not None:
        start = clock.not_before(row.locked_start_at)
        return (Window(start, start),)
    if row.window_start_at is None or row.window_end_at is None:
        return ()
    opens, closes = clock.not_before(row.window_start_at), clock.before(row.window_end_at)
    early = max(opens + (closes - opens) // 2, closes - board.rules.window_slack_s)
    uses_it_up = (row.is_given and board.has_begun) or early < supply.begins
    return (Window(opens, closes if uses_it_up else early),)


def _lock(row: BoardVisit, supply: Supply) -> tuple[Pin | None, tuple[str, ...] | None]:
    """A locked crew as a pinned shift when it has just one that day, else as the only crew allowed."""
    if row.locked_to is None:
        return None, None
    shifts = supply.shifts.get(row.locked_to, ())
    if len(shifts) == 1:
        return Pin(shifts[0]), None
    return None, _known([row.locked_to], supply)


def _known(crews: Collection[str], supply: Supply) -> tuple[str, ...]:
    """Those of the crews that work that day: the format knows no others."""
    return tuple(crew for crew in dict.fromkeys(crews) if crew in supply.shifts)
