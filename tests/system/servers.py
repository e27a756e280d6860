"""Real servers for tests: Redis, a mail server, processes; each started for a test and ended with it."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from dispatch.core.config import Settings
from workers import child, redis_server


def eventually(holds: Callable[[], bool], *, seconds: float = 30.0, what: str = "it") -> None:
    """Wait until `holds()`; fail when it does not within `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"{what} did not come about within {seconds:g} s"
        time.sleep(0.03)


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(slots=True)
class Redis:
    """A Redis of this test's own, in the settings' data directory."""

    settings: Settings
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        argv = child.command(redis_server.prepare(self.settings))
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, start_new_session=True)
        assert redis_server.wait_ready(self.settings), "Redis did not start"

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def flush_all(self) -> None:
        """Forget everything."""
        client = redis_server.connect(self.settings.redis, patience=2)
        client.flushall()
        client.close()


@contextmanager
def redis_running(settings: Settings) -> Iterator[Redis]:
    """A Redis that is there for the block."""
    redis = Redis(settings)
    redis.start()
    try:
        yield redis
    finally:
        redis.kill()


@contextmanager
def process(
    argv: Sequence[str], *, env: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of ours with this environment; it is killed at the end if it still runs."""
    with log.open("ab") as output:
        running = subprocess.Popen(
            child.command(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            start_new_session=True,
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The variables that give a process these settings."""
    gateway = settings.email_gateway
    return {
        **({"GRIDCREW_EMAIL_GATEWAY": str(gateway)} if gateway else {}),
        "GRIDCREW_DATA_DIR": str(settings.data_dir),
        "GRIDCREW_DATABASE_URL": settings.database_url,
        "GRIDCREW_REDIS_URL": settings.redis_url,
        "GRIDCREW_SMTP_URL": settings.smtp_url,
        "GRIDCREW_WEBHOOK_NETWORKS": settings.webhook_networks,
        "GRIDCREW_SECRET_KEY": settings.secret_key.get_secret_value(),
        **more,
    }


def python(*arguments: str) -> list[str]:
    """The command of a Python process like this one."""
    return [sys.executable, *arguments]


@dataclass(slots=True)
class MailServer:
    """A real mail server that keeps what it accepted. `answer` decides what a message gets; None accepts."""

    host: str = "127.0.0.1"
    port: int = 0
    accepted: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    answer: "Callable[[Envelope], str | None]" = lambda _envelope: None
    cut_after_data: bool = False
    delay_s: float = 0.0
    offered: int = 0

    @property
    def url(self) -> str:
        """What GRIDCREW_SMTP_URL says to use it."""
        return f"smtp://{self.host}:{self.port}"

    def ids(self) -> list[str]:
        """The Message-IDs of what was accepted, in order."""
        return [str(mail["Message-ID"]) for mail in self.accepted]

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd for each message."""
        self.offered += 1
        await asyncio.sleep(self.delay_s)
        refusal = self.answer(envelope)
        if refusal is not None:
            return refusal
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.accepted.append(mail)
        self.envelopes.append(envelope)
        if self.cut_after_data:
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A mail server on this machine for the block."""
    server, loop = MailServer(), asyncio.new_event_loop()
    started = threading.Event()

    def serve() -> None:
        asyncio.set_event_loop(loop)
        listening = loop.run_until_complete(
            loop.create_server(lambda: SMTP(server, loop=loop), server.host, 0)
        )
        server.port = listening.sockets[0].getsockname()[1]
        started.set()
        loop.run_forever()
        listening.close()
        loop.run_until_complete(_end_all(loop))
        loop.close()

    thread = threading.Thread(target=serve, name="mail-server", daemon=True)
    thread.start()
    assert started.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


async def _end_all(loop: asyncio.AbstractEventLoop) -> None:
    others = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
