"""Events: recorded with the change they tell of, sealed afterwards into a chain that shows tampering."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import tasks
from dispatch.core.crash import crashpoint
from dispatch.core.db import Database, database_now, lock_for, transaction
from dispatch.core.reactions import REACTIONS
from dispatch.core.tables import Event


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: `id` names the person, crew, customer or process; `role` is what it acts as."""

    id: str
    role: str


SYSTEM = Actor("system", "system")


@dataclass(frozen=True, slots=True)
class Broken:
    """The first event at which the chain does not hold."""

    position: int
    event_id: int
    reason: str


def record(
    session: Session,
    type: str,
    *,
    entity: str,
    entity_id: str,
    actor: Actor,
    now: datetime,
    from_status: str | None = None,
    to_status: str | None = None,
    territory_id: str | None = None,
    happened_at: datetime | None = None,
    data: dict[str, Any] | None = None,
) -> Event:
    """Write that something happened, and the tasks that react to it.

    `happened_at` is the device's time where that differs from `now`, the server's.
    """
    event = Event(
        type=type,
        entity=entity,
        entity_id=entity_id,
        from_status=from_status,
        to_status=to_status,
        actor=actor.id,
        role=actor.role,
        territory_id=territory_id,
        happened_at=happened_at or now,
        recorded_at=now,
        data=data or {},
    )
    session.add(event)
    reactions = REACTIONS.get(type, ())
    if reactions:
        session.flush()
        for kind in reactions:
            tasks.enqueue(
                session,
                kind,
                key=f"{kind}:event:{event.id}",
                payload={"event_id": event.id},
                now=now,
            )
    return event


def seal(database: Database, key: bytes, *, batch: int = 500) -> int:
    """Number and chain what was committed since the last call, under one lock; returns how many.

    The hash is HMAC-SHA256 over the previous hash and the event's own content, so that whoever can write the
    table but does not hold `key` cannot rewrite history unseen.
    """
    sealed = 0
    while True:
        with transaction(database) as session:
            lock_for(session, "gridcrew.seal")
            last = session.exec(
                select(Event.position, Event.hash)
                .where(col(Event.position).is_not(None))
                .order_by(col(Event.position).desc())
                .limit(1)
            ).first()
            position, previous = (last[0] or 0, last[1] or "") if last else (0, "")
            waiting = session.exec(
                select(Event)
                .where(col(Event.position).is_(None))
                .order_by(col(Event.id))
                .limit(batch)
            ).all()
            for event in waiting:
                position += 1
                previous = chain(key, previous, position, event)
                event.position, event.hash = position, previous
        crashpoint("sealed")
        sealed += len(waiting)
        if len(waiting) < batch:
            return sealed


def verify(session: Session, key: bytes, *, last: int | None = None) -> Broken | None:
    """Recompute the chain, all of it or its `last` events; the first event that does not fit, or None."""
    top = session.exec(select(sa.func.max(Event.position))).one() or 0
    begin = max(1, top - last + 1) if last else 1
    before = session.exec(select(Event.hash).where(Event.position == begin - 1)).first()
    previous, expected = before or "", begin
    statement = select(Event).where(col(Event.position) >= begin).order_by(col(Event.position))
    with session.exec(statement.execution_options(yield_per=1000)) as found:
        for event in found:
            position, number = event.position or 0, event.id or 0
            if position != expected:
                return Broken(expected, number, "an event is missing before this one")
            if not hmac.compare_digest(event.hash or "", chain(key, previous, position, event)):
                return Broken(position, number, "its content or its predecessor was changed")
            previous, expected = event.hash or "", expected + 1
    return None


def chain(key: bytes, previous: str, position: int, event: Event) -> str:
    """The hash of `event` at `position` after an event hashed `previous`."""
    content = event.model_dump(mode="json", exclude={"position", "hash"})
    text = json.dumps(
        [previous, position, content], sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def skew_seconds(session: Session, now: datetime) -> float:
    """How far this machine's clock is ahead of the database's, in seconds."""
    return (now - database_now(session)).total_seconds()
