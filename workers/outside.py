"""Asking a server that is not ours: one deadline for the whole answer, a limit to its size, one kind of failure."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from dispatch.core.errors import DispatchError

MOST_BYTES = 64 * 1024 * 1024
AGENT = "gridcrew (field-service dispatch)"


class ServiceAway(DispatchError):
    """A server outside does not answer in time, answers with an error or with nonsense."""

    code = "service_away"
    status = 503


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> Any:
        """The body as JSON; raises ServiceAway when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise ServiceAway(
                f"The server answers {self.status} with something that is no JSON."
            ) from error


def ask(
    method: str,
    url: str,
    *,
    timeout: float,
    content: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The server's answer, whatever its status; `content` is sent as JSON.

    Raises ServiceAway when the whole of it has not come within `timeout` seconds: a server that sends a byte now
    and then holds nobody up. Not to be called where an event loop runs.
    """
    try:
        return asyncio.run(_within(method, url, timeout, content, headers or {}))
    except TimeoutError:
        raise ServiceAway(f"The server has not answered within {timeout:g} s.") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceAway(
            f"The server cannot be reached: {error or type(error).__name__}."
        ) from error


async def _within(
    method: str, url: str, timeout: float, content: Any, headers: Mapping[str, str]
) -> Answer:
    async with (
        asyncio.timeout(timeout),
        httpx.AsyncClient(
            timeout=timeout, headers={"User-Agent": AGENT, **headers}, follow_redirects=False
        ) as client,
        client.stream(method, url, json=content) as answer,
    ):
        body = bytearray()
        async for part in answer.aiter_bytes():
            body += part
            if len(body) > MOST_BYTES:
                raise ServiceAway(f"The server's answer is longer than {MOST_BYTES >> 20} MB.")
        return Answer(answer.status_code, dict(answer.headers), bytes(body))
