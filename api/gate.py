"""What stands before every route: rules for bodies and origins, a place to work, headers, the log line."""

import re
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import cast
from urllib.parse import urlsplit

import anyio
import structlog
from anyio.lowlevel import RunVar
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.pages.errors import page_for
from api.security import SAFE_METHODS, ForeignOrigin, is_https, origin_verdict
from api.state import State

log = structlog.get_logger("gridcrew.api")

MAX_BODY = 1_000_000
MAX_WITH_PHOTOS = 4_000_000
"""For the one form that photographs are sent with: as many as it takes, each as large as it may be."""
AT_ONCE = 12
"""Requests worked on at once: fewer than there are database connections (15) and worker threads (40).

A request that holds the write lock needs a thread again before it commits; were all threads taken by requests that
wait for that lock, nobody could go on until they give up.
"""
_PLACES: RunVar[anyio.Semaphore] = RunVar("gridcrew_places")

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self'; "
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "img-src 'self' data: blob:{tiles}; connect-src 'self'{tiles}"
)
"""What pages may load: nothing but their own; `tiles` is the one source of map tiles, where one is configured."""
BYTES = re.compile(
    r"/api/v1/(imports/\d+/files/[^/]+/\d+|crews/[^/]+/visits/[^/]+/attachments/[A-Za-z0-9-]{16,64})"
)
"""Where pieces of files and pictures are sent, the only bodies that are no JSON; no other site's form can."""
CALLBACKS = "/api/v1/callbacks/"
"""Where providers call back, with forms too: their signature over the raw body is what proves them."""
LINK_PATHS = (
    "/v/",
    "/c/",
    "/n/",
    "/r/",
    "/ask",
    "/follow",
    "/sign-in/",
    "/api/v1/customer-visits/",
)
"""Paths that carry a secret: their address must not leave by the Referer header."""
FORMS = re.compile(
    r"/ask|/follow|/[vcn]/[^/]{1,100}(/[a-z]{1,20})?|/open311/v2/requests\.(json|xml)"
)
"""Where customers' pages send forms as browsers do without a script, and Open311 clients theirs.

A nonce of the page stands for the origin there: such a page sends none (no-referrer), nor does it know a session.
"""
FORM = "application/x-www-form-urlencoded"
WITH_PHOTOS = "/ask"
IN_PARTS = re.compile(r"/ask|/[cn]/[^/]{1,100}")
PARTS = "multipart/form-data"
"""How browsers send the form at `WITH_PHOTOS`, and mail programs the one press of RFC 8058."""


class Gate:
    """Checks requests before they reach a route, and finishes answers: headers, log line, measurements.

    It is the outermost layer, so that what nobody expected is answered here too.
    """

    def __init__(self, app: ASGIApp, *, paths: Mapping[object, str]) -> None:
        self.app = app
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
                _add_headers(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            refusal = _refuse(scope)
            if refusal is None:
                await self._serve(scope, receive, finishing)
            else:
                await refusal(scope, receive, finishing)
        except Exception as error:  # the last line of defence: logged with its number
            answer = problems.of_crash(error, Request(scope))
            if status:  # half an answer is out; the server closes the connection
                raise
            await answer(scope, receive, finishing)
        finally:
            self._note(scope, status, time.monotonic() - begun)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer, when the body is here and one of the places is free."""
        body = await _whole_body(scope, receive)
        if body is None:
            await _too_large(scope)(scope, receive, send)
            return
        place = _places()
        await place.acquire()
        held = True

        async def sending(message: Message) -> None:
            nonlocal held
            if held:  # the route has returned and committed; a slow reader holds nobody up
                held = False
                place.release()
            await send(message)

        try:
            await self.app(scope, _again(body, receive), sending)
        finally:
            if held:
                place.release()

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The path itself may hold a token or a name: only the route's own pattern is kept.
        route = self.paths.get(scope.get("endpoint"), "unmatched")
        state = _state(scope)
        state.metrics.request(scope["method"], route, status, seconds)
        if scope["method"] not in SAFE_METHODS:
            state.feed.wake()
        log.info(
            "request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000)
        )


def _state(scope: Scope) -> State:
    return cast("State", scope["app"].state.gridcrew)


def _refuse(scope: Scope) -> Response | None:
    if scope["method"] in SAFE_METHODS:
        return None
    headers = Headers(scope=scope)
    length = headers.get("content-length", "")
    if length.isdigit() and int(length) > _most(scope):
        return _too_large(scope)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    has_body = length not in {"", "0"} or "transfer-encoding" in headers
    is_form = FORMS.fullmatch(scope["path"]) is not None
    wanted = "application/octet-stream" if BYTES.fullmatch(scope["path"]) else "application/json"
    if is_form:
        wanted = PARTS if kind == PARTS and IN_PARTS.fullmatch(scope["path"]) else FORM
    if (kind or has_body) and kind != wanted and not scope["path"].startswith(CALLBACKS):
        if is_form:
            return problems.answer(415, "not_form", f"Send a form, with Content-Type: {FORM}.")
        if wanted != "application/json":
            return problems.answer(
                415,
                "not_bytes",
                "Send bytes, with the header Content-Type: application/octet-stream.",
            )
        return problems.answer(
            415, "not_json", "Send JSON, with the header Content-Type: application/json."
        )
    verdict = origin_verdict(headers, scheme=scope["scheme"], settings=_state(scope).settings)
    says_nothing = is_form and headers.get("origin") == "null" and "sec-fetch-site" not in headers
    if verdict is False and not says_nothing:
        return problems.of_refusal(
            ForeignOrigin("This request comes from another site's page and is refused.")
        )
    return None


def _add_headers(scope: Scope, headers: MutableHeaders) -> None:
    path = scope["path"]
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Content-Security-Policy"] = _content_policy(_state(scope).settings.tiles_url)
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    place = "(self)" if path == "/crew" or path.startswith("/crew/") else "()"
    headers["Permissions-Policy"] = f"camera=(), microphone=(), geolocation={place}"
    headers["Referrer-Policy"] = "no-referrer" if path.startswith(LINK_PATHS) else "same-origin"
    if is_https(_state(scope).settings):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if path.startswith("/web/assets/"):
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    elif not path.startswith("/static/"):
        headers["Cache-Control"] = "no-store"


@lru_cache(maxsize=4)
def _content_policy(tiles_url: str) -> str:
    parts = urlsplit(tiles_url)
    return CONTENT_POLICY.format(tiles=f" {parts.scheme}://{parts.netloc}" if tiles_url else "")


def _most(scope: Scope) -> int:
    """How many bytes the body may have."""
    return MAX_WITH_PHOTOS if scope["path"] == WITH_PHOTOS else MAX_BODY


def _too_large(scope: Scope) -> Response:
    most = _most(scope)
    detail = f"A request holds at most {most:,} bytes."
    page = page_for(Request(scope), status=413, code="too_large", detail=detail)
    return page or problems.answer(413, "too_large", detail, limit=most)


def _places() -> anyio.Semaphore:
    """The places of this event loop."""
    try:
        return _PLACES.get()
    except LookupError:
        made = anyio.Semaphore(AT_ONCE)
        _PLACES.set(made)
        return made


async def _whole_body(scope: Scope, receive: Receive) -> bytes | None:
    """The request's body; None when it is longer than it may be, whatever length the sender told."""
    headers = Headers(scope=scope)
    most = _most(scope)
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return b""
    parts: list[bytes] = []
    taken = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        taken += len(part)
        if taken > most:
            return None
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Receive the body once more, then whatever comes after it."""
    told = False

    async def received() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received
