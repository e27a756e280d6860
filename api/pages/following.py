"""Following a request by its number: whoever also knows the reporter's telephone is led to the page of it."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.deps import Acting, Now, Sent, TheSettings, TheState, public
from api.pages import nonces
from api.pages.errors import UTC_ZONE
from api.pages.rendering import lead_to, render, words_for
from api.state import State
from dispatch.contact import links
from dispatch.desk import public as reports

router = APIRouter(include_in_schema=False)

PAGE = "follow"
FIELDS = ("number", "phone")


@router.get("/follow", dependencies=[public("an empty form; looking at it changes nothing")])
def follow_form(request: Request, settings: TheSettings, moment: Now) -> Response:
    """The form that asks for a request's number and the telephone that was left with it."""
    return _form(request, {}, nonces.make(settings.key, PAGE, now=moment))


@router.post(
    "/follow",
    dependencies=[public("number and telephone together are the proof; limits keep from guessing")],
)
def follow_number(
    request: Request,
    form: Sent,
    session: Acting,
    settings: TheSettings,
    state: TheState,
    moment: Now,
) -> Response:
    """Lead to the request's page; a number that does not exist is answered like a telephone that is another."""
    nonces.check(settings.key, PAGE, form.get("nonce", ""), now=moment)
    number, phone = (form.get(name, "")[:64] for name in FIELDS)
    _count(state, request, number, phone, now=moment)
    found = reports.made_by(session, number=number, phone=phone)
    if found is None:
        return _form(request, form, form.get("nonce", ""), unknown=True)
    token = links.for_request(session, settings.key, found, now=moment)
    return lead_to(f"/r/{token}", form)


def _count(state: State, request: Request, number: str, phone: str, *, now: datetime) -> None:
    """Note a try of this address, for this number and with this telephone; raises TooManyTries."""
    address = request.client.host if request.client else "unknown"
    state.follows.count(address, now=now)
    state.follows_of.count(f"number {reports.number_of(number)}", now=now)
    state.follows_of.count(f"phone {reports.digits_of(phone)}", now=now)


def _form(
    request: Request, given: dict[str, str], nonce: str, *, unknown: bool = False
) -> Response:
    return render(
        request,
        "customer/follow.html",
        words_for(request, given.get("lang"), UTC_ZONE),
        status=422 if unknown else 200,
        given={name: given.get(name, "") for name in FIELDS},
        nonce=nonce,
        unknown=unknown,
    )
