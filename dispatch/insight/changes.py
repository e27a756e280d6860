"""What changed in a territory, as pages are told of it: which thing and how, nothing about a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact.tables import Message
from dispatch.core.tables import Event
from dispatch.desk.tables import Request
from dispatch.planning.tables import Plan
from dispatch.registry.tables import Premises, Shift
from dispatch.work.tables import Visit, WorkOrder

_VERSIONED: dict[str, Any] = {
    "visit": Visit,
    "work_order": WorkOrder,
    "request": Request,
    "plan": Plan,
    "shift": Shift,
    "message": Message,
    "premises": Premises,
}
"""Which table holds the thing that an event is about, where it has a version."""
_NUMBERED = frozenset({"plan", "message"})


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to `subject` `subject_id`. `version` is its version now, None where it has none.

    `day` is the local day that it is about, where it is about one; `crews` are those whose day it touches.
    """

    position: int
    kind: str
    subject: str
    subject_id: str
    status: str | None
    version: int | None
    territory_id: str
    day: date | None
    crews: frozenset[str]
    at: datetime


def waiting(session: Session) -> bool:
    """Whether there are events that nobody has sealed yet."""
    unsealed = select(Event.id).where(col(Event.position).is_(None)).limit(1)
    return session.exec(unsealed).first() is not None


def since(
    session: Session, *, after: int, until: int | None = None, limit: int = 500
) -> tuple[list[Change], int]:
    """The changes at the next `limit` positions after `after`, up to `until`; and the last position looked at."""
    statement = select(Event).where(col(Event.position) > after)
    if until is not None:
        statement = statement.where(col(Event.position) <= until)
    events = list(session.exec(statement.order_by(col(Event.position)).limit(limit)))
    if not events:
        return [], after if until is None else max(after, until)
    told = [event for event in events if event.territory_id is not None]
    versions, crews = _as_they_are(session, told)
    return [_change(event, versions, crews) for event in told], events[-1].position or after


def _change(
    event: Event, versions: dict[tuple[str, str], int], crews: dict[tuple[str, str], str]
) -> Change:
    subject = (event.entity, event.entity_id)
    named = {event.data.get("crew_id"), crews.get(subject)}
    return Change(
        position=event.position or 0,
        kind=event.type,
        subject=event.entity,
        subject_id=event.entity_id,
        status=event.to_status,
        version=versions.get(subject),
        territory_id=event.territory_id or "",
        day=_day_of(event),
        crews=frozenset(name for name in named if isinstance(name, str)),
        at=event.recorded_at,
    )


def _day_of(event: Event) -> date | None:
    told = event.data.get("day")
    if event.entity == "day" and told is None:
        told = event.entity_id.rpartition(":")[2]
    try:
        return date.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None


def _as_they_are(
    session: Session, events: Iterable[Event]
) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], str]]:
    """The versions of what the events are about, and the crews that its visits have now: one statement a table."""
    ids: dict[str, set[str]] = {}
    for event in events:
        if event.entity in _VERSIONED:
            ids.setdefault(event.entity, set()).add(event.entity_id)
    versions: dict[tuple[str, str], int] = {}
    crews: dict[tuple[str, str], str] = {}
    for entity, named in ids.items():
        table = _VERSIONED[entity]
        wanted: Sequence[Any] = [int(i) for i in named] if entity in _NUMBERED else sorted(named)
        crew = table.crew_id if entity in ("visit", "shift") else sa.null()
        rows = session.execute(sa.select(table.id, table.version, crew).where(table.id.in_(wanted)))
        for row_id, version, crew_id in rows:
            versions[entity, str(row_id)] = version
            if crew_id is not None:
                crews[entity, str(row_id)] = crew_id
    return versions, crews
