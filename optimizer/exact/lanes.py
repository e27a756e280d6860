"""A problem's shifts as the arrays of the compiled moves; shifts that are alike share them.

See `optimizer.exact.moves` for the arrays and `optimizer.exact.pricing` for what is left out.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from optimizer.exact.moves import Ints
from optimizer.exact.pricing import ShiftClass
from optimizer.exact.recall import Recall
from optimizer.exact.workspace import Scale
from optimizer.problem import Crew, Problem, Shift, Visit, Window
from optimizer.travel import compile_travel
from optimizer.values import UNREACHABLE, round_half_up

FAR = 1 << 40
"""A moment that no shift reaches."""
MOST_BREAKS = 2
"""Breaks of a shift that are kept; each one doubles the labels."""
MOST_PARTS = 2
"""Scarce parts whose stock is kept."""
BUCKETS = 384
"""Buckets of time in a shift, where its moves are not too short for that."""
MOST_BUCKETS = 2048


def scale_of(drop_cost: Sequence[int]) -> Scale:
    """The scale for visits that cost this much to leave out, points.

    Nothing dearer than leaving out all visits is ever worth it, so larger costs may be cut.
    """
    most = sum(drop_cost) + 1
    unit = 1 << max(0, min(10, 52 - most.bit_length()))
    return Scale(unit, most * unit)


def drop_costs(problem: Problem) -> list[int]:
    """Points that leaving each visit out costs, the change of the plan in force included."""
    before = {} if problem.incumbent is None else problem.incumbent.shift_of()
    change = problem.weights.change
    return [v.unserved_cost + (change if v.id in before else 0) for v in problem.visits]


def shift_classes(problem: Problem, scale: Scale) -> list[ShiftClass]:
    """The classes of the problem's shifts; those that differ in stock only follow each other."""
    maker = _Maker(problem, scale)
    classes: dict[tuple[object, ...], ShiftClass] = {}
    kin: dict[tuple[object, ...], int] = {}
    recalls: dict[int, Recall] = {}
    for s in range(len(problem.shifts)):
        made = maker.shift_class(s)
        moves = _content(
            made.visits, made.costs, made.travel, made.entry, made.entries, made.windows,
            made.late, made.clock, made.pauses,
        )  # fmt: skip
        made.kin = kin.setdefault(moves, len(kin))
        made.recall = recalls.setdefault(made.kin, made.recall)
        key = made.kin, made.travel_resource, _content(made.loads, made.room)
        if key in classes:
            classes[key].shifts += (s,)
        else:
            classes[key] = made
    return sorted(classes.values(), key=lambda made: (made.kin, made.shifts))


def triangular(problem: Problem) -> bool:
    """Whether no detour through a third place is ever shorter, but for roundings."""
    for seconds in {id(t.seconds): t.seconds for t in compile_travel(problem)}.values():
        for k in range(len(seconds)):
            if (seconds > seconds[:, k, None] + seconds[None, k, :] + 2).any():
                return False
    return True


def _content(*arrays: Ints) -> tuple[object, ...]:
    return tuple((array.shape, array.tobytes()) for array in arrays)


