"""Whom a customer named to be told wants to be told no more: the page that each of their emails leads to.

Looking changes nothing. The page's button has a nonce; the one press that mail programs offer (RFC 8058) has none:
the link is its proof. Either ends the naming, and the customer is told themself again.
"""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.deps import Acting, Now, Reading, Sent, TheSettings, public
from api.pages import nonces
from api.pages.choices import ONE_PRESS, customer_of
from api.pages.customers import Token
from api.pages.rendering import lead_to, render, words_for
from dispatch.contact import links, preferences
from dispatch.contact.facts import About
from dispatch.contact.tables import Link
from dispatch.core.config import Settings
from dispatch.core.events import SYSTEM

router = APIRouter(include_in_schema=False)

LINK = public("the link is the proof; it shows who named its reader and changes nothing")
PRESS = public("the link, and a nonce or what RFC 8058 sends, are the proof; it ends the naming")


@router.get("/n/{token}", dependencies=[LINK])
def page(
    token: Token,
    request: Request,
    session: Reading,
    settings: TheSettings,
    moment: Now,
) -> Response:
    """Who named the reader, and the button that ends it; or that it has ended."""
    link, about = _opened(session, settings, token, moment)
    return render(
        request,
        "customer/naming.html",
        words_for(request, about.language, about.zone),
        company=about.values()["company"],
        address=f"/n/{token}",
        customer=about.customer.name,
        is_named=_is_named(link, about),
        nonce=nonces.make(settings.key, _page(link), now=moment),
    )


@router.post("/n/{token}", dependencies=[PRESS])
def end(
    token: Token,
    form: Sent,
    session: Acting,
    settings: TheSettings,
    moment: Now,
) -> Response:
    """Name the reader no more; again it changes nothing, nor where somebody else is named by now."""
    link, about = _opened(session, settings, token, moment)
    at_once = form.get(ONE_PRESS) == "One-Click"
    if not at_once:
        nonces.check(settings.key, _page(link), form.get("nonce", ""), now=moment)
    if _is_named(link, about):
        preferences.drop_nominee(
            session, customer_id=about.customer.id, channel="email", actor=SYSTEM, now=moment
        )
    if at_once:
        return Response(status_code=204)
    return lead_to(f"/n/{token}", form)


def _opened(session: Session, settings: Settings, token: str, now: datetime) -> tuple[Link, About]:
    """The link and the customer who named its reader; raises LinkInvalid and LinkExpired."""
    link = links.read(session, settings.key, token, purpose=links.NAMING, now=now)
    return link, customer_of(session, link)


def _is_named(link: Link, about: About) -> bool:
    """Whether whom the link was sent to is still the one who is named."""
    email = about.preference.nominee_email
    return email is not None and links.naming_of(email) == link.subject_version


def _page(link: Link) -> str:
    return f"naming:{link.id}"
