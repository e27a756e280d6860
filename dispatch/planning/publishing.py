"""Publishing: one transaction in which a proposed plan becomes what crews work by, or nothing changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from dispatch.core.crash import crashpoint
from dispatch.core.errors import ConflictError
from dispatch.core.events import SYSTEM, Actor
from dispatch.planning import fingerprint, states
from dispatch.planning.board import Board, BoardVisit
from dispatch.planning.differences import Told, differences
from dispatch.planning.lifecycle import IN_FORCE, WAITING
from dispatch.planning.reading import hold, read_board
from dispatch.planning.tables import Assignment, Plan, PlanStatus
from dispatch.work import visits
from dispatch.work.tables import Visit, VisitStatus


class AlreadyPublished(ConflictError):
    """The plan is published; somebody was faster."""

    code = "already_published"


class NotProposed(ConflictError):
    """Only a proposed plan is published."""

    code = "not_proposed"


class IsBranch(ConflictError):
    """What is tried out in a branch is merged first."""

    code = "is_branch"


class BoardMoved(ConflictError):
    """What the plan was made from has changed; `details["moved"]` names the rows."""

    code = "board_moved"


class LockBroken(ConflictError):
    """The plan puts a locked visit elsewhere: it was locked after the plan was made."""

    code = "lock_broken"


@dataclass(frozen=True, slots=True)
class Published:
    """The plan now in force, what changed for whom, and the plan that it supersedes."""

    plan: Plan
    told: tuple[Told, ...]
    superseded: tuple[int, ...]


def publish(
    session: Session, *, plan_id: int, actor: Actor, now: datetime, expect: int | None = None
) -> Published:
    """Make a proposed plan the one in force, and move its visits; `expect` is the plan's version as seen.

    Refused when anything the plan was made from has changed since: raises BoardMoved, LockBroken, StaleVersion,
    AlreadyPublished, NotProposed, DayOver, NoSuchPlan. What crews have begun is left as it is. Visits of a day that
    has begun are dispatched to their crews at once.
    """
    plan = states.locked(session, plan_id)
    _refuse_unless_proposed(plan)
    plan.expect(expect)
    states.refuse_past_day(session, plan.territory_id, plan.day, now=now)
    hold(session, territory_id=plan.territory_id, day=plan.day, plan_id=plan_id)
    board = read_board(session, territory_id=plan.territory_id, day=plan.day)
    stops = stops_of(session, plan)
    _refuse_moved(plan, board, stops)
    _refuse_broken_locks(board, stops)
    told = differences(board, stops)
    crashpoint("publish_before")
    _move_visits(session, board, stops, actor=actor, now=now)
    crashpoint("publish_between")
    superseded = _supersede(session, plan, now=now)
    plan.published_at, plan.published_by = now, actor.id
    data = {
        "new": [line.visit_id for line in told if line.change == "new"],
        "changed": [line.visit_id for line in told if line.change in {"moved", "retimed"}],
        "withdrawn": [line.visit_id for line in told if line.change == "withdrawn"],
    }
    states.move(session, plan, "publish", actor=actor, now=now, data=data)
    if board.has_begun:
        states.move(session, plan, "activate", actor=actor, now=now)
    crashpoint("publish_after")
    return Published(plan, tuple(told), superseded)


def preview(session: Session, *, plan_id: int) -> list[Told]:
    """Who would be told what if the plan were published now; refuses as `publish` does."""
    plan = states.get(session, plan_id)
    _refuse_unless_proposed(plan)
    board = read_board(session, territory_id=plan.territory_id, day=plan.day)
    stops = stops_of(session, plan)
    _refuse_moved(plan, board, stops)
    _refuse_broken_locks(board, stops)
    return differences(board, stops)


def _refuse_unless_proposed(plan: Plan) -> None:
    if plan.branch is not None:
        raise IsBranch(
            f"Plan {plan.number} is the branch {plan.branch}: merge it into the day, then publish that plan.",
            plan=plan.id,
            branch=plan.branch,
        )
    if plan.status in IN_FORCE:
        raise AlreadyPublished(
            f"Plan {plan.number} of {plan.day.isoformat()} was published by {plan.published_by}.",
            plan=plan.id,
            state=plan.status.value,
        )
    if plan.status is not PlanStatus.PROPOSED:
        way = {
            PlanStatus.SUPERSEDED: "A newer plan has taken its place: look at that one.",
            PlanStatus.CLOSED: "Plan again.",
        }.get(plan.status, "Wait until it is proposed.")
        raise NotProposed(
            f"Plan {plan.number} of {plan.day.isoformat()} is {plan.status.value}. {way}",
            plan=plan.id,
            state=plan.status.value,
        )


def stops_of(session: Session, plan: Plan) -> dict[str, Assignment]:
    """The plan's stops by visit, in the order of their shifts and routes."""
    statement = (
        select(Assignment)
        .where(Assignment.plan_id == plan.id)
        .order_by(col(Assignment.shift_id), col(Assignment.position))
    )
    return {stop.visit_id: stop for stop in session.exec(statement)}


