"""What every edit of a plan shares: the plan as it stands today, and the new plan that the edit makes of it.

An edit never changes a plan: it proposes another one, so that two dispatchers cannot overwrite each other and the
last edit is undone by discarding its plan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor
from dispatch.planning import runs, states
from dispatch.planning.board import Board, BoardVisit
from dispatch.planning.lifecycle import IN_FORCE
from dispatch.planning.problem import Built, build_from
from dispatch.planning.reading import read_board
from dispatch.planning.tables import Assignment, Plan, PlanStatus
from optimizer.plan import Plan as Answer
from optimizer.problem import Problem

Locks = Mapping[str, Mapping[str, str | None]]
"""The crew and the begin (`crew_id`, `start_at`) that visits are locked to, None where to none."""
Orders = dict[str, list[str]]
"""The visits of each shift, in the order of its route."""


class NotEditable(ConflictError):
    """Only a proposed plan, or the one in force, is edited."""

    code = "not_editable"


class NoPlanYet(ConflictError):
    """The day has no plan that could be edited."""

    code = "no_plan_yet"


class DoesNotFit(ConflictError):
    """The visit cannot be there; `details["reason"]` is the first rule that forbids it."""

    code = "does_not_fit"


class VisitBegun(ConflictError):
    """A crew has begun the visit, or it is over: its place on the plan is a fact."""

    code = "visit_begun"


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan to edit, with the problem of the board as it now is and the plan's orders within it."""

    plan: Plan
    built: Built
    orders: Orders
    locks: Locks

    @property
    def problem(self) -> Problem:
        """The problem of the board as it now is."""
        return self.built.problem

    def without(self, visit_id: str) -> Orders:
        """The orders with this visit taken out."""
        return {
            shift: [other for other in visits if other != visit_id]
            for shift, visits in self.orders.items()
        }


def editable(session: Session, plan_id: int) -> Plan:
    """The plan with this id, when it may be edited; raises NoSuchPlan and NotEditable."""
    plan = states.locked(session, plan_id)
    if plan.status not in (PlanStatus.PROPOSED, *IN_FORCE):
        raise NotEditable(
            f"Plan {plan.number} of {plan.day.isoformat()} is {plan.status.value}; edit the plan in "
            "force, or a proposed one.",
            plan=plan.id,
            state=plan.status.value,
        )
    return plan


def current(session: Session, *, territory_id: str, day: date) -> Plan:
    """The day's plan to edit: the one in force, else the newest proposed; raises NoPlanYet."""
    states.lock_day(session, territory_id, day)
    found = states.in_states(
        session, territory_id=territory_id, day=day, states=(*IN_FORCE, PlanStatus.PROPOSED)
    )
    candidates = [plan for plan in found if plan.branch is None]
    in_force = [plan for plan in candidates if plan.status in IN_FORCE]
    chosen = next(iter(in_force or candidates), None)
    if chosen is None:
        raise NoPlanYet(f"{day.isoformat()} has no plan yet. Plan the day first.", field="day")
    return chosen


def stand(session: Session, plan: Plan, *, now: datetime, locks: Locks | None = None) -> Standing:
    """The plan against the board as it now is, what is left of the day counted from the next whole minute.

    A branch stands with its own `locks`, those of the plan unless given. Within a minute the same board gives the
    same problem, which whoever answers has compiled already.
    """
    board = read_board(session, territory_id=plan.territory_id, day=plan.day)
    held = plan.locks if locks is None else locks
    built = build_from(_locked(board, held) if held else board, now=next_minute(now))
    return Standing(plan, built, orders_of(session, plan, built), held)


def next_minute(now: datetime) -> datetime:
    """The next whole minute, from which what is left of a day is counted."""
    minute = now.replace(second=0, microsecond=0)
    return minute if minute == now else minute + timedelta(minutes=1)


