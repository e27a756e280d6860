"""Where providers call back: what became of messages, and what customers write back."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, status
from fastapi.responses import JSONResponse
from sqlmodel import Session

from api.deps import Now, TheSettings, Writing, public, state_of
from api.repeats import Route
from api.schemas.contact import CallbackOut
from dispatch.contact import callbacks
from dispatch.core.config import Settings
from dispatch.core.errors import NotFoundError
from workers.channels.inbound import read_callback
from workers.channels.registry import gateways_of, installed

router = APIRouter(route_class=Route, tags=["contact"])

Provider = Annotated[str, Path(min_length=1, max_length=32)]
Secret = Annotated[
    str, Path(min_length=1, max_length=100, description="what only the provider was given")
]


class NoSuchProvider(NotFoundError):
    """No gateway of this installation has this name."""

    code = "no_such_provider"


@router.post(
    "/callbacks/{provider}",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=CallbackOut,
    dependencies=[public("the provider's signature over the body is the proof, checked first")],
)
def call_back(
    provider: Provider, request: Request, session: Writing, settings: TheSettings, moment: Now
) -> CallbackOut | JSONResponse:
    """Take a callback; told again, or of a message that nobody knows, it is taken and changes nothing."""
    return _take(provider, "", request, session, settings, moment)


@router.post(
    "/callbacks/{provider}/{secret}",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=CallbackOut,
    dependencies=[public("the secret in the address is the proof, checked first")],
)
def call_back_unsigned(
    provider: Provider,
    secret: Secret,
    request: Request,
    session: Writing,
    settings: TheSettings,
    moment: Now,
) -> CallbackOut | JSONResponse:
    """Take a callback of a provider that signs none: it has the secret that only the provider was given."""
    return _take(provider, secret, request, session, settings, moment)


def _take(
    provider: str,
    secret: str,
    request: Request,
    session: Session,
    settings: Settings,
    now: datetime,
) -> CallbackOut | JSONResponse:
    """What came of the callback, or what its provider wants to hear."""
    gateway = gateways_of(settings).get(provider)
    if gateway is None:
        raise NoSuchProvider(f"No gateway is called {provider}.", field="provider")
    told = read_callback(
        gateway,
        url=f"{settings.base_url}{request.url.path}"
        + (f"?{request.url.query}" if request.url.query else ""),
        headers=request.headers,
        body=request.state.body,
        in_path=secret,
        now=now,
    )
    outcomes = [
        callbacks.take(
            session, provider=provider, callback=callback, channels=installed(settings), now=now
        )
        for callback in told
    ]
    for outcome in outcomes:
        state_of(request).metrics.callback(provider, outcome.value)
    if gateway.callback is not None and gateway.callback.answer:
        return JSONResponse(gateway.callback.answer)
    return CallbackOut(outcomes=outcomes)
