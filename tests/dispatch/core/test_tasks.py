"""Tasks: claimed once, retried, fenced, never lost and never silently given up."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from dispatch.core import alerts, tasks
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task, TaskState
from tests.instants import NOW

LATER = NOW + timedelta(seconds=1)


def add(session: Session, key: str = "k", **more: object) -> int:
    task_id = tasks.enqueue(session, "test.kind", key=key, now=NOW, **more)  # type: ignore[arg-type]
    assert task_id is not None
    return task_id


def claim(session: Session, now: datetime = LATER) -> tasks.Lease:
    (lease,) = tasks.claim_due(session, owner="w", now=now, limit=1)
    return lease


def test_the_same_key_makes_one_task(session: Session) -> None:
    add(session, "once")

    assert tasks.enqueue(session, "test.kind", key="once", now=NOW) is None
    assert len(session.exec(select(Task)).all()) == 1


def test_a_task_is_claimed_by_one_worker_only(session: Session) -> None:
    task_id = add(session)

    first = tasks.claim(session, task_id, owner="a", now=LATER)

    assert first is not None
    assert first.attempt == 1
    assert tasks.claim(session, task_id, owner="b", now=LATER) is None


def test_a_task_is_not_claimed_before_its_time(session: Session) -> None:
    task_id = add(session, run_at=NOW + timedelta(hours=1))

    assert tasks.claim(session, task_id, owner="a", now=LATER) is None
    assert tasks.due(session, now=LATER) == []
    assert tasks.claim(session, task_id, owner="a", now=NOW + timedelta(hours=1)) is not None


def test_the_longest_due_are_claimed_first(session: Session) -> None:
    add(session, "new", run_at=NOW + timedelta(seconds=2))
    old = add(session, "old", run_at=NOW)

    assert claim(session, NOW + timedelta(seconds=5)).task_id == old


def test_a_result_that_comes_after_the_lease_was_lost_is_refused(session: Session) -> None:
    add(session)
    slow = claim(session)
    tasks.recover_expired(session, now=LATER + tasks.LEASE + timedelta(seconds=1))

    with pytest.raises(tasks.LostLease):
        tasks.finish(session, slow, now=LATER + timedelta(minutes=1))
    assert tasks.renew(session, slow, now=LATER) is False
    assert tasks.fail(session, slow, "late", now=LATER) is None


def test_a_renewed_lease_does_not_expire(session: Session) -> None:
    add(session)
    lease = claim(session)
    assert tasks.renew(session, lease, now=LATER + timedelta(seconds=20))

    assert tasks.recover_expired(session, now=LATER + timedelta(seconds=40)) == 0
    tasks.finish(session, lease, now=LATER + timedelta(seconds=41))


def test_a_failed_task_comes_back_later_and_later(session: Session) -> None:
    add(session)
    moment, waits = LATER, []
    for _ in range(5):
        lease = claim(session, moment)
        assert tasks.fail(session, lease, "boom", now=moment, chance=0.5) is TaskState.DUE
        due_at = session.exec(select(Task.run_at)).one()
        waits.append((due_at - moment).total_seconds())
        moment = due_at

    assert waits == [5, 30, 300, 1800, 7200]


def test_a_task_that_keeps_failing_ends_dead_with_one_alert(session: Session) -> None:
    add(session, max_attempts=2)
    moment = LATER
    for _ in range(2):
        state = tasks.fail(session, claim(session, moment), "boom", now=moment, chance=0)
        moment += timedelta(hours=1)

    assert state is TaskState.DEAD
    (alert,) = alerts.open_alerts(session)
    assert "boom" in alert.text
    assert [task.kind for task in tasks.dead(session)] == ["test.kind"]


def test_a_task_that_kills_its_worker_is_dead_after_three_recoveries(session: Session) -> None:
    add(session)
    moment = LATER
    for _ in range(tasks.MAX_RECOVERIES):
        claim(session, moment)
        moment += tasks.LEASE + timedelta(seconds=1)
        assert tasks.recover_expired(session, now=moment) == 1

    assert tasks.counts(session) == {"dead": 1}


def test_tasks_that_lost_two_workers_come_back_one_by_one(session: Session) -> None:
    for number in range(3):
        add(session, f"k{number}")
    moment = LATER
    for _ in range(2):
        assert len(tasks.claim_due(session, owner="w", now=moment, limit=10)) == 3
        moment += tasks.LEASE + timedelta(seconds=1)
        tasks.recover_expired(session, now=moment)

    alone = [moment, moment + tasks.APART, moment + 2 * tasks.APART]
    assert sorted(session.exec(select(Task.run_at)).all()) == alone
    assert len(tasks.claim_due(session, owner="w", now=moment, limit=10)) == 1


def test_a_dead_task_is_put_back_with_all_its_attempts(session: Session) -> None:
    task_id = add(session)
    tasks.fail(session, claim(session), "boom", now=LATER, final=True)

    tasks.requeue(session, task_id, now=LATER)

    assert claim(session).attempt == 1
    with pytest.raises(tasks.TaskNotDead):
        tasks.requeue(session, task_id, now=LATER)
    with pytest.raises(tasks.NoSuchTask):
        tasks.requeue(session, 999, now=LATER)


def test_a_task_handed_back_unstarted_has_lost_no_attempt(session: Session) -> None:
    add(session)
    assert tasks.hand_back(session, claim(session), now=LATER)

    assert claim(session).attempt == 1


def test_the_bell_rings_after_the_commit_and_only_then(database: Database) -> None:
    rung: list[tuple[str, int]] = []
    database.bell = rung.extend

    with transaction(database) as session:
        task_id = add(session)
        add(session, "later", run_at=NOW + timedelta(hours=1))
        assert rung == []
    assert rung == [("default", task_id)]

    with pytest.raises(RuntimeError), transaction(database) as session:
        add(session, "never")
        raise RuntimeError("rolled back")
    assert rung == [("default", task_id)]


def test_the_age_of_the_oldest_due_task_is_told(session: Session) -> None:
    assert tasks.oldest_due_seconds(session, now=LATER) == 0
    add(session)

    assert tasks.oldest_due_seconds(session, now=NOW + timedelta(seconds=90)) == 90


def test_a_claim_finds_what_is_due_by_the_index_beside_many_old_tasks(session: Session) -> None:
    add(session, "old")
    session.execute(sa.update(Task).values(state=TaskState.DONE))
    columns = [name for name in Task.model_fields if name not in {"id", "dedupe_key"}]
    session.connection().exec_driver_sql(
        f"INSERT INTO task (dedupe_key, {', '.join(columns)}) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        f"SELECT 'old:' || i, {', '.join(columns)} FROM task, n"
    )
    tasks.enqueue(session, "note", key="due", now=NOW)
    session.connection().exec_driver_sql("ANALYZE task")
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    engine = session.get_bind().engine
    sa.event.listen(engine, "before_cursor_execute", note)
    (lease,) = tasks.claim_due(session, owner="w", now=NOW, limit=5)
    sa.event.remove(engine, "before_cursor_execute", note)

    assert lease.kind == "note"
    ((claim, parameters),) = asked
    explain = "EXPLAIN QUERY PLAN " if session.get_bind().dialect.name == "sqlite" else "EXPLAIN "
    plan = str(session.connection().exec_driver_sql(explain + claim, parameters).all())
    assert "ix_task_due" in plan
    assert "Seq Scan" not in plan
    assert "SCAN task" not in plan
