"""Signing in and out."""

from fastapi import APIRouter, Request, Response, status

from api import permissions, security
from api.deps import (
    Now,
    TheDatabase,
    TheSettings,
    TheState,
    Who,
    Writing,
    database_of,
    public,
    requires,
    settings_of,
    state_of,
)
from api.deps import now as moment_of
from api.repeats import Route
from api.schemas.accounts import AccountOut, LinkLogin, Login, Me, NewPassword, SessionOut
from dispatch.core.db import transaction
from dispatch.core.errors import DispatchError
from dispatch.registry import accounts
from dispatch.registry.accounts import SignedIn

router = APIRouter(route_class=Route, tags=["sessions"])


@router.post(
    "/sessions",
    status_code=status.HTTP_201_CREATED,
    dependencies=[public("this is how one signs in; tries are limited")],
)
def sign_in(body: Login, request: Request, response: Response) -> SessionOut:
    """Sign in by login and password: a cookie for browsers, or a bearer token."""
    state, moment = state_of(request), moment_of(request)
    state.tries.count(_address(request), now=moment)
    with transaction(state.database) as session:  # commits a bad try too, so that it counts
        found = accounts.sign_in(session, login=body.login, password=body.password, now=moment)
    if isinstance(found, DispatchError):
        raise found
    return _welcome(found, response, request, use=body.use)


@router.post(
    "/sessions/link",
    status_code=status.HTTP_201_CREATED,
    dependencies=[public("the one-time token is the proof; tries are limited")],
)
def sign_in_by_link(body: LinkLogin, request: Request, response: Response) -> SessionOut:
    """Sign in by a one-time link, such as the one `gridcrew up` prints."""
    moment = moment_of(request)
    state_of(request).tries.count(_address(request), now=moment)
    with transaction(database_of(request)) as session:
        found = accounts.sign_in_by_link(session, token=body.token, now=moment)
    return _welcome(found, response, request, use=body.use)


@router.delete(
    "/sessions/current",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[requires("self:read")],
)
def sign_out(session: Writing, caller: Who, response: Response, settings: TheSettings) -> None:
    """End this sign-in."""
    accounts.sign_out(session, token=caller.token)
    security.clear_cookie(response, settings)


@router.get("/me", dependencies=[requires("self:read")])
def me(caller: Who) -> Me:
    """Who is signed in, and what they may do."""
    return Me(
        account=AccountOut.of(caller.account),
        permissions=sorted(permissions.PERMISSIONS[caller.account.role]),
    )


@router.put("/me/password", dependencies=[requires("self:read")])
def set_password(
    body: NewPassword,
    caller: Who,
    database: TheDatabase,
    state: TheState,
    request: Request,
    moment: Now,
) -> AccountOut:
    """Change one's own password; every other sign-in of the account ends."""
    if caller.account.password_hash is not None:
        state.tries.count(_address(request), now=moment)
        with transaction(database) as session:
            proof = accounts.sign_in(
                session, login=caller.account.login, password=body.current or "", now=moment
            )
            if isinstance(proof, SignedIn):
                accounts.sign_out(session, token=proof.token)
        if isinstance(proof, DispatchError):
            raise proof
    with transaction(database) as session:
        account = accounts.set_password(
            session,
            account_id=caller.account.id,
            password=body.new,
            actor=caller.actor,
            now=moment,
            keep_token=caller.token,
        )
        return AccountOut.of(account)


def _welcome(found: SignedIn, response: Response, request: Request, *, use: str) -> SessionOut:
    if use == "cookie":
        security.set_cookie(response, settings_of(request), found.token)
    return SessionOut(
        account=AccountOut.of(found.account),
        expires_at=found.expires_at,
        token=found.token if use == "token" else None,
    )


def _address(request: Request) -> str:
    # X-Forwarded-For is anybody's to write; the server resolves it for trusted proxies only.
    return request.client.host if request.client else "unknown"
