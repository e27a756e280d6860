"""The session cookie, and whether a request comes from our own pages."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from dispatch.core.config import Settings
from dispatch.core.errors import ForbiddenError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
COOKIE_SECONDS = 12 * 3600


class ForeignOrigin(ForbiddenError):
    """The request comes from another site's page, or does not say where it comes from."""

    code = "foreign_origin"


def is_https(settings: Settings) -> bool:
    """Whether people reach this installation over TLS."""
    return settings.base_url.startswith("https://")


def cookie_name(settings: Settings) -> str:
    """`__Host-` binds the cookie to this host and to TLS; browsers refuse that name over plain HTTP."""
    return "__Host-gridcrew" if is_https(settings) else "gridcrew"


def set_cookie(response: Response, settings: Settings, token: str) -> None:
    """Hand the session token to the browser, out of reach of scripts."""
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=COOKIE_SECONDS,
        path="/",
        secure=is_https(settings),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, settings: Settings) -> None:
    """Take the session token back from the browser."""
    response.delete_cookie(
        cookie_name(settings), path="/", secure=is_https(settings), httponly=True, samesite="lax"
    )


def origin_verdict(headers: Headers, *, scheme: str, settings: Settings) -> bool | None:
    """Whether the browser says that the request comes from our own pages; None when it says nothing.

    Source: OWASP CSRF prevention, "Fetch Metadata" and "Verifying Origin".
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    if origin is None:
        return None
    public = urlsplit(settings.base_url)
    return origin in {f"{scheme}://{headers.get('host', '')}", f"{public.scheme}://{public.netloc}"}
