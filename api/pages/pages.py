"""The server-rendered pages: signing in, and a customer's visit."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from api.customer_view import open_link
from api.deps import (
    Caller,
    Maybe,
    Now,
    Reading,
    TheSettings,
    public,
)
from api.pages.errors import UTC_ZONE
from api.pages.rendering import render, words_for
from dispatch.contact import texts as customer_texts

router = APIRouter(include_in_schema=False)


@router.get("/sign-in/{token}", dependencies=[public("shows a button; the press is what signs in")])
def sign_in_link(
    token: Annotated[str, Path(min_length=16, max_length=200)], request: Request, caller: Maybe
) -> HTMLResponse:
    """The page of a one-time link; looking at it uses nothing up."""
    return render(
        request, "sign_in_link.html", words_for(request, _language(caller), UTC_ZONE), token=token
    )


@router.get("/sign-in", dependencies=[public("this is where one signs in")])
def sign_in(request: Request, caller: Maybe) -> HTMLResponse:
    """The sign-in form."""
    return render(
        request, "sign_in.html", words_for(request, _language(caller), UTC_ZONE), target="/"
    )


@router.get(
    "/v/{token}",
    dependencies=[public("the signed link is the proof; it shows one visit and changes nothing")],
)
def customer_page(
    token: Annotated[str, Path(min_length=8, max_length=400)],
    request: Request,
    session: Reading,
    settings: TheSettings,
    moment: Now,
) -> HTMLResponse:
    """A customer's visit, in the customer's language."""
    asked = request.query_params.get("lang")
    view = open_link(
        session,
        key=settings.key,
        token=token,
        language=asked if asked in customer_texts.LANGUAGES else None,
        now=moment,
    )
    words = words_for(request, None, view.zone, default=view.language)
    window = view.window
    return render(
        request,
        "visit.html",
        words,
        visit=view,
        day=customer_texts.day_text(window.start_at, view.zone, view.language) if window else "",
        time=customer_texts.span_text(window.start_at, window.end_at, view.zone, view.language)
        if window
        else "",
        finished=words.moment(view.finished_at) if view.finished_at else "",
    )


def _language(caller: Caller | None) -> str | None:
    return caller.account.language if caller else None
