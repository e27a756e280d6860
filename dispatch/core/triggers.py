"""Rules that the database itself keeps: events are only ever added, a crew is booked once, work begun stays put."""

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

DOUBLE_BOOKING = "visit_double_booking"
"""What an error names when a crew would have two visits at one time."""
FROZEN = "visit_frozen"
"""What an error names when a visit that its crew has begun would be given to another crew or time."""

_WAITING = "('published', 'dispatched', 'accepted')"
_BEGUN = "('en_route', 'arrived', 'working', 'paused')"

_SQLITE_OVERLAP = f"""
    WHEN NEW.status IN {_WAITING} AND NEW.planned_start_at < NEW.planned_end_at AND EXISTS (
      SELECT 1 FROM visit AS other
      WHERE other.crew_id = NEW.crew_id AND other.id <> NEW.id AND other.status IN {_WAITING}
        AND other.planned_start_at < NEW.planned_end_at AND other.planned_end_at > NEW.planned_start_at
        AND other.planned_start_at < other.planned_end_at)
    BEGIN SELECT RAISE(ABORT, '{DOUBLE_BOOKING}'); END"""  # noqa: S608 - made of the constants above

_SQLITE_VISITS = (
    f"CREATE TRIGGER {DOUBLE_BOOKING}_new BEFORE INSERT ON visit {_SQLITE_OVERLAP}",
    f"""CREATE TRIGGER {DOUBLE_BOOKING}
    BEFORE UPDATE OF crew_id, status, planned_start_at, planned_end_at ON visit {_SQLITE_OVERLAP}""",
    f"""CREATE TRIGGER {FROZEN}
    BEFORE UPDATE OF crew_id, shift_id, planned_arrive_at, planned_start_at, planned_end_at ON visit
    WHEN OLD.status IN {_BEGUN} AND NOT (NEW.status = 'planned' AND NEW.reason <> '')
      AND (NEW.crew_id, NEW.shift_id, NEW.planned_arrive_at, NEW.planned_start_at, NEW.planned_end_at)
        IS NOT (OLD.crew_id, OLD.shift_id, OLD.planned_arrive_at, OLD.planned_start_at, OLD.planned_end_at)
    BEGIN SELECT RAISE(ABORT, '{FROZEN}'); END""",
)

_POSTGRESQL_VISITS = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",  # comes with PostgreSQL; a database's owner may add it
    f"""ALTER TABLE visit ADD CONSTRAINT {DOUBLE_BOOKING} EXCLUDE USING gist
    (crew_id WITH =, tstzrange(planned_start_at, planned_end_at) WITH &&)
    WHERE (status IN {_WAITING} AND planned_start_at IS NOT NULL AND planned_end_at IS NOT NULL)""",
    f"""CREATE FUNCTION {FROZEN}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION '{FROZEN}' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    f"""CREATE TRIGGER {FROZEN} BEFORE UPDATE ON visit FOR EACH ROW
    WHEN (OLD.status IN {_BEGUN} AND NOT (NEW.status = 'planned' AND NEW.reason <> '')
      AND (NEW.crew_id, NEW.shift_id, NEW.planned_arrive_at, NEW.planned_start_at, NEW.planned_end_at)
        IS DISTINCT FROM
        (OLD.crew_id, OLD.shift_id, OLD.planned_arrive_at, OLD.planned_start_at, OLD.planned_end_at))
    EXECUTE FUNCTION {FROZEN}()""",
)


def guard_visits(connection: sa.Connection) -> None:
    """Refuse a crew's second visit at one time, and another crew or time for a visit that its crew has begun.

    Times of visits under way are not compared: they are what was planned, and the crew may be early or late. Taking
    a begun visit back to planning is the one way out, and needs its reason in the row. SQLite has no exclusion
    constraints; a trigger does there what one does on PostgreSQL, since it has one writer. A migration that makes
    SQLite copy the table must call this again.
    """
    for statement in _SQLITE_VISITS if connection.dialect.name == "sqlite" else _POSTGRESQL_VISITS:
        connection.exec_driver_sql(statement)


def create(connection: sa.Connection) -> None:
    """Add the triggers of events to a database that has the tables."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement)
