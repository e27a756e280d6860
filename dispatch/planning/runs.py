"""From a request for a plan to a proposed one: the solve itself stands between two transactions.

`take` hands out the problem and commits; the solver runs outside any transaction; `propose` or `fail` records how
it ended. Who asked later wins, whichever run ends first: a newer request supersedes those that still wait.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import alerts, tasks
from dispatch.core.errors import DispatchError
from dispatch.core.events import SYSTEM, Actor
from dispatch.planning import answers, failures, proven, states
from dispatch.planning.differences import affected
from dispatch.planning.figures import figures
from dispatch.planning.lifecycle import WAITING
from dispatch.planning.options import checked_options, completed, versions
from dispatch.planning.problem import Built, build
from dispatch.planning.reading import read_board
from dispatch.planning.tables import Plan, PlanStatus, Run, RunOutcome
from optimizer.codec import problem_document, problem_from
from optimizer.naive import naive
from optimizer.plan import Plan as Answer

FRESH = timedelta(minutes=15)
"""How long a problem may be taken again unchanged; during the day its `now` would be too old after that."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What the solver needs: the problem as JSON text, and its options, none left open."""

    plan_id: int
    run_id: int
    document: str
    input_hash: str
    options: Mapping[str, Any]


def request_plan(
    session: Session,
    *,
    territory_id: str,
    day: date,
    options: Mapping[str, Any] | None = None,
    actor: Actor,
    now: datetime,
) -> Plan:
    """Ask for a plan of a territory's local day; a worker solves it (task `plan.solve`).

    `options`: `seconds`, `iterations`, `seed`, `workers` (walks at once), and `engine` (`search` unless given;
    `routing` is OR-Tools'; `naive`, the rule of thumb, is answered at once). Requests that still wait are
    superseded. The board is looked at first, so that nonsense in it is refused here: raises NoSuchTerritory,
    DayOver, BadOption, BadPlanningRule, BadRelation, BoardRefused.
    """
    chosen = checked_options(options or {})
    built = build(session, territory_id=territory_id, day=day, now=now)
    plan = states.create(
        session,
        territory_id=territory_id,
        day=day,
        origin="naive" if chosen.get("engine") == "naive" else "optimizer",
        options=chosen,
        actor=actor,
        now=now,
    )
    for older in states.in_states(session, territory_id=territory_id, day=day, states=WAITING):
        if older.number < plan.number:
            states.move(
                session, older, "supersede", actor=SYSTEM, now=now, data={"by": plan.number}
            )
    if plan.origin == "naive":
        answer = naive(built.problem)
        beside = figures(built.problem, answer)
        return propose_now(session, plan, built, answer, beside=beside, actor=actor, now=now)
    tasks.enqueue(
        session,
        "plan.solve",
        key=f"plan.solve:{plan.id}",
        payload={"plan_id": plan.id},
        now=now,
    )
    return plan


def propose_now(
    session: Session,
    plan: Plan,
    built: Built,
    answer: Answer,
    *,
    beside: Mapping[str, Any] | None,
    actor: Actor,
    now: datetime,
    edited: Plan | None = None,
) -> Plan:
    """Propose an answer that was made in this transaction; raises BrokenAnswer. `beside`: see `answers.store`.

    `edited` is the plan that it was made of: what is proven of that one's problem is kept where it holds.
    """
    adopt(plan, built)
    if edited is not None:
        answer = replace(answer, bound=proven.bound_of(session, plan, edited))
    judged = answers.judged(built.problem, answer)
    answers.store(session, plan, built.problem, judged, beside=beside)
    plan.affected = affected(session, plan, built.rows)
    return states.move(session, plan, "propose", actor=actor, now=now)


def adopt(plan: Plan, built: Built) -> str:
    """Make `built` the plan's problem; returns the problem as JSON text."""
    document = answers.plain(problem_document(built.problem))
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    plan.problem = document
    plan.input_hash = hashlib.sha256(text.encode()).hexdigest()
    plan.board, plan.board_parts = built.board, built.parts
    plan.unplaceable = [entry._asdict() for entry in built.unplaceable]
    return text


def take(
    session: Session, *, plan_id: int, now: datetime, seconds: float = 20.0, workers: int = 1
) -> Taken | None:
    """Begin a run: the problem of the board as it now is, for the solver's process.

    `seconds` and `workers` are the installation's own, for a plan whose options leave them open.

    None when there is nothing to do: the plan is superseded or answered, or the problem cannot be made or has
    crashed too often, and then the plan is closed with its error and an alert. Raises NoSuchPlan.
    """
    plan = states.locked(session, plan_id)
    if plan.status not in WAITING:
        return None
    failures.end_runs(
        session, plan, RunOutcome.VANISHED, "its process ended without a word", now=now
    )
    try:
        built = build(session, territory_id=plan.territory_id, day=plan.day, now=now)
    except DispatchError as refusal:
        failures.give_up(session, plan, refusal.message, now=now)
        return None
    if plan.problem is not None and plan.board == built.board and _is_fresh(session, plan, now):
        text = json.dumps(plan.problem, ensure_ascii=False, separators=(",", ":"))
    else:
        text = adopt(plan, built)
    if failures.count(session, plan.input_hash) >= failures.TRIES:
        failures.give_up(session, plan, failures.too_often(session, plan), now=now)
        return None
    states.move(session, plan, "solve", actor=SYSTEM, now=now)
    run = Run(
        plan_id=plan_id,
        input_hash=plan.input_hash,
        options=completed(plan.options, seconds=seconds, workers=workers),
        versions=dict(versions()),
        started_at=now,
    )
    session.add(run)
    session.flush()
    return Taken(plan_id, run.id or 0, text, plan.input_hash, run.options)


