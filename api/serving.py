"""The server: uvicorn, with streams that end when it stops and connections that show when nobody reads."""

import asyncio
import socket
import struct
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

UNSENT = 16 * 1024
"""Bytes that may wait for a client, in the kernel and again in the process, before its writer waits too."""


class Protocol(H11Protocol):
    """A connection that keeps little for a client that takes nothing, and can be cut off by what answers it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Limit what waits for the client; `scope["state"]["abort"]` cuts it off."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=UNSENT)
        own: socket.socket | None = transport.get_extra_info("socket")
        option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
        if option is not None and own is not None and own.family != getattr(socket, "AF_UNIX", -1):
            own.setsockopt(socket.IPPROTO_TCP, option, UNSENT)
        self.app_state = {**self.app_state, "abort": partial(_cut_off, transport, own)}


def _cut_off(transport: asyncio.Transport, own: socket.socket | None) -> None:
    """End a connection at once: without lingering the kernel would keep what the client does not take."""
    if own is not None:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Server(uvicorn.Server):
    """A server that ends its streams first when it is told to stop: they would not end by themselves."""

    def __init__(self, app: FastAPI, **options: Any) -> None:
        super().__init__(
            uvicorn.Config(app, http=Protocol, timeout_graceful_shutdown=10, **options)
        )
        self._feed = app.state.gridcrew.feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then stop; requests in flight get ten seconds."""
        self._feed.close()
        await super().shutdown(sockets)
