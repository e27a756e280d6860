"""The server-rendered pages for signing in."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from api.deps import Caller, Maybe, public
from api.pages.errors import UTC_ZONE
from api.pages.rendering import render, words_for

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


def _language(caller: Caller | None) -> str | None:
    return caller.account.language if caller else None
