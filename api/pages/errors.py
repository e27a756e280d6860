"""Refusals as pages, for people who opened an address in a browser."""

from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response

from api.pages.rendering import render, words_for
from api.pages.texts import Words

UTC_ZONE = ZoneInfo("UTC")
CUSTOMERS = ("/v/", "/c/", "/n/", "/r/", "/ask")
"""Where pages begin that customers see without an account."""
_SAID = {
    "not_allowed": "error.not_allowed",
    "link_invalid": "error.link_invalid",
    "link_expired": "error.link_expired",
    "nonce_invalid": "error.nonce_invalid",
    "too_many_tries": "error.too_many_tries",
    "too_large": "error.too_large",
    "database_away": "error.away",
}


def page_for(
    request: Request, *, status: int, code: str, detail: str, number: str = ""
) -> Response | None:
    """The page that says what went wrong, or None where a program is asking: it gets a problem document."""
    path = request.url.path
    if path.startswith(
        ("/api/", "/open311/", "/static/", "/web/", "/healthz", "/readyz", "/metrics")
    ):
        return None
    if "text/html" not in request.headers.get("accept", ""):
        return None
    words = words_for(request, None, UTC_ZONE)
    if status == 401:
        target = path if path == "/" or path.startswith(("/crew", "/console")) else "/"
        return render(request, "sign_in.html", words, status=401, target=target)
    if path.startswith(CUSTOMERS):
        return _customers_page(request, words, status=status, code=code, number=number)
    said = _SAID.get(code) or ("error.not_found" if status in {404, 422} else "")
    return render(
        request,
        "problem.html",
        words,
        status=404 if status == 422 else status,
        message=words(said) if said else detail,
        number=number,
        back=True,
    )


def _customers_page(
    request: Request, words: Words, *, status: int, code: str, number: str
) -> Response:
    """What went wrong, for somebody who knows nothing of boards and accounts."""
    titled = f"customer.problem.{code}"
    known = words(titled) != titled
    said = _SAID.get(code) or ("error.not_found" if status < 500 else "error.away")
    return render(
        request,
        "customer/problem.html",
        words,
        status=404 if status in {422, 405} else status,
        title=words(titled if known else "customer.problem.other"),
        message=words(said),
        number=number,
        again=request.url.path.rpartition("/")[0] or request.url.path
        if code == "nonce_invalid"
        else "",
    )
