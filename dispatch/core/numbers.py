"""Readable numbers such as R-000123: what people say on the telephone."""

import sqlalchemy as sa
from sqlmodel import Session

from dispatch.core.tables import Sequence
from dispatch.core.upserts import Upsert

_ROWS: sa.Table = Sequence.__table__  # type: ignore[attr-defined]
_COUNT_ON = Upsert(
    _ROWS,
    lambda insert: insert.on_conflict_do_update(
        index_elements=["name"], set_={"value": _ROWS.c.value + insert.excluded.value}
    ).returning(_ROWS.c.value),
)
"""Adds `value` to the series `name`, which begins with it, and gives what it has come to."""


def next_number(session: Session, name: str, prefix: str) -> str:
    """The next number of the series `name`; gaps occur where a transaction was rolled back."""
    return f"{prefix}-{take(session, name, 1):06d}"


def take(session: Session, name: str, count: int) -> int:
    """Reserve `count` numbers of a series and return the first."""
    given = {"name": name, "value": count}
    last = session.execute(_COUNT_ON.on(session), given).scalar_one()
    return int(last) - count + 1
