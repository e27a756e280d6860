"""The trail of a case: what happened to it, in the order in which it was recorded."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core.tables import Event


def top(session: Session) -> int:
    """The position of the last event that is sealed."""
    return session.exec(select(sa.func.max(Event.position))).one() or 0


def of(
    session: Session,
    subjects: Collection[tuple[str, str]],
    *,
    after: int | None = None,
    limit: int = 50,
) -> tuple[list[Event], int | None]:
    """The events of these (entity, id) pairs after number `after`; then where to go on, None at the end."""
    names: dict[str, list[str]] = {}
    for entity, entity_id in subjects:
        names.setdefault(entity, []).append(entity_id)
    matches = [
        sa.and_(col(Event.entity) == entity, col(Event.entity_id).in_(ids))
        for entity, ids in names.items()
    ]
    statement = select(Event).where(sa.or_(sa.false(), *matches))
    if after is not None:
        statement = statement.where(col(Event.id) > after)
    found = list(session.exec(statement.order_by(col(Event.id)).limit(limit + 1)))
    events = found[:limit]
    return events, events[-1].id if len(found) > limit else None
