"""The live feed: one reader in each process follows the sealed events and tells everybody who listens.

Whoever listens has a queue of `QUEUE` changes. Who does not take them is disconnected and comes back with the
number of the last one it had, so that a slow reader costs neither memory nor the others' time.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import anyio
import structlog
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError

from dispatch.core import events, trail
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.errors import DispatchError
from dispatch.insight import changes
from dispatch.insight.changes import Change

log = structlog.get_logger("gridcrew.feed")

PERIOD_S = 0.2
"""How often the reader looks for what other processes wrote; what this one wrote wakes it at once."""
QUEUE = 256
TAKING_S = 0.005
"""The pause after each piece of much that happened at once, in which listeners take it."""
PER_PERSON = 5
IN_ALL = 300
REPLAYED = 5000
"""Changes that are told again at most; who missed more is told to load everything anew."""
REST_S = 1.0


class TooManyFeeds(DispatchError):
    """The person listens in as many windows as one may."""

    code = "too_many_feeds"
    status = 429


class FeedFull(DispatchError):
    """As many listen as one process tells."""

    code = "feed_full"
    status = 503


@dataclass(frozen=True, slots=True)
class Told:
    """A change and how it is written to whoever listens."""

    change: Change
    frame: bytes


@dataclass(eq=False)
class Listener:
    """Somebody who listens: whose it is, what concerns it, and what it has not been told yet."""

    account_id: str
    concerns: Callable[[Change], bool]
    after: int = sys.maxsize
    """What it knows already: everything, until it has joined."""
    queue: "asyncio.Queue[bytes]" = field(default_factory=lambda: asyncio.Queue(QUEUE))
    is_behind: bool = False
    end: Callable[[], object] = lambda: None

    def tell(self, told: Told) -> None:
        """Put a change into the queue; a queue that is full ends the listener."""
        if self.is_behind or told.change.position <= self.after or not self.concerns(told.change):
            return
        try:
            self.queue.put_nowait(told.frame)
        except asyncio.QueueFull:
            self.is_behind = True
            self.end()


class Feed:
    """Who listens in this process, and the reader that they share; it follows only while somebody listens."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._listeners: set[Listener] = set()
        self._reader: asyncio.Task[None] | None = None
        self._position = 0
        self._wake: asyncio.Event | None = None
        self._replays: anyio.CapacityLimiter | None = None
        self.is_closing = False

    async def join(self, listener: Listener) -> int:
        """Let `listener` hear what happens from now on; the position that this is after.

        Raises TooManyFeeds and FeedFull, and DatabaseAway when nobody can say where to begin.
        """
        self._admit(listener.account_id)
        self._listeners.add(listener)  # counts while the position is asked for
        try:
            if self._reader is None:
                position = await run_sync(self._top)
                if self._reader is None:
                    self._position, self._wake = position, asyncio.Event()
                    self._replays = anyio.CapacityLimiter(2)
                    self._reader = asyncio.create_task(self._follow_safely())
        except BaseException:
            self._listeners.discard(listener)
            raise
        listener.after = self._position
        return self._position

    def leave(self, listener: Listener) -> None:
        """Tell `listener` nothing any more."""
        self._listeners.discard(listener)

    def wake(self) -> None:
        """Something may have been written: look now."""
        if self._wake is not None:
            self._wake.set()

    def close(self) -> None:
        """End every listener: the process stops."""
        self.is_closing = True
        for listener in list(self._listeners):
            listener.end()
        self.wake()

    async def missed(self, *, after: int, until: int) -> tuple[list[Told], int]:
        """Some of the changes after one position up to another; and up to where they go.

        Two are read at a time, so that a storm of listeners that come back leaves room for everybody else.
        """
        return await run_sync(partial(self._read, after, until), limiter=self._replays)

    async def newest(self) -> int:
        """The position of the last event that is sealed."""
        return await run_sync(self._top, limiter=self._replays)

    def _admit(self, account_id: str) -> None:
        if sum(other.account_id == account_id for other in self._listeners) >= PER_PERSON:
            raise TooManyFeeds(
                f"You have the board open in {PER_PERSON} windows that listen for changes. Close one of them.",
                retry_after=30,
                limit=PER_PERSON,
            )
        if self.is_closing or len(self._listeners) >= IN_ALL:
            raise FeedFull(
                f"{IN_ALL} windows listen for changes already. Try again shortly; the pages work without.",
                retry_after=10,
                limit=IN_ALL,
            )

    async def _follow_safely(self) -> None:
        """Follow; after what nobody expected everybody comes back, and with them a new reader."""
        try:
            await self._follow()
        except Exception:
            log.exception("feed.failed")
        finally:
            self._reader = None
            for listener in list(self._listeners):
                listener.end()

    async def _follow(self) -> None:
        only_one = anyio.CapacityLimiter(1)
        assert self._wake is not None
        while self._listeners and not self.is_closing:
            self._wake.clear()
            begun = self._position
            try:
                told, reached = await run_sync(self._look, begun, limiter=only_one)
            except (DispatchError, SQLAlchemyError) as error:
                log.warning("feed.away", error=type(error).__name__)
                await asyncio.sleep(REST_S)
                continue
            await self._tell(told)
            went_on, self._position = reached > begun, reached
            if not went_on:
                with anyio.move_on_after(PERIOD_S):
                    await self._wake.wait()

    async def _tell(self, told: list[Told]) -> None:
        """Tell everybody; of much at once, such as a publication, in pieces that every queue has room for."""
        most = QUEUE // 4
        for begin in range(0, len(told), most):
            piece = told[begin : begin + most]
            for listener in list(self._listeners):
                for one in piece:
                    listener.tell(one)
            self._position = piece[
                -1
            ].change.position  # who joins during the pause missed this piece
            await asyncio.sleep(TAKING_S)

    def _look(self, after: int) -> tuple[list[Told], int]:
        """What was sealed after a position; what nobody has sealed yet is sealed now, not within a second."""
        with self._database.reading() as session:
            unsealed = changes.waiting(session)
        if unsealed:
            events.seal(self._database, self._settings.key)
        return self._read(after, None)

    def _read(self, after: int, until: int | None) -> tuple[list[Told], int]:
        with self._database.reading() as session:
            found, reached = changes.since(session, after=after, until=until)
        return [Told(change, written(change)) for change in found], reached

    def _top(self) -> int:
        with self._database.reading() as session:
            return trail.top(session)


def written(change: Change) -> bytes:
    """The change as a server-sent event."""
    about = {
        "subject": change.subject,
        "id": change.subject_id,
        "kind": change.kind,
        "status": change.status,
        "version": change.version,
        "day": change.day.isoformat() if change.day else None,
        "crews": sorted(change.crews),
        "at": change.at.isoformat(),
    }
    return f"id: {change.position}\ndata: {json.dumps(about, separators=(',', ':'))}\n\n".encode()
