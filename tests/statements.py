"""What is asked of the database: how much, and by which way it finds the rows."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlmodel import Session

from dispatch.core.db import Database


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that run meanwhile, without BEGIN and its like."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.upper().startswith(("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA")):
            statements.append(statement)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(database.engine, "before_cursor_execute", note)


def way_to(session: Session, statement: str) -> str:
    """How the database would find the rows, indices before all; of empty tables it would rather read all."""
    if session.get_bind().dialect.name == "sqlite":
        return str(session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all())
    session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
    return str(session.connection().exec_driver_sql(f"EXPLAIN {statement}").all())
