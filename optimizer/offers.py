"""Appointment windows for a visit: which can be offered, what each costs, and why others cannot."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from optimizer.partners import Partner, partners_of, shifts_alone
from optimizer.plan import REASONS, Plan
from optimizer.problem import Problem, ProblemError, Visit, Window
from optimizer.search.insertion import Spot, spots_on
from optimizer.search.route import Route, narrowed
from optimizer.search.state import State
from optimizer.search.timeline import INFINITY, Service, Windows
from optimizer.seating import Seating
from optimizer.standing import Standing

OUTSIDE = "outside"
"""Reason of a window in which the visit's own windows have no moment."""
PLANNED = "planned"
"""Reason of every window for a visit that the plan serves already."""
RECOMMENDED_WITHIN = 300
"""Points by which a recommended window may cost more than the cheapest: five minutes of driving."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A window `[open, close]` for the begin of a visit, seconds after the problem's start.

    Offerable when `shift` is not None: the visit would begin at `start` on it, and the plan's total
    would change by `cost` points. `together` are the places of those that begin together with it;
    `cost` speaks of them all. `recommended` marks the cheapest windows. Otherwise `reason` is
    `outside` (the window lies outside the visit's own), `planned` (the plan serves the visit), or
    the format's reason that stands furthest down its list over all shifts.
    """

    open: int
    close: int
    shift: str | None = None
    start: int | None = None
    cost: int | None = None
    recommended: bool = False
    reason: str | None = None
    together: tuple[Partner, ...] = ()


class _Chance(NamedTuple):
    """A place where the visit fits at some time: it begins neither before `early` nor after `late`.

    Both are outer bounds, and `cost` is the least it costs at any time.
    """

    cost: int
    spot: Spot
    early: int
    late: int


class _Board(NamedTuple):
    """A state in which a visit is tried on some shifts; for a new visit, those of one crew."""

    state: State
    visit: int
    shifts: tuple[int, ...]


def offers(
    problem: Problem, plan: Plan, visit: str | Visit, windows: Iterable[Sequence[int]]
) -> list[Offer]:
    """Each window with its cost and place, or the reason why it cannot be offered.

    `visit` is one that the plan leaves out, or a new one, which then must be at a known place and
    have no relations. Nothing else moves to another crew, and the order of routes is kept. Visits
    that begin together with it are served with it or not at all, each at its best place. Raise
    VisitUnknown, ProblemError for a window that closes before it opens or a visit the format
    refuses.
    """
    return offered(Standing(problem, plan), visit, windows)


def offered(
    standing: Standing, visit: str | Visit, windows: Iterable[Sequence[int]]
) -> list[Offer]:
    """What `offers` answers for a standing."""
    entry = _entry(standing, visit)
    asked = [replace(entry, windows=(Window(*window),)).windows[0] for window in windows]
    if isinstance(visit, str) and standing.state.where[standing.visit(visit)] >= 0:
        return [Offer(*window, reason=PLANNED) for window in asked]
    boards = list(_boards(standing, visit))
    finder = _finder(boards)
    found = [
        finder(window) or Offer(*window, reason=_reason(entry, window, boards)) for window in asked
    ]
    least = min((offer.cost for offer in found if offer.cost is not None), default=0)
    return [
        replace(offer, recommended=True)
        if offer.cost is not None and offer.cost <= least + RECOMMENDED_WITHIN
        else offer
        for offer in found
    ]


def _entry(standing: Standing, visit: str | Visit) -> Visit:
    if isinstance(visit, str):
        return standing.problem.visits[standing.visit(visit)]
    if visit.id in standing.instance.visit_index:
        raise ProblemError("id", f"{visit.id!r} is a visit of the problem already: ask by its name")
    if visit.place not in standing.instance.place_index:
        raise ProblemError("place", f"{visit.place!r} is no place of this problem")
    return visit


def _boards(standing: Standing, visit: str | Visit) -> Iterator[_Board]:
    """The states to try: the whole one, or one of each crew with a visit that is new to it."""
    if isinstance(visit, str):
        v = standing.visit(visit)
        yield _Board(standing.state, v, tuple(range(standing.instance.shifts)))
        return
    crews: dict[int, list[int]] = {}
    for s, crew in enumerate(standing.instance.crew_of):
        crews.setdefault(crew, []).append(s)
    for shifts in crews.values():
        part = standing.part(shifts, visit)
        names = [standing.problem.shifts[s].id for s in shifts]
        yield _Board(part.state, part.visit(visit.id), tuple(part.shift(name) for name in names))


def _finder(boards: Sequence[_Board]) -> Callable[[Window], Offer | None]:
    """What gives the cheapest way to begin in a window, None where there is none."""
    if boards and len(boards[0].state.instance.groups[boards[0].visit]) > 1:
        (board,) = boards
        seating = Seating(board.state, board.state.instance.groups[board.visit])
        return lambda window: _shared_offer(window, board, seating)
    chances = sorted(
        ((chance, board) for board in boards for chance in _chances(board)),
        key=lambda pair: pair[0],
    )
    return lambda window: _offer(window, chances)


