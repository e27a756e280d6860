"""Windows that a customer may choose from: what each would cost the plan, and why some cannot be offered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session

from dispatch.core.errors import InvalidError
from dispatch.planning.board import BoardShift
from dispatch.planning.clock import DayClock
from dispatch.planning.editing import Standing
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.inserting import Partner, beginning_too, stand_for
from dispatch.planning.problem import Built
from dispatch.planning.refusing import refuse_begun, refuse_unplaceable
from dispatch.work import visits
from optimizer.offers import Offer as Found
from optimizer.plan import Plan
from optimizer.problem import Visit

EVERY = timedelta(hours=2)
"""Length of the windows that are asked about when none are named."""
MOST = 60
"""Windows in one question."""

Span = tuple[datetime, datetime]


class BadWindow(InvalidError):
    """A window ends before it begins, or there are too many."""

    code = "bad_window"


@dataclass(frozen=True, slots=True)
class Offer:
    """A window `[start_at, end_at)` in which work may begin.

    It can be offered when `crew_id` is not None: that crew would begin at `begins_at`, and the plan's total would
    change by `cost` points; `together` are those that begin when it does, whose cost is in `cost`.
    `recommended` marks the cheapest windows. Otherwise `reason` says why not: one of the
    planning format's, `outside` for a window that the visit's own or its lock rules out, `past` for one
    that is over.
    """

    start_at: datetime
    end_at: datetime
    cost: int | None = None
    recommended: bool = False
    crew_id: str | None = None
    shift_id: str | None = None
    begins_at: datetime | None = None
    reason: str | None = None
    together: tuple[Partner, ...] = ()


def offers(
    session: Session,
    *,
    visit_id: str,
    now: datetime,
    day: date | None = None,
    plan_id: int | None = None,
    windows: Sequence[Span] | None = None,
    engine: Engine = in_process,
) -> list[Offer]:
    """Each window with its cost beside a plan (see `editing.current`), in the order given.

    `day` is today in the territory unless given; without `windows` they are the two hours after one another in
    which a crew works that day. A visit on the plan is taken out for the question, and a window that its customer
    was promised does not bind: that is what is asked about. Raises BadWindow, NoSuchVisit, NoPlanYet, NotEditable,
    VisitBegun, DoesNotFit.
    """
    if windows is not None:
        _refuse(windows)
    standing = stand_for(session, visits.get(session, visit_id), day, plan_id, now=now)
    refuse_begun(standing, visit_id)
    refuse_unplaceable(standing, visit_id)
    asked = list(windows if windows is not None else of_the_day(standing.built.rows.shifts, now))
    plan = engine.retime(standing.problem, standing.without(visit_id))
    built, visit = _freed(standing, visit_id)
    return beside(built, plan, visit, asked, now=now, engine=engine)


def beside(
    built: Built,
    plan: Plan,
    visit: str | Visit,
    windows: Sequence[Span],
    *,
    now: datetime,
    engine: Engine,
) -> list[Offer]:
    """Each window for the visit, which the plan leaves out, with its cost beside the plan, in the order given."""
    ahead = [span for span in windows if span[1] > now]
    clock = built.clock
    found: dict[Span, Found] = {}
    if ahead:
        spans = [_seconds(span, clock, now) for span in ahead]
        found = dict(zip(ahead, engine.offers(built.problem, plan, visit, spans), strict=True))
    crews = {shift.id: shift.crew for shift in built.problem.shifts}
    return [
        _told(span, found[span], crews, clock) if span in found else Offer(*span, reason="past")
        for span in windows
    ]


def _refuse(windows: Sequence[Span]) -> None:
    if not 1 <= len(windows) <= MOST:
        raise BadWindow(f"Ask about 1 to {MOST} windows at once.", field="windows")
    for number, (start, end) in enumerate(windows):
        if end <= start:
            raise BadWindow(
                f"Window {number + 1} ends before it begins.", field=f"windows.{number}.end_at"
            )


def of_the_day(shifts: Sequence[BoardShift], now: datetime) -> list[Span]:
    """Two hours after one another, from the first begin of a shift that day to the last end."""
    shifts = [shift for shift in shifts if shift.works]
    begin = min((shift.starts_at for shift in shifts), default=now)
    last = max((shift.ends_at for shift in shifts), default=now)
    spans: list[Span] = []
    while begin < last and len(spans) < MOST:
        if begin + EVERY > now:
            spans.append((begin, min(begin + EVERY, last)))
        begin += EVERY
    return spans


def _seconds(span: Span, clock: DayClock, now: datetime) -> tuple[int, int]:
    """The window in the problem's seconds, what is over of it cut off."""
    opens, closes = clock.not_before(max(span[0], now)), clock.before(span[1])
    return min(opens, closes), closes


def _freed(standing: Standing, visit_id: str) -> tuple[Built, str | Visit]:
    """The problem, and the visit in it, without the window that the visit was promised.

    Its id where only rules bind it; as a new visit where the problem can stay what it is, which whoever answers has
    compiled already; and where it is tied to others that wait too, its id in a problem in which it has no window.
    What ties it to those that have begun is in its windows, which stay then.
    """
    built, board = standing.built, standing.built.rows
    row = next((row for row in board.visits if row.id == visit_id), None)
    if row is None or row.window_start_at is None or row.locked_start_at is not None:
        return built, visit_id
    visit = next(visit for visit in built.problem.visits if visit.id == visit_id)
    tied = {other for tie in board.ties if visit_id in tie.visits for other in tie.visits}
    if not tied:
        return built, replace(visit, id=f"{visit_id}:again", windows=())
    begun = {row.id for row in board.under_way}
    if tied & begun or not tied <= {each.id for each in built.problem.visits}:
        return built, visit_id
    visits = (replace(each, windows=()) if each is visit else each for each in built.problem.visits)
    return replace(built, problem=replace(built.problem, visits=tuple(visits))), visit_id


def _told(span: Span, found: Found, crews: dict[str, str], clock: DayClock) -> Offer:
    return Offer(
        *span,
        cost=found.cost,
        recommended=found.recommended,
        crew_id=None if found.shift is None else crews[found.shift],
        shift_id=found.shift,
        begins_at=None if found.start is None else clock.instant(found.start),
        reason=found.reason,
        together=beginning_too(found.together, crews, clock),
    )
