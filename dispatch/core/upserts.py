"""INSERT ... ON CONFLICT, which SQLAlchemy has once for each kind of database."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

Insert = sqlite.Insert | postgresql.Insert
_INSERTS: dict[str, Callable[[Any], Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


def insert_into(session: Session, table: Any) -> Insert:
    """An INSERT into the table, or the class it is mapped to, that can be told what to do about conflicts."""
    return _INSERTS[session.get_bind().dialect.name](table)


class Upsert:
    """Such an INSERT, built once: building a statement costs more than executing it."""

    def __init__(self, table: sa.Table, build: Callable[[Insert], sa.Executable]) -> None:
        self._built = {name: build(insert(table)) for name, insert in _INSERTS.items()}

    def on(self, session: Session) -> sa.Executable:
        """The statement for the session's database."""
        return self._built[session.get_bind().dialect.name]
