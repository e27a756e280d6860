"""Writes that are asked for again: what the first was answered is kept under its key, and the second is given it.

A refused write leaves nothing, so that its key may be used again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.tables import KeptAnswer
from dispatch.core.upserts import insert_into

HEADER = "Idempotency-Key"


class KeyReused(InvalidError):
    """The key was used before, for another request."""

    code = "key_reused"


class KeyInFlight(ConflictError):
    """The same request is being worked on; `details["retry_after"]` says after how many seconds to ask again."""

    code = "key_in_flight"


@dataclass(frozen=True, slots=True)
class Key:
    """What a request is known by: whose it is, what it asks for, its own key, and the mark of its content."""

    actor: str
    route: str
    key: str
    mark: str

    @property
    def row(self) -> tuple[str, str, str]:
        """The primary key of its kept answer."""
        return self.actor, self.route, self.key


def in_flight() -> KeyInFlight:
    """The refusal of a request whose first is still being worked on."""
    return KeyInFlight(
        f"The request with this {HEADER} is still being worked on; ask again in a moment.",
        retry_after=1,
    )


def claim(session: Session, key: Key, *, now: datetime, kept: timedelta) -> KeptAnswer | None:
    """Take the key in this transaction, which does the write and then keeps its answer for `kept`.

    Returns the kept answer when the write was done before: then there is nothing to do. Whoever asks meanwhile
    waits for this transaction. Raises KeyReused, and KeyInFlight when that takes longer than the database allows.
    """
    values = {
        "actor": key.actor, "route": key.route, "key": key.key, "mark": key.mark, "status": 0, "headers": {},
        "body": "", "secret": False, "created_at": now, "kept_until": now + kept,
    }  # fmt: skip
    statement = insert_into(session, KeptAnswer).values(values).on_conflict_do_nothing()
    try:
        taken = session.execute(statement.returning(col(KeptAnswer.key))).first()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":  # lock_not_available
            raise
        raise in_flight() from error
    if taken is not None:
        return None
    known = session.get_one(KeptAnswer, key.row, with_for_update=True)
    if known.kept_until <= now:
        for name, value in values.items():
            setattr(known, name, value)
        session.flush()
        return None
    if known.mark != key.mark:
        raise KeyReused(
            f"This {HEADER} was used before, for another request; give every request a key of its own.",
            field=HEADER,
        )
    return known


def keep(
    session: Session, key: Key, *, status: int, headers: Mapping[str, str], body: str, secret: bool
) -> None:
    """Keep what the write is answered, to be committed with it; of a secret answer only that there was one."""
    known = session.get_one(KeptAnswer, key.row)
    known.status, known.secret = status, secret
    known.headers, known.body = ({}, "") if secret else (dict(headers), body)


def forget(session: Session, *, now: datetime) -> int:
    """Remove the answers whose time is over; how many."""
    old = sa.delete(KeptAnswer).where(col(KeptAnswer.kept_until) < now)
    result = session.execute(old.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]
