"""The made-up world: its clock, its wire, its mail server, its solver, and where its processes are killed."""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dramatiq
import pytest
import sqlalchemy as sa
from dramatiq.brokers.stub import StubBroker
from sqlmodel import Session

from dispatch.contact.messages import Outgoing
from dispatch.core import crash
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.errors import DispatchError
from tests.builders.planning import solved
from tests.instants import at
from workers import periodic, sending, solving
from workers.broker import bell, make_stub_broker
from workers.channels.delivery import Accepted, Channel, Refused, Unclear
from workers.channels.pacing import Breaker, Bucket, Pace
from workers.execution import Outcome, execute
from workers.handlers import HANDLERS
from workers.solver import SolverFailed
from workers.sweeper import Sweeper

BETWEEN = ("task_claimed", "message_sending", "message_accepted", "plan_solving", "plan_solved")
"""Crash points outside any transaction: a process may be frozen there while others work on."""
BEGIN = at("08:05")
KILLED, FROZEN = "killed", "frozen"


class Killed(BaseException):
    """The process was killed here: nobody handles it."""


class Fuse(str):
    """Stands where the chosen crash point's name is; every crash point that is passed asks whether it is equal."""

    __slots__ = ("burn",)
    burn: Callable[[str], None]

    def __eq__(self, name: object) -> bool:
        self.burn(str(name))
        return False

    __hash__ = str.__hash__


