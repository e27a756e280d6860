"""What people, devices and processes do in the simulated world, one deed at a time, as chance will have it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core.events import SYSTEM, Actor
from dispatch.core.tables import Event
from dispatch.field import actions
from dispatch.field.steps import FORWARD, MOVES, allowed
from dispatch.planning import plans
from dispatch.planning.tables import Plan, PlanStatus
from dispatch.registry.tables import Customer
from dispatch.work import orders, promises, visits
from dispatch.work.tables import Visit, VisitStatus
from tests.builders.field import proof
from tests.builders.planning import request
from tests.builders.registry import DISPATCHER
from tests.faults.simulator.world import World
from tests.instants import DAY


@dataclass(slots=True)
class Play:
    """A world and what its crews' devices remember of what they sent."""

    world: World
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def chance(self) -> random.Random:
        """The world's chance."""
        return self.world.chance

    def step(self) -> str:
        """Let some time go by, then have one thing happen; what it was and what came of it."""
        world = self.world
        world.now += timedelta(seconds=self.chance.choice((1, 3, 8, 20, 40, 120)))
        deed = self.chance.choices(list(DEEDS), weights=list(DEEDS.values()))[0]
        told = f"{world.now:%H:%M:%S} {deed.__name__}: {deed(self)}"
        world.trace.append(told)
        return told

    # -- processes ----------------------------------------------------------------------------------------------

    def work(self) -> str:
        """A worker does a task."""
        return self.world.work()

    def sweep(self) -> str:
        """A sweeper makes its round."""
        return self.world.sweep()

    def trouble(self) -> str:
        """Something happens to the wire."""
        return self.world.wire_trouble()

    # -- crews --------------------------------------------------------------------------------------------------

    def crew(self) -> str:
        """A crew does the next thing on one of its visits, or what it must not; devices repeat what they sent."""
        with self.world.database.reading() as session:
            given = select(Visit).where(col(Visit.crew_id).is_not(None)).order_by(col(Visit.id))
            mine = [v for v in session.exec(given) if v.status is not VisitStatus.DONE]
            if not mine:
                return "nobody has work"
            visit = self.chance.choice(mine)
            steps = [step for step in FORWARD if step in allowed(visit.status)]
            action = (
                steps[0]
                if steps and self.chance.random() < 0.85
                else self.chance.choice(list(MOVES))
            )
            data = proof(session, visit) if action == "done" else {}
        reason = {"decline": "no_time", "not_done": "no_access"}.get(action, "")
        operation = {
            "op_id": f"op-{len(self.sent)}", "visit_id": visit.id, "crew_id": visit.crew_id, "action": action,
            "device_at": self.world.now - timedelta(seconds=self.chance.choice((0, 0, 2, 400))),
            "reason": reason, "data": data,
        }  # fmt: skip
        self.sent.append(operation)
        return f"{visit.id} {action}: {self._send(operation)}"

    def repeat(self) -> str:
        """A device whose answer was lost sends an old operation again: it must have no second effect."""
        if not self.sent:
            return "nothing was sent"
        operation = self.chance.choice(self.sent)
        known = self._recorded(operation)
        before = self._events()
        told = self._send(operation)
        assert not known or self._events() == before, f"{operation['op_id']} had its effect twice"
        return f"{operation['op_id']}: {told}"

    def _send(self, operation: dict[str, Any]) -> str:
        actor = Actor(f"account-of-{operation['crew_id']}", "crew")
        return self.world.office(
            lambda session: actions.do(session, **operation, actor=actor, now=self.world.now)
        )

    def _recorded(self, operation: dict[str, Any]) -> bool:
        with self.world.database.reading() as session:
            row = select(actions.CrewAction.id).where(
                actions.CrewAction.op_id == operation["op_id"]
            )
            return session.exec(row).first() is not None

    def _events(self) -> int:
        with self.world.database.reading() as session:
            return session.exec(select(Event.id).order_by(col(Event.id).desc()).limit(1)).one() or 0

    # -- the office ---------------------------------------------------------------------------------------------

    def publish(self) -> str:
        """The dispatcher publishes the newest proposal."""

        def newest(session: Session) -> None:
            waiting = select(Plan.id).where(col(Plan.status) == PlanStatus.PROPOSED)
            number = session.exec(waiting.order_by(col(Plan.id).desc()).limit(1)).first() or 0
            plans.publish(session, plan_id=number, actor=DISPATCHER, now=self.world.now)

        return self.world.office(newest)

    def plan(self) -> str:
        """The dispatcher asks for a plan."""
        return self.world.office(lambda session: request(session, day=DAY, now=self.world.now))

    def change(self) -> str:
        """The office books a window, takes a visit back, calls an order off, or a customer wants no messages."""
        what = self.chance.choice((_book, _withdraw, _cancel, _be_silent))
        with self.world.database.reading() as session:
            visit_id = self.chance.choice(
                session.exec(select(Visit.id).order_by(col(Visit.id))).all()
            )
        told = self.world.office(
            lambda session: what(session, visits.get(session, visit_id), self.world)
        )
        return f"{what.__name__.strip('_')} {visit_id}: {told}"


def _book(session: Session, visit: Visit, world: World) -> None:
    begin = world.now + timedelta(hours=1)
    promises.book(
        session, visit, start_at=begin, end_at=begin + timedelta(hours=3), actor=DISPATCHER, now=world.now
    )  # fmt: skip


def _withdraw(session: Session, visit: Visit, world: World) -> None:
    visits.act(session, visit, "withdraw", actor=SYSTEM, now=world.now)


def _cancel(session: Session, visit: Visit, world: World) -> None:
    order = orders.get(session, visit.work_order_id)
    orders.cancel(session, order, actor=DISPATCHER, now=world.now)


def _be_silent(session: Session, visit: Visit, world: World) -> None:
    order = orders.get(session, visit.work_order_id)
    session.get_one(Customer, order.customer_id).wants_messages = False


DEEDS: dict[Callable[[Play], str], int] = {
    Play.work: 38, Play.sweep: 12, Play.trouble: 8, Play.crew: 26, Play.repeat: 4,
    Play.publish: 6, Play.plan: 2, Play.change: 4,
}  # fmt: skip
"""How often each is done."""
