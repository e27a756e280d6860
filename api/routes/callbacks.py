"""Where providers call back: what became of messages, and what customers write back."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, status

from api.deps import Now, TheSettings, Writing, public, state_of
from api.repeats import Route
from api.schemas.contact import CallbackOut
from dispatch.contact import callbacks
from dispatch.core.errors import NotFoundError
from workers.channels.inbound import read_callback
from workers.channels.registry import gateways_of, installed

router = APIRouter(route_class=Route, tags=["contact"])

Provider = Annotated[str, Path(min_length=1, max_length=32)]


class NoSuchProvider(NotFoundError):
    """No gateway of this installation has this name."""

    code = "no_such_provider"


@router.post(
    "/callbacks/{provider}",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[public("the provider's signature over the body is the proof, checked first")],
)
def call_back(
    provider: Provider, request: Request, session: Writing, settings: TheSettings, moment: Now
) -> CallbackOut:
    """Take a callback; told again, or of a message that nobody knows, it is taken and changes nothing."""
    gateway = gateways_of(settings).get(provider)
    if gateway is None:
        raise NoSuchProvider(f"No gateway is called {provider}.", field="provider")
    told = read_callback(
        gateway,
        url=f"{settings.base_url}{request.url.path}"
        + (f"?{request.url.query}" if request.url.query else ""),
        headers=request.headers,
        body=request.state.body,
        now=moment,
    )
    outcomes = [
        callbacks.take(
            session, provider=provider, callback=callback, channels=installed(settings), now=moment
        )
        for callback in told
    ]
    for outcome in outcomes:
        state_of(request).metrics.callback(provider, outcome.value)
    return CallbackOut(outcomes=outcomes)
