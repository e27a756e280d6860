"""The service desk's page: the open requests by the clock, and one of them with its history and its answer."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator
from sqlmodel import Session, col, select

from api.deps import Caller, Now, Reading, Who, requires
from api.pages.rendering import render, words_for
from api.request_view import answer_by
from dispatch.core import trail
from dispatch.core.calendar import zone_named
from dispatch.desk import merging, photos, queries, requests
from dispatch.desk.lifecycle import OPEN, REQUESTS
from dispatch.desk.requests import SUBJECT
from dispatch.desk.tables import Counter, RequestKind
from dispatch.registry import customers, territories
from dispatch.registry.tables import Account, Premises
from dispatch.work import queries as work

router = APIRouter(include_in_schema=False)

ROWS = 50
MOST_STEPS = 200
_BY_FORM = {"triage", "resolve"}
"""What the form of the answer does, or what a request's kind and owner are needed for."""


@router.get("/console/requests", dependencies=[requires("request:read")])
def page(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    territory: Annotated[str, Query(max_length=32)],
    kind: Annotated[RequestKind | None, BeforeValidator(lambda text: text or None), Query()] = None,
    skip: Annotated[int, Query(ge=0, le=100_000)] = 0,
    number: Annotated[str | None, Query(alias="request", max_length=32)] = None,
) -> HTMLResponse:
    """The territory's open requests, whose answer is due next first; with `request`, that one opened."""
    chosen = territories.get(session, territory)
    found = queries.owed(session, territory_id=chosen.id, kind=kind, skip=skip, limit=ROWS + 1)
    return render(
        request,
        "requests.html",
        words_for(request, caller.account.language, zone_named(chosen.zone)),
        caller=caller,
        territory=chosen,
        listed=found[:ROWS],
        more=skip + ROWS if len(found) > ROWS else None,
        skip=skip,
        kind=kind,
        kinds=list(RequestKind),
        counts=queries.open_by_kind(session, territory_id=chosen.id),
        opened=_opened(session, number, caller) if number else None,
        now=moment,
        may_write=caller.may("request:write"),
        may_board=caller.may("board:read"),
        may_messages=caller.may("message:read"),
        merges=merging.MERGES,
    )


def _opened(session: Session, number: str, caller: Caller) -> dict[str, Any]:
    """One request with whose it is, what happened to it, and what may be done with it."""
    row = requests.get(session, number)
    orders = (
        work.orders(session, request_id=row.id, limit=50).items if caller.may("order:read") else []
    )
    events, _ = trail.of(session, [(SUBJECT, row.id)], limit=MOST_STEPS)
    steps = [event for event in events if event.to_status]
    ids = {event.actor for event in steps}
    names = session.exec(select(Account.id, Account.name).where(col(Account.id).in_(ids))).all()
    allowed = REQUESTS.allowed(row.status, caller.account.role.value)
    return {
        "row": row,
        "customer": customers.get(session, row.customer_id)
        if caller.may("registry:read")
        else None,
        "premises": session.get(Premises, row.premises_id) if row.premises_id else None,
        "counter": session.get_one(Counter, row.counter_id),
        "due_at": answer_by(session, row.id),
        "photos": photos.of_request(session, row.id),
        "orders": orders,
        "main": merging.goes_on(session, row) if row.merged_into else None,
        "parts": queries.merged_into(session, row.id),
        "steps": steps,
        "names": dict(names),
        "is_open": row.status in OPEN,
        "moves": [action for action in allowed if action not in _BY_FORM],
    }
