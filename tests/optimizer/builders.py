"""Tiny problems and plans: places on a line, one second apart per unit, no metres."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from optimizer.check import check
from optimizer.plan import Cost, Plan, Route, Stop, TakenBreak, Unserved
from optimizer.problem import Crew, Matrix, Place, Problem, Shift, Visit

START = datetime(2026, 3, 2, tzinfo=timezone(timedelta(hours=8)))
LINE: Mapping[str, int] = {"depot": 0, "near": 600, "far": 1000}
FREE = Cost(0, 0, 0, 0, 0, 0, 0, 0, 0)


def visit(id: str = "V", place: str = "near", **keys: Any) -> Visit:
    """A visit of 300 s that costs 10,000 points when left out."""
    figures: dict[str, Any] = {"duration": 300, "unserved_cost": 10_000}
    return Visit(**{"id": id, "place": place} | figures | keys)


def shift(id: str = "S", crew: str = "C", **keys: Any) -> Shift:
    """A shift of 10,000 s, from the depot and back to it."""
    times: dict[str, Any] = {"start": 0, "end": 10_000, "from_": "depot", "to": "depot"}
    return Shift(**{"id": id, "crew": crew} | times | keys)


def problem(
    *visits: Visit,
    shifts: tuple[Shift, ...] = (shift(),),
    crews: tuple[Crew, ...] | None = None,
    **keys: Any,
) -> Problem:
    """A problem on the line; crews are made from the shifts when none are given."""
    if crews is None:
        crews = tuple(Crew(id) for id in dict.fromkeys(entry.crew for entry in shifts))
    seconds = tuple(tuple(abs(a - b) for b in LINE.values()) for a in LINE.values())
    line: dict[str, Any] = {"places": tuple(Place(id) for id in LINE), "travel": Matrix(seconds)}
    more = {"start": START, "crews": crews, "shifts": shifts, "visits": visits}
    return Problem(**line | more | keys)


def route(
    *stops: tuple[str, int, int, int],
    departs: int = 0,
    returns: int,
    on: str = "S",
    breaks: tuple[tuple[str, int, int], ...] = (),
    travel: int = 1200,
    overtime: int = 0,
    metres: int | None = None,
) -> Route:
    """A route; stops are (visit, arrive, start, end), breaks (id, start, end)."""
    return Route(
        shift=on,
        departs=departs,
        returns=returns,
        stops=tuple(Stop(*stop) for stop in stops),
        breaks=tuple(TakenBreak(*taken) for taken in breaks),
        travel_seconds=travel,
        metres=metres,
        overtime=overtime,
    )


def left_out(id: str, reason: str, **shifts: int) -> Unserved:
    """A visit left out, with the counts of the reasons; one shift has the reason by default."""
    return Unserved(id, reason, shifts or {reason: 1})


def plan(given: Problem, *routes: Route, unserved: tuple[Unserved, ...] = ()) -> Plan:
    """A plan with the cost that its problem makes it."""
    draft = Plan(routes, unserved, FREE)
    return replace(draft, cost=check(given, draft).cost)


def broken(given: Problem, judged: Plan) -> list[str]:
    """The rules that a plan breaks, and the paths of the figures that differ, each once."""
    report = check(given, judged)
    found = [violation.rule for violation in report.violations]
    found += [figure.path for figure in report.figures]
    return sorted(set(found))
