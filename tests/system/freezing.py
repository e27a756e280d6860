"""Processes frozen where they stand (SIGSTOP), as a virtual machine that is moved freezes them."""

import os
import signal
import sqlite3
import time

from dispatch.core.db import Database


def freeze(pid: int, database: Database) -> None:
    """Stop a process at a moment when nobody has a transaction open; `thaw` lets it go on.

    One frozen inside a transaction keeps SQLite's only writer from everybody: that is a stopped database,
    another fault than the one meant here.
    """
    for _ in range(200):
        os.kill(pid, signal.SIGSTOP)
        if not _somebody_writes(database):
            return
        thaw(pid)
        time.sleep(0.01)
    raise AssertionError("the process was never seen outside of a transaction")


def thaw(pid: int) -> None:
    """Let a frozen process go on."""
    os.kill(pid, signal.SIGCONT)


def _somebody_writes(database: Database) -> bool:
    time.sleep(0.02)  # what PostgreSQL was asked last, it finishes
    if database.is_sqlite:
        connection = sqlite3.connect(str(database.url.database), timeout=0.2, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        else:
            return False
        finally:
            connection.close()
    with database.engine.connect() as connection:
        return bool(
            connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
            ).scalar_one()
        )
