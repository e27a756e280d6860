"""The exact times of one route where working seconds cost: when to leave, wait, serve and rest.

The earliest moment is then not the best: whoever leaves later works less, and a break is unpaid, so
it is worth taking where the crew would wait. For each set of breaks taken a *curve* gives the least
cost of being done with a part of the route by a moment t, less the pay up to t. With the pay taken
off, waiting is free, a drive moves the curve, a break moves it and lowers it by its pay, and leaving
at t is worth the pay up to t. Every curve falls over time; a later moment is never worse.

A curve is a list of pieces (begin, end, value, slope): from `begin` to `end`, in whole seconds, it
is `value + slope * (t - begin)`; then it stays as it is until the next piece begins. Before the
first piece the moment cannot be met.
"""

from typing import NamedTuple

from optimizer.search.timeline import INFINITY, Lane, Service, Windows
from optimizer.search.timing import StopTime, Timing

Piece = tuple[int, int, int, int]
Curve = list[Piece]
Curves = list[Curve]
"""A curve for each set of breaks taken, empty where the set is impossible by then."""


class _Stage(NamedTuple):
    """The curves around one stop: driven there, rested there, served, and rested again."""

    leg: int
    seconds: int
    driven: Curves
    rested: Curves
    served: Curves
    ready: Curves


def paid_timing(services: list[Service], lane: Lane) -> Timing | None:
    """The cheapest times of a route, those that return first among them; None when there are none.

    Exact over every choice of departure, windows and breaks, the breaks that need not be taken
    included.
    """
    legs, at, left = lane.legs, lane.home, _origin(lane)
    stages: list[_Stage] = []
    for i, service in enumerate(services):
        seconds = service.again if i and service.place == at else service.first
        leg = legs[at][service.place]
        driven = [_moved(curve, leg, 0) for curve in left]
        rested = _rested(driven, lane)
        served = [_served(curve, service, seconds) for curve in rested]
        last = i + 1 == len(services) and lane.destination is None
        left = served if last else _rested(served, lane)
        stages.append(_Stage(leg, seconds, driven, rested, served, left))
        at = service.place
    home = 0 if lane.destination is None else legs[at][lane.destination]
    best = _cheapest_return([_moved(curve, home, 0) for curve in left], lane)
    return None if best is None else _traced(best, home, stages, services, lane)


# Curves


def _falling(pieces: list[Piece]) -> Curve:
    """The least value up to each moment of pieces that follow each other."""
    out: Curve = []
    least = INFINITY
    for begin, end, value, slope in pieces:
        if value >= least:
            skip = (value - least) // -slope + 1 if slope < 0 else INFINITY
            if begin + skip > end:
                continue
            begin, value = begin + skip, value + slope * skip
        elif slope >= 0:
            end, slope = begin, 0
        if out and slope < 0 and begin == out[-1][1] + 1:
            first, _, start, before = out[-1]
            if before == slope and start + slope * (begin - first) == value:
                begin, value = first, start
                out.pop()
        out.append((begin, end, value, slope))
        least = value + slope * (end - begin)
    return out


def _value(curve: Curve, t: int) -> int:
    """The curve at a moment; INFINITY before it begins."""
    for begin, end, value, slope in reversed(curve):
        if begin <= t:
            return value + slope * (min(t, end) - begin)
    return INFINITY


def _first_as_good(curve: Curve, t: int) -> int:
    """The first moment with the value that the curve has at `t`."""
    return next(min(t, end) for begin, end, _, _ in reversed(curve) if begin <= t)


def _moved(curve: Curve, seconds: int, points: int) -> Curve:
    if not seconds and not points:
        return curve
    return [(begin + seconds, end + seconds, value + points, k) for begin, end, value, k in curve]


def _within(curve: Curve, windows: Windows) -> list[Piece]:
    """The pieces of a curve that lie in the windows."""
    out: list[Piece] = []
    for opens, closes in windows:
        entered = _value(curve, opens)
        if entered < INFINITY:
            out.append((opens, opens, entered, 0))
        for begin, end, value, slope in curve:
            low, high = max(begin, opens), min(end, closes)
            if low <= high:
                out.append((low, high, value + slope * (low - begin), slope))
    return out


def _served(curve: Curve, service: Service, seconds: int) -> Curve:
    """The curve after a service, its lateness paid for."""
    if not curve:
        return curve
    due, rate = service.due, service.late_cost
    pieces: list[Piece] = []
    for begin, end, value, slope in _within(curve, service.windows):
        if begin <= due:
            pieces.append((begin, min(end, due), value, slope))
        if end > due:
            low = max(begin, due + 1)
            late = value + slope * (low - begin) + rate * (low - due)
            pieces.append((low, end, late, slope + rate))
    return _moved(_falling(pieces), seconds, 0)


def _lower(one: Curve, other: Curve) -> Curve:
    """The lower of two curves at each moment."""
    if not one or not other:
        return one or other
    both = (*one, *other)
    cuts = sorted({piece[0] for piece in both} | {piece[1] + 1 for piece in both})
    out: list[Piece] = []
    for begin, following in zip(cuts, [*cuts[1:], cuts[-1] + 1], strict=True):
        end = following - 1
        (low, down), (high, up) = sorted((_line(one, begin), _line(other, begin)))
        if high < INFINITY and up < down and high + up * (end - begin) < low + down * (end - begin):
            turn = begin + (high - low) // (down - up)
            out.append((begin, turn, low, down))
            out.append((turn + 1, end, high + up * (turn + 1 - begin), up))
        else:
            out.append((begin, end, low, down))
    return _falling(out)