def _shared_offer(window: Window, board: _Board, seating: Seating) -> Offer | None:
    """The cheapest way for all that begin together to begin in the window, or None."""
    instance, v = board.state.instance, board.visit
    found = seating.best(low=window.open, high=window.close)
    if found is None:
        return None
    return Offer(
        *window,
        shift=instance.problem.shifts[found.state.where[v]].id,
        start=found.begin,
        cost=found.cost - sum(instance.drop_cost[u] for u in instance.groups[v]),
        together=partners_of(instance.problem, found.state, v),
    )


def _chances(board: _Board) -> Iterator[_Chance]:
    """Every place where the visit fits at some time of its own windows."""
    state, v, shifts = board
    instance = state.instance
    for s in shifts:
        service = instance.services[s][v]
        for spot in spots_on(state, v, s):
            early, late = _bounds(state, service, spot)
            yield _Chance(spot.cost - instance.drop_cost[v], spot, early, late)


def _bounds(state: State, service: Service, spot: Spot) -> tuple[int, int]:
    """No begin before the first and after the second can be had at the spot."""
    if not state.instance.free:
        return -INFINITY, INFINITY  # partners may have moved since the route was walked
    route, lane = state.routes[spot.shift], state.lane(spot.shift)
    if route is None:
        back = 0 if lane.destination is None else lane.legs[service.place][lane.destination]
        begin = lane.begin + lane.legs[lane.home][service.place]
        return begin, lane.limit - back - service.again
    at = route.services[spot.position - 1].place if spot.position else lane.home
    early = route.labels[spot.position][0][1] + lane.legs[at][service.place]
    return early, _latest(route, service, spot.position, at)


def _latest(route: Route, service: Service, position: int, at: int) -> int:
    legs = route.lane.legs
    if position == len(route.services):
        home = route.lane.destination
        back = 0 if home is None else legs[service.place][home]
        return route.lane.limit - back - service.again
    following = route.services[position]
    # The next stop saves its setup when it is at the same place; nothing is said of it then.
    if following.place == service.place:
        return route.lane.limit
    room = route.reach[position] + legs[at][following.place] - legs[service.place][following.place]
    return room - service.again


def _offer(window: Window, chances: Sequence[tuple[_Chance, _Board]]) -> Offer | None:
    """The cheapest way to begin in the window, or None; the chances come cheapest first."""
    best: Offer | None = None
    for chance, board in chances:
        if best is not None and best.cost is not None and chance.cost >= best.cost:
            break
        if chance.early > window.close or chance.late < window.open:
            continue
        made = _made(window, chance, board)
        if made is not None and (best is None or _is_cheaper(made, best)):
            best = made
    return best


def _is_cheaper(one: Offer, other: Offer) -> bool:
    assert one.cost is not None
    assert other.cost is not None
    return one.cost < other.cost


def _made(window: Window, chance: _Chance, board: _Board) -> Offer | None:
    """The offer of the window at this place; None when the visit cannot begin in it there."""
    state, v, _ = board
    instance, s, position = state.instance, chance.spot.shift, chance.spot.position
    own = _inside(state, v, s, window)
    order = state.order(s)
    if not own:
        return None
    route = state.built(s, (*order[:position], v, *order[position:]), {v: own})
    if route is None:
        return None
    return Offer(
        *window,
        shift=instance.problem.shifts[s].id,
        start=route.timing.stops[position].begin,
        cost=route.cost - state.route_cost(s) - instance.drop_cost[v],
    )


def _inside(state: State, v: int, s: int, window: Window) -> Windows:
    """What the visit's windows on the shift, beside its partners, have in this one."""
    windows = state.windows(v, s)
    own = state.instance.services[s][v].windows if windows is None else windows
    return narrowed(own, *window)


def _reason(visit: Visit, window: Window, boards: Sequence[_Board]) -> str:
    """Why no shift can serve the visit in this window: the reason furthest down the list."""
    own = visit.begins
    if own and not any(each.open <= window.close and window.open <= each.close for each in own):
        return OUTSIDE
    last = -1
    for reason in (reason for board in boards for reason in _shift_reasons(window, board)):
        last = max(last, REASONS.index(reason))
        if reason == "capacity":
            break  # none stands further down
    return REASONS[last] if last >= 0 else "shift_hours"


def _shift_reasons(window: Window, board: _Board) -> Iterator[str]:
    shared: set[int] | None = None
    if len(board.state.instance.groups[board.visit]) > 1:
        shared = shifts_alone(board.state, board.visit, *window)
    return (_shift_reason(window, board, s, shared) for s in board.shifts)


def _shift_reason(window: Window, board: _Board, s: int, shared: set[int] | None) -> str:
    """The first rule that fails; `shared` are the shifts that could have it with its partners."""
    state, v, _ = board
    instance = state.instance
    barrier = instance.barrier[v][s]
    if barrier:
        return barrier
    service = instance.services[s][v]
    alone = narrowed(service.windows, *window)
    if not alone or not instance.fits_alone(service._replace(windows=alone), s):
        return "window"
    if shared is not None:
        return "capacity" if s in shared else "relation"
    if state.blocked(v, s):
        return "relation"
    tied = _inside(state, v, s, window)
    if not tied or not instance.fits_alone(service._replace(windows=tied), s):
        return "relation"
    return "capacity"
