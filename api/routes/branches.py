"""Trying out: branches of a day's plan, and taking back the last edit."""

from fastapi import APIRouter, status

from api.deps import IfMatch, Now, Reading, TheEngine, Who, Writing, requires
from api.repeats import Route
from api.schemas.branches import BranchIn, MergeIn, UndoneOut
from api.schemas.forms import PathDay, PathId, PathNumber
from api.schemas.planning import PlanOut, PlanVersion
from dispatch.planning import branches, undoing
from dispatch.registry import territories

router = APIRouter(route_class=Route, tags=["branches"])


@router.post("/territories/{territory_id}/days/{day}/undo", dependencies=[requires("plan:write")])
def undo(
    territory_id: PathId, day: PathDay, session: Writing, caller: Who, moment: Now
) -> UndoneOut:
    """Take back your last edit of the day: a move, an insertion, a lock, a visit put back into the queue.

    Refused (409 `not_undoable`, with a `reason`) when that would overwrite what somebody did after it.
    """
    done = undoing.undo(session, territory_id=territory_id, day=day, actor=caller.actor, now=moment)
    return UndoneOut.of(done)


@router.get("/territories/{territory_id}/days/{day}/branches", dependencies=[requires("plan:read")])
def list_branches(territory_id: PathId, day: PathDay, session: Reading) -> list[PlanOut]:
    """The newest plan of each open branch of the day."""
    territories.get(session, territory_id)
    return PlanOut.all_of(branches.heads(session, territory_id=territory_id, day=day))


@router.post(
    "/territories/{territory_id}/days/{day}/branches",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("plan:write")],
)
def begin(
    territory_id: PathId,
    day: PathDay,
    body: BranchIn,
    session: Writing,
    caller: Who,
    moment: Now,
    engine: TheEngine,
) -> PlanOut:
    """Copy the day's plan, or the one named, into a branch; edits of it (`/plans/{id}/moves`) stay in it."""
    plan = branches.begin(
        session,
        territory_id=territory_id,
        day=day,
        **body.model_dump(),
        engine=engine,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


@router.post(
    "/plans/{plan_id}/merge",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("plan:write")],
)
def merge(
    plan_id: PathNumber,
    body: MergeIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
    engine: TheEngine,
) -> PlanOut:
    """Propose what was tried out in the branch for the day itself; the branch ends. Nothing is published yet.

    Refused (409 `board_moved`) when the board has moved since the branch's last edit, unless `renew` says to keep
    what still holds.
    """
    plan = branches.merge(
        session,
        plan_id=plan_id,
        renew=body.renew,
        expect=if_match.of(body.version),
        engine=engine,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


@router.post("/plans/{plan_id}/drop", dependencies=[requires("plan:write")])
def drop(
    plan_id: PathNumber,
    body: PlanVersion,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> PlanOut:
    """End a branch without a trace on the day."""
    plan = branches.drop(
        session,
        plan_id=plan_id,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    session.flush()
    return PlanOut.of(plan)
