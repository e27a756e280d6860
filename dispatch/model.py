"""All tables in one place, for migrations and for a new database."""

from sqlmodel import SQLModel

import dispatch.contact.tables
import dispatch.core.tables
import dispatch.desk.tables
import dispatch.field.tables
import dispatch.planning.tables
import dispatch.registry.tables
import dispatch.sla.tables
import dispatch.work.tables  # noqa: F401 - imported for their tables

metadata = SQLModel.metadata
