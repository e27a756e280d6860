"""What still holds of a plan whose board has moved, as a plan of its own: nothing of it is published unasked."""

from datetime import datetime

from sqlmodel import Session

from dispatch.core.events import Actor
from dispatch.planning.board import BoardVisit
from dispatch.planning.editing import Standing, editable, propose_edit, stand
from dispatch.planning.engine import Engine, in_process
from dispatch.planning.tables import Plan
from optimizer.plan import Plan as Answer


def renew(
    session: Session,
    *,
    plan_id: int,
    actor: Actor,
    now: datetime,
    expect: int | None = None,
    engine: Engine = in_process,
) -> Plan:
    """Propose what still holds of the plan on the board as it now is.

    Every change is tried anew: a visit keeps the plan's crew and order where that is still possible; where it is
    not, it stays with the crew that has it, if that has room; what is left out then has its reason. Raises
    StaleVersion, NoSuchPlan, NotEditable, and what building the board's problem raises.
    """
    plan = editable(session, plan_id)
    plan.expect(expect)
    standing = stand(session, plan, now=now)
    answer = engine.retime(standing.problem, standing.orders)
    for row in _given_still(standing, answer):
        for place in engine.insert(standing.problem, answer, row.id, 1, shift=row.shift_id):
            answer = engine.apply(standing.problem, answer, place)
    return propose_edit(session, standing, answer, origin="edit", actor=actor, now=now)


def _given_still(standing: Standing, answer: Answer) -> list[BoardVisit]:
    """The visits that crews have, the answer has no place for, and the plan did not mean to take from them."""
    left = {entry.visit for entry in answer.unserved}
    taken = {line["visit_id"] for line in standing.plan.affected if line["change"] == "withdrawn"}
    return [
        row
        for row in standing.built.rows.visits
        if row.is_given and row.id in left - taken and row.shift_id in standing.orders
    ]
