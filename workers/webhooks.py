"""The task webhook.deliver: post one event to one subscriber, and note what it answered.

A subscriber's address is chosen by whoever may add webhooks, so it is called as a stranger's: its name is looked up
once, the addresses found are judged, and the connection goes to one of those and to no other; redirects are not
followed, of the answer only the status is read.
"""

import asyncio
import ipaddress
import random
import socket
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import httpx
import structlog
from sqlmodel import Session, select

from dispatch.core.config import Settings
from dispatch.core.db import transaction
from dispatch.core.tables import Task
from dispatch.core.tasks import Lease
from dispatch.webhooks import addresses, deliveries
from dispatch.webhooks.deliveries import Outgoing, Resting
from dispatch.webhooks.tables import DeliveryStatus
from workers.execution import Postponed, TransientFailure, Work
from workers.outside import AGENT

logger = structlog.get_logger(__name__)

CONNECT_S, TOTAL_S = 5.0, 15.0
"""Seconds to reach a subscriber, and for its whole answer; less than a lease."""
AT_ONCE = 2
"""Deliveries that a process makes at a time, each to another subscriber: slow ones leave threads for other work."""
LATER_S = (1.0, 4.0)
"""Between these many seconds later a delivery comes back that found no room."""
LONGEST_PAUSE = timedelta(hours=1)
"""More than that a subscriber does not get by `Retry-After`."""

_busy: set[str] = set()
"""The subscribers that this process is posting to."""
_looking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a subscriber said: a status, or `error` when nothing came. `pause` is what it asked for."""

    code: int | None
    error: str = ""
    pause: timedelta | None = None

    @property
    def is_good(self) -> bool:
        """Whether it took the event."""
        return self.code is not None and 200 <= self.code < 300


class NotAllowed(Exception):
    """The subscriber's name stands for an address that is not called."""


def deliver(work: Work) -> None:
    """Post the event unless the subscriber rests or is disabled; tried again by the ladder of tasks."""
    webhook_id = str(work.payload["webhook_id"])
    with _looking:
        has_room = len(_busy) < AT_ONCE and webhook_id not in _busy
        if has_room:
            _busy.add(webhook_id)
    if not has_room:
        raise Postponed(_now(work) + _chance(*LATER_S))
    try:
        _deliver(work)
    finally:
        with _looking:
            _busy.discard(webhook_id)


def _deliver(work: Work) -> None:
    number, settings = int(work.payload["delivery_id"]), work.settings
    with transaction(work.database) as session:
        step = deliveries.begin(
            session,
            delivery_id=number,
            key=settings.key,
            source=settings.base_url,
            now=work.clock(session),
        )
        if step is None:
            work.finish(session)
    if step is None:
        return
    if isinstance(step, Resting):
        raise Postponed(step.until + _chance(0.0, 1.0))
    answer = post(step, settings)
    if answer.is_good:
        assert answer.code is not None, "a good answer has a status"
        with transaction(work.database) as session:
            work.finish(session)  # first: who has lost the lease has no say
            deliveries.succeed(
                session, delivery_id=number, code=answer.code, now=work.clock(session)
            )
        return
    with transaction(work.database) as session:
        work.hold(session)
        final = _is_last_attempt(session, work.lease)
        status = deliveries.fail(
            session,
            delivery_id=number,
            code=answer.code,
            error=answer.error,
            final=final,
            pause=answer.pause,
            now=work.clock(session),
        )
        if status is not DeliveryStatus.WAITING:
            work.finish(session)
    if status is DeliveryStatus.WAITING:
        raise TransientFailure(answer.error)


def post(outgoing: Outgoing, settings: Settings) -> Answer:
    """Post to a subscriber and give its answer, whatever happens; not to be called where an event loop runs."""
    try:
        return asyncio.run(_posted(outgoing, settings))
    except NotAllowed as refused:
        return Answer(None, str(refused))
    except TimeoutError:
        return Answer(None, f"no answer within {TOTAL_S:g} s")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return Answer(None, type(error).__name__)


async def _posted(outgoing: Outgoing, settings: Settings) -> Answer:
    async with asyncio.timeout(TOTAL_S):
        url = httpx.URL(outgoing.url)
        address = await _address(outgoing.url, settings)
        # The judged address is dialled; the name is what the certificate and the Host header are about.
        pinned = url.copy_with(host=address)
        headers = {"host": url.netloc.decode(), "user-agent": AGENT, **outgoing.headers}
        async with (
            httpx.AsyncClient(
                timeout=httpx.Timeout(TOTAL_S, connect=CONNECT_S),
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream(
                "POST",
                pinned,
                content=outgoing.body.encode(),
                headers=headers,
                extensions={"sni_hostname": url.host},
            ) as answer,
        ):
            code = answer.status_code
            error = "" if answer.is_success else f"answered {code}"
            return Answer(code, error, _pause(answer.headers.get("retry-after")))


async def _address(url: str, settings: Settings) -> str:
    """The address to dial; raises NotAllowed when the name stands for one that is not called."""
    parts = urlsplit(url)
    allowed = addresses.networks(settings.webhook_networks)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    dialled = [ipaddress.ip_address(str(row[4][0]).partition("%")[0]) for row in found]
    if not dialled or not all(addresses.is_allowed(one, allowed) for one in dialled):
        raise NotAllowed("its name stands for an address that webhooks do not call")
    if parts.scheme != "https" and not all(one.is_loopback for one in dialled):
        raise NotAllowed("only https goes out of this machine")
    return str(dialled[0])


def _pause(text: str | None) -> timedelta | None:
    if text is None or not text.strip().isdigit():
        return None
    return min(timedelta(seconds=int(text.strip()[:9])), LONGEST_PAUSE)


def _is_last_attempt(session: Session, lease: Lease) -> bool:
    limit = session.exec(select(Task.max_attempts).where(Task.id == lease.task_id)).one()
    return lease.attempt >= limit


def _now(work: Work) -> datetime:
    with work.database.reading() as session:
        return work.clock(session)


def _chance(least: float, most: float) -> timedelta:
    return timedelta(seconds=random.uniform(least, most))  # noqa: S311 - spreads load, guards nothing
