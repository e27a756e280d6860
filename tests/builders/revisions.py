"""Databases of earlier releases, with rows in them."""

import sqlalchemy as sa
from alembic import command

from dispatch.core.db import Database
from dispatch.core.migrate import configuration


def upgraded(database: Database, revision: str) -> Database:
    """The empty database brought to this revision and no further."""
    with database.engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return database


def copied(source: Database, target: Database) -> None:
    """Every row of the source into the target, as far as the target's tables and columns go."""
    source = Database(source.url.render_as_string(hide_password=False))  # its dialect is its own
    old, new = sa.MetaData(), sa.MetaData()
    old.reflect(source.engine)
    new.reflect(target.engine)
    with source.engine.connect() as reads, target.engine.begin() as writes:
        for table in new.sorted_tables:
            if table.name == "alembic_version":
                continue
            columns = [column.name for column in table.columns]
            known = old.tables[table.name]
            rows = reads.execute(sa.select(*(known.c[name] for name in columns))).mappings().all()
            if rows:
                writes.execute(sa.insert(table), [dict(row) for row in rows])
        if writes.dialect.name == "postgresql":
            _count_on(writes, new)
    source.close()


def _count_on(connection: sa.Connection, tables: sa.MetaData) -> None:
    """Let the numbers that the database gives out go on after those that were copied."""
    for table in tables.sorted_tables:
        if "id" in table.columns and isinstance(table.c.id.type, sa.Integer):
            sequence = sa.func.pg_get_serial_sequence(table.name, "id")
            most = sa.select(sa.func.coalesce(sa.func.max(table.c.id), 1)).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(sequence, most)))
