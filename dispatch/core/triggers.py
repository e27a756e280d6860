"""Rules that the database itself keeps: events are only ever added."""

import sqlalchemy as sa

_SQLITE = (
    """CREATE TRIGGER event_append_only BEFORE UPDATE ON event
    WHEN OLD.position IS NOT NULL OR NEW.position IS NULL
      OR (NEW.id, NEW.type, NEW.entity, NEW.entity_id, NEW.from_status, NEW.to_status, NEW.actor, NEW.role,
          NEW.territory_id, NEW.happened_at, NEW.recorded_at, NEW.data)
         IS NOT (OLD.id, OLD.type, OLD.entity, OLD.entity_id, OLD.from_status, OLD.to_status, OLD.actor,
          OLD.role, OLD.territory_id, OLD.happened_at, OLD.recorded_at, OLD.data)
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
    """CREATE TRIGGER event_never_deleted BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
)

_POSTGRESQL = (
    """CREATE FUNCTION event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP <> 'UPDATE' OR OLD.position IS NOT NULL OR NEW.position IS NULL
         OR (to_jsonb(NEW) - 'position' - 'hash') IS DISTINCT FROM (to_jsonb(OLD) - 'position' - 'hash') THEN
        RAISE EXCEPTION 'events are append-only';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION event_append_only()""",
    """CREATE TRIGGER event_never_truncated BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION event_append_only()""",
)


def create(connection: sa.Connection) -> None:
    """Add the triggers to a database that has the tables."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement)
