"""What was this customer told, and did it arrive?"""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlmodel import Session

from api.deps import Now, Pages, Paging, Reading, requires
from api.pagination import read_cursor, write_cursor
from api.repeats import Route
from api.schemas.follow_ups import LoggedMessageOut
from api.schemas.forms import PageOf, PathId, QueryDay
from dispatch.contact import log
from dispatch.contact.log import Wanted
from dispatch.contact.tables import MessageStatus
from dispatch.desk import requests
from dispatch.registry import customers

router = APIRouter(route_class=Route, tags=["contact"])

Statuses = Annotated[list[MessageStatus] | None, Query(max_length=10)]


@router.get("/customers/{customer_id}/messages", dependencies=[requires("message:read")])
def of_customer(
    customer_id: PathId, session: Reading, paging: Pages, status: Statuses = None
) -> PageOf[LoggedMessageOut]:
    """What a customer was told, the newest first, and what became of each message."""
    customers.get(session, customer_id)
    wanted = Wanted(customer_id=customer_id, statuses=status or ())
    return _page(session, wanted, paging)


@router.get("/requests/{request_id}/messages", dependencies=[requires("message:read")])
def of_request(
    request_id: PathId, session: Reading, paging: Pages, status: Statuses = None
) -> PageOf[LoggedMessageOut]:
    """What was told about the visits that came of a request, the newest first."""
    requests.get(session, request_id)
    wanted = Wanted(request_id=request_id, statuses=status or ())
    return _page(session, wanted, paging)


@router.get("/territories/{territory_id}/message-log", dependencies=[requires("message:read")])
def of_territory(
    territory_id: PathId,
    session: Reading,
    paging: Pages,
    moment: Now,
    status: Statuses = None,
    template: Annotated[str | None, Query(max_length=32)] = None,
    message_class: Annotated[str | None, Query(max_length=32)] = None,
    day: QueryDay | None = None,
    unreached: Annotated[bool, Query(description="only those that need a person")] = False,
) -> PageOf[LoggedMessageOut]:
    """What a territory's customers were told, the newest first, by fate, template, class and local day."""
    wanted = Wanted(
        territory_id=territory_id,
        statuses=status or (),
        template=template,
        message_class=message_class,
        day=day,
        unreached_at=moment if unreached else None,
    )
    return _page(session, wanted, paging)


def _page(session: Session, wanted: Wanted, paging: Paging) -> PageOf[LoggedMessageOut]:
    found = log.search(session, wanted, before=read_cursor(paging.cursor), limit=paging.limit)
    items = [LoggedMessageOut.of_line(line) for line in found.lines]
    return PageOf(items=items, next=write_cursor(found.before))
