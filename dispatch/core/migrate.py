"""Bring a database to the schema of this release; several processes may start at once."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from dispatch.core.db import Database, DatabaseAway
from dispatch.core.errors import ConflictError

FOLDER = Path(__file__).parent / "migrations"


class NewerDatabase(ConflictError):
    """The database was made by a newer release."""

    code = "newer_database"


def migrate(database: Database) -> str:
    """Apply what is missing, one process at a time, all of it or nothing; the revision reached.

    Raises NewerDatabase when the database is ahead of this code, DatabaseAway when it cannot be reached.
    """
    config = configuration()
    head = ScriptDirectory.from_config(config).get_current_head()
    try:
        with database.engine.begin() as connection:
            if (
                connection.dialect.name == "postgresql"
            ):  # SQLite's BEGIN IMMEDIATE is such a lock already
                connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
                connection.execute(
                    sa.text("SELECT pg_advisory_xact_lock(hashtext('gridcrew.migrate'))")
                )
            _refuse_newer(connection, config)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise DatabaseAway(f"The database cannot be reached: {error.orig}") from error
    return str(head)


def revisions(database: Database) -> tuple[str | None, str | None]:
    """The database's revision and this release's."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    try:
        with database.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision(), head
    except OperationalError as error:
        raise DatabaseAway(f"The database cannot be reached: {error.orig}") from error


def configuration() -> Config:
    """Alembic's configuration; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def _refuse_newer(connection: sa.Connection, config: Config) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise NewerDatabase(
            f"The database has revision {current}, which this release does not know. "
            "Start the newer release, or restore a backup made before it."
        )
