"""A database in the hands of somebody who may do everything: its guards are off."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from dispatch.core.db import Database


@contextmanager
def unguarded(database: Database) -> Iterator[sa.Connection]:
    """A transaction in which no trigger acts; on SQLite they are gone for good."""
    with database.engine.begin() as connection:
        if database.is_sqlite:
            found = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            for name in connection.execute(found).scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        yield connection
