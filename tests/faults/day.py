"""A small day played with real processes, so that it can be disturbed; and what is left of it at the end."""

import os
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from sqlmodel import select

from dispatch.contact.tables import Message
from dispatch.core import events
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.events import SYSTEM
from dispatch.core.tables import Event, Task, TaskState
from dispatch.field.closing import close_day
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.work.tables import Visit, WorkOrder
from tests.builders.field import act
from tests.builders.planning import crew_on, job, request
from tests.builders.registry import DISPATCHER
from tests.instants import DAY, at
from tests.system.servers import Redis, environment, eventually, python
from workers.broker import bell, make_broker
from workers.supervisor import Child, Supervisor

ROOT = Path(__file__).parents[2]
VISITS = 4


def nothing(_day: "Day") -> None:
    """No disturbance."""


@dataclass(slots=True)
class Day:
    """A day of two crews and four visits. Its clock runs as ours does, shifted to 08:05 in Humen on DAY."""

    settings: Settings
    database: Database
    redis: Redis
    sweepers: bool = True
    patience: float = 40.0
    shift: float = field(default=0.0)
    plan_id: int = 0
    said: list[str] = field(default_factory=list)
    keeper: Supervisor | None = None

    def __enter__(self) -> "Day":
        self.shift = (at("08:05") - datetime.now(UTC)).total_seconds()
        self.database.bell = bell(make_broker(self.settings))
        self.keeper = Supervisor(logs=self.settings.data_dir / "logs", say=self.said.append)
        sweeper = [] if self.sweepers else ["--no-sweeper"]
        env = environment(self.settings, PYTHONPATH=str(ROOT))
        for name, queues, threads in (
            ("worker", ("default", "messages", "safety"), 4),
            ("solver", ("solve",), 1),
        ):
            argv = python("-m", "tests.faults.worker", "--shift", str(self.shift), *sweeper,
                          "--threads", str(threads), *queues)  # fmt: skip
            self.keeper.start(Child(name, argv, env))
        for name in ("worker", "solver"):
            log = self.settings.data_dir / "logs" / f"{name}.log"
            eventually(
                lambda log=log: log.exists() and "worker.ready" in log.read_text(), what=name
            )
        return self

    def __exit__(self, *_error: object) -> None:
        assert self.keeper is not None
        self.keeper.stop()

    @property
    def now(self) -> datetime:
        """The day's clock."""
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.shift, UTC)

    def signal(self, name: str, number: int) -> None:
        """Send a signal to one of the workers."""
        assert self.keeper is not None
        os.kill(self.keeper.pids()[name], number)

    # -- the day's steps ---------------------------------------------------------------------------------------

    def play(
        self,
        *,
        solving: Callable[["Day"], None] = nothing,
        publish: Callable[["Day"], None] | None = None,
        working: Callable[["Day"], None] = nothing,
    ) -> dict[str, Any]:
        """Plan, publish, tell, work, close; each argument may disturb one step. What is left at the end."""
        self.prepare()
        self.ask_for_plan()
        solving(self)
        self.wait(lambda: self.plan().status is PlanStatus.PROPOSED, "the plan")
        (publish or Day.publish)(self)
        self.wait(lambda: self.messages()["booked sent"] == VISITS, "the messages about the plan")
        self.crews_work(working)
        self.wait(lambda: self.messages()["done sent"] == VISITS, "the messages about the work")
        with transaction(self.database) as session:
            close_day(session, territory_id="humen", day=DAY, actor=DISPATCHER, now=self.now)
        self.wait(lambda: not self.unfinished(), "the last task")
        return self.summary()

    def prepare(self) -> None:
        """Two crews whose shifts begin at 08:30, and four visits."""
        with transaction(self.database) as session:
            crew_on(session, "C1", starts=time(8, 30))
            crew_on(session, "C2", starts=time(8, 30))
            for east in range(1, VISITS + 1):
                job(session, east=float(east))

    def ask_for_plan(self) -> None:
        """Request the day's plan, limited by iterations, so that it is the same plan every time."""
        with transaction(self.database) as session:
            plan = request(session, now=self.now, iterations=400, seed=1)
            self.plan_id = plan.id or 0

    def publish(self, *, crash_at: str = "") -> None:
        """Publish the plan from a process of its own, which `crash_at` may end at a crash point."""
        ended = subprocess.run(
            python("-m", "tests.faults.desk", str(self.shift), "publish", str(self.plan_id)),
            env={**os.environ, **environment(self.settings, GRIDCREW_CRASH_AT=crash_at)},
            cwd=ROOT, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert ended.returncode == (137 if crash_at else 0), ended.stderr

    def crews_work(self, disturb: Callable[["Day"], None]) -> None:
        """Every crew does its visits in the plan's order, one after the other."""
        with self.database.reading() as session:
            visits = session.exec(select(Visit).order_by(Visit.planned_start_at, Visit.id)).all()
        for visit in visits:
            for action in ("accept", "en_route", "arrived", "start", "done"):
                with transaction(self.database) as session:
                    again = session.get_one(Visit, visit.id)
                    act(session, again, action, crew=again.crew_id or "", now=self.now)
                disturb(self)
                if action == "en_route":
                    name = f"on_the_way of {visit.id}"
                    self.wait(lambda: self.told(visit.id, "on_the_way"), name)  # noqa: B023

    # -- looking -----------------------------------------------------------------------------------------------

    def wait(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for a step's end."""
        eventually(holds, seconds=self.patience, what=what)

    def plan(self) -> Plan:
        """The plan as it is now."""
        with self.database.reading() as session:
            return session.get_one(Plan, self.plan_id)

    def messages(self) -> Counter[str]:
        """How many messages of each template are in each state."""
        with self.database.reading() as session:
            return Counter(
                f"{row.template} {row.status.value}" for row in session.exec(select(Message))
            )

    def told(self, visit_id: str, template: str) -> bool:
        """Whether this visit's customer has been sent this message."""
        with self.database.reading() as session:
            rows = session.exec(select(Message).where(Message.subject_id == visit_id))
            return any(row.template == template and row.sent_at is not None for row in rows)

    def unfinished(self) -> list[tuple[str, str]]:
        """Tasks that are neither done nor for another day."""
        with self.database.reading() as session:
            return [
                (task.kind, task.state.value)
                for task in session.exec(select(Task).where(Task.state != TaskState.DONE))
                if task.state is TaskState.DEAD or task.run_at <= self.now
            ]

    def summary(self) -> dict[str, Any]:
        """What the day came to; equal for equal days, whatever happened in between."""
        key = self.settings.key
        events.seal(self.database, key)
        with self.database.reading() as session:
            return {
                "visits": [
                    (v.id, v.status.value, v.crew_id, v.planned_start_at)
                    for v in session.exec(select(Visit).order_by(Visit.id))
                ],
                "orders": [
                    (o.id, o.status.value)
                    for o in session.exec(select(WorkOrder).order_by(WorkOrder.id))
                ],
                "plans": [(p.number, p.status.value) for p in session.exec(select(Plan))],
                "messages": {
                    what: count
                    for what, count in self.messages().items()
                    if not what.startswith("day_before")  # yesterday's reminder, caught up or not
                },
                "files": len(list(self.settings.outbox_dir.glob("*.eml"))),
                "events": Counter(
                    event.type
                    for event in session.exec(select(Event))
                    if event.actor != SYSTEM.id or event.type.startswith("message.sent")
                ),
                "chain": events.verify(session, key),
            }


STOP, GO = signal.SIGSTOP, signal.SIGCONT
