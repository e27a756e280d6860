"""Refusals as pages, for people who opened an address in a browser."""

from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import Response

from api.pages.rendering import render, words_for

UTC_ZONE = ZoneInfo("UTC")
_SAID = {
    "not_allowed": "error.not_allowed",
    "link_invalid": "error.link_invalid",
    "link_expired": "error.link_expired",
    "database_away": "error.away",
}


def page_for(
    request: Request, *, status: int, code: str, detail: str, number: str = ""
) -> Response | None:
    """The page that says what went wrong, or None where a program is asking: it gets a problem document."""
    path = request.url.path
    if path.startswith(("/api/", "/static/", "/web/", "/healthz", "/readyz", "/metrics")):
        return None
    if "text/html" not in request.headers.get("accept", ""):
        return None
    words = words_for(request, None, UTC_ZONE)
    if status == 401:
        target = path if path == "/" or path.startswith(("/crew", "/console")) else "/"
        return render(request, "sign_in.html", words, status=401, target=target)
    said = _SAID.get(code) or ("error.not_found" if status in {404, 422} else "")
    return render(
        request,
        "problem.html",
        words,
        status=404 if status == 422 else status,
        message=words(said) if said else detail,
        number=number,
        back=not path.startswith("/v/"),
    )
