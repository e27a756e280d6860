"""A dispatcher's edits: each proposes a new plan and leaves the old one as it is."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import (
    IfMatch,
    Now,
    Reading,
    TheEngine,
    Who,
    Writing,
    requires,
)
from api.repeats import Route
from api.schemas.forms import PathId, PathNumber, QueryDay
from api.schemas.planning import (
    ExplanationOut,
    InsertionIn,
    LockIn,
    MoveIn,
    OfferOut,
    OffersIn,
    PlaceOut,
    PlanOut,
    PlanVersion,
    PutBackIn,
    ReplanIn,
    TrialOut,
)
from api.schemas.work import VisitOut
from dispatch.planning import edits, explaining, offering, trying
from dispatch.registry import shifts
from dispatch.work import visits

router = APIRouter(route_class=Route, tags=["edits"])


@router.get("/visits/{visit_id}/places", dependencies=[requires("plan:read")])
def find_places(
    visit_id: PathId,
    session: Reading,
    moment: Now,
    engine: TheEngine,
    day: QueryDay | None = None,
    plan_id: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    count: Annotated[int, Query(ge=1, le=10)] = 3,
) -> list[PlaceOut]:
    """The cheapest places for a waiting visit, and what each displaces."""
    found = edits.places(
        session,
        visit_id=visit_id,
        day=day,
        plan_id=plan_id,
        k=count,
        engine=engine,
        now=moment,
    )
    return PlaceOut.all_of(found)


@router.get("/visits/{visit_id}/offers", dependencies=[requires("promise:write")])
def find_offers(
    visit_id: PathId,
    session: Reading,
    moment: Now,
    engine: TheEngine,
    day: QueryDay | None = None,
    plan_id: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> list[OfferOut]:
    """What every two hours of a day would cost as the customer's window, and which to recommend."""
    found = offering.offers(
        session, visit_id=visit_id, day=day, plan_id=plan_id, engine=engine, now=moment
    )
    return OfferOut.all_of(found)


@router.post("/visits/{visit_id}/offers", dependencies=[requires("promise:write")])
def find_offers_of(
    visit_id: PathId, body: OffersIn, session: Reading, moment: Now, engine: TheEngine
) -> list[OfferOut]:
    """What each of these windows would cost as the customer's, and why some are none; nothing is changed."""
    found = offering.offers(
        session,
        visit_id=visit_id,
        day=body.day,
        plan_id=body.plan_id,
        windows=[(window.start_at, window.end_at) for window in body.windows],
        engine=engine,
        now=moment,
    )
    return OfferOut.all_of(found)


@router.get("/plans/{plan_id}/visits/{visit_id}/explanation", dependencies=[requires("plan:read")])
def explain(
    plan_id: PathNumber, visit_id: PathId, session: Reading, moment: Now, engine: TheEngine
) -> ExplanationOut:
    """Why the plan leaves the visit out, proven, and what would help; or why it is with this crew."""
    found = explaining.explain(
        session, plan_id=plan_id, visit_id=visit_id, engine=engine, now=moment
    )
    return ExplanationOut.of(found)


@router.get("/plans/{plan_id}/visits/{visit_id}/trials", dependencies=[requires("plan:read")])
def try_shifts(
    plan_id: PathNumber, visit_id: PathId, session: Reading, moment: Now, engine: TheEngine
) -> list[TrialOut]:
    """The visit on every shift of the plan: what it would change there, or why it cannot be there."""
    found = trying.try_shifts(
        session, plan_id=plan_id, visit_id=visit_id, engine=engine, now=moment
    )
    return TrialOut.all_of(found)


@router.post(
    "/visits/{visit_id}/insertions",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("plan:write")],
)
def insert(
    visit_id: PathId,
    body: InsertionIn,
    session: Writing,
    caller: Who,
    moment: Now,
    engine: TheEngine,
) -> PlanOut:
    """Propose a plan with the visit at its cheapest place, or its cheapest on one shift."""
    plan = edits.insert_visit(
        session,
        visit_id=visit_id,
        **body.model_dump(),
        engine=engine,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


@router.post(
    "/plans/{plan_id}/moves",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("plan:write")],
)
def move(
    plan_id: PathNumber,
    body: MoveIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
    engine: TheEngine,
) -> PlanOut:
    """Propose the plan with the visit on another shift or at another time, locked there."""
    plan = edits.move_visit(
        session,
        plan_id=plan_id,
        **body.model_dump(exclude={"version"}),
        expect=if_match.of(body.version),
        engine=engine,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


@router.post(
    "/plans/{plan_id}/put-backs",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("plan:write")],
)
def put_back(
    plan_id: PathNumber,
    body: PutBackIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
    engine: TheEngine,
) -> PlanOut:
    """Propose the plan without the visit, which waits in the queue again."""
    plan = edits.put_back(
        session,
        plan_id=plan_id,
        visit_id=body.visit_id,
        expect=if_match.of(body.version),
        engine=engine,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


@router.post(
    "/plans/{plan_id}/renewals",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("plan:write")],
)
def renew(
    plan_id: PathNumber,
    body: PlanVersion,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
    engine: TheEngine,
) -> PlanOut:
    """Propose what still holds of a plan whose board has moved; what does not stays as it is in force."""
    plan = edits.renew(
        session,
        plan_id=plan_id,
        expect=if_match.of(body.version),
        engine=engine,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)


@router.put("/plans/{plan_id}/locks/{visit_id}", dependencies=[requires("plan:write")])
def lock(
    plan_id: PathNumber,
    visit_id: PathId,
    body: LockIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> VisitOut:
    """Keep the visit's crew or time, as this plan has them, in every plan made from now on.

    If-Match names the visit's version.
    """
    visits.get(session, visit_id).expect(if_match.of())
    visit = edits.lock(
        session,
        plan_id=plan_id,
        visit_id=visit_id,
        **body.model_dump(),
        actor=caller.actor,
        now=moment,
    )
    session.flush()
    return VisitOut.of(visit)


@router.delete("/visits/{visit_id}/lock", dependencies=[requires("plan:write")])
def unlock(
    visit_id: PathId, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> VisitOut:
    """Let plans move the visit again."""
    visits.get(session, visit_id).expect(if_match.of())
    visit = edits.unlock(session, visit_id=visit_id, actor=caller.actor, now=moment)
    session.flush()
    return VisitOut.of(visit)


@router.post(
    "/shifts/{shift_id}/replanning",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[requires("plan:write")],
)
def replan_without(
    shift_id: PathId, body: ReplanIn, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> PlanOut:
    """Note that a crew cannot come, or cannot go on, and ask for a plan without it.

    If-Match names the shift's version.
    """
    shifts.get(session, shift_id).expect(if_match.of())
    plan = edits.replan_without(
        session,
        shift_id=shift_id,
        reason=body.reason,
        options=body.options.model_dump(exclude_none=True) if body.options else None,
        actor=caller.actor,
        now=moment,
    )
    return PlanOut.of(plan)
