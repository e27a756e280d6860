"""Old rows by the hundred thousand, done and due: a claim takes no longer for them, on either database."""

import random
import sys
import time
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from dispatch.core import claiming, tasks
from dispatch.core.db import Database, database_now, transaction
from tests.faults.counts import FULL, times

pytestmark = pytest.mark.faults

OLD = times(5_000, 50_000)
"""Rows that are done, and as many that are due: 100,000 in the full run."""
CLAIMS = times(40, 300)
SEED = 12
SLOWEST_S = 0.05
AT_ONCE = 10


def fill(database: Database) -> datetime:
    """Rows of months ago, done, and rows that have been due for hours; the moment at which they are claimed."""
    with transaction(database) as session:
        now = database_now(session)
        same = {
            "kind": "test.count", "payload": {}, "task_class": "normal", "attempts": 1, "recoveries": 0,
            "max_attempts": 6, "lease_token": 1, "created_at": now,
        }  # fmt: skip
        for state, days in (("done", 60.0), ("due", 0.2)):
            rows = [
                {
                    **same, "queue": ("default", "messages")[number % 2], "state": state,
                    "dedupe_key": f"{state}:{number}",
                    "run_at": now - timedelta(days=days, seconds=number / 100),
                    "finished_at": now - timedelta(days=days) if state == "done" else None,
                }
                for number in range(OLD)
            ]  # fmt: skip
            session.execute(sa.insert(claiming.ROWS), rows)
    with transaction(database) as session:
        session.connection().exec_driver_sql("ANALYZE task")
    return now


def claim(database: Database, how: str, number: int, now: datetime) -> float:
    """Claim by one of the three statements; the seconds that it took, commit and all."""
    began = time.perf_counter()
    with transaction(database) as session:
        if how == "this":
            found = [tasks.claim(session, number, owner="w", now=now)]
        elif how == "next":
            found = [tasks.claim_next(session, number, owner="w", now=now)]
        else:
            found = list(tasks.claim_due(session, owner="w", now=now, limit=AT_ONCE))
    assert all(found), "nothing was claimed: the run is void"
    return time.perf_counter() - began


def plan_of(database: Database, statement: sa.Update, now: datetime) -> str:
    """How the database finds what the statement claims."""
    given = {"moment": now, "most": 1, "holder": "w", "until": now, "subject": 1}
    how = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    with database.engine.begin() as connection:
        compiled = statement.compile(connection)
        processors = compiled._bind_processors
        bound = {
            name: processors[name](value) if name in processors else value
            for name, value in compiled.construct_params(given).items()
        }
        names = compiled.positiontup if compiled.positional else None
        values = bound if names is None else tuple(bound[name] for name in names)
        rows = connection.exec_driver_sql(f"{how} {compiled}", values)
        return "\n".join(str(row) for row in rows)


@pytest.mark.parametrize("how", ["this", "next", "any"])
def test_a_claim_takes_no_longer_for_very_many_old_rows(either: Database, how: str) -> None:
    now = fill(either)
    numbers = random.Random(SEED).sample(range(OLD + 1, 2 * OLD), CLAIMS)

    seconds = sorted(claim(either, how, number, now) for number in numbers)

    p95 = seconds[int(0.95 * len(seconds))]
    sys.stdout.write(f"{either.url.get_backend_name()}, {how}: p95 {1000 * p95:.1f} ms\n")
    if FULL:  # a figure of a machine that does nothing else
        assert p95 <= SLOWEST_S


@pytest.mark.parametrize(
    ("statement", "index"),
    [(claiming.NEXT, "ix_task_next"), (claiming.ANY, "ix_task_due")],
    ids=["next", "any"],
)
def test_what_is_due_is_found_by_its_index(
    either: Database, statement: sa.Update, index: str
) -> None:
    now = fill(either)

    assert index in plan_of(either, statement, now)

    with either.engine.begin() as connection:  # the control
        connection.exec_driver_sql(f"DROP INDEX {index}")
    assert index not in plan_of(either, statement, now)
