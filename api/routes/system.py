"""Is it alive, is it ready, what does it measure."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse

from api import permissions
from api.deps import Caller, NotSignedIn, Now, Reading, TheState, caller_or_none, public
from api.schemas.system import Health, Readiness
from dispatch.core import tasks

router = APIRouter(tags=["system"])

LOOPBACK = frozenset({"127.0.0.1", "::1", "testclient"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


class MetricsReader:
    """Lets this machine's own programs read the figures, and people with the permission."""

    permission = "metrics:read"

    def __call__(
        self, request: Request, caller: Annotated[Caller | None, Depends(caller_or_none)]
    ) -> None:
        """Let the request pass, or raise NotSignedIn or NotAllowed."""
        if caller is not None:
            permissions.check(caller.account.role, self.permission)
            return
        # Behind a proxy on this machine everybody seems local: a forwarded request is not.
        local = request.client is not None and request.client.host in LOOPBACK
        if not local or any(name in request.headers for name in _FORWARDED):
            raise NotSignedIn("Sign in first, or read the metrics from this machine itself.")


@router.get("/healthz", dependencies=[public("says only that the process answers")])
def health() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", dependencies=[public("says only whether the database answers")])
def ready(session: Reading, moment: Now) -> Readiness:
    """The database answers; otherwise a 503 problem. Redis is not needed to take work in."""
    return Readiness(
        status="ready", oldest_due_task_s=tasks.oldest_due_seconds(session, now=moment)
    )


@router.get("/metrics", dependencies=[Depends(MetricsReader())], response_class=PlainTextResponse)
def metrics(session: Reading, moment: Now, state: TheState) -> PlainTextResponse:
    """Prometheus' text format; for this machine, or with the permission."""
    return PlainTextResponse(
        state.metrics.text(session, now=moment),
        media_type="text/plain; version=0.0.4; charset=utf-8",
    )