class _Maker:
    """Makes the arrays of a shift's class."""

    def __init__(self, problem: Problem, scale: Scale) -> None:
        self.problem = problem
        self.scale = scale
        self.legs = compile_travel(problem)
        self.places = {place.id: i for i, place in enumerate(problem.places)}
        self.crews = {crew.id: i for i, crew in enumerate(problem.crews)}
        self.before = {} if problem.incumbent is None else problem.incumbent.shift_of()

    def shift_class(self, s: int) -> ShiftClass:
        """The class of one shift."""
        shift = self.problem.shifts[s]
        crew = self.problem.crews[self.crews[shift.crew]]
        limit = shift.end + shift.max_overtime
        able = [i for i, v in enumerate(self.problem.visits) if _able(v, shift, crew, limit)]
        visits = [self.problem.visits[i] for i in able]
        travel, service = self._seconds(shift, crew, visits)
        loads, room, travel_resource = _resources(shift, visits)
        windows = _windows(visits)
        pauses = _pauses(shift, limit)
        allowed = _allowed(travel, service, windows, shift.start, limit)
        entry, entries = _entries(service, allowed)
        bits, guided = _bits(travel, service, allowed, limit - shift.start)
        return ShiftClass(
            shifts=(s,),
            visits=np.array(able, dtype=np.int64),
            costs=self._costs(shift, visits, travel, service),
            travel=travel,
            entry=entry,
            entries=entries,
            windows=windows,
            late=_late(visits, self.scale),
            clock=self._clock(shift, limit, bits),
            pauses=pauses,
            deadline=_deadlines(pauses),
            loads=loads,
            room=room,
            travel_resource=travel_resource,
            allowed=allowed,
            guided=guided,
        )

    def _seconds(self, shift: Shift, crew: Crew, visits: list[Visit]) -> tuple[Ints, Ints]:
        """Travel between visits, start and end; service by the stop before and the visit."""
        count = len(visits)
        at = [self.places[v.place] for v in visits]
        rows = np.array([*at, self.places[shift.from_]], dtype=np.int64)
        travel = np.zeros((count + 2, count + 2), dtype=np.int64)
        legs = self.legs[self.crews[shift.crew]].seconds
        travel[:-1, :-1] = legs[np.ix_(rows, rows)]
        if shift.to is not None:
            travel[:-1, -1] = legs[rows, self.places[shift.to]]
        first = [_service(v.duration + v.setup, crew) for v in visits]
        again = [_service(v.duration, crew) for v in visits]
        service = np.tile(np.array(first, dtype=np.int64), (count + 1, 1))
        same = rows[:-1, None] == rows[None, :-1]
        service[:-1][same] = np.tile(np.array(again, dtype=np.int64), (count, 1))[same]
        return travel, service

    def _costs(self, shift: Shift, visits: list[Visit], travel: Ints, service: Ints) -> Ints:
        """Scaled costs of going from one to another, with what the other costs there."""
        weights = self.problem.weights
        costs = travel * weights.travel + travel * weights.work
        costs[:-1, :-2] += service * weights.work
        for i, visit in enumerate(visits):
            moved = self.before.get(visit.id, shift.id) != shift.id
            disliked = bool(visit.preferred_crews) and shift.crew not in visit.preferred_crews
            costs[:, i] += moved * weights.change + disliked * weights.not_preferred
        costs[-2, :] += shift.use_cost
        scaled: Ints = np.minimum(costs, self.scale.most // self.scale.unit) * self.scale.unit
        return scaled

    def _clock(self, shift: Shift, limit: int, bits: int) -> Ints:
        rate = self.problem.weights.overtime * self.scale.unit
        cut, most = (self.scale.most // rate + 1, self.scale.most) if rate else (FAR, 0)
        buckets = ((limit - shift.start) >> bits) + 1
        figures = [shift.start, shift.end, limit, rate, cut, most, bits, buckets]
        return np.array(figures, dtype=np.int64)


def _entries(service: Ints, allowed: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """How each visit is entered where it may be: one entry for each service time."""
    entry = np.zeros_like(service)
    entries: list[tuple[int, int]] = []
    for u in range(service.shape[1]):
        for seconds in np.unique(service[allowed[:, u], u]):
            entry[service[:, u] == seconds, u] = len(entries)
            entries.append((u, int(seconds)))
    return entry, np.array(entries, dtype=np.int64).reshape(len(entries), 2)


def _able(visit: Visit, shift: Shift, crew: Crew, limit: int) -> bool:
    """Whether nothing but time and travel keeps the visit from the shift."""
    allowed = visit.allowed_crews is None or crew.id in visit.allowed_crews
    begins = visit.begins
    return (
        shift.max_visits != 0
        and allowed
        and crew.id not in visit.forbidden_crews
        and crew.members >= visit.members
        and (visit.pinned is None or visit.pinned.shift == shift.id)
        and all(crew.skills.get(name, 0) >= level for name, level in visit.skills.items())
        and all(shift.stock.get(part, 0) >= count for part, count in visit.parts.items())
        and (not begins or any(w.open <= limit and w.close >= shift.start for w in begins))
    )


def _service(seconds: int, crew: Crew) -> int:
    return min(round_half_up(seconds * crew.service_factor), UNREACHABLE)


def _windows(visits: list[Visit]) -> Ints:
    widest = max((len(v.begins) for v in visits), default=0)
    windows = np.full((len(visits), max(1, widest), 2), -FAR, dtype=np.int64)
    for i, visit in enumerate(visits):
        begins = sorted(visit.begins) or [Window(-FAR, FAR)]
        # Sorted by opening, the first window not yet closed gives the earliest begin.
        windows[i, : len(begins)] = begins
    return windows


def _late(visits: list[Visit], scale: Scale) -> Ints:
    late = np.zeros((len(visits), 4), dtype=np.int64)
    for i, visit in enumerate(visits):
        rate = 0 if visit.due is None else visit.late_cost * scale.unit
        cut, most = (scale.most // rate + 1, scale.most) if rate else (FAR, 0)
        late[i] = FAR if visit.due is None else visit.due, rate, cut, most
    return late


def _resources(shift: Shift, visits: list[Visit]) -> tuple[Ints, Ints, int]:
    """What visits take of what the shift has little of, how much it has, which one is travel."""
    columns: list[list[int]] = []
    room: list[int] = []
    if shift.max_visits is not None and shift.max_visits < len(visits):
        columns.append([1] * len(visits))
        room.append(shift.max_visits)
    scarce: list[tuple[float, str, int]] = []
    for part in sorted({part for v in visits for part in v.parts}):
        needed, stock = sum(v.parts.get(part, 0) for v in visits), shift.stock.get(part, 0)
        if needed > stock:
            scarce.append((stock / needed, part, stock))
    for _, part, stock in sorted(scarce)[:MOST_PARTS]:
        columns.append([v.parts.get(part, 0) for v in visits])
        room.append(stock)
    travel_resource = -1
    if shift.max_travel is not None:
        travel_resource = len(room)
        columns.append([0] * len(visits))
        room.append(shift.max_travel)
    loads = np.array(columns, dtype=np.int64).reshape(len(room), len(visits))
    return np.ascontiguousarray(loads.T), np.array(room, dtype=np.int64), travel_resource


def _pauses(shift: Shift, limit: int) -> Ints:
    """The breaks that bind first; one that may begin after every return never does."""
    kept = sorted(
        (b.latest, max(b.earliest, shift.start), b.duration)
        for b in shift.breaks
        if b.latest < limit
    )
    rows = [(earliest, latest, length) for latest, earliest, length in kept[:MOST_BREAKS]]
    return np.array(rows, dtype=np.int64).reshape(len(rows), 3)


def _deadlines(pauses: Ints) -> Ints:
    latest = pauses[:, 1].tolist()
    return np.array(
        [
            min((t for b, t in enumerate(latest) if not mask >> b & 1), default=FAR)
            for mask in range(1 << len(latest))
        ],
        dtype=np.int64,
    )


def _allowed(
    travel: Ints, service: Ints, windows: Ints, start: int, limit: int
) -> npt.NDArray[np.bool_]:
    """Whether one may follow another by windows and hours alone; the start is the last row."""
    count = len(windows)
    allowed = np.ones((count + 1, count), dtype=np.bool_)
    opens, closes = windows[:, :, 0].copy(), windows[:, :, 1].max(axis=1, initial=-FAR)
    opens[windows[:, :, 1] < start] = FAR
    soonest = np.maximum(opens.min(axis=1, initial=FAR), start)
    shortest = service.min(axis=0, initial=UNREACHABLE)
    leaves = np.append(soonest + shortest, start)
    arrives = leaves[:, None] + travel[:-1, :-2]
    allowed &= arrives <= closes[None, :]
    allowed &= np.maximum(arrives, soonest[None, :]) + service <= limit
    allowed[np.arange(count), np.arange(count)] = False
    return allowed


def _bits(
    travel: Ints, service: Ints, allowed: npt.NDArray[np.bool_], span: int
) -> tuple[int, bool]:
    """Log2 of the seconds in a bucket, and whether every move takes one bucket or more."""
    # From the arrival at one to the arrival at the next.
    shortest_service = service.min(axis=0, initial=UNREACHABLE)
    moves = (shortest_service[:, None] + travel[:-2, :-2])[allowed[:-1]]
    shortest = int(moves.min(initial=FAR))
    bits = max(1, span // BUCKETS).bit_length() - 1
    finest = shortest.bit_length() - 1
    if finest >= 0 and span >> min(bits, finest) < MOST_BUCKETS:
        return min(bits, finest), True
    return bits, False