@dataclass(slots=True)
class World:
    """One installation and its troubles."""

    database: Database
    settings: Settings
    chance: random.Random
    now: datetime = BEGIN
    wire: StubBroker = field(default_factory=make_stub_broker)
    accepted: list[int] = field(default_factory=list)
    """The numbers of the messages that the mail server took, in order."""
    landed: Counter[str] = field(default_factory=Counter)
    """How often each trouble really came about."""
    trace: list[str] = field(default_factory=list)
    sweeper: Sweeper | None = None
    calm: bool = False
    look: Callable[[], None] = lambda: None
    """Whoever watches looks here while a process stands still."""
    _kill_at: int = 0
    _freezes: bool = False
    _frozen: bool = False
    _processes: int = 0

    def __post_init__(self) -> None:
        self.database.bell = bell(self.wire)
        self.sweeper = Sweeper(self.database, self.settings, self.wire, clock=self.clock)
        fuse = Fuse("fuse")
        fuse.burn = self.pass_point
        crash._chosen = fuse

    def clock(self, _session: Session | None = None) -> datetime:
        """The one clock of this world."""
        return self.now

    def one_in(self, count: int) -> bool:
        """Whether chance wants it, once in so many times; never in calm weather."""
        return not self.calm and self.chance.randrange(count) == 0

    # -- processes ----------------------------------------------------------------------------------------------

    def pass_point(self, name: str) -> None:
        """A process passes a crash point: it may be killed here, or frozen while others work on."""
        if self._kill_at:
            self._kill_at -= 1
            if not self._kill_at:
                self.landed[KILLED] += 1
                raise Killed(name)
        if self._freezes and name in BETWEEN:
            self.freeze()

    def freeze(self) -> None:
        """Stand still beyond the lease, while the sweeper finds the task and another process takes it."""
        if self._frozen:
            return
        self._frozen, self._freezes = True, False
        self.landed[FROZEN] += 1
        kill_at, self._kill_at = self._kill_at, 0
        self.now += timedelta(seconds=self.chance.randrange(20, 60))
        self.sweep()
        for _ in range(3):
            self.work()
        self.look()
        self.now += timedelta(seconds=1)
        self._frozen, self._kill_at = False, kill_at

    def process(self, action: Callable[[], object]) -> str:
        """Have a process of its own do something; it may be killed or frozen meanwhile. What came of it."""
        nested = self._frozen
        if not nested:
            self._kill_at = self.chance.randrange(1, 6) if self.one_in(7) else 0
            self._freezes = self.one_in(12)
        try:
            return str(action())
        except Killed as killed:
            return f"killed at {killed}"
        except DispatchError as refusal:
            return refusal.code
        finally:
            if not nested:
                self._kill_at, self._freezes = 0, False

    def office(self, operation: Callable[[Session], object]) -> str:
        """One request to the web process."""

        def serve() -> str:
            with transaction(self.database) as session:
                operation(session)
            return "ok"

        return self.process(serve)

    def work(self) -> str:
        """A worker takes the next ring of some queue from the wire, if there is one, and does its task."""
        queues = [name for name, queue in self.wire.queues.items() if queue.qsize()]
        if not queues:
            return "idle"
        ring = self.wire.queues[self.chance.choice(queues)].get_nowait()
        (task_id,) = dramatiq.Message.decode(ring).args
        self._processes += 1
        owner = f"elsewhere:{self._processes}"

        def take() -> Outcome:
            return execute(
                self.database, self.settings, task_id, owner=owner, handlers=HANDLERS, clock=self.clock
            )  # fmt: skip

        return f"task {task_id}: {self.process(take)}"

    def sweep(self) -> str:
        """A round of a sweeper."""
        assert self.sweeper is not None
        return self.process(self.sweeper.sweep)

    # -- the outside --------------------------------------------------------------------------------------------

    def deliver(self, outgoing: Outgoing) -> Accepted:
        """The mail server takes the message, or refuses it, or its answer is lost, or it takes very long."""
        if self.one_in(12):
            raise Refused("451 later", final=False)
        if self.one_in(30):
            raise Refused("550 never", final=True)
        if self.one_in(20):
            self.freeze()
        lost = self.one_in(10)
        if not lost or self.chance.randrange(2):
            self.accepted.append(outgoing.message_id)
        if lost:
            self.landed["answer lost"] += 1
            raise Unclear("the connection broke")
        return Accepted()

    def solve(
        self, _work: object, document: str, _options: Mapping[str, Any], _watch: object
    ) -> str:
        """The solver's process answers by the rule of thumb, or dies, or talks nonsense, or takes very long."""
        if self.one_in(4):
            self.landed["solver died"] += 1
            raise SolverFailed("The solver crashed.", how="crashed")
        if self.one_in(8):
            self.landed["nonsense"] += 1
            return '{"routes": []}'
        if self.one_in(6):
            self.freeze()
        return solved(document)

    def forget_rings(self) -> None:
        """Redis forgets everything."""
        for queue in self.wire.queues.values():
            queue.queue.clear()

    def wire_trouble(self) -> str:
        """Rings are lost, doubled, or come in another order; or Redis forgets everything."""
        what = self.chance.choice(("lost", "doubled", "turned round", "forgotten"))
        for queue in self.wire.queues.values():
            rings = list(queue.queue)
            if not rings:
                continue
            self.landed[f"rings {what}"] += 1
            if what == "lost":
                rings.pop(self.chance.randrange(len(rings)))
            elif what == "doubled":
                rings.append(self.chance.choice(rings))
            elif what == "turned round":
                rings.reverse()
            else:
                rings.clear()
            queue.queue.clear()
            queue.queue.extend(rings)
        return what


def made_up(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Put the world's mail server and solver where the product looks for them."""
    ways = {"email": Channel("made up", world.deliver)}
    monkeypatch.setattr(sending, "channels_of", lambda _settings: ways)
    never = Pace(Bucket("made up", 0.0), Breaker(failures=10**9))  # their clock is not this world's
    monkeypatch.setattr(sending, "pace_of", lambda *_which: never)
    monkeypatch.setattr(solving, "searched", world.solve)
    monkeypatch.setattr(
        periodic, "PER_TERRITORY", ()
    )  # the clocks' sweep, every minute, is enough to break


def opened(template: Path, folder: Path, warm: sa.Engine) -> Database:
    """A copy of the template's database, with the statements that others have compiled."""
    path = folder / "world.db"
    for left in folder.glob("world.db*"):
        left.unlink()
    shutil.copyfile(template, path)
    database = Database(f"sqlite:///{path}")
    for engine in (database.engine, database.reader):
        engine.dialect = warm.dialect
        engine._compiled_cache = warm._compiled_cache
    return database
