"""The optimizer's answer: judged before anything is stored, then written as rows."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.errors import DispatchError
from dispatch.desk.lifecycle import OPEN as OPEN_REQUESTS
from dispatch.desk.tables import Request
from dispatch.planning.clock import DayClock
from dispatch.planning.figures import figures
from dispatch.planning.tables import Assignment, LeftOut, Plan
from dispatch.work.tables import Mode, WorkOrder, WorkOrderStatus, WorkType
from optimizer.check import check
from optimizer.codec import plan_document, plan_from, read_plan
from optimizer.naive import naive
from optimizer.plan import Plan as Answer
from optimizer.plan import Route
from optimizer.problem import Problem, ProblemError
from optimizer.travel import compile_travel


class BrokenAnswer(DispatchError):
    """The answer is no plan of its problem; `details["errors"]` are the first things wrong with it."""

    code = "broken_answer"
    status = 500


def judged(problem: Problem, answer: str | bytes | Mapping[str, Any] | Answer) -> Answer:
    """The answer as a plan that keeps every rule and states every figure right; raises BrokenAnswer."""
    try:
        if isinstance(answer, Answer):
            plan = answer
        elif isinstance(answer, (str, bytes)):
            plan = read_plan(answer)
        else:
            plan = plan_from(answer)
    except ProblemError as error:
        raise BrokenAnswer(
            f"The answer is no plan in the planning format: {error}", errors=[str(error)]
        ) from error
    report = check(problem, plan)
    if not report.ok:
        errors = [str(item) for item in (*report.violations, *report.figures)]
        raise BrokenAnswer(
            f"The answer breaks {len(errors)} rules of its problem; the first: {errors[0]}",
            errors=errors[:20],
        )
    return plan


def store(
    session: Session,
    row: Plan,
    problem: Problem,
    plan: Answer,
    *,
    beside: Mapping[str, Any] | None = None,
) -> None:
    """Write a judged plan: its stops, what it leaves out and why, and its figures beside the naive rule's.

    `beside` are the naive rule's figures where they are known; computing them takes a second for 1,000 visits.
    """
    assert row.id is not None, "a plan is stored after it has been numbered"
    clock = DayClock(problem.start)
    crews = {shift.id: shift.crew for shift in problem.shifts}
    travel = _Legs(problem)
    stops = [
        {
            "plan_id": row.id,
            "visit_id": stop.visit,
            "crew_id": crews[route.shift],
            "shift_id": route.shift,
            "position": position,
            "arrive_at": clock.instant(stop.arrive),
            "start_at": clock.instant(stop.start),
            "end_at": clock.instant(stop.end),
            "travel_s": leg,
        }
        for route in plan.routes
        for position, (stop, leg) in enumerate(zip(route.stops, travel.of(route), strict=True))
    ]
    left = [
        {
            "plan_id": row.id,
            "visit_id": entry.visit,
            "reason": entry.reason,
            "shifts": dict(entry.shifts),
            "hint": (entry.hint or "")[:500],
        }
        for entry in plan.unserved
    ]
    # A thousand stops written as rows, not as objects: a person waits for the plan that an edit makes.
    for table, rows in ((Assignment, stops), (LeftOut, left)):
        if rows:
            session.execute(sa.insert(table), rows)
    row.answer = plain(plan_document(plan))
    row.figures = {
        **figures(problem, plan),
        "unplaceable": dict(sorted(Counter(item["reason"] for item in row.unplaceable).items())),
        "unplaceable_total": len(row.unplaceable),
        "under_way": len(problem.meta.get("under_way", [])),
        "finished": problem.meta.get("finished", 0),
        **counts(session, territory_id=row.territory_id, day=row.day),
        "naive": dict(beside) if beside is not None else figures(problem, naive(problem)),
    }
    session.flush()


def counts(session: Session, *, territory_id: str, day: date) -> dict[str, int]:
    """What the day has beside visits: calls to be made, and requests at counters that no work order is made of."""
    calls = (
        select(sa.func.count())
        .select_from(WorkOrder)
        .join(WorkType, col(WorkType.code) == col(WorkOrder.work_type))
        .where(
            WorkOrder.territory_id == territory_id,
            WorkType.mode == Mode.PHONE,
            WorkOrder.status == WorkOrderStatus.READY,
            WorkOrder.earliest_day <= day,
        )
    )
    waiting = (
        select(sa.func.count())
        .select_from(Request)
        .where(
            Request.territory_id == territory_id,
            col(Request.status).in_(OPEN_REQUESTS),
            ~sa.exists().where(col(WorkOrder.request_id) == col(Request.id)),
        )
    )
    return {"call_list": session.exec(calls).one(), "at_counters": session.exec(waiting).one()}


def plain(document: dict[str, Any]) -> dict[str, Any]:
    """The document as JSON's own types, as it will be read back from the database."""
    copied: dict[str, Any] = json.loads(json.dumps(document))
    return copied


class _Legs:
    """Travel seconds from stop to stop, as each crew drives."""

    def __init__(self, problem: Problem) -> None:
        self._index = {place.id: number for number, place in enumerate(problem.places)}
        self._place = {visit.id: self._index[visit.place] for visit in problem.visits}
        crews = [crew.id for crew in problem.crews]
        self._travel = dict(zip(crews, compile_travel(problem), strict=True))
        self._shifts = {shift.id: shift for shift in problem.shifts}

    def of(self, route: Route) -> list[int]:
        """The travel seconds just before each stop of the route."""
        shift = self._shifts[route.shift]
        seconds = self._travel[shift.crew].seconds
        at = [self._index[shift.from_], *(self._place[stop.visit] for stop in route.stops)]
        return [int(seconds[a][b]) for a, b in pairwise(at)]
