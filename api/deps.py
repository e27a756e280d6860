"""What routes are given: the caller, the moment, the settings, and one transaction per request."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, cast

from fastapi import Depends, Header, Query, Request
from sqlmodel import Session

from api import permissions, repeats
from api.permissions import Public
from api.security import SAFE_METHODS, ForeignOrigin, cookie_name, origin_verdict
from api.state import State
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.errors import DispatchError, InvalidError
from dispatch.core.events import Actor
from dispatch.core.pages import MAX_PAGE
from dispatch.planning.engine import Engine
from dispatch.registry import accounts
from dispatch.registry.crews import NoSuchCrew
from dispatch.registry.tables import Account, Role

TOUCH = timedelta(minutes=1)


class NotSignedIn(DispatchError):
    """Nobody is signed in, or the sign-in has run out."""

    code = "not_signed_in"
    status = 401


class BadVersion(InvalidError):
    """The version in If-Match is none, or differs from the body's."""

    code = "bad_version"


class VersionMissing(DispatchError):
    """A page changes a row without saying which version of it was shown."""

    code = "version_missing"
    status = 428


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking."""

    account: Account
    token: str
    by_cookie: bool

    @property
    def actor(self) -> Actor:
        """The caller as events name it: a crew's account acts as the person who holds it."""
        return Actor(self.account.id, self.account.role.value)

    def may(self, permission: str) -> bool:
        """Whether the caller's role has the permission."""
        return permissions.may(self.account.role, permission)


def state_of(request: Request) -> State:
    """What the app was made with."""
    return cast("State", request.app.state.gridcrew)


def now(request: Request) -> datetime:
    """The moment of this request, the same for all of it."""
    moment = getattr(request.state, "now", None)
    if moment is None:
        moment = request.state.now = state_of(request).clock()
    return cast("datetime", moment)


def settings_of(request: Request) -> Settings:
    """The installation's settings."""
    return state_of(request).settings


def engine_of(request: Request) -> Engine:
    """What answers small planning questions."""
    return state_of(request).engine


def database_of(request: Request) -> Database:
    """The installation's database."""
    return state_of(request).database


def reading(request: Request) -> Iterator[Session]:
    """A consistent view for a request that changes nothing."""
    with state_of(request).database.reading() as session:
        yield session


def token_of(request: Request, settings: Settings) -> tuple[str | None, bool]:
    """The session token and whether it came by cookie; a bearer token wins."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip(), False
    return request.cookies.get(cookie_name(settings)), True


def caller_or_none(request: Request) -> Caller | None:
    """Who is asking, None when nobody is signed in; notes at most once a minute that they are there."""
    state, moment = state_of(request), now(request)
    token, by_cookie = token_of(request, state.settings)
    if not token:
        return None
    mark = hashlib.sha256(token.encode()).hexdigest()
    noted = state.noted.get(mark)
    if noted is not None and timedelta(0) <= moment - noted < TOUCH:
        with state.database.reading() as session:
            account = accounts.who(session, token=token, now=moment, touch=False)
    else:
        with transaction(state.database) as session:
            account = accounts.who(session, token=token, now=moment)
        if account is not None:
            state.note(mark, moment)
    return Caller(account, token, by_cookie) if account else None


async def in_turn(
    request: Request, caller: Annotated[Caller | None, Depends(caller_or_none)]
) -> AsyncIterator[None]:
    """Of one person's requests with one `Idempotency-Key`, one at a time."""
    if caller is None:
        yield
        return
    async with repeats.alone(request, state_of(request).turns, actor=caller.account.id):
        yield


def writing(
    request: Request,
    caller: Annotated[Caller | None, Depends(caller_or_none)],
    _turn: Annotated[None, Depends(in_turn, scope="function")],
) -> Iterator[Session]:
    """The request's one transaction: committed when the route has returned, before the answer leaves.

    What an `Idempotency-Key` stands for is claimed and kept in it; see `api.repeats`.
    """
    state = state_of(request)
    if caller is not None and caller.by_cookie:
        repeats.refuse_without_key(request)
    with transaction(state.database) as session:
        if caller is not None:
            crew = caller.account.role is Role.CREW
            repeats.begin(
                request,
                session,
                actor=caller.account.id,
                key=state.settings.key,
                now=now(request),
                kept=repeats.KEPT_FOR_CREWS if crew else repeats.KEPT,
            )
        yield session


def acting(request: Request) -> Iterator[Session]:
    """The one transaction of a form that a customer sends: who is signed in beside it plays no part."""
    with transaction(state_of(request).database) as session:
        yield session


