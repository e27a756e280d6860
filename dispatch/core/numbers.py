"""Readable numbers such as R-000123: what people say on the telephone."""

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core.tables import Sequence


def next_number(session: Session, name: str, prefix: str) -> str:
    """The next number of the series `name`; gaps occur where a transaction was rolled back."""
    return f"{prefix}-{take(session, name, 1):06d}"


def take(session: Session, name: str, count: int) -> int:
    """Reserve `count` numbers of a series and return the first."""
    statement = (
        sa.update(Sequence)
        .where(col(Sequence.name) == name)
        .values(value=Sequence.value + count)
        .returning(col(Sequence.value))
        .execution_options(synchronize_session=False)
    )
    value = session.execute(statement).scalar_one_or_none()
    if value is None:
        session.add(Sequence(name=name, value=count))
        session.flush()
        return 1
    return int(value) - count + 1
