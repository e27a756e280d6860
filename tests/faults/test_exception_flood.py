"""Ten thousand things go wrong in a minute: a person reads fifty rows, and none is left out of the count."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlmodel import col, select

from dispatch.core import tasks
from dispatch.core.alerts import OTHERS, ROWS, alert_list, open_alerts, raise_alert
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Alert, TaskState
from tests.faults.counts import times
from tests.instants import NOW

pytestmark = pytest.mark.faults

ERRORS, WRITERS = times(400, 10_000), 4
KINDS = 70
"""Kinds of task that fail: more than there are rows."""
MINUTE = timedelta(minutes=1)


def flood(database: Database) -> Counter[str]:
    """So many tasks of many kinds end in an error within a minute, several at once; how many of each kind."""
    kinds = [f"test.kind_{number % KINDS:02d}" for number in range(ERRORS)]
    with transaction(database) as session:
        for number, kind in enumerate(kinds):
            tasks.enqueue(session, kind, key=str(number), now=NOW, max_attempts=1)
    database.write_in_turns()
    failures: list[BaseException] = []

    def fail_some(writer: int) -> None:
        try:
            while True:
                with transaction(database) as session:
                    lease = next(
                        iter(tasks.claim_due(session, owner=f"w{writer}", now=NOW, limit=1)), None
                    )
                if lease is None:
                    return
                moment = NOW + MINUTE * (lease.task_id % 60) / 60
                with transaction(database) as session:
                    ended = tasks.fail(session, lease, "ZeroDivisionError", now=moment)
                assert ended is TaskState.DEAD
        except BaseException as error:  # noqa: BLE001 - raised again below
            failures.append(error)

    threads = [threading.Thread(target=fail_some, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return Counter(kinds)


def test_a_flood_of_errors_is_fifty_rows_and_every_error_is_counted(either: Database) -> None:
    expected = flood(either)

    with either.reading() as session:
        counted = {
            alert.key.removeprefix("task.dead:"): alert.count
            for alert in session.exec(select(Alert).where(col(Alert.key).startswith("task.dead:")))
        }
        rows = alert_list(session)
    assert counted == expected, "the count of each cause"
    assert len(rows) <= ROWS
    assert sum(row.count for row in rows) == ERRORS
    assert [(row.key, row.causes) for row in rows] == [("task.dead", KINDS)]
    assert rows[0].last_at <= NOW + MINUTE


def test_the_first_fifty_alerts_alone_leave_most_errors_out(database: Database) -> None:
    """The control: a list that is only cut off."""
    flood(database)

    with database.reading() as session:
        shown = sum(alert.count for alert in open_alerts(session))

    assert shown < ERRORS


def test_counting_in_the_process_loses_errors_that_come_at_once(
    postgresql: Database,
) -> None:
    """The control of the counting: two that have read the same count write the same one.

    SQLite has one writer at a time, who reads what the one before wrote.
    """
    with transaction(postgresql) as session:
        raise_alert(session, "cause", "text", now=NOW)
    gate = threading.Barrier(2)

    def count() -> None:
        with transaction(postgresql) as session:
            alert = session.get_one(Alert, "cause")
            gate.wait(30)
            alert.count += 1

    threads = [threading.Thread(target=count) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with postgresql.reading() as session:
        assert session.get_one(Alert, "cause").count == 2, "of three"


def test_few_alerts_are_read_one_by_one_and_too_many_families_share_a_row(
    database: Database,
) -> None:
    with transaction(database) as session:
        for number in range(ROWS):
            raise_alert(session, f"family{number}:x", str(number), now=NOW + MINUTE * number)
        few = alert_list(session)
        raise_alert(session, "family7:y", "again", now=NOW + MINUTE * 99)
        shared = alert_list(session)
        for number in range(ROWS, ROWS + 5):
            raise_alert(session, f"family{number}:x", str(number), now=NOW - MINUTE)
        many = alert_list(session)

    assert [row.text for row in few[:2]] == [str(ROWS - 1), str(ROWS - 2)]
    assert len(shared) == ROWS
    assert (shared[0].key, shared[0].text, shared[0].count) == ("family7", "again", 2)
    assert (len(many), many[-1].key, many[-1].causes) == (ROWS, OTHERS, 6)
    assert sum(row.count for row in many) == ROWS + 6