def record_progress(
    session: Session,
    *,
    plan_id: int,
    progress: Mapping[str, Any],
    now: datetime,  # noqa: ARG001 - every operation takes it
) -> bool:
    """Note how far the run is; whether it should go on: not when its plan is superseded or a stop was asked for.

    The plan's version stays, so that a page that shows it can still act on it.
    """
    session.execute(
        sa.update(Plan)
        .where(col(Plan.id) == plan_id, col(Plan.status) == PlanStatus.SOLVING)
        .values(progress=dict(progress))
        .execution_options(synchronize_session=False)
    )
    return goes_on(session, plan_id=plan_id)


def goes_on(session: Session, *, plan_id: int) -> bool:
    """Whether the plan's run should go on."""
    row = session.exec(select(Plan.status, Plan.stop_asked).where(Plan.id == plan_id)).first()
    return row is not None and row[0] == PlanStatus.SOLVING and not row[1]


def stop(session: Session, *, plan_id: int, actor: Actor, now: datetime) -> Plan:
    """Ask the run to end early with the best plan it has; raises NoSuchPlan. An ended run is left alone."""
    plan = states.locked(session, plan_id)
    if plan.status in WAITING and not plan.stop_asked:
        plan.stop_asked = True
        states.record(session, plan, "plan.stop_asked", actor=actor, now=now)
        session.flush()
    return plan


def propose(
    session: Session,
    *,
    plan_id: int,
    answer: str | bytes | Mapping[str, Any],
    now: datetime,
) -> Plan:
    """Record the solver's answer; the plan's status says what became of it.

    `proposed`: it was judged, and stored with its figures. `superseded` or anything else that no longer waits: the
    answer came too late and is discarded, with an event `plan.answer_late`. `draft`: the answer was broken, which
    raises an alert, and the task may be tried again. `closed`: so were two before it. Raises NoSuchPlan.
    """
    plan = states.locked(session, plan_id)
    if plan.status not in WAITING:
        failures.end_runs(
            session, plan, RunOutcome.LATE, f"the plan was {plan.status.value}", now=now
        )
        states.record(
            session,
            plan,
            "plan.answer_late",
            actor=SYSTEM,
            now=now,
            data={"status": plan.status.value},
        )
        return plan
    try:
        assert plan.problem is not None, "an answer comes for a problem that was taken"
        problem = problem_from(plan.problem)
        judged = answers.judged(problem, answer)
    except answers.BrokenAnswer as broken:
        failures.alarm_broken(session, plan, problem, broken.message, now=now)
        return failures.failed(
            session, plan, RunOutcome.REFUSED, broken.message, now=now, final=False
        )
    answers.store(session, plan, problem, judged)
    board = read_board(session, territory_id=plan.territory_id, day=plan.day)
    plan.affected = affected(session, plan, board)
    plan.error = ""
    failures.end_runs(session, plan, RunOutcome.ANSWERED, "", now=now)
    alerts.resolve(session, failures.alert_key(plan), now=now)
    failures.alarm_poor(session, plan, now=now)
    return states.move(
        session, plan, "propose", actor=SYSTEM, now=now, data={"cost": judged.cost.total}
    )


def fail(session: Session, *, plan_id: int, error: str, now: datetime, final: bool = False) -> Plan:
    """Record that a run died or could not be made; the plan in force stays what it is.

    The plan is `draft` again when it may be tried again, `closed` with its error and an alert when the same input
    has failed three times or `final` says that trying again is of no use. Raises NoSuchPlan.
    """
    plan = states.locked(session, plan_id)
    if plan.status not in WAITING:
        failures.end_runs(session, plan, RunOutcome.CRASHED, error, now=now)
        return plan
    return failures.failed(session, plan, RunOutcome.CRASHED, error, now=now, final=final)


def give_back(session: Session, *, plan_id: int, now: datetime) -> Plan:
    """Record that the worker was stopped during the run; another will begin it anew. Raises NoSuchPlan."""
    plan = states.locked(session, plan_id)
    failures.end_runs(session, plan, RunOutcome.STOPPED, "its worker was stopped", now=now)
    if plan.status is PlanStatus.SOLVING:
        states.move(session, plan, "retry", actor=SYSTEM, now=now)
    return plan


def _is_fresh(session: Session, plan: Plan, now: datetime) -> bool:
    started = session.exec(
        select(sa.func.max(Run.started_at)).where(
            Run.plan_id == plan.id, Run.input_hash == plan.input_hash
        )
    ).one()
    return started is not None and now - started <= FRESH
