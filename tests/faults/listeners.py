"""The web process that very many listen to, and what happens meanwhile."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api import feed
from api.app import create_app
from api.serving import Server
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.events import record
from dispatch.planning.engine import in_process
from dispatch.registry import accounts
from dispatch.registry.tables import Role
from tests.builders.registry import ADMIN, DISPATCHER, make_territory
from tests.faults.forking import Forked, forked
from tests.instants import NOW
from tests.listening import Ear
from tests.system.servers import environment, eventually, free_port

FEED = "/api/v1/territories/humen/days/2026-03-10/feed"
PASSWORD = "correct horse battery"


def serve(port: int, queue: int) -> None:
    """Serve until killed, with room for so many changes for each listener; the clock stands still."""
    feed.QUEUE = queue
    settings = Settings()
    app = create_app(settings, Database(settings.database), clock=lambda: NOW, engine=in_process)
    Server(app, port=port, log_level="warning", access_log=False).run()


@dataclass
class Hall:
    """A web process on one database, and those who may listen to it."""

    settings: Settings
    database: Database
    tokens: list[str]
    port: int = field(default_factory=free_port)
    queue: int = feed.QUEUE
    process: Forked | None = None
    at: dict[str, float] = field(default_factory=dict)
    """When each event was committed, on the monotonic clock."""

    def start(self) -> None:
        """Start the process and wait until it answers."""
        log = self.settings.data_dir / "web.log"
        env = environment(self.settings)
        self.process = forked(serve, self.port, self.queue, env=env, log=log)
        eventually(self._answers, seconds=90, what="the web process")

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def ears(self, count: int, *, remembers: bool = True) -> list[Ear]:
        """So many listeners, as many of each person as one may have."""
        each = feed.PER_PERSON
        return [
            Ear(self.port, FEED, self.tokens[number // each], remembers=remembers)
            for number in range(count)
        ]

    def memory(self) -> int:
        """The bytes that the process holds."""
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmRSS:")))

    async def happen(self, *, seconds: float, per_second: float) -> None:
        """Let so much happen, evenly; each event has a number of its own."""
        begun, number = time.monotonic(), 0
        while time.monotonic() - begun < seconds:
            await asyncio.to_thread(self._one)
            number += 1
            await asyncio.sleep(max(0.0, begun + number / per_second - time.monotonic()))

    def _one(self) -> None:
        name = f"n{len(self.at)}"
        with transaction(self.database) as session:
            record(
                session, "test.happened".ljust(64, "."), entity="test", entity_id=name, territory_id="humen",
                actor=DISPATCHER, now=NOW,
            )  # fmt: skip
        self.at[name] = time.monotonic()

    def _answers(self) -> bool:
        async def ask() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return False
            writer.close()
            return True

        return asyncio.run(ask())


@contextmanager
def hall(
    database: Database, folder: Path, *, listeners: int, queue: int = feed.QUEUE
) -> Iterator[Hall]:
    """A started web process on this database, with people enough for so many listeners."""
    settings = Settings(
        data_dir=folder,
        secret_key="k" * 40,
        database_url=database.url.render_as_string(hide_password=False),
    )
    tokens = []
    with transaction(database) as session:
        make_territory(session)
        for number in range(-(-listeners // feed.PER_PERSON) + 1):
            account = accounts.create(
                session, login=f"d{number:03}", name="李明", role=Role.DISPATCHER, actor=ADMIN, now=NOW,
                password=PASSWORD if number == 0 else None,
            )  # fmt: skip
            link = accounts.make_link(session, account_id=account.id, now=NOW)
            tokens.append(accounts.sign_in_by_link(session, token=link, now=NOW).token)
    made = Hall(settings, database, tokens, queue=queue)
    made.start()
    try:
        yield made
    finally:
        made.kill()
