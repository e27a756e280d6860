"""Runs that fail: counted by their input, so that a problem that kills its solver is not tried for ever."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import alerts
from dispatch.core.events import SYSTEM
from dispatch.planning import states
from dispatch.planning.tables import Plan, PlanStatus, Run, RunOutcome

TRIES = 3
"""Runs of the same input that may fail before its plan is given up."""
_FAILED = (RunOutcome.CRASHED, RunOutcome.REFUSED, RunOutcome.VANISHED)


def end_runs(
    session: Session, plan: Plan, outcome: RunOutcome, error: str, *, now: datetime
) -> None:
    """Say how the plan's run ended, if one is running."""
    statement = select(Run).where(Run.plan_id == plan.id, Run.outcome == RunOutcome.RUNNING)
    for run in session.exec(statement):
        run.outcome, run.error, run.ended_at = outcome, error[:500], now
    session.flush()


def count(session: Session, input_hash: str) -> int:
    """How many runs of this input have failed."""
    statement = (
        select(sa.func.count())
        .select_from(Run)
        .where(Run.input_hash == input_hash, col(Run.outcome).in_(_FAILED))
    )
    return session.exec(statement).one()


def failed(
    session: Session, plan: Plan, outcome: RunOutcome, error: str, *, now: datetime, final: bool
) -> Plan:
    """End a failed run: its plan is a draft again, or given up after so many of the same input, or if `final`."""
    end_runs(session, plan, outcome, error, now=now)
    if final:
        return give_up(session, plan, error, now=now)
    if plan.input_hash and count(session, plan.input_hash) >= TRIES:
        return give_up(session, plan, too_often(session, plan), now=now)
    plan.error = error[:500]
    if plan.status is PlanStatus.SOLVING:
        states.move(session, plan, "retry", actor=SYSTEM, now=now, data={"error": error[:200]})
    return plan


def too_often(session: Session, plan: Plan) -> str:
    """The error of a plan whose input has failed so many times."""
    last = session.exec(
        select(Run.error)
        .where(Run.input_hash == plan.input_hash, col(Run.outcome).in_(_FAILED))
        .order_by(col(Run.id).desc())
    ).first()
    return f"The same problem failed {TRIES} times, the last time: {last}"


def give_up(session: Session, plan: Plan, error: str, *, now: datetime) -> Plan:
    """Close a plan that cannot be made, and alert; the plan in force stays what it is."""
    plan.error = error[:500]
    alerts.raise_alert(
        session,
        alert_key(plan),
        f"Plan {plan.number} of {plan.day.isoformat()} could not be made: {error}. The plan in force stays; "
        "urgent visits can be inserted into it. The problem is kept with the plan.",
        now=now,
    )
    return states.move(session, plan, "give_up", actor=SYSTEM, now=now, data={"error": error[:200]})


def alert_key(plan: Plan) -> str:
    """The alert of plans of this territory that could not be made."""
    return f"plan.failed:{plan.territory_id}"
