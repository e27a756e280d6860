"""Branches of a day: a copy of its plan with a name, edited without any effect on the day until it is merged.

A branch is the day's plans with its name, the newest of which is its head; each edit proposes the next one.
"""

from datetime import date, datetime

from sqlmodel import Session

from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import SYSTEM, Actor
from dispatch.planning import fingerprint, states
from dispatch.planning.editing import NotEditable, current, editable, propose_edit, stand
from dispatch.planning.edits import set_locks
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.publishing import BoardMoved, gone_on, stops_of
from dispatch.planning.reading import read_board
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.work import visits


class BranchExists(ConflictError):
    """The day has a branch of this name."""

    code = "branch_exists"


class BadBranchName(InvalidError):
    """A branch has a name."""

    code = "bad_branch_name"


class NotBranch(ConflictError):
    """The plan is not the head of a branch."""

    code = "not_a_branch"


MOST = 10
"""Branches that a day has at once."""


class TooManyBranches(ConflictError):
    """The day has enough branches."""

    code = "too_many_branches"


def heads(session: Session, *, territory_id: str, day: date) -> list[Plan]:
    """The newest plan of each branch of the day, the newest first."""
    found: dict[str, Plan] = {}
    for plan in _plans(session, territory_id, day):
        found.setdefault(plan.branch or "", plan)
    return list(found.values())


def begin(
    session: Session,
    *,
    territory_id: str,
    day: date,
    name: str,
    actor: Actor,
    now: datetime,
    plan_id: int | None = None,
    engine: Engine = in_process,
) -> Plan:
    """Copy a plan (the day's to edit, unless given) into a branch of this name, on the board as it now is.

    Raises BadBranchName, BranchExists, TooManyBranches, NoPlanYet, NoSuchPlan, NotEditable.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 60:
        raise BadBranchName("The name of a branch has 1 to 60 characters.", field="name")
    states.lock_day(session, territory_id, day)
    known = [plan.branch for plan in heads(session, territory_id=territory_id, day=day)]
    if name in known:
        raise BranchExists(f"The day has a branch {name}; choose another name.", field="name")
    if len(known) >= MOST:
        raise TooManyBranches(f"The day has {MOST} branches; merge or drop one.", limit=MOST)
    if plan_id is None:
        plan = current(session, territory_id=territory_id, day=day)
    else:
        plan = editable(session, plan_id)
        if (plan.territory_id, plan.day) != (territory_id, day):
            raise NotEditable(f"Plan {plan.number} is of another day.", plan=plan.id)
    standing = stand(session, plan, now=now)
    answer = engine.retime(standing.problem, standing.orders)
    return propose_edit(
        session, standing, answer, origin="branch", branch=name, actor=actor, now=now
    )


def merge(
    session: Session,
    *,
    plan_id: int,
    actor: Actor,
    now: datetime,
    expect: int | None = None,
    renew: bool = False,
    engine: Engine = in_process,
) -> Plan:
    """Propose the branch's plan for the day itself, with what the branch has locked, and end the branch.

    When the board has moved since the branch's last edit it is refused, or with `renew` what still holds of it is
    proposed. Raises BoardMoved, NotBranch, StaleVersion, NoSuchPlan.
    """
    plan = _head(session, plan_id)
    plan.expect(expect)
    board = read_board(session, territory_id=plan.territory_id, day=plan.day)
    moved = fingerprint.moved(
        plan.board_parts, fingerprint.parts(board), but=gone_on(board, stops_of(session, plan))
    )
    if moved and not renew:
        raise BoardMoved(
            f"Since the last edit of the branch {plan.branch} the board has moved ({moved}). "
            "Merge what still holds of it, or drop it.",
            moved=moved.document(),
            plan=plan.id,
        )
    with session.begin_nested():
        open_ids = {row.id for row in board.visits}
        for visit_id, locks in plan.locks.items():
            if visit_id in open_ids:
                visit = visits.get(session, visit_id)
                set_locks(session, visit, locks, by="merge", actor=actor, now=now)
        standing = stand(session, plan, now=now, locks={})
        answer = engine.retime(standing.problem, standing.orders)
        made = propose_edit(
            session, standing, answer, origin="edit", branch="", actor=actor, now=now
        )
    _end(session, plan, "supersede", actor=SYSTEM, now=now, by=made.number)
    return made


def drop(
    session: Session, *, plan_id: int, actor: Actor, now: datetime, expect: int | None = None
) -> Plan:
    """End a branch without a trace on the day; raises NotBranch, StaleVersion, NoSuchPlan."""
    plan = _head(session, plan_id)
    plan.expect(expect)
    _end(session, plan, "discard", actor=actor, now=now)
    return plan


def _head(session: Session, plan_id: int) -> Plan:
    plan = states.locked(session, plan_id)
    if plan.branch is None or plan.status is not PlanStatus.PROPOSED:
        raise NotBranch(f"Plan {plan.number} is no open branch.", plan=plan.id)
    newest = next(
        one for one in _plans(session, plan.territory_id, plan.day) if one.branch == plan.branch
    )
    if newest.id != plan.id:
        raise NotBranch(
            f"The branch {plan.branch} was edited since: it is at plan {newest.number} now.",
            plan=plan.id,
            head=newest.id,
        )
    return plan


def _end(
    session: Session, plan: Plan, action: str, *, actor: Actor, now: datetime, **why: int
) -> None:
    for one in _plans(session, plan.territory_id, plan.day):
        if one.branch == plan.branch:
            states.move(session, one, action, actor=actor, now=now, data=dict(why))


def _plans(session: Session, territory_id: str, day: date) -> list[Plan]:
    """The open plans of all branches, the newest first."""
    found = states.in_states(
        session, territory_id=territory_id, day=day, states=(PlanStatus.PROPOSED,)
    )
    return [plan for plan in found if plan.branch is not None]
