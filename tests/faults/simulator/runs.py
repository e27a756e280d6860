"""Running seeds: a world is troubled for some steps, then left in peace, and everything must come out right."""

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from dispatch.core import crash, events
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.migrate import migrate
from dispatch.work.tables import Priority
from tests.builders.planning import crew_on, job, proposed, published
from tests.faults.simulator.deeds import Play
from tests.faults.simulator.invariants import Violation, Watcher
from tests.faults.simulator.world import BEGIN, World, made_up, opened
from workers.execution import drain
from workers.handlers import HANDLERS
from workers.periodic import start_jobs

STEPS = 12
TROUBLED_ROUNDS, MOST_ROUNDS = 4, 40
"""After the steps everything that is due is done, round after round: at first in trouble too, then in peace."""


@dataclass(slots=True)
class Simulator:
    """Everything that seeds share: the database they begin with, and a folder in memory for their copies."""

    template: Path
    folder: Path
    warm: sa.Engine
    settings: Settings
    landed: Counter[str] = field(default_factory=Counter)

    def run(
        self, seed: int, weaken: Callable[[pytest.MonkeyPatch], None] | None = None
    ) -> list[str]:
        """Play one seed and return its trace; raises Violation, which names the seed and ends with the trace."""
        database = opened(self.template, self.folder, self.warm)
        world = World(database, self.settings, random.Random(seed))
        with pytest.MonkeyPatch.context() as monkeypatch:
            made_up(monkeypatch, world)
            monkeypatch.setattr(random, "random", world.chance.random)  # what spreads retries
            if weaken is not None:
                weaken(monkeypatch)
            watcher = Watcher(world)
            try:
                self._play(world, watcher)
            except (AssertionError, Violation) as wrong:
                story = "\n".join(world.trace)
                raise Violation(f"seed {seed}: {wrong}\n{story}") from wrong
            finally:
                crash._chosen = ""
                watcher.close()
                database.close()
        self.landed += world.landed
        return world.trace

    def _play(self, world: World, watcher: Watcher) -> None:
        play = Play(world)
        world.sweep()
        for _ in range(STEPS):
            play.step()
            watcher.look()
        for number in range(MOST_ROUNDS):
            waits = watcher.next_due()
            if waits is None:
                break
            world.calm = number >= TROUBLED_ROUNDS
            world.now = max(world.now, waits) + timedelta(seconds=1)
            world.forget_rings()
            world.sweep()
            while (told := world.work()) != "idle":
                world.trace.append(told)
            watcher.look()
        world.calm = True
        world.sweep()
        watcher.look()
        watcher.look_at_the_end()
        events.seal(world.database, self.settings.key)
        with world.database.reading() as session:
            broken = events.verify(session, self.settings.key)
        if broken is not None:
            raise Violation(f"the audit chain does not hold: {broken}")


@contextmanager
def simulator() -> Iterator[Simulator]:
    """A simulator; its databases are in memory where the system has a folder for that."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as name:
        folder = Path(name)
        settings = Settings(data_dir=folder, secret_key="k" * 40)
        template = folder / "template.db"
        database = Database(f"sqlite:///{template}")
        migrate(database)
        _begin_day(database, settings)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        yield Simulator(template, folder, Database("sqlite:///:memory:").engine, settings)


def _begin_day(database: Database, settings: Settings) -> None:
    """Two crews and three visits on a published plan that nobody has been told of yet, and a second proposed."""
    with transaction(database) as session:
        crew_on(session, "C1", skills={"LV": 1, "LVL": 1}, stock={"fuse_lv": 3})
        crew_on(session, "C2")
    start_jobs(database, now=BEGIN)
    drain(database, settings, now=BEGIN, handlers=HANDLERS)
    with transaction(database) as session:
        for east in (1.0, -1.0):
            job(session, east=east)
        job(session, east=3.0, work_type="OUT-LV", priority=Priority.P1)  # has safety messages
        published(session)
        proposed(session)
