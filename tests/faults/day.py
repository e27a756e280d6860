"""A small day played with real processes, so that it can be disturbed; and what is left of it at the end."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from functools import partial
from typing import Any

import httpx
import pytest
from sqlmodel import select

from dispatch.contact.queries import of_visit
from dispatch.contact.tables import Message
from dispatch.core import events
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.events import SYSTEM
from dispatch.core.tables import Event, Task, TaskState
from dispatch.field.closing import close_day
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry import accounts
from dispatch.registry.tables import Role
from dispatch.work.tables import Visit, WorkOrder
from tests.builders.field import act
from tests.builders.planning import crew_on, job, request
from tests.builders.registry import DISPATCHER
from tests.faults import office
from tests.faults.forking import ForkingSupervisor, forked
from tests.instants import DAY, at
from tests.system.servers import Redis, environment, eventually, free_port, python
from workers.broker import bell, make_broker
from workers.supervisor import Child

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
    keeper: ForkingSupervisor | None = None

    def __enter__(self) -> "Day":
        self.shift = (at("08:05") - datetime.now(UTC)).total_seconds()
        self.database.bell = bell(make_broker(self.settings))
        self.keeper = ForkingSupervisor(logs=self.settings.data_dir / "logs", say=self.said.append)
        sweeper = [] if self.sweepers else ["--no-sweeper"]
        env = environment(self.settings)
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

    def pid(self, name: str) -> int:
        """The process number of one of the workers."""
        assert self.keeper is not None
        return self.keeper.pids()[name]

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
        """Publish the plan over HTTP; `crash_at` ends the web process at a crash point of that request."""
        port, log = free_port(), self.settings.data_dir / "logs" / "office.log"
        crash = [crash_at] if crash_at else []
        env, url = environment(self.settings), f"http://127.0.0.1:{port}"
        with forked(office.main, [str(self.shift), str(port), *crash], env=env, log=log) as served:
            eventually(lambda: _answers(f"{url}/readyz"), seconds=30, what="the web process")
            request = partial(
                httpx.post, f"{url}/api/v1/plans/{self.plan_id}/publish",
                json={"version": self.plan().version},
                headers={"Authorization": f"Bearer {self._sign_in()}"}, timeout=30,
            )  # fmt: skip
            if not crash_at:
                assert request().status_code == 200, log.read_text()
                return
            with pytest.raises(httpx.RemoteProtocolError):
                request()
            assert served.wait(timeout=10) == 137, "the web process did not come to its crash point"

    def _sign_in(self) -> str:
        with transaction(self.database) as session:
            account = accounts.create(
                session,
                login="dora",
                name="Dora",
                role=Role.DISPATCHER,
                actor=DISPATCHER,
                now=self.now,
            )
            link = accounts.make_link(session, account_id=account.id, now=self.now)
            return accounts.sign_in_by_link(session, token=link, now=self.now).token

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
            rows = of_visit(session, visit_id=visit_id)
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
                    event.type for event in session.exec(select(Event)) if event.actor != SYSTEM.id
                ),
                "chain": events.verify(session, key),
            }


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False
