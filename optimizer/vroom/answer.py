"""From a plan to the JSON that VROOM answers with."""

from typing import Any

from optimizer.plan import Plan, Route, Stop, TakenBreak
from optimizer.problem import Estimate, Problem, Shift
from optimizer.travel import compile_travel
from optimizer.values import round_half_up
from optimizer.vroom.naming import described, numbers, told

NOTHING = {"setup": 0, "service": 0, "waiting_time": 0}
SUMMED = ("cost", "setup", "service", "duration", "waiting_time")


def plan_to_vroom(problem: Problem, plan: Plan) -> dict[str, Any]:
    """VROOM's solution document (code 0) for a plan of this problem.

    Ids, descriptions and timestamps are those of the VROOM document that the problem was read from; for any other
    problem ids are positions from 1 and descriptions our ids. `cost` is driving and the fixed costs of vehicles, as
    VROOM has it: what leaving jobs out costs is no part of it.
    """
    writer = _Answer(problem)
    routes = [writer.route(route) for route in plan.routes]
    unassigned = [
        {"id": writer.jobs[entry.visit], "type": "job"}
        | writer.at(writer.visits[entry.visit].place)
        | described(problem, "jobs", entry.visit, writer.jobs[entry.visit])
        for entry in plan.unserved
    ]
    summary: dict[str, Any] = {key: sum(route[key] for route in routes) for key in SUMMED}
    summary |= {"routes": len(routes), "unassigned": len(unassigned), "violations": []}
    return {"code": 0, "summary": summary, "unassigned": unassigned, "routes": routes}


class _Answer:
    """The problem at hand, by id."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.offset = int(told(problem).get("offset", 0))
        self.jobs = numbers([visit.id for visit in problem.visits])
        self.vehicles = numbers([shift.id for shift in problem.shifts])
        self.visits = {visit.id: visit for visit in problem.visits}
        self.shifts = {shift.id: shift for shift in problem.shifts}
        self.crews = {crew.id: crew for crew in problem.crews}
        self.places = {place.id: index for index, place in enumerate(problem.places)}
        ids = (crew.id for crew in problem.crews)
        self.travel = dict(zip(ids, compile_travel(problem), strict=True))
        self.by_index = not isinstance(problem.travel, Estimate)

    def at(self, place: str) -> dict[str, Any]:
        """Where that is, in the words the document used."""
        index = self.places[place]
        if self.by_index:
            return {"location_index": index}
        return {"location": [self.problem.places[index].lon, self.problem.places[index].lat]}

    def route(self, route: Route) -> dict[str, Any]:
        """A route with its steps in order of time."""
        shift, number = self.shifts[route.shift], self.vehicles[route.shift]
        steps = self._steps(route, shift)
        sums = {key: sum(step[key] for step in steps) for key in NOTHING}
        return {
            "vehicle": number,
            **described(self.problem, "vehicles", route.shift, number),
            "cost": route.travel_seconds * self.problem.weights.travel + shift.use_cost,
            **sums,
            "duration": route.travel_seconds,
            **({} if route.metres is None else {"distance": route.metres}),
            "steps": steps,
            "violations": [],
        }

    def _steps(self, route: Route, shift: Shift) -> list[dict[str, Any]]:
        """The stops with the breaks between them; a break outside the route is the crew's own affair."""
        legs = self.travel[shift.crew].seconds
        pauses = [
            pause
            for pause in sorted(route.breaks, key=lambda pause: (pause.start, pause.end))
            if route.departs <= pause.start and pause.end <= route.returns
        ]
        ids = numbers([pause.id for pause in shift.breaks])
        steps = [self._end("start", shift.from_, route.departs, 0)]
        driven, free, before, met = 0, route.departs, shift.from_, ""
        for stop in route.stops:
            place = self.visits[stop.visit].place
            left, driven = driven, driven + int(legs[self.places[before], self.places[place]])
            arrived = stop.arrive
            while pauses and pauses[0].end <= stop.start:
                pause = pauses.pop(0)
                there = pause.start >= stop.arrive
                came = arrived if there else free
                steps.append(self._break(pause, ids, came, driven if there else left))
                free = pause.end
                arrived = pause.end if there else arrived
            steps.append(self._job(stop, shift, arrived, driven, shared=place == met))
            free, before, met = stop.end, place, place
        for pause in pauses:
            steps.append(self._break(pause, ids, free, driven))
            free = pause.end
        if shift.to is not None:
            steps.append(self._end("end", shift.to, route.returns, route.travel_seconds))
        return steps

    def _end(self, kind: str, place: str, time: int, driven: int) -> dict[str, Any]:
        where = self.at(place)
        return {"type": kind, "arrival": time + self.offset, "duration": driven, **where, **NOTHING}

    def _break(
        self, pause: TakenBreak, ids: dict[str, int], came: int, driven: int
    ) -> dict[str, Any]:
        return NOTHING | {
            "type": "break",
            "id": ids[pause.id],
            "arrival": came + self.offset,
            "duration": driven,
            "service": pause.end - pause.start,
            "waiting_time": pause.start - came,
        }

    def _job(
        self, stop: Stop, shift: Shift, arrived: int, driven: int, *, shared: bool
    ) -> dict[str, Any]:
        visit, number = self.visits[stop.visit], self.jobs[stop.visit]
        # The setup is what the service lasts longer than without one, rounding included.
        again = round_half_up(visit.duration * self.crews[shift.crew].service_factor)
        return {
            "type": "job",
            "id": number,
            **described(self.problem, "jobs", stop.visit, number),
            **self.at(visit.place),
            "arrival": arrived + self.offset,
            "duration": driven,
            "setup": 0 if shared else stop.end - stop.start - again,
            "service": again,
            "waiting_time": stop.start - arrived,
        }
