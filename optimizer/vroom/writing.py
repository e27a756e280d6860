"""From a problem to VROOM's JSON.

A shift becomes a vehicle. Levelled skills, crew sizes, allowed and forbidden crews and pins all become VROOM's
skills, which are plain numbers: a vehicle may serve a job that needs no number but its own. One thing is lost by
VROOM's nature: priorities (0..100) keep the order of the `unserved_cost`s, not their amounts.
"""

import math
from typing import Any

from optimizer.problem import Problem, ProblemError, Shift, Visit
from optimizer.travel import CrewTravel, compile_travel
from optimizer.values import round_half_up
from optimizer.vroom.naming import described, numbers, told
from optimizer.work import Window

Token = tuple[Any, ...]
"""What a job may need: a level of a skill, a crew size, one of a set of shifts."""


def problem_to_vroom(problem: Problem, *, matrices: bool = True) -> dict[str, Any]:
    """The VROOM document of a problem, as JSON's own types; without `matrices` for who has them already.

    Raise ProblemError with the path of what VROOM cannot say: relations, soft due times, overtime, the price of
    working time, preferences and changes, negative times, a break that may fall outside its shift.
    """
    _refuse(problem)
    travel = compile_travel(problem)
    names = profile_names(travel)
    writer = _Writer(problem, names)
    jobs = [writer.job(visit) for visit in problem.visits]
    document: dict[str, Any] = {
        "vehicles": [writer.vehicle(shift) for shift in problem.shifts],
        "jobs": jobs,
    }
    if matrices:
        document["matrices"] = {
            name: _matrix(travel[names.index(name)]) for name in dict.fromkeys(names)
        }
    return document


def profile_names(travel: tuple[CrewTravel, ...]) -> list[str]:
    """A name for each crew's travel, in the order of the crews; those that drive alike share it."""
    known: dict[int, str] = {}
    for way in travel:
        known.setdefault(id(way.seconds), f"way {len(known) + 1}" if known else "car")
    return [known[id(way.seconds)] for way in travel]


def _matrix(way: CrewTravel) -> dict[str, Any]:
    matrix = {"durations": way.seconds.tolist()}
    if way.metres is not None:
        matrix["distances"] = way.metres.tolist()
    return matrix


def _refuse(problem: Problem) -> None:
    """Raise ProblemError for the first thing VROOM has no word for."""
    weights = problem.weights
    if problem.relations:
        raise ProblemError("relations[0]", "VROOM knows no relations between visits")
    if weights.work:
        raise ProblemError("weights.work", "VROOM puts no price on working time")
    if weights.change and problem.incumbent is not None:
        raise ProblemError("weights.change", "VROOM puts no price on changes to a plan in force")
    for index, visit in enumerate(problem.visits):
        path = f"visits[{index}]"
        if visit.due is not None and visit.late_cost:
            raise ProblemError(f"{path}.due", "VROOM knows no soft due times")
        if visit.preferred_crews and weights.not_preferred:
            raise ProblemError(f"{path}.preferred_crews", "VROOM knows no preferences")
        for position, window in enumerate(visit.begins):
            if window.open < 0:
                raise ProblemError(f"{path}.windows[{position}]", "VROOM's times begin at 0")
    for index, shift in enumerate(problem.shifts):
        _refuse_shift(shift, f"shifts[{index}]")


def _refuse_shift(shift: Shift, path: str) -> None:
    if shift.start < 0:
        raise ProblemError(f"{path}.start", "VROOM's times begin at 0")
    if shift.max_overtime:
        raise ProblemError(f"{path}.max_overtime", "VROOM knows no overtime")
    for position, pause in enumerate(shift.breaks):
        # VROOM always takes a break between departure and return.
        if pause.earliest < shift.start or pause.latest + pause.duration > shift.end:
            raise ProblemError(f"{path}.breaks[{position}]", "VROOM's breaks lie inside the shift")


