"""The API's own kind of route: a write may be asked for again by its `Idempotency-Key`, and versions are ETags."""

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from api import permissions
from api.security import SAFE_METHODS
from dispatch.core import repeats
from dispatch.core.errors import ConflictError, DispatchError, InvalidError
from dispatch.core.repeats import HEADER, Key
from dispatch.core.tables import KeptAnswer

REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
KEPT_FOR_CREWS = timedelta(days=7)
"""A crew's telephone may be without a network for days."""

PATIENCE_S = 3.0
"""Seconds that a repeated request waits for the first, as long as PostgreSQL waits for a lock."""

Turns = WeakValueDictionary[tuple[str, str, str], asyncio.Lock]
"""The keys that this process works on, by actor, route and key."""

_KEY = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{8,64}")


class BadKey(InvalidError):
    """The key is none."""

    code = "bad_key"


class KeyMissing(DispatchError):
    """A page of ours must number its writes."""

    code = "key_missing"
    status = 400


class AnswerNotKept(ConflictError):
    """The write was done before; its answer was a secret, which is not kept."""

    code = "answer_not_kept"


class _AnsweredBefore(Exception):
    def __init__(self, kept: KeptAnswer) -> None:
        self.kept = kept


class Route(APIRoute):
    """A route that keeps what its writes are answered, and tags an answer that has a version with it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request of this route, inside the transaction that `api.deps.writing` commits."""
        handle = super().get_route_handler()
        is_versioned = "version" in getattr(self.response_model, "model_fields", {})
        pattern = self.path_format

        async def answered(request: Request) -> Response:
            request.state.route = f"{request.method} {pattern}"
            if request.method not in SAFE_METHODS:
                request.state.body = await request.body()
            try:
                response = await handle(request)
            except _AnsweredBefore as before:
                return _again(before.kept)
            if is_versioned:
                response.headers["ETag"] = f'"{json.loads(bytes(response.body))["version"]}"'
            if hasattr(request.state, "claimed"):
                await run_in_threadpool(_keep, request, response)
            return response

        return answered


@asynccontextmanager
async def alone(request: Request, turns: Turns, *, actor: str) -> AsyncIterator[None]:
    """Hold the request's key in this process; raises KeyInFlight when another request has it for too long.

    SQLite has one writer and no lock on a row that is not there yet, so it cannot tell this waiting from any other;
    and who waits here keeps no thread from the request that is waited for. Between processes, PostgreSQL's lock
    on the key's row does the same.
    """
    asked = _asked(request)
    if asked is None:
        yield
        return
    turn = turns.setdefault((actor, request.state.route, asked), asyncio.Lock())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await turn.acquire()
    except TimeoutError as error:
        raise repeats.in_flight() from error
    try:
        yield
    finally:
        turn.release()


def begin(
    request: Request, session: Session, *, actor: str, key: bytes, now: datetime, kept: timedelta
) -> None:
    """Claim the request's key in its transaction; ends the request at once when it was answered before.

    Raises BadKey, KeyReused, KeyInFlight and AnswerNotKept. Without the header there is nothing to do.
    """
    asked = _asked(request)
    if asked is None:
        return
    if not _KEY.fullmatch(asked):
        raise BadKey(
            f"{HEADER} has 8 to 64 printable characters, none of them a space.", field=HEADER
        )
    claimed = Key(actor, request.state.route, asked, _mark(request, key))
    known = repeats.claim(session, claimed, now=now, kept=kept)
    if known is None:
        request.state.claimed = (session, claimed)
        return
    if known.secret:
        raise AnswerNotKept(
            "This was done before. Its answer was a secret, which is not kept: ask anew, with a new key.",
            field=HEADER,
        )
    raise _AnsweredBefore(known)


def refuse_without_key(request: Request) -> None:
    """Raise KeyMissing when a page's write has no key."""
    if HEADER not in request.headers:
        raise KeyMissing(
            f"A write with a session cookie needs the header {HEADER}, a new key for every press of a button. "
            "Programs that send a bearer token may do without.",
            field=HEADER,
        )


def _holds_secret(request: Request) -> None:
    request.state.secret = True


secret_answer = Depends(_holds_secret)
"""Declares that a route's answer is a secret: `dependencies=[requires(...), secret_answer]`."""


def _asked(request: Request) -> str | None:
    asked = request.headers.get(HEADER)
    return None if asked is None else asked.strip().removeprefix('"').removesuffix('"')


def _mark(request: Request, key: bytes) -> str:
    """A keyed hash, since bodies hold passwords; the path and what the caller saw are part of the request."""
    told = [request.url.path, request.url.query, request.headers.get("if-match", "")]
    digest = hmac.new(key, json.dumps(told).encode(), hashlib.sha256)
    digest.update(request.state.body)
    return digest.hexdigest()


def _keep(request: Request, response: Response) -> None:
    session, key = request.state.claimed
    names = ("content-type", "etag")
    repeats.keep(
        session,
        key,
        status=response.status_code,
        headers={name: response.headers[name] for name in names if name in response.headers},
        body=bytes(response.body).decode(),
        secret=getattr(request.state, "secret", False),
    )


def _again(kept: KeptAnswer) -> Response:
    return Response(kept.body or None, kept.status, {**kept.headers, REPLAYED: "true"})


def document_keys(schema: dict[str, Any], routes: Iterable[BaseRoute], writing: object) -> None:
    """Say in an OpenAPI document which operations take a key (they depend on `writing`), and who has ETags."""
    header = {
        "name": HEADER,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "minLength": 8, "maxLength": 64},
        "description": "A new key for every write. The same request again is answered with what the first was, "
        f"marked `{REPLAYED}: true`, and not done again. Needed with a session cookie.",
    }
    for context, _ in permissions.declared(routes):
        operations = schema["paths"].get(context.path_format, {})
        for method in context.methods or ():
            operation = operations.get(method.lower())
            if operation is None:
                continue
            if method not in SAFE_METHODS and _depends_on(context.dependant, writing):
                operation.setdefault("parameters", []).append(header)
            if "version" in getattr(context.response_model, "model_fields", {}):
                good = next(code for code in operation["responses"] if code.startswith("2"))
                operation["responses"][good]["headers"] = {
                    "ETag": {
                        "description": "the version, for If-Match",
                        "schema": {"type": "string"},
                    }
                }


def _depends_on(dependant: Any, wanted: object) -> bool:
    return any(
        inner.call is wanted or _depends_on(inner, wanted) for inner in dependant.dependencies
    )
