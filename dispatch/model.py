"""All tables in one place; `python -m dispatch.model "what changes"` writes the migration to them.

The new revision is what the tables need beyond the migrations that exist; read it before you commit it.
"""

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from dispatch.core.db import Database, UtcDateTime
from dispatch.core.migrate import configuration, migrate

for _tables in sorted(Path(__file__).parent.glob("*/tables.py")):
    import_module(f"dispatch.{_tables.parent.name}.tables")
metadata = SQLModel.metadata


def missing(database: Database) -> list[Any]:
    """What a migrated database lacks of the tables, as Alembic's list of differences."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def write_revision(message: str) -> None:
    """Write the migration from the existing revisions to the tables."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'head.db'}")
        migrate(database)
        config = configuration()
        config.attributes["metadata"] = metadata
        config.attributes["render_item"] = _render
        with database.engine.connect() as connection:
            config.attributes["connection"] = connection
            number = sum(1 for _ in ScriptDirectory.from_config(config).walk_revisions()) + 1
            command.revision(config, message=message, autogenerate=True, rev_id=f"{number:04d}")
        database.close()


def _render(kind: str, item: Any, _context: Any) -> str | bool:
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"  # a migration must not depend on today's code
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


if __name__ == "__main__":
    write_revision(" ".join(sys.argv[1:]) or sys.exit("say what changes"))
