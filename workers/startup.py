"""What happens before anything serves: the order matters, and every step may be done twice."""

import os
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.exc import DatabaseError

from dispatch.contact import messages
from dispatch.core import events
from dispatch.core.alerts import raise_alert, resolve
from dispatch.core.config import Settings
from dispatch.core.db import Database, database_now, transaction
from dispatch.core.errors import DispatchError
from dispatch.core.migrate import migrate
from workers.channels.registry import channels_of
from workers.sweeper import owners_gone, recover

TAIL = 1000
"""Events at the end of the audit chain that are verified at each start; `gridcrew doctor` verifies all."""
MOST_SKEW_S = 2.0


class DataDirUnusable(DispatchError):
    """The data directory cannot be written."""

    code = "data_dir_unusable"
    status = 503


class DatabaseDamaged(DispatchError):
    """The database file is damaged."""

    code = "database_damaged"
    status = 503


def prepare(settings: Settings, *, say: Callable[[str], None]) -> Database:
    """Bring everything to a state from which work can go on, and return the open database.

    Migrate under a lock; check the file; make tasks of dead workers due; settle messages whose sending was cut;
    verify the end of the audit chain. What is due is rung for by the sweeper's first round. `say` is told what a
    person should know. Raises DataDirUnusable, BadGateway, DatabaseAway, DatabaseDamaged, NewerDatabase.
    """
    check_data_dir(settings)
    channels_of(settings)  # a gateway's file that is wrong is seen now, not by the first message
    database = Database(settings.database)
    try:
        migrate(database)
        _check_file(database)
        _recover(database, say)
        _check_clock_and_chain(database, settings, say)
    except DatabaseError as error:
        database.close()
        if any(sign in str(error.orig) for sign in ("malformed", "not a database")):
            raise _damaged(database, str(error.orig)) from error
        raise
    except BaseException:
        database.close()
        raise
    return database


def check_data_dir(settings: Settings) -> None:
    """Make the data directory when it is missing; raises DataDirUnusable when it cannot be written."""
    folder = settings.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataDirUnusable(
            f"The data directory {folder.absolute()} cannot be written: {os.strerror(error.errno or 0)}. "
            "Make it writable, or set GRIDCREW_DATA_DIR to another one."
        ) from error


def _check_file(database: Database) -> None:
    if not database.is_sqlite:
        return  # PostgreSQL checks its own pages
    with database.reading() as session:
        verdict = session.connection().exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if verdict != "ok":
        raise _damaged(database, str(verdict))


def _damaged(database: Database, verdict: str) -> DatabaseDamaged:
    return DatabaseDamaged(
        f"The database file {database.url.database} is damaged ({verdict.splitlines()[0]}). "
        "Restore a backup with `gridcrew restore --replace`."
    )


def _recover(database: Database, say: Callable[[str], None]) -> None:
    with transaction(database) as session:
        now = database_now(session)
        recovered = recover(session, gone=owners_gone(session), now=now)
        settled = messages.recover(session, now=now)
    if recovered:
        say(f"{recovered} unfinished tasks go on.")
    if settled:
        say(f"{settled} messages were cut off while they were sent; they are listed as unknown.")


def _check_clock_and_chain(
    database: Database, settings: Settings, say: Callable[[str], None]
) -> None:
    events.seal(database, settings.key)
    with transaction(database) as session:
        now = database_now(session)
        broken = events.verify(session, settings.key, last=TAIL)
        skew = events.skew_seconds(session, datetime.now(UTC))
        if broken is None:
            resolve(session, "audit.broken", now=now)
        else:
            text = f"The audit chain does not hold at event {broken.event_id}: {broken.reason}."
            raise_alert(session, "audit.broken", text, now=now)
            say(text + " Nothing is stopped; have it looked into.")
        if abs(skew) > MOST_SKEW_S:
            text = f"This machine's clock and the database's differ by {abs(skew):.0f} s."
            raise_alert(session, "clock.skew", text, now=now)
            say(text + " Have both follow a time server.")
        else:
            resolve(session, "clock.skew", now=now)
