"""One route made exact: its labels for quick questions, its times and its cost."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from optimizer.search.instance import Gap, Instance
from optimizer.search.paid import paid_timing
from optimizer.search.timeline import (
    INFINITY,
    Ending,
    Label,
    Lane,
    Service,
    Windows,
    endings,
    extend,
    latest_at_end,
    latest_before,
)
from optimizer.search.timing import Timing, timed

GAP_ROUNDS = 8
"""How often the times around a gap inside a route are pushed before it is given up."""


@dataclass(slots=True)
class Route:
    """A feasible, non-empty route. `latest[i]` belongs to the moment after i stops."""

    shift: int
    order: tuple[int, ...]
    lane: Lane
    services: list[Service]
    labels: list[list[Label]]
    latest: list[list[int]]
    reach: list[int]
    """The largest of each `latest`, a bound that rejects most insertions."""
    travel: int
    ending: Ending
    gapped: bool
    time_cost: int
    """Points for lateness, overtime and work."""
    cost: int
    """Points of the whole route, `time_cost` included."""
    held: Timing | None

    @property
    def timing(self) -> Timing:
        """The times of the route, worked out when first asked for."""
        if self.held is None:
            self.held = timed(self.ending, self.services, self.lane)
        return self.held


def travel_of(order: tuple[int, ...], places: list[int], lane: Lane) -> int:
    """Travel seconds of a route, first and last leg included."""
    total, at = 0, lane.home
    for v in order:
        total += lane.legs[at][places[v]]
        at = places[v]
    return total if lane.destination is None else total + lane.legs[at][lane.destination]


def build(
    instance: Instance,
    s: int,
    order: tuple[int, ...],
    *,
    lane: Lane | None = None,
    windows: Mapping[int, Windows] | None = None,
) -> Route | None:
    """The route of a shift with these visits in this order, or None when it breaks a rule.

    `lane` and `windows` narrow what the shift and its visits allow, for the sake of other routes.
    Whether the visits may be on this shift at all (skills and so on) is not looked at.
    """
    lane = instance.lanes[s] if lane is None else lane
    if not fits_load(instance, s, order):
        return None
    travel = travel_of(order, instance.place, lane)
    most = instance.problem.shifts[s].max_travel
    if most is not None and travel > most:
        return None
    services = [instance.services[s][v] for v in order]
    if windows:
        services = [
            service._replace(windows=windows[service.visit])
            if service.visit in windows
            else service
            for service in services
        ]
    gaps = gaps_inside(instance, order)
    if gaps is None:
        return None
    if gaps:
        pushed = _push_gaps(gaps, services, lane)
        if pushed is None:
            return None
        services = pushed
    labels = walk(services, lane)
    if labels is None:
        return None
    ends = endings(labels[-1], services[-1].place, lane)
    if not ends:
        return None
    ending = min(ends, key=_by_cost)
    held, time_cost = None, ending.cost
    if lane.work_rate:
        held = _paid(gaps, services, lane, ending)
        time_cost = held.cost
    fixed = instance.problem.shifts[s].use_cost + sum(instance.serve_cost[v][s] for v in order)
    cost = travel * instance.problem.weights.travel + fixed + time_cost
    latest = _latest(services, lane)
    return Route(
        s, order, lane, services, labels, latest, [max(row) for row in latest], travel, ending,
        bool(gaps), time_cost, cost, held,
    )  # fmt: skip


def _by_cost(ending: Ending) -> tuple[int, int]:
    return ending.cost, ending.returns


def fits_load(instance: Instance, s: int, order: tuple[int, ...]) -> bool:
    """Whether the shift may make so many stops and has the parts for them."""
    shift = instance.problem.shifts[s]
    if shift.max_visits is not None and len(order) > shift.max_visits:
        return False
    used: dict[str, int] = {}
    for v in order:
        for part, count in instance.problem.visits[v].parts.items():
            used[part] = used.get(part, 0) + count
            if used[part] > shift.stock.get(part, 0):
                return False
    return True


def walk(services: list[Service], lane: Lane) -> list[list[Label]] | None:
    """The labels after 0, 1, ... stops, or None when some stop cannot be reached in time."""
    labels = lane.origin()
    result = [labels]
    at, before = lane.home, -1
    for service in services:
        seconds = service.again if service.place == before else service.first
        labels = extend(labels, lane.legs[at][service.place], service, seconds, lane)
        if not labels:
            return None
        result.append(labels)
        at = before = service.place
    return result


def _latest(services: list[Service], lane: Lane) -> list[list[int]]:
    latest = latest_at_end(services[-1].place, lane)
    result = [latest]
    for i in range(len(services) - 1, -1, -1):
        service = services[i]
        at = services[i - 1].place if i else lane.home
        again = i > 0 and at == service.place
        seconds = service.again if again else service.first
        latest = latest_before(latest, lane.legs[at][service.place], service, seconds, lane)
        result.append(latest)
    result.reverse()
    return result


def gaps_inside(instance: Instance, order: tuple[int, ...]) -> list[Gap] | None:
    """The gaps that bind inside this order; None when it has a second before its first."""
    if instance.free:
        return []
    at = {v: i for i, v in enumerate(order)}
    binding = []
    for v in order:
        for gap in instance.gaps_of[v]:
            if gap.first == v and gap.second in at:
                if at[gap.second] < at[v]:
                    return None
                if gap.least > 0 or gap.most < INFINITY:
                    binding.append(gap)
    return binding


def _push_gaps(gaps: list[Gap], services: list[Service], lane: Lane) -> list[Service] | None:
    """The services with their windows cut until the earliest times keep every gap."""
    services = list(services)
    index = {service.visit: i for i, service in enumerate(services)}
    for _ in range(GAP_ROUNDS):
        labels = walk(services, lane)
        ends = endings(labels[-1], services[-1].place, lane) if labels else []
        if not ends:
            return None
        stops = timed(min(ends, key=_by_cost), services, lane).stops
        broken = False
        for gap in gaps:
            first, second = stops[index[gap.first]], stops[index[gap.second]]
            if second.begin < first.end + gap.least:
                i, earliest = index[gap.second], first.end + gap.least
            elif second.begin > first.end + gap.most:
                i = index[gap.first]
                earliest = second.begin - gap.most - (first.end - first.begin)
            else:
                continue
            broken = True
            services[i] = services[i]._replace(
                windows=narrowed(services[i].windows, earliest, INFINITY)
            )
        if not broken:
            return services
    return None


def _paid(gaps: list[Gap], services: list[Service], lane: Lane, ending: Ending) -> Timing:
    """The cheapest times of a possible route whose work is paid for, as far as gaps let them be.

    Where the cheapest times break a gap, one of its visits stays where they have it and the others
    follow, each in turn, or all stay where `ending` has them; that need not be the cheapest.
    """
    free = paid_timing(services, lane)
    assert free is not None
    if _keeps(gaps, free):
        return free
    earliest = {stop.visit: stop.begin for stop in timed(ending, services, lane).stops}
    bound = list(dict.fromkeys(v for gap in gaps for v in (gap.first, gap.second)))
    kept = paid_timing([_begun(each, earliest, bound) for each in services], lane)
    assert kept is not None
    found = [kept]
    for anchor in bound:
        timing = _anchored(anchor, bound, gaps, services, lane, free)
        if timing is not None:
            found.append(timing)
    return min(found, key=lambda timing: (timing.cost, timing.returns))


def _begun(service: Service, begins: Mapping[int, int], bound: Collection[int]) -> Service:
    """The service, at exactly its begin when it is one of the bound ones."""
    if service.visit not in bound:
        return service
    return service._replace(windows=((begins[service.visit], begins[service.visit]),))


def _anchored(
    anchor: int,
    bound: list[int],
    gaps: list[Gap],
    services: list[Service],
    lane: Lane,
    timing: Timing | None,
) -> Timing | None:
    """The cheapest times with one bound visit where `timing` has it, then the next, and so on."""
    services = list(services)
    index = {service.visit: i for i, service in enumerate(services)}
    for v in (anchor, *(other for other in bound if other != anchor)):
        if timing is None or _keeps(gaps, timing):
            return timing
        stop = timing.stops[index[v]]
        services[index[v]] = _begun(services[index[v]], {v: stop.begin}, (v,))
        for gap in gaps:
            if gap.first == v:
                other, low, high = gap.second, stop.end + gap.least, stop.end + gap.most
            elif gap.second == v:
                first = timing.stops[index[gap.first]]
                other, length = gap.first, first.end - first.begin
                low, high = (stop.begin - length - far for far in (gap.most, gap.least))
            else:
                continue
            windows = narrowed(services[index[other]].windows, low, high)
            services[index[other]] = services[index[other]]._replace(windows=windows)
        timing = paid_timing(services, lane)
    return timing if timing is not None and _keeps(gaps, timing) else None


def _keeps(gaps: list[Gap], timing: Timing) -> bool:
    """Whether the times keep every gap."""
    stops = {stop.visit: stop for stop in timing.stops}
    return all(
        gap.least <= stops[gap.second].begin - stops[gap.first].end <= gap.most for gap in gaps
    )


def narrowed(windows: Windows, low: int, high: int) -> Windows:
    """What of the windows lies in `[low, high]`."""
    return tuple(
        (max(opens, low), min(closes, high))
        for opens, closes in windows
        if max(opens, low) <= min(closes, high)
    )