async def sent(request: Request) -> dict[str, str]:
    """The fields of a form, texts only; an empty one without a body."""
    form = await request.form(max_files=0, max_fields=40)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def signed_in(
    request: Request, caller: Annotated[Caller | None, Depends(caller_or_none)]
) -> Caller:
    """Who is asking; raises NotSignedIn, and ForeignOrigin for a change that no page of ours sent."""
    if caller is None:
        raise NotSignedIn("Sign in first: your session is missing or has run out.")
    if caller.by_cookie and request.method not in SAFE_METHODS:
        verdict = origin_verdict(
            request.headers, scheme=request.url.scheme, settings=settings_of(request)
        )
        if not verdict:
            raise ForeignOrigin(
                "A change with a session cookie must come from our own pages (Origin or Sec-Fetch-Site). "
                "Programs send the token as Authorization: Bearer instead."
            )
    return caller


class Requires:
    """The permission that a route needs; `permissions.declared` finds it on the route."""

    def __init__(self, permission: str) -> None:
        self.permission = permission

    def __call__(self, caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
        """Let the caller pass, or raise NotAllowed."""
        permissions.check(caller.account.role, self.permission)
        return caller


def requires(permission: str) -> Any:
    """Declare the permission of a route: `dependencies=[requires("plan:publish")]`."""
    return Depends(Requires(permission))


def public(why: str) -> Any:
    """Declare that a route needs no permission, and why that is safe."""
    return Depends(Public(why))


def own_crew(crew_id: str, caller: Annotated[Caller, Depends(signed_in)]) -> str:
    """The crew of the path; for another crew's people it does not exist."""
    refuse_other_crews(caller, crew_id)
    return crew_id


def refuse_other_crews(caller: Caller, crew_id: str | None) -> None:
    """Raise NoSuchCrew when a crew's account asks for another crew's things."""
    if caller.account.role is Role.CREW and caller.account.crew_id != crew_id:
        raise NoSuchCrew(f"There is no crew {crew_id}.", field="crew_id")


@dataclass(frozen=True, slots=True)
class Seen:
    """The version that the caller saw, as far as the header tells."""

    version: int | None
    is_needed: bool

    def of(self, body: int | None = None) -> int | None:
        """The version seen, by header or body; None means any.

        Raises BadVersion when both are given and differ, VersionMissing when a page tells none.
        """
        if self.version is not None and body is not None and self.version != body:
            raise BadVersion("If-Match and the body name different versions.", field="version")
        if self.is_needed and self.version is None and body is None:
            raise VersionMissing(
                'Say which version you saw, by the header If-Match: "3" or where the body has it as `version`.',
                field="If-Match",
            )
        return body if self.version is None else self.version


def seen_version(
    caller: Annotated[Caller | None, Depends(caller_or_none)],
    if_match: Annotated[str | None, Header(max_length=40)] = None,
) -> Seen:
    """The version that the caller saw, from `If-Match: "3"`; `*` means any. A page of ours must tell it."""
    text = (if_match or "").strip()
    if text in {"", "*"}:
        return Seen(None, is_needed=not text and caller is not None and caller.by_cookie)
    text = text.removeprefix("W/").strip('"')
    if not text.isdigit():
        raise BadVersion('If-Match holds a version, as in If-Match: "3".', field="If-Match")
    return Seen(int(text), is_needed=False)


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a page begins and how many rows it holds."""

    cursor: str | None
    limit: int


def paging(
    cursor: Annotated[
        str | None, Query(max_length=200, description="`next` of the page before")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
) -> Paging:
    """The page that is asked for."""
    return Paging(cursor, limit)


Now = Annotated[datetime, Depends(now)]
Writing = Annotated[Session, Depends(writing, scope="function")]
Acting = Annotated[Session, Depends(acting, scope="function")]
Sent = Annotated[dict[str, str], Depends(sent)]
Reading = Annotated[Session, Depends(reading, scope="function")]
Who = Annotated[Caller, Depends(signed_in)]
Maybe = Annotated[Caller | None, Depends(caller_or_none)]
TheSettings = Annotated[Settings, Depends(settings_of)]
TheDatabase = Annotated[Database, Depends(database_of)]
TheEngine = Annotated[Engine, Depends(engine_of)]
TheState = Annotated[State, Depends(state_of)]
OwnCrew = Annotated[str, Depends(own_crew)]
IfMatch = Annotated[Seen, Depends(seen_version)]
Pages = Annotated[Paging, Depends(paging)]
