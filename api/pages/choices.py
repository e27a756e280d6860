"""Which messages a customer wants: the page that the visit's page and every email lead to.

Looking changes nothing. The page's form has a nonce; the one press that mail programs offer (RFC 8058) has none:
the link is its proof, and it stops one class.
"""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session, select

from api.customer_view import open_link
from api.deps import Acting, Now, Reading, Sent, TheSettings, public
from api.pages import nonces
from api.pages.customers import Token, go_on
from api.pages.rendering import lead_to, render, words_for
from dispatch.contact import links, preferences
from dispatch.contact.facts import About, Facts, load_customer
from dispatch.contact.tables import Link, MessageClass
from dispatch.core.config import Settings
from dispatch.core.events import Actor
from dispatch.registry.tables import Premises

router = APIRouter(include_in_schema=False)

Where = Annotated[Literal["v", "c"], Path()]
"""A visit's link, or an email's."""
OFFERED = (MessageClass.SERVICE, MessageClass.SURVEY, MessageClass.MARKETING)
ONE_PRESS = "List-Unsubscribe"
LINK = public(
    "the link is the proof; it shows which messages its customer wants and changes nothing"
)
FORM = public("the link and its page's nonce are the proof; it changes which messages are sent")
PRESS = public("the link is the proof, as RFC 8058 asks; it stops messages of one class")


@router.get("/c/{token}", dependencies=[LINK])
def from_email(token: Token) -> Response:
    """Where an email's link leads to when a person opens it."""
    return RedirectResponse(f"/c/{token}/choices", status_code=303)


@router.post("/c/{token}", dependencies=[PRESS])
def press(
    token: Token,
    form: Sent,
    session: Acting,
    settings: TheSettings,
    moment: Now,
    message_class: Annotated[MessageClass, Query(alias="class")],
) -> Response:
    """Stop messages of the email's class, as its reader's mail program asks; again it changes nothing."""
    _, about = _opened(session, settings, "c", token, moment)
    if form.get(ONE_PRESS) != "One-Click":
        return RedirectResponse(f"/c/{token}/choices", status_code=303)
    stopped = (
        MessageClass.SERVICE if message_class is MessageClass.SERVICE_URGENT else message_class
    )
    customer_id = about.customer.id
    preferences.stop(
        session, customer_id=customer_id, message_class=stopped, channel="email",
        actor=Actor(customer_id, "customer"), now=moment,
    )  # fmt: skip
    return Response(status_code=204)


@router.get("/{where}/{token}/choices", dependencies=[LINK])
def page(
    where: Where,
    token: Token,
    request: Request,
    session: Reading,
    settings: TheSettings,
    moment: Now,
    said: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """The classes that may be refused, those that the customer gets ticked, and what always comes."""
    link, about = _opened(session, settings, where, token, moment)
    ticked = [
        one.value
        for one in OFFERED
        if not preferences.objection(about.customer, about.preference, one, is_legal=False)
    ]
    return render(
        request,
        "customer/choices.html",
        words_for(request, about.language, about.zone),
        company=about.values()["company"],
        address=f"/{where}/{token}",
        is_visit=where == "v",
        nonce=nonces.make(settings.key, _page(link), now=moment),
        offered=[one.value for one in OFFERED],
        ticked=ticked,
        is_closed=not about.customer.wants_messages or bool(about.preference.do_not_contact),
        said="chosen" if said == "chosen" else "",
    )


@router.post("/{where}/{token}/choices", dependencies=[FORM])
def choose(
    where: Where,
    token: Token,
    form: Sent,
    session: Acting,
    settings: TheSettings,
    moment: Now,
) -> Response:
    """Keep what is ticked, and show it; however often it is sent."""
    link, about = _opened(session, settings, where, token, moment)
    nonces.check(settings.key, _page(link), form.get("nonce", ""), now=moment)
    customer_id = about.customer.id
    preferences.choose(
        session, customer_id=customer_id, wanted=[one for one in OFFERED if one.value in form],
        channel="page", actor=Actor(customer_id, "customer"), now=moment,
    )  # fmt: skip
    if isinstance(about, Facts):  # a visit's link ends with a refusal, but not the one that told it
        go_on(session, settings, token, link, about, moment)
    return lead_to(f"/{where}/{token}/choices", form, said="chosen")


def _opened(
    session: Session, settings: Settings, where: str, token: str, now: datetime
) -> tuple[Link, About]:
    """The link and its customer; raises LinkInvalid, NoSuchVisit and LinkExpired."""
    if where == "v":
        return open_link(session, key=settings.key, token=token, now=now)
    link = links.read(session, settings.key, token, purpose=links.CHOICES, now=now)
    return link, customer_of(session, link)


def customer_of(session: Session, link: Link) -> About:
    """The customer of an email's link, as one of the territory of their first premises; raises LinkExpired."""
    statement = select(Premises.territory_id).where(Premises.customer_id == link.customer_id)
    territory_id = session.exec(statement.order_by(Premises.id).limit(1)).first()
    about = load_customer(
        session, customer_id=link.customer_id or "", territory_id=territory_id or ""
    )
    if about is None:
        raise links.ended()
    return about


def _page(link: Link) -> str:
    return f"choices:{link.id}"
