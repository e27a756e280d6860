"""Readable numbers such as R-000123: what people say on the telephone."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from dispatch.core.tables import Sequence


def next_number(session: Session, name: str, prefix: str) -> str:
    """The next number of the series `name`; gaps occur where a transaction was rolled back."""
    return f"{prefix}-{take(session, name, 1):06d}"


def take(session: Session, name: str, count: int) -> int:
    """Reserve `count` numbers of a series and return the first.

    The first of a series may be asked for by two at once: the insert gives way to the other's, and both count on.
    """
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(Sequence).values(name=name, value=0).on_conflict_do_nothing())
    statement = (
        sa.update(Sequence)
        .where(col(Sequence.name) == name)
        .values(value=Sequence.value + count)
        .returning(col(Sequence.value))
        .execution_options(synchronize_session=False)
    )
    return int(session.execute(statement).scalar_one()) - count + 1