class _Writer:
    """Numbers for everything that VROOM knows by number."""

    def __init__(self, problem: Problem, profiles: list[str]) -> None:
        self.problem = problem
        self.offset = int(told(problem).get("offset", 0))
        self.profiles = dict(zip((crew.id for crew in problem.crews), profiles, strict=True))
        self.crews = {crew.id: crew for crew in problem.crews}
        self.places = {place.id: index for index, place in enumerate(problem.places)}
        self.vehicles = numbers([shift.id for shift in problem.shifts])
        self.jobs = numbers([visit.id for visit in problem.visits])
        self.parts = sorted({part for visit in problem.visits for part in visit.parts})
        self.needs = [self._needs(visit) for visit in problem.visits]
        tokens = sorted({token for needs in self.needs for token in needs}, key=repr)
        self.skills = {token: number for number, token in enumerate(tokens, start=1)}
        self.needed = dict(zip((visit.id for visit in problem.visits), self.needs, strict=True))
        costs = [visit.unserved_cost for visit in problem.visits if visit.unserved_cost]
        self.least, self.most = min(costs, default=1), max(costs, default=1)
        factors = sorted({crew.service_factor for crew in problem.crews} - {1.0})
        self.types = {factor: f"factor {factor:g}" for factor in factors}

    def vehicle(self, shift: Shift) -> dict[str, Any]:
        """A shift as a vehicle."""
        crew, number = self.crews[shift.crew], self.vehicles[shift.id]
        pauses = numbers([pause.id for pause in shift.breaks])
        vehicle: dict[str, Any] = {
            "id": number,
            **described(self.problem, "vehicles", shift.id, number),
            "profile": self.profiles[shift.crew],
            "start_index": self.places[shift.from_],
            "time_window": self._span(shift.start, shift.end),
            "capacity": [shift.stock.get(part, 0) for part in self.parts],
            "skills": [n for token, n in self.skills.items() if self._has(token, shift)],
            "costs": {"fixed": shift.use_cost, "per_hour": 3600 * self.problem.weights.travel},
            "breaks": [
                {
                    "id": pauses[pause.id],
                    "time_windows": [self._span(pause.earliest, pause.latest)],
                    "service": pause.duration,
                }
                for pause in shift.breaks
            ],
        }
        if shift.to is not None:
            vehicle["end_index"] = self.places[shift.to]
        if shift.max_visits is not None:
            vehicle["max_tasks"] = shift.max_visits
        if shift.max_travel is not None:
            vehicle["max_travel_time"] = shift.max_travel
        if crew.service_factor in self.types:
            vehicle["type"] = self.types[crew.service_factor]
        return vehicle

    def job(self, visit: Visit) -> dict[str, Any]:
        """A visit as a job."""
        number = self.jobs[visit.id]
        job: dict[str, Any] = {
            "id": number,
            **described(self.problem, "jobs", visit.id, number),
            "location_index": self.places[visit.place],
            "setup": visit.setup,
            "service": visit.duration,
            "delivery": [visit.parts.get(part, 0) for part in self.parts],
            "skills": sorted(self.skills[token] for token in self.needed[visit.id]),
            "priority": self._priority(visit),
        }
        if visit.begins:
            job["time_windows"] = [self._span(*window) for window in _apart(visit.begins)]
        if self.types:
            again = {f: round_half_up(visit.duration * f) for f in self.types}
            first = {f: round_half_up((visit.duration + visit.setup) * f) for f in self.types}
            job["service_per_type"] = {self.types[f]: again[f] for f in self.types}
            job["setup_per_type"] = {self.types[f]: first[f] - again[f] for f in self.types}
        return job

    def _span(self, low: int, high: int) -> list[int]:
        return [low + self.offset, high + self.offset]

    def _needs(self, visit: Visit) -> list[Token]:
        needs: list[Token] = [("skill", name, level) for name, level in visit.skills.items()]
        if visit.members > 1:
            needs.append(("members", visit.members))
        if visit.allowed_crews is not None:
            needs.append(("allowed", *sorted(visit.allowed_crews)))
        needs += [("not", crew) for crew in visit.forbidden_crews]
        if visit.pinned is not None:
            needs.append(("shift", visit.pinned.shift))
        return needs

    def _has(self, token: Token, shift: Shift) -> bool:
        crew = self.crews[shift.crew]
        match token:
            case ("skill", name, level):
                return bool(crew.skills.get(name, 0) >= level)
            case ("members", members):
                return bool(crew.members >= members)
            case ("allowed", *allowed):
                return crew.id in allowed
            case ("not", forbidden):
                return bool(crew.id != forbidden)
        return bool(token[1] == shift.id)

    def _priority(self, visit: Visit) -> int:
        """1..100 by the logarithm of what leaving it out costs; 0 where it costs nothing."""
        if not visit.unserved_cost:
            return 0
        if self.least == self.most:
            return 1
        height = math.log(visit.unserved_cost / self.least) / math.log(self.most / self.least)
        return 1 + round_half_up(99 * height)


def _apart(windows: tuple[Window, ...]) -> list[Window]:
    """The same seconds as windows in order that do not meet, as VROOM wants them."""
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.open <= merged[-1].close + 1:
            merged[-1] = Window(merged[-1].open, max(merged[-1].close, window.close))
        else:
            merged.append(window)
    return merged