def _refuse_moved(plan: Plan, board: Board, stops: Mapping[str, Assignment]) -> None:
    moved = fingerprint.moved(plan.board_parts, fingerprint.parts(board), but=gone_on(board, stops))
    if moved:
        raise BoardMoved(
            f"Since plan {plan.number} was made the board has moved ({moved}). "
            "Plan again, or renew this plan to keep what still holds of it; then publish the new one.",
            moved=moved.document(),
            plan=plan.id,
        )


def gone_on(board: Board, stops: Mapping[str, Assignment]) -> set[str]:
    """Visits that crews have begun since, each as the plan has it: the next stops of its shift, in order.

    Such progress is what the plan foresees, so it does not move the board.
    """
    shift_of = {row.id: row.shift_id for row in (*board.under_way, *board.finished)}
    begun: set[str] = set()
    stopped: set[str] = set()
    for visit_id, stop in stops.items():  # by shift and position
        if stop.shift_id in stopped:
            continue
        if shift_of.get(visit_id) == stop.shift_id:
            begun.add(visit_id)
        else:
            stopped.add(stop.shift_id)
    return begun


def _refuse_broken_locks(board: Board, stops: Mapping[str, Assignment]) -> None:
    for row in board.visits:
        stop = stops.get(row.id)
        if stop is None:
            continue
        if row.locked_to not in (None, stop.crew_id):
            raise LockBroken(
                f"Visit {row.id} is locked to crew {row.locked_to}, but this plan gives it to {stop.crew_id}. "
                "Plan again, or unlock it.",
                visit=row.id,
                crew=row.locked_to,
            )
        if row.locked_start_at is not None and row.locked_start_at != stop.start_at:
            raise LockBroken(
                f"Visit {row.id} is locked to another time than this plan's. Plan again, or unlock it.",
                visit=row.id,
                start_at=row.locked_start_at.isoformat(),
            )


def _move_visits(
    session: Session,
    board: Board,
    stops: Mapping[str, Assignment],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    changed = [row for row in board.visits if _differs(row, stops.get(row.id))]
    rows = _visit_rows(session, [row.id for row in changed])
    for row in changed:
        stop, visit = stops.get(row.id), rows[row.id]
        if row.is_given and not (stop is not None and stop.crew_id == row.crew_id):
            visits.act(session, visit, "withdraw", actor=actor, now=now)
    visits.clear_times(session, rows.values())
    for row in changed:
        stop = stops.get(row.id)
        if stop is not None:
            visit, at_once = rows[row.id], now >= board.opens_at
            _give(session, visit, stop, actor=actor, now=now, at_once=at_once)


def _visit_rows(session: Session, ids: Sequence[str]) -> dict[str, Visit]:
    statement = select(Visit).where(col(Visit.id).in_(ids))
    fresh = statement.execution_options(populate_existing=True)
    return {visit.id: visit for visit in session.exec(fresh)}


def _differs(row: BoardVisit, stop: Assignment | None) -> bool:
    if stop is None:
        return row.is_given
    now = (row.crew_id, row.shift_id, row.planned_arrive_at, row.planned_start_at)
    then = (stop.crew_id, stop.shift_id, stop.arrive_at, stop.start_at)
    return (
        not row.is_given
        or now != then
        or row.planned_end_at != stop.end_at
        or row.travel_s != stop.travel_s
    )


def _give(
    session: Session, visit: Visit, stop: Assignment, *, actor: Actor, now: datetime, at_once: bool
) -> None:
    visits.assign(
        session,
        visit,
        crew_id=stop.crew_id,
        shift_id=stop.shift_id,
        arrive_at=stop.arrive_at,
        start_at=stop.start_at,
        end_at=stop.end_at,
        travel_s=stop.travel_s,
        actor=actor,
        now=now,
    )
    if visit.status is VisitStatus.PLANNED:
        visits.act(session, visit, "publish", actor=actor, now=now)
    if at_once and visit.status is VisitStatus.PUBLISHED:
        visits.act(session, visit, "dispatch", actor=actor, now=now)


def _supersede(session: Session, plan: Plan, *, now: datetime) -> tuple[int, ...]:
    """End the plan that was in force, and every older one that has not been published."""
    others = states.in_states(
        session,
        territory_id=plan.territory_id,
        day=plan.day,
        states=(*WAITING, PlanStatus.PROPOSED, *IN_FORCE),
    )
    ended = [
        other
        for other in others
        if other.id != plan.id
        and other.branch is None
        and (other.status in IN_FORCE or other.number < plan.number)
    ]
    for other in ended:
        states.move(session, other, "supersede", actor=SYSTEM, now=now, data={"by": plan.number})
    return tuple(other.number for other in ended)
