"""Runs that fail: counted by their input, so that a problem that kills its solver is not tried for ever."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import alerts
from dispatch.core.events import SYSTEM
from dispatch.planning import states
from dispatch.planning.tables import Plan, PlanStatus, Run, RunOutcome
from optimizer.naive import naive
from optimizer.problem import Problem

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
        f"{_title(plan)} could not be made: {error}. The plan in force stays; "
        "urgent visits can be inserted into it. The problem is kept with the plan.",
        now=now,
    )
    return states.move(session, plan, "give_up", actor=SYSTEM, now=now, data={"error": error[:200]})


def alarm_broken(
    session: Session, plan: Plan, problem: Problem, error: str, *, now: datetime
) -> None:
    """Alert that an answer breaks rules, beside what the rule of thumb makes of the same board."""
    planned = sum(len(route.stops) for route in naive(problem).routes)
    alerts.raise_alert(
        session,
        f"plan.broken_answer:{plan.territory_id}",
        f"{_title(plan)}: {error} The rule of thumb plans {planned} of its {len(problem.visits)} visits. "
        "The problem is kept with the plan.",
        now=now,
    )


def alarm_poor(session: Session, plan: Plan, *, now: datetime) -> None:
    """Alert when a stored answer keeps the rules and yet costs more than the rule of thumb's on the same board.

    A search begins with a better plan than that, so that something is wrong; unless somebody stopped it.
    """
    key = f"plan.poor_answer:{plan.territory_id}"
    ours, by_rule = plan.figures, plan.figures["naive"]
    if ours["cost"] <= by_rule["cost"] or plan.stop_asked:
        alerts.resolve(session, key, now=now)
        return
    alerts.raise_alert(
        session,
        key,
        f"{_title(plan)} has {ours['visits']} of {ours['pool']} visits and costs {ours['cost']:,} points; the rule "
        f"of thumb plans {by_rule['visits']} for {by_rule['cost']:,}. Look at the plan before you publish it.",
        now=now,
    )


def _title(plan: Plan) -> str:
    return f"Plan {plan.number} of {plan.day.isoformat()}"


def alert_key(plan: Plan) -> str:
    """The alert of plans of this territory that could not be made."""
    return f"plan.failed:{plan.territory_id}"
