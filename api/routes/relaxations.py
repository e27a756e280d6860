"""Making a visit fit: what keeps it from a shift is changed for that day, and the visit put in."""

from fastapi import APIRouter, status

from api.deps import IfMatch, Now, Reading, TheEngine, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathId, PathNumber
from api.schemas.planning import PlanOut
from api.schemas.relaxations import CandidatesOut, LoadIn, LoanIn, OvertimeIn, RelaxationIn
from dispatch.planning import relaxing
from dispatch.planning.relaxing import Change, Load, Loan, Overtime

router = APIRouter(route_class=Route, tags=["edits"])


@router.get(
    "/plans/{plan_id}/visits/{visit_id}/shifts/{shift_id}/lendable-members",
    dependencies=[requires("crew:write")],
)
def find_lendable(
    plan_id: PathNumber, visit_id: PathId, shift_id: PathId, session: Reading, moment: Now
) -> CandidatesOut:
    """Who of other crews could be lent to the shift for the visit, and is not needed where they are."""
    return CandidatesOut.of(
        relaxing.candidates(
            session, plan_id=plan_id, visit_id=visit_id, shift_id=shift_id, now=moment
        )
    )


@router.post(
    "/plans/{plan_id}/relaxations",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("crew:write")],
)
def relax(
    plan_id: PathNumber,
    body: RelaxationIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
    engine: TheEngine,
) -> PlanOut:
    """Allow overtime, load parts or lend members on a shift that day, and propose the plan with the visit there.

    Nothing is changed when it does not fit even so. Undoing takes both back.
    """
    plan = relaxing.relax(
        session,
        plan_id=plan_id,
        visit_id=body.visit_id,
        shift_id=body.shift_id,
        change=_change(body.change),
        expect=if_match.of(body.version),
        engine=engine,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


def _change(body: OvertimeIn | LoadIn | LoanIn) -> Change:
    match body:
        case OvertimeIn():
            return Overtime(body.minutes, body.reason)
        case LoadIn():
            return Load(body.part, body.quantity)
        case LoanIn():
            return Loan(tuple(body.member_ids), body.reason)
