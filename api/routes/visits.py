"""Visits and the promises about them."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import IfMatch, Now, Pages, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PageOf, PathId, page_of
from api.schemas.work import NewWindow, PromiseOut, SplitIn, VisitMove, VisitOut, Window
from dispatch.work import promises, queries, splitting, visits
from dispatch.work.tables import VisitStatus

router = APIRouter(route_class=Route, tags=["visits"])


@router.get("/visits", dependencies=[requires("visit:read")])
def list_visits(
    session: Reading,
    paging: Pages,
    territory_id: Annotated[str | None, Query(max_length=32)] = None,
    status: VisitStatus | None = None,
    crew_id: Annotated[str | None, Query(max_length=32)] = None,
) -> PageOf[VisitOut]:
    """Visits by number."""
    found = queries.visits(
        session,
        territory_id=territory_id,
        status=status,
        crew_id=crew_id,
        cursor=paging.cursor,
        limit=paging.limit,
    )
    return page_of(VisitOut, found)


@router.get("/visits/{visit_id}", dependencies=[requires("visit:read")])
def get_visit(visit_id: PathId, session: Reading) -> VisitOut:
    """One visit."""
    return VisitOut.of(visits.get(session, visit_id))


@router.post("/visits/{visit_id}/moves", dependencies=[requires("visit:write")])
def move_visit_status(
    visit_id: PathId,
    body: VisitMove,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> VisitOut:
    """Take a visit off the plan, call it off, or open it again."""
    visit = visits.act(
        session,
        visits.get(session, visit_id),
        body.action,
        reason=body.reason,
        note=body.note,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return VisitOut.of(visit)


@router.post(
    "/visits/{visit_id}/parts",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("visit:write")],
)
def split(
    visit_id: PathId,
    body: SplitIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> list[VisitOut]:
    """Make several visits of one that waits, each with its time and skills; the first one stays the visit."""
    made = splitting.split(
        session,
        visits.get(session, visit_id),
        [splitting.Part(60 * part.minutes, part.skills) for part in body.parts],
        in_order=body.in_order,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return VisitOut.all_of(made)


@router.get("/visits/{visit_id}/promises", dependencies=[requires("visit:read")])
def list_promises(visit_id: PathId, session: Reading) -> list[PromiseOut]:
    """Every promise about the visit, the first one first."""
    visits.get(session, visit_id)
    return PromiseOut.all_of(promises.of_visit(session, visit_id))


@router.post(
    "/visits/{visit_id}/promises",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("promise:write")],
)
def book(
    visit_id: PathId,
    body: Window,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> PromiseOut:
    """Promise the customer a window; the customer is told. If-Match names the visit's version."""
    visit = visits.get(session, visit_id)
    visit.expect(if_match.of())
    return PromiseOut.of(
        promises.book(
            session,
            visit,
            start_at=body.start_at,
            end_at=body.end_at,
            actor=caller.actor,
            now=moment,
        )
    )


@router.put("/visits/{visit_id}/promises/standing", dependencies=[requires("promise:write")])
def reschedule(
    visit_id: PathId,
    body: NewWindow,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> PromiseOut:
    """Replace the promised window by another one."""
    visit = visits.get(session, visit_id)
    return PromiseOut.of(
        promises.reschedule(
            session,
            visit,
            start_at=body.start_at,
            end_at=body.end_at,
            by=body.by,
            expect=if_match.of(),
            actor=caller.actor,
            now=moment,
        )
    )


@router.post(
    "/visits/{visit_id}/promises/standing/confirm", dependencies=[requires("promise:write")]
)
def confirm(
    visit_id: PathId, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> PromiseOut:
    """Record that the customer agreed to the window."""
    visit, expect = visits.get(session, visit_id), if_match.of()
    return PromiseOut.of(
        promises.confirm(session, visit, expect=expect, actor=caller.actor, now=moment)
    )


@router.delete("/visits/{visit_id}/promises/standing", dependencies=[requires("promise:write")])
def cancel_promise(
    visit_id: PathId, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> PromiseOut:
    """Take the promised window back without another."""
    visit, expect = visits.get(session, visit_id), if_match.of()
    return PromiseOut.of(
        promises.cancel(session, visit, expect=expect, actor=caller.actor, now=moment)
    )