def _line(curve: Curve, t: int) -> tuple[int, int]:
    """The value and the slope of a curve from a moment at which one of its pieces may begin."""
    for begin, end, value, slope in reversed(curve):
        if begin <= t:
            return (
                (value + slope * (t - begin), slope)
                if t <= end
                else (value + slope * (end - begin), 0)
            )
    return INFINITY, 0


# Breaks


def _origin(lane: Lane) -> Curves:
    """The curves of leaving, with breaks taken before: each later second saves its pay."""
    pay = lane.work_rate
    return [
        [(ready, lane.limit, -pay * ready, -pay)] if ready <= lane.limit else []
        for ready in _rested_before(lane)
    ]


def _rested_before(lane: Lane) -> list[int]:
    """For each set of breaks the first moment by which all can be over, INFINITY when never."""
    ready = [INFINITY] * (1 << len(lane.rests))
    ready[0] = lane.begin
    for mask in range(len(ready)):
        for b, (early, late, length) in enumerate(lane.rests):
            begin = max(early, ready[mask])
            if not mask >> b & 1 and begin <= late:
                ready[mask | 1 << b] = min(ready[mask | 1 << b], begin + length)
    return ready


def _rested(curves: Curves, lane: Lane) -> Curves:
    """The curves when any breaks may be taken at this point."""
    if len(curves) == 1:
        return curves
    curves = list(curves)
    for mask, curve in enumerate(curves):  # what it reads has been lowered by then
        if not curve:
            continue
        for b, (early, late, length) in enumerate(lane.rests):
            if mask >> b & 1 or late < curve[0][0]:
                continue
            over = _falling(_within(curve, ((early, late),)))
            over = _moved(over, length, -lane.work_rate * length)
            curves[mask | 1 << b] = _lower(curves[mask | 1 << b], over)
    return curves


# The way back


def _cheapest_return(curves: Curves, lane: Lane) -> tuple[int, int, int] | None:
    """The least cost, the first return that has it, and the breaks taken by then.

    Within a piece the pay weighs at least what the curve falls, so the best return is where some
    piece begins.
    """
    best: tuple[int, int, int] | None = None
    for mask, curve in enumerate(curves):
        last = min(lane.limit, lane.deadline[mask & lane.full])
        for returns, _, value, _ in curve:
            if returns > last:
                break
            over = max(0, returns - lane.end) * lane.overtime_rate
            found = (value + lane.work_rate * returns + over, returns, mask)
            best = found if best is None else min(best, found)
    return best


def _traced(
    best: tuple[int, int, int], home: int, stages: list[_Stage], services: list[Service], lane: Lane
) -> Timing:
    """The times that the curves stand for, from the return back to the departure."""
    cost, returns, mask = best
    stops: list[StopTime] = []
    pauses: list[tuple[int, int, int]] = []
    t = returns - home
    for service, stage in zip(reversed(services), reversed(stages), strict=True):
        mask, t = _woken(stage.ready, stage.served, mask, t, lane, pauses)
        end = _first_as_good(stage.served[mask], t)
        begin = end - stage.seconds
        mask, t = _woken(stage.rested, stage.driven, mask, begin, lane, pauses)
        arrive = _first_as_good(stage.driven[mask], t)
        stops.append(StopTime(service.visit, arrive, begin, end))
        t = arrive - stage.leg
    inside = sum(end - begin for _, begin, end in pauses)
    pauses += _before(lane, mask)
    return Timing(
        t, returns, tuple(reversed(stops)), tuple(reversed(pauses)), returns - t - inside, cost
    )


def _woken(
    rested: Curves,
    tired: Curves,
    mask: int,
    t: int,
    lane: Lane,
    pauses: list[tuple[int, int, int]],
) -> tuple[int, int]:
    """The breaks and the moment before those taken here, which are added to `pauses`, last first."""
    while True:
        t = _first_as_good(rested[mask], t)
        value = _value(rested[mask], t)
        if _value(tired[mask], t) == value:
            return mask, t
        for b, (early, late, length) in enumerate(lane.rests):
            before, begin = mask & ~(1 << b), t - length
            paid = value + lane.work_rate * length
            if before != mask and early <= begin <= late and _value(rested[before], begin) == paid:
                pauses.append((b, begin, t))
                mask, t = before, begin
                break
        else:
            raise AssertionError("a curve has a value that no way leads to")


def _before(lane: Lane, mask: int) -> list[tuple[int, int, int]]:
    """The breaks of a set taken before departure as early as can be, last first."""
    ready, pauses = _rested_before(lane), []
    while mask:
        for b, (early, _, length) in enumerate(lane.rests):
            begin = max(early, ready[mask & ~(1 << b)])
            if mask >> b & 1 and begin + length == ready[mask] and begin <= lane.rests[b][1]:
                pauses.append((b, begin, begin + length))
                mask &= ~(1 << b)
                break
    return pauses