def propose_edit(
    session: Session,
    standing: Standing,
    answer: Answer,
    *,
    origin: str,
    actor: Actor,
    now: datetime,
    edit: Mapping[str, Any] | None = None,
    branch: str | None = None,
) -> Plan:
    """Propose what the edit made of the plan, in its branch or the one named ("" for none); it is judged like any.

    `edit` says what was done, so that it can be undone. Raises BrokenAnswer.
    """
    branch = standing.plan.branch if branch is None else branch or None
    plan = states.create(
        session,
        territory_id=standing.plan.territory_id,
        day=standing.plan.day,
        origin=origin,
        options={"edited": standing.plan.number, **({"edit": dict(edit)} if edit else {})},
        actor=actor,
        now=now,
        branch=branch,
    )
    plan.locks = {key: dict(value) for key, value in standing.locks.items()} if branch else {}
    return runs.propose_now(
        session,
        plan,
        standing.built,
        answer,
        beside=standing.plan.figures.get("naive"),
        edited=standing.plan,
        actor=actor,
        now=now,
    )


def _locked(board: Board, locks: Locks) -> Board:
    """The board with these locks instead of those that its visits have."""

    def held(row: BoardVisit) -> BoardVisit:
        if row.id not in locks:
            return row
        crew, start = locks[row.id]["crew_id"], locks[row.id]["start_at"]
        return replace(
            row,
            locked_crew=crew is not None,
            locked_crew_id=crew,
            locked_start_at=None if start is None else datetime.fromisoformat(start),
        )

    return replace(board, visits=tuple(held(row) for row in board.visits))


def orders_of(session: Session, plan: Plan, built: Built) -> Orders:
    """The plan's orders among what the problem still holds; what crews are at comes first on their shifts."""
    known = {visit.id for visit in built.problem.visits}
    shifts = {shift.id for shift in built.problem.shifts}
    orders: Orders = {shift: [] for shift in shifts}
    placed: set[str] = set()
    held = {row.id for row in built.rows.under_way}
    for visit in built.problem.visits:
        if visit.id in held and visit.pinned is not None:
            first = visit.pinned.start is not None
            orders[visit.pinned.shift].insert(
                0 if first else len(orders[visit.pinned.shift]), visit.id
            )
            placed.add(visit.id)
    statement = _Stop.chosen().where(Assignment.plan_id == plan.id)
    rows = session.exec(statement.order_by(col(Assignment.shift_id), col(Assignment.position)))
    stops = {
        stop.visit_id: stop
        for stop in map(_Stop._make, rows)
        if stop.visit_id in known and stop.visit_id not in placed and stop.shift_id in shifts
    }
    elsewhere = _moved_since(session, plan, built, stops)
    for visit_id, stop in stops.items():
        if visit_id not in elsewhere:
            orders[stop.shift_id].append(visit_id)
    stops |= elsewhere
    for visit_id, stop in elsewhere.items():
        order = orders[stop.shift_id]
        before = [v for v in order if v not in stops or stops[v].start_at <= stop.start_at]
        order.insert(len(before), visit_id)
    return orders


class _Stop(NamedTuple):
    visit_id: str
    shift_id: str
    crew_id: str
    start_at: datetime

    @staticmethod
    def chosen() -> Any:
        """The statement of such rows of all plans."""
        return select(
            Assignment.visit_id, Assignment.shift_id, Assignment.crew_id, Assignment.start_at
        )


def _moved_since(
    session: Session, plan: Plan, built: Built, stops: Mapping[str, _Stop]
) -> dict[str, _Stop]:
    """Where newer drafts have the visits that are locked to another crew than this plan's: they were moved there.

    So two dispatchers who move different visits of one plan both keep their edit.
    """
    shifts = {shift.id for shift in built.problem.shifts}
    locked = {row.id: row.locked_to for row in built.rows.visits}
    astray = [v for v, stop in stops.items() if locked.get(v) not in (None, stop.crew_id)]
    if not astray:
        return {}
    newer = (
        _Stop.chosen()
        .join(Plan, col(Plan.id) == col(Assignment.plan_id))
        .where(
            Plan.territory_id == plan.territory_id,
            Plan.day == plan.day,
            Plan.number > plan.number,
            Plan.status == PlanStatus.PROPOSED,
            col(Plan.branch).is_(None),
            col(Assignment.visit_id).in_(astray),
        )
        .order_by(col(Plan.number))
    )
    return {
        stop.visit_id: stop
        for stop in map(_Stop._make, session.exec(newer))
        if stop.crew_id == locked[stop.visit_id] and stop.shift_id in shifts
    }
