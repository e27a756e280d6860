"""Somebody who listens to a feed over HTTP and comes back, as a browser does, with the number of what it had."""

import asyncio
import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI

from api.serving import Server
from tests.system.servers import eventually, free_port


@dataclass(frozen=True, slots=True)
class Heard:
    """One event of a stream, and when it came."""

    id: int | None
    name: str
    data: dict[str, Any]
    at: float


@dataclass
class Ear:
    """Listens at `path`. `status` is what the last request was answered, `times_back` counts the ones after it."""

    port: int
    path: str
    token: str
    last: int | None = None
    remembers: bool = True
    heard: list[Heard] = field(default_factory=list)
    connected: list[float] = field(default_factory=list)
    status: int = 0
    retry_ms: int = 0
    pings: int = 0
    body: bytes = b""

    async def listen(self) -> None:
        """Listen until the line ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(self._request())
            head = await reader.readuntil(b"\r\n\r\n")
            self.status = int(head.split()[1])
            if self.status != 200:
                length = re.search(rb"content-length: (\d+)", head.lower())
                self.body = await reader.readexactly(int(length[1]) if length else 0)
                return
            self.connected.append(time.monotonic())
            await self._read(reader)
        finally:
            writer.close()

    async def stay(self) -> None:
        """Listen for ever: come back when the line ends, after the time that the server asked for."""
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self.listen()
            await asyncio.sleep(self.retry_ms / 1000)

    def changes(self) -> list[Heard]:
        """The changes that it was told of."""
        return [one for one in self.heard if one.name == "message"]

    def kinds(self) -> list[str]:
        """The kinds of the changes that it was told of."""
        return [str(one.data["kind"]) for one in self.changes()]

    def names(self) -> list[str]:
        """The names of all events."""
        return [one.name for one in self.heard]

    def _request(self) -> bytes:
        lines = [
            f"GET {self.path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self.token}",
        ]
        if self.last is not None and self.remembers:
            lines.append(f"Last-Event-ID: {self.last}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        text = b""
        while True:
            size = int(await reader.readuntil(b"\r\n"), 16)
            text += (await reader.readexactly(size + 2))[:-2]
            if not size:
                return
            *whole, text = text.split(b"\n\n")
            for block in whole:
                self._take(block.decode())

    def _take(self, block: str) -> None:
        told = {"event": "message"}
        for line in block.splitlines():
            name, _, value = line.partition(": ")
            told[name] = value
        self.retry_ms = int(told.get("retry", self.retry_ms))
        if "data" not in told:
            self.pings += 1
            return
        number = int(told["id"]) if "id" in told else None
        self.last = self.last if number is None else number
        self.heard.append(Heard(number, told["event"], json.loads(told["data"]), time.monotonic()))


@contextmanager
def serving(app: FastAPI) -> Iterator[tuple[Server, int]]:
    """The app served by our own server in a thread of this process: the server and its port."""
    port = free_port()
    server = Server(app, port=port, log_level="error", lifespan="off")
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started, seconds=60, what="the server")
    try:
        yield server, port
    finally:
        server.should_exit = True
        thread.join()


async def until(holds: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Wait until `holds()`; fail when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it did not come about within {seconds:g} s"
        await asyncio.sleep(0.01)
