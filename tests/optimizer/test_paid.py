"""The times of one route whose work is paid for, against every choice there is."""

from random import Random

from optimizer.search.paid import paid_timing
from optimizer.search.timeline import INFINITY, Lane, Service, make_lane

Rest = tuple[str, int, int, int]

LAST = 30
"""The last second of a route in these tests, overtime included."""


def test_no_choice_of_departure_windows_and_breaks_is_cheaper() -> None:
    found = impossible = rested = 0
    for seed in range(400):
        services, lane, breaks = _drawn(Random(seed))

        timing = paid_timing(services, lane)

        assert (None if timing is None else timing.cost) == _Seconds(
            services, lane, breaks
        ).least(), seed
        impossible += timing is None
        if timing is not None:
            found += 1
            rested += any(begin >= timing.departs for _, begin, _ in timing.pauses)
    assert min(found, impossible, rested) > 25


def test_the_times_are_those_that_the_cost_is_for() -> None:
    for seed in range(400):
        services, lane, _ = _drawn(Random(seed))
        timing = paid_timing(services, lane)
        if timing is None:
            continue

        inside = sum(
            end - begin
            for _, begin, end in timing.pauses
            if timing.departs <= begin and end <= timing.returns
        )
        late = sum(
            max(0, stop.begin - service.due) * service.late_cost
            for stop, service in zip(timing.stops, services, strict=True)
        )
        over = max(0, timing.returns - lane.end) * lane.overtime_rate

        assert timing.work == timing.returns - timing.departs - inside, seed
        assert timing.cost == late + over + timing.work * lane.work_rate, seed
        for stop, service in zip(timing.stops, services, strict=True):
            assert any(opens <= stop.begin <= closes for opens, closes in service.windows), seed
            assert stop.arrive <= stop.begin < stop.end, seed
        for b, begin, end in timing.pauses:
            early, late_begin, length = lane.rests[b]
            assert early <= begin <= late_begin, seed
            assert end - begin == length, seed
            assert not any(stop.begin < end and begin < stop.end for stop in timing.stops), seed


def _drawn(chance: Random) -> tuple[list[Service], Lane, list[Rest]]:
    breaks = [_break(chance, b) for b in range(chance.randint(0, 3))]
    return [_service(chance, v) for v in range(chance.randint(1, 3))], _lane(chance, breaks), breaks


def _break(chance: Random, b: int) -> Rest:
    early = chance.randint(-3, LAST - 5)
    return f"b{b}", early, early + chance.choice([0, 3, 12]), chance.randint(0, 5)


def _lane(chance: Random, breaks: list[Rest]) -> Lane:
    legs = [[0 if i == j else chance.randint(0, 4) for j in range(3)] for i in range(3)]
    limit = chance.choice([LAST, 18])
    return make_lane(
        begin=0,
        end=chance.choice([limit, limit - 8]),
        limit=limit,
        home=0,
        destination=chance.choice([None, 0, 2]),
        legs=legs,
        breaks=breaks,
        overtime_rate=chance.choice([0, 2]),
        work_rate=chance.choice([1, 3]),
    )


def _service(chance: Random, v: int) -> Service:
    windows = []
    opens = chance.randint(0, 12)
    for _ in range(chance.randint(1, 2)):
        closes = opens + chance.choice([0, 4, 15])
        windows.append((opens, closes))
        opens = closes + chance.randint(2, 8)
    first = chance.randint(1, 4)
    due = chance.choice([INFINITY, chance.randint(0, 20)])
    return Service(
        v, chance.randint(0, 2), tuple(windows), first, max(1, first - 1), due,
        chance.choice([0, 1, 2, 5]),
    )  # fmt: skip


class _Seconds:
    """Every way to spend each second of a route: to wait, to drive, to serve or to rest.

    `costs[t]` are the least costs by (stage, breaks taken). Stage -1 is before departure, when
    waiting is free; 2i is with i stops served, 2i + 1 when the next place is reached besides.
    """

    def __init__(self, services: list[Service], lane: Lane, breaks: list[Rest]) -> None:
        self.services, self.lane, self.pay = services, lane, lane.work_rate
        self.rests = [(max(0, early), late, length) for _, early, late, length in breaks]
        self.costs: list[dict[tuple[int, int], int]] = [{} for _ in range(LAST + 20)]
        self.best: int | None = None

    def least(self) -> int | None:
        self._reach(0, -1, 0, 0)
        for t in range(self.lane.limit + 1):
            left: dict[tuple[int, int], int] = {}
            while left != self.costs[t]:  # steps of no seconds lead to states of the same moment
                known, left = left, dict(self.costs[t])
                for (stage, mask), cost in left.items():
                    if known.get((stage, mask)) != cost:
                        self._step(t, stage, mask, cost)
        return self.best

    def _reach(self, t: int, stage: int, mask: int, cost: int) -> None:
        if t < len(self.costs) and cost < self.costs[t].get((stage, mask), INFINITY):
            self.costs[t][stage, mask] = cost

    def _step(self, t: int, stage: int, mask: int, cost: int) -> None:
        self._reach(t + 1, stage, mask, cost + (self.pay if stage >= 0 else 0))
        for b, (early, late, length) in enumerate(self.rests):
            if not mask >> b & 1 and early <= t <= late:
                self._reach(t + length, stage, mask | 1 << b, cost)
        stop, there = divmod(max(stage, 0), 2)
        leg = 0 if there else self._leg(stop)
        if there:
            self._serve(t, stop, mask, cost)
        elif stop < len(self.services):
            self._reach(t + leg, 2 * stop + 1, mask, cost + self.pay * leg)
        else:
            self._return(t + leg, mask, cost + self.pay * leg)

    def _leg(self, stop: int) -> int:
        at = self.services[stop - 1].place if stop else self.lane.home
        to = self.lane.destination
        if stop < len(self.services):
            to = self.services[stop].place
        return 0 if to is None else self.lane.legs[at][to]

    def _serve(self, t: int, stop: int, mask: int, cost: int) -> None:
        service = self.services[stop]
        if any(opens <= t <= closes for opens, closes in service.windows):
            again = stop > 0 and self.services[stop - 1].place == service.place
            seconds = service.again if again else service.first
            late = max(0, t - service.due) * service.late_cost
            self._reach(t + seconds, 2 * stop + 2, mask, cost + self.pay * seconds + late)

    def _return(self, t: int, mask: int, cost: int) -> None:
        missing = [late for b, (_, late, _) in enumerate(self.rests) if not mask >> b & 1]
        if t <= min([self.lane.limit, *missing]):
            total = cost + max(0, t - self.lane.end) * self.lane.overtime_rate
            self.best = total if self.best is None else min(self.best, total)
