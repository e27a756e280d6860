"""One listener's stream of server-sent events, from its first byte to its end."""

import json
import random
from collections.abc import Callable
from typing import Any

import anyio
from anyio.to_thread import run_sync
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api.feed import REPLAYED, Feed, Listener

PING_S = 15.0
RECHECK_S = 60.0
RETRY_MS = (1000, 4000)
"""After how long a browser comes back, so that not all of them do at once."""
FAREWELL_S = 1.0


class EventStream(Response):
    """What `listener` is told until it leaves, falls behind or may not listen any more.

    `after` is the last event that it had; `refused` asks, once a minute, why it may not listen any more.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        feed: Feed,
        listener: Listener,
        *,
        after: int | None,
        refused: Callable[[], str | None],
    ) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._feed, self._listener, self._after, self._refused = feed, listener, after, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; raises what `Feed.join` does before anything is sent."""
        joined = await self._feed.join(self._listener)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with anyio.create_task_group() as group:
                self._listener.end = group.cancel_scope.cancel
                if not (self._feed.is_closing or self._listener.is_behind):
                    group.start_soon(_until_gone, receive, self._listener.end)
                    group.start_soon(self._watch, send)
                    await self._tell(send, joined)
            await self._end(scope, send)
        finally:
            self._feed.leave(self._listener)

    async def _tell(self, send: Send, joined: int) -> None:
        retry = random.randint(*RETRY_MS)  # noqa: S311 - spreads load, guards nothing
        await send(_body(f"retry: {retry}\n".encode() + _event("ready", {}, joined)))
        await self._replay(send, joined)
        queue = self._listener.queue
        while True:
            frames = [b": ping\n\n"]
            with anyio.move_on_after(PING_S):
                frames = [await queue.get()]
            while not queue.empty():
                frames.append(queue.get_nowait())
            await send(_body(b"".join(frames)))

    async def _replay(self, send: Send, joined: int) -> None:
        """Tell what came after `after`; what comes meanwhile waits in the queue."""
        after = joined if self._after is None else self._after
        if after > joined and after <= await self._feed.newest():
            self._listener.after = (
                after  # told by another process, whose reader is ahead of this one's
            )
            return
        if (
            not joined - REPLAYED <= after <= joined
        ):  # too much, or of another database: an older backup's
            await send(_body(_event("reset", {}, joined)))
            return
        while after < joined:
            told, after = await self._feed.missed(after=after, until=joined)
            frames = [one.frame for one in told if self._listener.concerns(one.change)]
            if frames:
                await send(_body(b"".join(frames)))

    async def _watch(self, send: Send) -> None:
        """Look once a minute whether the listener still may; tell it when not, and end."""
        while True:
            await anyio.sleep(RECHECK_S * random.uniform(0.9, 1.0))  # noqa: S311 - spreads load
            code = await run_sync(self._refused)
            if code is not None:
                with anyio.move_on_after(FAREWELL_S):
                    await send(_body(_event("end", {"code": code})))
                self._listener.end()

    async def _end(self, scope: Scope, send: Send) -> None:
        """Close the answer; a client that takes nothing is cut off, so that nothing of it stays."""
        if not self._listener.is_behind:
            with anyio.move_on_after(FAREWELL_S) as limit:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            if not limit.cancelled_caught:
                return
        abort = scope.get("state", {}).get("abort")
        if abort is not None:
            abort()


async def _until_gone(receive: Receive, end: Callable[[], object]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    end()


def _body(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}


def _event(name: str, about: dict[str, Any], position: int | None = None) -> bytes:
    number = "" if position is None else f"id: {position}\n"
    return f"{number}event: {name}\ndata: {json.dumps(about)}\n\n".encode()
