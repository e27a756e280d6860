"""What is proven of a plan that was edited by hand: the bound of its problem, where it still holds.

A dispatcher's move locks a visit, which only rules out plans: what no plan could cost less than stays so. A visit
that was set free again, one that came or went, or a clock that went on makes another problem, of which nothing is
proven.
"""

from sqlmodel import Session, select

from dispatch.planning.states import WITHOUT_DOCUMENTS
from dispatch.planning.tables import Plan
from optimizer.proof import holds_for

MOST_BACK = 8
"""Edits that are gone back over for a plan whose problem allows all that the new one does."""


def bound_of(session: Session, plan: Plan, edited: Plan) -> int | None:
    """The bound of the edited plan, or of one that it was made of, if it holds for the new plan's."""
    before: Plan | None = edited
    for _ in range(MOST_BACK):
        if before is None:
            return None
        bound: int | None = before.figures.get("bound")
        if bound is not None and holds_for(plan.problem or {}, before.problem or {}):
            return bound
        before = _made_of(session, before)
    return None


def _made_of(session: Session, plan: Plan) -> Plan | None:
    """The plan that this one is an edit of; None for an answer of the optimizer's own."""
    number = plan.options.get("edited")
    if number is None:
        return None
    of_the_day = (Plan.territory_id == plan.territory_id, Plan.day == plan.day)
    statement = select(Plan).where(*of_the_day, Plan.number == number)
    return session.exec(statement.options(*WITHOUT_DOCUMENTS)).first()
