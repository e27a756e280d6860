"""A customer as the office sees them: how they want to be told, STOP by telephone, and links to hand out."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session, col, select

from api.deps import Caller, Reading, Who, requires
from api.pages.messages_page import TONES
from api.pages.rendering import render, words_for
from api.request_view import PUBLIC_STATUS
from dispatch.contact import log, preferences
from dispatch.contact.channels import Channel
from dispatch.contact.classes import CLASSES
from dispatch.contact.log import Wanted
from dispatch.contact.preferences import Preference
from dispatch.contact.tables import MessageClass
from dispatch.core.calendar import zone_named
from dispatch.core.tables import Event
from dispatch.desk.queries import requests_of_customer
from dispatch.registry import customers, territories
from dispatch.registry.customers import LANGUAGES
from dispatch.registry.tables import Account, Customer, Territory
from dispatch.work.lifecycle import UNFINISHED
from dispatch.work.queries import visits_of_customer

router = APIRouter(include_in_schema=False)

SAID_BY = ("phone", "counter", "sms", "email")
"""Where a customer may have said that they want no more messages."""
LATEST = 5
"""Messages shown; the rest is a step away."""


@router.get("/console/customers", dependencies=[requires("registry:read")])
def customers_page(
    request: Request,
    session: Reading,
    caller: Who,
    territory: Annotated[str, Query(max_length=32)],
    customer: Annotated[str | None, Query(max_length=40)] = None,
) -> HTMLResponse:
    """A search; with `customer`, that one's wishes, what was said about them, visits, requests and messages."""
    chosen = territories.get(session, territory)
    shown = customers.get(session, customer) if customer else None
    return render(
        request,
        "customers.html",
        words_for(request, caller.account.language, zone_named(chosen.zone)),
        caller=caller,
        territory=chosen,
        customer=shown,
        **(_about(session, shown, chosen, caller) if shown else {}),
        channels=[channel.value for channel in Channel],
        languages=LANGUAGES,
        said_by=SAID_BY,
        tones=TONES,
        public_status=PUBLIC_STATUS,
        unfinished=UNFINISHED,
        may_write=caller.may("customer:write"),
        may_link=caller.may("promise:write"),
        may_revoke=caller.may("link:write"),
        may_board=caller.may("board:read"),
    )


def _about(
    session: Session, customer: Customer, territory: Territory, caller: Caller
) -> dict[str, Any]:
    """All that the page shows of a customer."""
    wished = preferences.get(session, customer_id=customer.id)
    said = preferences.history(session, customer_id=customer.id)
    told = Wanted(territory_id=territory.id, customer_id=customer.id)
    return {
        "wished": wished,
        "classes": [(one.value, _state(customer, wished, one)) for one in MessageClass],
        "said": said,
        "names": _names(session, said),
        "premises": customers.premises_of(session, customer_id=customer.id),
        "visits": visits_of_customer(session, customer_id=customer.id)
        if caller.may("visit:read")
        else [],
        "requests": requests_of_customer(session, customer_id=customer.id)
        if caller.may("request:read")
        else [],
        "lines": log.search(session, told, limit=LATEST).lines
        if caller.may("message:read")
        else [],
    }


def _state(customer: Customer, wished: Preference, message_class: MessageClass) -> str:
    """Whether messages of the class go to the customer: `always`, `sent`, or why they do not."""
    if not CLASSES[message_class].can_be_stopped:
        return "always"
    return preferences.objection(customer, wished, message_class, is_legal=False) or "sent"


def _names(session: Session, said: list[Event]) -> dict[str, str]:
    """The names of the people who noted what was said."""
    rows = session.exec(
        select(Account.id, Account.name).where(col(Account.id).in_({one.actor for one in said}))
    )
    return dict(rows.all())
