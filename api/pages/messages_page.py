"""The log of messages as a page: what was a customer told, and did it arrive?"""

from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator, Field
from sqlmodel import Session

from api.deps import Caller, Now, Reading, Who, requires
from api.pages.rendering import render, words_for
from api.pagination import read_cursor, write_cursor
from api.schemas.forms import Day
from dispatch.contact import log, preferences, progress, promised, unreached
from dispatch.contact.kinds import KINDS
from dispatch.contact.lifecycle import MESSAGES
from dispatch.contact.log import CLASSES, Wanted
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core import trail
from dispatch.core.calendar import zone_named
from dispatch.registry import customers, territories

router = APIRouter(include_in_schema=False)

ROWS = 50
UNREACHED = "unreached"
"""In place of a fate: those that need a person."""
TONES = {
    MessageStatus.DELIVERED: "good", MessageStatus.SENT: "good", MessageStatus.FAILED: "bad",
    MessageStatus.BOUNCED: "bad", MessageStatus.UNKNOWN: "bad", MessageStatus.EXPIRED: "warn",
    MessageStatus.SUPPRESSED: "warn",
}  # fmt: skip


def _or_none(value: object) -> object:
    """A form sends what was not chosen as an empty text."""
    return value or None


NotChosen = BeforeValidator(_or_none)
Id = Annotated[Annotated[str, Field(max_length=40)] | None, NotChosen, Query()]


@router.get("/console/messages", dependencies=[requires("message:read")])
def messages(
    request: Request,
    session: Reading,
    caller: Who,
    moment: Now,
    territory: Annotated[str, Query(max_length=32)],
    customer: Id = None,
    visit: Id = None,
    order: Id = None,
    from_request: Annotated[str | None, Query(alias="request", max_length=32)] = None,
    status: Annotated[MessageStatus | Literal["unreached"] | None, NotChosen, Query()] = None,
    outage: Id = None,
    template: Id = None,
    message_class: Annotated[str | None, NotChosen, Query(alias="class")] = None,
    day: Annotated[Day | None, NotChosen, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    message: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> HTMLResponse:
    """The territory's messages, the newest first, those that are asked for; with `message`, that one opened."""
    chosen = territories.get(session, territory)
    wanted = Wanted(
        territory_id=chosen.id,
        customer_id=customer,
        visit_id=visit,
        work_order_id=order,
        request_id=from_request,
        outage_id=outage,
        statuses=[status] if isinstance(status, MessageStatus) else (),
        template=template,
        message_class=message_class,
        day=day,
        unreached_at=moment if status == UNREACHED else None,
    )
    found = log.search(session, wanted, before=read_cursor(cursor), limit=ROWS)
    words = words_for(request, caller.account.language, zone_named(chosen.zone))
    filters = {
        "territory": chosen.id, "customer": customer, "visit": visit, "order": order, "request": from_request,
        "outage": outage, "status": status, "template": template, "class": message_class,
        "day": day.isoformat() if day else None,
    }  # fmt: skip
    kept = {name: value for name, value in filters.items() if value}
    here = f"/console/messages?{urlencode(kept)}"
    return render(
        request,
        "messages.html",
        words,
        caller=caller,
        territory=chosen,
        lines=found.lines,
        older=f"{here}&{urlencode({'cursor': write_cursor(found.before)})}"
        if found.before
        else None,
        filters=filters,
        about=customer or visit or order or from_request or outage,
        shown=here,
        opened=_opened(session, message, caller, moment),
        waiting=sum(unreached.counted(session, territory_id=chosen.id, now=moment).values()),
        forgotten=list(promised.forgotten(session, territory_id=chosen.id, now=moment))
        if status == UNREACHED
        else [],
        may_phone=caller.may("registry:read"),
        statuses=list(MessageStatus),
        templates=list(KINDS),
        classes=CLASSES,
        tones=TONES,
        may_board=caller.may("board:read"),
    )


def _opened(
    session: Session, number: int | None, caller: Caller, now: datetime
) -> dict[str, Any] | None:
    """The message that is read: its line, what became of it step by step, whom to call, and what may be done."""
    if number is None:
        return None
    message = progress.get(session, number)
    steps, _ = trail.of(session, [("message", str(number))], after=None, limit=50)
    may_resend = "resend" in MESSAGES.allowed(message.status, caller.account.role.value)
    return {
        "line": log.line(session, message),
        "steps": steps,
        "may_resend": may_resend and caller.may("visit:write"),
        "phone": _phone(session, message) if caller.may("registry:read") else None,
        "may_see_to": caller.may("order:call")
        and unreached.needs_a_person(session, message, now=now),
    }


def _phone(session: Session, message: Message) -> str | None:
    """The telephone number of whom the message is for."""
    if message.to_nominee:
        return preferences.get(session, customer_id=message.customer_id).nominee_phone
    return customers.get(session, message.customer_id).phone
