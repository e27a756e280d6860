"""Taking links back: one, all of a visit or a customer, or all that were made with a key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.contact.links import KEPT_AFTER_END
from dispatch.contact.tables import Link, LinkKey
from dispatch.core.errors import NotFoundError
from dispatch.core.events import Actor, record


class NoSuchLink(NotFoundError):
    """No link has this number."""

    code = "no_such_link"


class NoSuchLinkKey(NotFoundError):
    """No key of links has this number."""

    code = "no_such_link_key"


def of_subject(session: Session, *, subject: str) -> Sequence[Link]:
    """The links to a visit or request, the newest first."""
    statement = select(Link).where(Link.subject_id == subject).order_by(col(Link.id).desc())
    return session.exec(statement.limit(200)).all()


def keys(session: Session) -> Sequence[LinkKey]:
    """Every key, the newest first."""
    return session.exec(select(LinkKey).order_by(col(LinkKey.id).desc())).all()


def revoke(session: Session, *, link_id: int, actor: Actor, now: datetime) -> Link:
    """Take one link back; one that was taken back stays so. Raises NoSuchLink."""
    link = session.get(Link, link_id)
    if link is None:
        raise NoSuchLink(f"There is no link {link_id}.", subject=str(link_id))
    if link.revoked_at is None:
        link.revoked_at = now
        _record(session, "link.revoked", str(link_id), actor, now, subject=link.subject_id)
    return link


def revoke_of_customer(session: Session, *, customer_id: str, actor: Actor, now: datetime) -> int:
    """Take back every link of a customer that still opens something; how many."""
    return _revoke_all(
        session, col(Link.customer_id) == customer_id, actor=actor, now=now, customer_id=customer_id
    )


def revoke_of_subject(session: Session, *, subject: str, actor: Actor, now: datetime) -> int:
    """Take back every link to a visit or request that still opens something; how many."""
    return _revoke_all(
        session, col(Link.subject_id) == subject, actor=actor, now=now, subject=subject
    )


def rotate(session: Session, *, actor: Actor, now: datetime) -> LinkKey:
    """Take a new key into use. The one before still opens its links; those before that are retired."""
    made = LinkKey(created_at=now)
    session.add(made)
    session.flush()
    _record(session, "link_key.created", str(made.id), actor, now)
    for old in [key for key in keys(session) if key.retired_at is None][2:]:
        retire(session, key_id=old.id or 0, actor=actor, now=now)
    return made


def retire(session: Session, *, key_id: int, actor: Actor, now: datetime) -> LinkKey:
    """Have every link that was made with the key open nothing any more. Raises NoSuchLinkKey."""
    key = session.get(LinkKey, key_id)
    if key is None:
        raise NoSuchLinkKey(f"There is no key {key_id} of links.", subject=str(key_id))
    if key.retired_at is None:
        key.retired_at = now
        _record(session, "link_key.retired", str(key_id), actor, now)
    return key


def forget(session: Session, *, now: datetime, limit: int = 10_000) -> int:
    """Remove links that ended long ago, the oldest first; how many."""
    oldest = (
        sa.select(col(Link.id))
        .where(col(Link.expires_at) < now - KEPT_AFTER_END)
        .order_by(col(Link.expires_at))
        .limit(limit)
    )
    statement = sa.delete(Link).where(col(Link.id).in_(oldest.scalar_subquery()))
    result = session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]


def _revoke_all(
    session: Session,
    condition: sa.ColumnElement[bool],
    *,
    actor: Actor,
    now: datetime,
    **about: str,
) -> int:
    open_ = select(Link).where(
        condition, col(Link.revoked_at).is_(None), col(Link.expires_at) > now
    )
    found = session.exec(open_).all()
    for link in found:
        link.revoked_at = now
    if found:
        _record(session, "link.all_revoked", next(iter(about.values())), actor, now, **about)
    return len(found)


def _record(
    session: Session, type: str, entity_id: str, actor: Actor, now: datetime, **data: Any
) -> None:
    session.flush()
    record(session, type, entity="link", entity_id=entity_id, actor=actor, now=now, data=data)
    session.flush()
