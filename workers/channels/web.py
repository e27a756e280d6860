"""Handing messages over by HTTP: one deadline for the whole answer, and what each end of it means."""

import asyncio
import threading
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx

from workers.channels.delivery import Refused, Unclear
from workers.logs import mask
from workers.outside import AGENT

CONNECT_S = 5.0
TOTAL_S = 20.0  # below the lease, so that a slow provider never costs us the task
MOST_BYTES = 1_000_000
IDLE_S = 2.0
"""Below what servers close idle connections after: a request on one that is being closed has no known end."""
LONGEST_WAIT_S = 3600.0

_FIRST = threading.Lock()
"""A cache lets two threads that come first make one each; a client belongs to one loop."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def retry_after(self) -> float | None:
        """After how many seconds the server asks to be tried again, as it says it in seconds or as a date."""
        text = self.headers.get("retry-after", "").strip()
        if text.isdigit():
            return min(float(text), LONGEST_WAIT_S)
        try:
            until = parsedate_to_datetime(text)
            wait = until - parsedate_to_datetime(self.headers["date"])
        except (ValueError, KeyError, TypeError):
            return None
        return min(max(wait.total_seconds(), 0.0), LONGEST_WAIT_S)


def exchange(request: Request) -> Answer:
    """The server's answer, whatever its status.

    Raises Refused (not final) when the request cannot have reached the server, Unclear when it may have.
    """
    with _FIRST:
        loop = _loop()
    return asyncio.run_coroutine_threadsafe(_exchange(request), loop).result()


async def _exchange(request: Request) -> Answer:
    try:
        async with asyncio.timeout(TOTAL_S), _client().stream(
            request.method, request.url, headers=request.headers, content=request.body
        ) as answer:  # fmt: skip
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise Unclear(f"the answer is longer than {MOST_BYTES:,} bytes")
            return Answer(answer.status_code, answer.headers, bytes(body))
    except _NEVER_SENT as error:
        raise Refused(_said(error), final=False, away=True) from error
    except httpx.InvalidURL as error:
        raise Refused(f"the gateway's address is wrong: {error}", final=True) from error
    except (httpx.HTTPError, TimeoutError) as error:
        raise Unclear(_said(error)) from error


def settle(answer: Answer, *, reason: str = "") -> None:
    """Return when the status says that the message was taken; raises Refused or Unclear.

    429 and 503 say "later", and when. After any other 5yz, and after a redirection, nothing is known for certain
    but for 501 and 505. What else is no success will never be one.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    said = f"{status} {reason}".strip()
    if status in (408, 425, 429, 503):
        raise Refused(said, final=False, retry_after=answer.retry_after, away=status == 503)
    if status >= 500 and status not in (501, 505):
        raise Unclear(said)
    raise Refused(said, final=True)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {mask(str(error))}"[:300]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop in a thread of its own: a deadline holds there whatever a server does, byte by byte."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="channels", daemon=True).start()
    return loop


@cache
def _client() -> Any:
    """One client: connections are used again by whoever sends next."""
    return httpx.AsyncClient(
        timeout=httpx.Timeout(TOTAL_S, connect=CONNECT_S),
        limits=httpx.Limits(max_connections=64, keepalive_expiry=IDLE_S),
        headers={"User-Agent": AGENT},
        follow_redirects=False,
        trust_env=False,
    )
