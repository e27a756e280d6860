"""Requests about the same matter: merged into one that goes on in their stead, or part of one outage."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core import events
from dispatch.core.errors import InvalidError
from dispatch.core.events import Actor
from dispatch.desk import requests
from dispatch.desk.requests import ENDED_WITHOUT_ANSWER, SUBJECT, NoSuchRequest
from dispatch.desk.tables import Request, RequestStatus

MERGES = ("merge", "mark_duplicate")
"""Moves by which another request goes on in this one's stead."""
MERGED = (RequestStatus.MERGED, RequestStatus.DUPLICATE)


class BadMerge(InvalidError):
    """A request is merged into another one of its territory that is being seen to or is settled."""

    code = "bad_merge"


def goes_on(session: Session, request: Request) -> Request:
    """The request that stands for this one: what it was merged into, or itself."""
    if request.status not in MERGED or request.merged_into is None:
        return request
    return session.get_one(Request, request.merged_into)


def merge(
    session: Session,
    request: Request,
    action: str,
    *,
    into: str | None,
    actor: Actor,
    now: datetime,
    note: str = "",
    expect: int | None = None,
) -> Request:
    """Let `into` go on in the request's stead, by one of `MERGES`; its caller is told so.

    What was merged into either follows, and so does the outage that `into` belongs to. Raises BadMerge, and what
    `requests.move` raises.
    """
    request.expect(expect)
    target = goes_on(session, _named(session, into))
    if target.id == request.id:
        raise BadMerge("A request is not merged into itself.", field="into")
    if target.territory_id != request.territory_id:
        raise BadMerge(f"{target.id} is another territory's.", field="into")
    if target.status in ENDED_WITHOUT_ANSWER:
        raise BadMerge(f"{target.id} is {target.status.value}: nobody sees to it.", field="into")
    request.merged_into = target.id
    request.outage_id = target.outage_id or request.outage_id
    outage_id = sa.func.coalesce(target.outage_id, Request.outage_id)
    session.execute(_its_parts(request).values(merged_into=target.id, outage_id=outage_id))
    return requests.move(session, request, action, actor=actor, now=now, note=note)


def join_outage(
    session: Session, request: Request, outage_id: str, *, actor: Actor, now: datetime
) -> None:
    """Note that the request is about this outage; those merged into it follow."""
    request.outage_id = outage_id
    session.execute(_its_parts(request).values(outage_id=outage_id))
    session.flush()
    events.record(
        session,
        "request.joined",
        entity=SUBJECT,
        entity_id=request.id,
        actor=actor,
        now=now,
        territory_id=request.territory_id,
        data={"outage_id": outage_id},
    )


def _its_parts(request: Request) -> sa.Update:
    """A change of all requests that were merged into this one."""
    return sa.update(Request).where(col(Request.merged_into) == request.id)


def _named(session: Session, number: str | None) -> Request:
    if not number:
        raise BadMerge("Name the request that goes on in its stead.", field="into")
    try:
        return requests.get(session, number)
    except NoSuchRequest as error:
        raise BadMerge(error.message, field="into") from error
