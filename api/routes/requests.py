"""Requests: taken in, answered, turned into work; and the counters they wait at."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from api.deps import (
    IfMatch,
    Now,
    Pages,
    Reading,
    Who,
    Writing,
    requires,
)
from api.pagination import read_cursor, write_cursor
from api.repeats import Route
from api.schemas.desk import (
    Answer,
    CounterOut,
    OrderFromRequest,
    RequestIn,
    RequestMove,
    RequestOut,
    Triage,
)
from api.schemas.forms import PageOf, PathId, page_of
from api.schemas.watch import EventOut
from api.schemas.work import OrderOut
from dispatch.core import trail
from dispatch.desk import merging, queries, requests
from dispatch.desk.queries import Queue
from dispatch.desk.tables import RequestKind, RequestStatus
from dispatch.registry import territories
from dispatch.work import queries as work

router = APIRouter(route_class=Route, tags=["requests"])


@router.get("/territories/{territory_id}/counters", dependencies=[requires("request:read")])
def list_counters(territory_id: PathId, session: Reading) -> list[CounterOut]:
    """Every counter of the territory with its backlog."""
    territories.get(session, territory_id)
    return [counter(queue) for queue in queries.counters(session, territory_id=territory_id)]


@router.get("/requests", dependencies=[requires("request:read")])
def list_requests(
    session: Reading,
    paging: Pages,
    territory_id: Annotated[str | None, Query(max_length=32)] = None,
    counter_id: Annotated[str | None, Query(max_length=32)] = None,
    customer_id: Annotated[str | None, Query(max_length=32)] = None,
    status: RequestStatus | None = None,
    kind: RequestKind | None = None,
    open_only: Annotated[bool, Query()] = False,
) -> PageOf[RequestOut]:
    """Requests by number."""
    found = queries.requests(
        session,
        territory_id=territory_id,
        counter_id=counter_id,
        customer_id=customer_id,
        status=status,
        kind=kind,
        open_only=open_only,
        cursor=paging.cursor,
        limit=paging.limit,
    )
    return page_of(RequestOut, found)


@router.post(
    "/requests", status_code=status.HTTP_201_CREATED, dependencies=[requires("request:write")]
)
def receive(body: RequestIn, session: Writing, caller: Who, moment: Now) -> RequestOut:
    """Take a request in; the counter of its kind owns it and its answer clock runs."""
    return RequestOut.of(
        requests.receive(session, **body.model_dump(), actor=caller.actor, now=moment)
    )


@router.get("/requests/{request_id}", dependencies=[requires("request:read")])
def get_request(request_id: PathId, session: Reading) -> RequestOut:
    """One request."""
    return RequestOut.of(requests.get(session, request_id))


@router.post("/requests/{request_id}/triage", dependencies=[requires("request:write")])
def triage(
    request_id: PathId,
    body: Triage,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> RequestOut:
    """Look at a new request; correct its kind or give it to a person."""
    request = requests.get(session, request_id)
    request.expect(if_match.of(body.version))
    found = requests.triage(
        session, request, kind=body.kind, owner=body.owner, actor=caller.actor, now=moment
    )
    return RequestOut.of(found)


@router.post("/requests/{request_id}/answer", dependencies=[requires("request:write")])
def answer(
    request_id: PathId,
    body: Answer,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> RequestOut:
    """Answer the customer, which stops the answer clock."""
    found = requests.answer(
        session,
        requests.get(session, request_id),
        text=body.text,
        resolves=body.resolves,
        expect=if_match.of(body.version),
        actor=caller.actor,
        now=moment,
    )
    return RequestOut.of(found)


@router.post("/requests/{request_id}/moves", dependencies=[requires("request:write")])
def move(
    request_id: PathId,
    body: RequestMove,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> RequestOut:
    """Resolve, confirm, close, refer, reject or reopen a request, or merge it into another (`into`)."""
    request = requests.get(session, request_id)
    expect = if_match.of(body.version)
    if body.action in merging.MERGES:
        found = merging.merge(
            session,
            request,
            body.action,
            into=body.into,
            note=body.note,
            expect=expect,
            actor=caller.actor,
            now=moment,
        )
    else:
        found = requests.move(
            session,
            request,
            body.action,
            note=body.note,
            expect=expect,
            actor=caller.actor,
            now=moment,
        )
    return RequestOut.of(found)


@router.post(
    "/requests/{request_id}/work-orders",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("request:write")],
)
def make_order(
    request_id: PathId,
    body: OrderFromRequest,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> OrderOut:
    """Turn the request into work; clocks run from when the request came in."""
    request = requests.get(session, request_id)
    request.expect(if_match.of(body.version))
    order = requests.make_order(
        session,
        request,
        **body.model_dump(exclude={"window", "version", "preferred_crews"}),
        window=(body.window.start_at, body.window.end_at) if body.window else None,
        preferred_crews=tuple(body.preferred_crews),
        actor=caller.actor,
        now=moment,
    )
    return OrderOut.of(order)


@router.get("/requests/{request_id}/trail", dependencies=[requires("event:read")])
def trail_of(request_id: PathId, session: Reading, paging: Pages) -> PageOf[EventOut]:
    """What happened to the request, its work orders and their visits, the first event first."""
    requests.get(session, request_id)
    made = work.orders(session, request_id=request_id, limit=200).items
    subjects = [("request", request_id), *(("work_order", order.id) for order in made)]
    subjects += [("visit", visit.id) for order in made for visit in work.history(session, order.id)]
    found, more = trail.of(session, subjects, after=read_cursor(paging.cursor), limit=paging.limit)
    return PageOf(items=EventOut.all_of(found), next=write_cursor(more))


def counter(queue: Queue) -> CounterOut:
    """A counter with its backlog as an answer."""
    return CounterOut(
        id=queue.counter.id,
        name_zh=queue.counter.name_zh,
        name_en=queue.counter.name_en,
        kinds=queue.counter.kinds,
        open=queue.open,
        unanswered=queue.unanswered,
        oldest_at=queue.oldest_at,
    )
