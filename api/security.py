"""What stands before every route: body rules, origin rules, security headers, and the session cookie."""

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.metrics import Metrics
from dispatch.core.config import Settings
from dispatch.core.errors import ForbiddenError

log = structlog.get_logger("gridcrew.api")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_BODY = 1_000_000
COOKIE_SECONDS = 12 * 3600

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
LINK_PATHS = ("/v/", "/sign-in/", "/api/v1/customer-visits/")
"""Paths that carry a secret: their address must not leave by the Referer header."""


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


class Gate:
    """Checks requests before they reach a route, and finishes answers: headers, log line, measurements.

    It is the outermost layer, so that what nobody expected is answered here too.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, metrics: Metrics, paths: Mapping[object, str]
    ) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.monotonic()
        status = 0

        async def finishing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            refusal = self._refuse(scope)
            await (refusal or self.app)(scope, _counting(receive), finishing)
        except Exception as error:  # the last line of defence: logged with its number
            answer = problems.of_crash(error, Request(scope))
            if status:  # half an answer is out; the server closes the connection
                raise
            await answer(scope, receive, finishing)
        finally:
            self._note(scope, status, time.monotonic() - begun)

    def _refuse(self, scope: Scope) -> Response | None:
        if scope["method"] in SAFE_METHODS:
            return None
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > MAX_BODY:
            return problems.answer(
                413, "too_large", f"A request holds at most {MAX_BODY:,} bytes.", limit=MAX_BODY
            )
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        has_body = length not in {"", "0"} or "transfer-encoding" in headers
        if (kind or has_body) and kind != "application/json":
            return problems.answer(
                415, "not_json", "Send JSON, with the header Content-Type: application/json."
            )
        if origin_verdict(headers, scheme=scope["scheme"], settings=self.settings) is False:
            return problems.of_refusal(
                ForeignOrigin("This request comes from another site's page and is refused.")
            )
        return None

    def _add_headers(self, scope: Scope, headers: MutableHeaders) -> None:
        path = scope["path"]
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Content-Security-Policy"] = CONTENT_POLICY
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        headers["Referrer-Policy"] = "no-referrer" if path.startswith(LINK_PATHS) else "same-origin"
        if is_https(self.settings):
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if not path.startswith("/static/"):
            headers["Cache-Control"] = "no-store"

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The path itself may hold a token or a name: only the route's own pattern is kept.
        route = self.paths.get(scope.get("endpoint"), "unmatched")
        self.metrics.request(scope["method"], route, status, seconds)
        log.info(
            "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000)
        )


def _counting(receive: Receive) -> Receive:
    """Receive no more than `MAX_BODY` bytes, whatever length the sender told."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY:
            raise HTTPException(413)  # the one kind that the framework passes on while it reads
        return message

    return counted
