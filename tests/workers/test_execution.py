"""Executing tasks: the effect and the done-mark are one; every failure has its place."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from dispatch.core import tasks
from dispatch.core.alerts import raise_alert
from dispatch.core.config import Settings
from dispatch.core.db import Database, DatabaseAway, StaleVersion, transaction
from dispatch.core.errors import ConflictError
from dispatch.core.tables import Alert, Task, TaskState
from tests.instants import NOW
from workers.execution import (
    Handlers,
    Interrupted,
    Long,
    Outcome,
    Postponed,
    Stopping,
    TransientFailure,
    Work,
    describe,
    drain,
    execute,
)

SETTINGS = Settings()
SHORT = timedelta(seconds=0.06)


def note(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
    raise_alert(session, f"noted:{payload.get('what', '')}", "noted", now=now)


def enqueue(database: Database, kind: str, **options: Any) -> int:
    with transaction(database) as session:
        task_id = tasks.enqueue(session, kind, **{"key": kind, "now": NOW, **options})
    assert task_id is not None
    return task_id


def run(
    database: Database, task_id: int, handlers: Handlers, *, now: datetime = NOW, **options: Any
) -> Outcome:
    return execute(
        database, SETTINGS, task_id, owner="w", handlers=handlers, clock=lambda _: now, **options
    )


def task(database: Database, task_id: int) -> Task:
    with database.reading() as session:
        found = session.get(Task, task_id)
    assert found is not None
    return found


def noted(database: Database) -> list[str]:
    with database.reading() as session:
        return [alert.key for alert in session.exec(select(Alert)) if alert.key.startswith("noted")]


def test_a_task_is_done_once_however_often_the_bell_rings(database: Database) -> None:
    task_id = enqueue(database, "note")

    assert run(database, task_id, {"note": note}) is Outcome.DONE
    assert run(database, task_id, {"note": note}) is Outcome.NOT_DUE
    assert task(database, task_id).attempts == 1


def test_a_task_that_is_not_due_yet_is_left_alone(database: Database) -> None:
    task_id = enqueue(database, "note", run_at=NOW + timedelta(hours=1))

    assert run(database, task_id, {"note": note}) is Outcome.NOT_DUE
    assert noted(database) == []


def test_what_a_failed_handler_changed_is_gone_and_the_task_comes_again(database: Database) -> None:
    def half(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
        note(session, payload, now=now)
        raise ZeroDivisionError("half way")

    task_id = enqueue(database, "half")

    assert run(database, task_id, {"half": half}) is Outcome.RETRY
    assert noted(database) == []
    failed = task(database, task_id)
    assert failed.state is TaskState.DUE
    assert failed.run_at > NOW
    assert failed.last_error is not None
    assert "ZeroDivisionError: half way at half" in failed.last_error


def test_an_expected_refusal_ends_the_task_at_once_with_an_alert(database: Database) -> None:
    class NotToday(ConflictError):
        code = "not_today"

    def refuse(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
        raise NotToday("The office is closed.")

    task_id = enqueue(database, "refuse")

    assert run(database, task_id, {"refuse": refuse}) is Outcome.DEAD
    assert task(database, task_id).last_error == "not_today: The office is closed."
    with database.reading() as session:
        assert session.get(Alert, "task.dead:refuse") is not None


@pytest.mark.parametrize("error", [DatabaseAway("busy"), StaleVersion("changed")])
def test_a_lost_race_or_a_busy_database_is_worth_another_attempt(
    database: Database, error: Exception
) -> None:
    def racing(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
        raise error

    task_id = enqueue(database, "racing")

    assert run(database, task_id, {"racing": racing}) is Outcome.RETRY


def test_a_kind_that_this_release_does_not_know_waits_for_one_that_does(database: Database) -> None:
    task_id = enqueue(database, "from.the.future")

    assert run(database, task_id, {}) is Outcome.RETRY
    assert "no handler" in (task(database, task_id).last_error or "")


def test_a_failure_is_recorded_without_peoples_data(database: Database) -> None:
    def leak(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
        raise ValueError("cannot reach chen@example.cn at 13800138000")

    task_id = enqueue(database, "leak")
    run(database, task_id, {"leak": leak})

    assert "cannot reach [email] at [phone]" in (task(database, task_id).last_error or "")


def test_an_error_of_the_database_is_described_without_its_parameters(session: Session) -> None:
    same = sa.select(Alert).where(Alert.text == "13800138000")  # type: ignore[arg-type]
    with pytest.raises(sa.exc.IntegrityError) as caught, session.begin_nested():
        session.add(Alert(key="a", text="13800138000", first_at=NOW, last_at=NOW))
        session.flush()
        session.execute(sa.insert(Alert).from_select(list(Alert.model_fields), same))

    said = describe(caught.value)
    assert said.startswith(("IntegrityError: UNIQUE constraint", "UniqueViolation: duplicate key"))
    assert "138" not in describe(caught.value)


def test_a_long_task_finishes_in_a_transaction_of_its_own(database: Database) -> None:
    def long(work: Work) -> None:
        with transaction(work.database) as session:
            note(session, work.payload, now=NOW)
            work.finish(session)

    task_id = enqueue(database, "long", payload={"what": "x"})

    assert run(database, task_id, {"long": Long(long)}) is Outcome.DONE
    assert noted(database) == ["noted:x"]
    assert task(database, task_id).state is TaskState.DONE


def test_a_worker_that_lost_its_lease_leaves_no_trace(database: Database) -> None:
    def slow(work: Work) -> None:
        with transaction(work.database) as session:  # meanwhile it is taken for dead
            assert tasks.recover_expired(session, now=NOW + timedelta(minutes=1)) == 1
        with transaction(work.database) as session:
            note(session, work.payload, now=NOW)
            work.finish(session)

    task_id = enqueue(database, "slow")

    assert run(database, task_id, {"slow": Long(slow)}) is Outcome.LOST
    assert noted(database) == []
    assert task(database, task_id).state is TaskState.DUE


def test_a_long_task_renews_its_lease_while_it_works(database: Database) -> None:
    renewed = threading.Event()

    def clock(_session: Session) -> datetime:
        if threading.current_thread().name.startswith("lease-"):
            renewed.set()
        return NOW

    def long(work: Work) -> None:
        assert renewed.wait(2)
        with transaction(work.database) as session:
            work.finish(session)

    task_id = enqueue(database, "long")
    outcome = execute(
        database,
        SETTINGS,
        task_id,
        owner="w",
        handlers={"long": Long(long)},
        clock=clock,
        length=SHORT,
    )

    assert outcome is Outcome.DONE


def test_a_long_task_is_told_when_its_lease_is_lost(database: Database) -> None:
    def long(work: Work) -> None:
        with transaction(work.database) as session:
            tasks.recover_expired(session, now=NOW + timedelta(minutes=1))
        assert work.lost.wait(2)
        assert work.should_stop()
        raise Interrupted

    task_id = enqueue(database, "long")

    run(database, task_id, {"long": Long(long)}, length=SHORT)

    assert task(database, task_id).state is TaskState.DUE


def test_a_task_that_is_too_early_is_put_off_without_counting(database: Database) -> None:
    def early(work: Work) -> None:
        raise Postponed(NOW + timedelta(hours=3))

    task_id = enqueue(database, "early")

    assert run(database, task_id, {"early": Long(early)}) is Outcome.POSTPONED
    put_off = task(database, task_id)
    assert (put_off.state, put_off.attempts) == (TaskState.DUE, 0)
    assert put_off.run_at == NOW + timedelta(hours=3)


def test_a_task_gives_up_after_its_last_attempt(database: Database) -> None:
    def fail(work: Work) -> None:
        raise TransientFailure("451 try again later")

    task_id = enqueue(database, "fail", max_attempts=2)

    assert run(database, task_id, {"fail": Long(fail)}) is Outcome.RETRY
    later = NOW + timedelta(minutes=1)
    assert run(database, task_id, {"fail": Long(fail)}, now=later) is Outcome.DEAD
    assert task(database, task_id).last_error == "451 try again later"


def test_a_stopping_worker_claims_nothing_more(database: Database) -> None:
    task_id = enqueue(database, "note")
    stopping = Stopping()
    stopping.claims.set()

    assert run(database, task_id, {"note": note}, stopping=stopping) is Outcome.NOT_DUE
    assert task(database, task_id).attempts == 0


def test_a_task_given_up_because_the_worker_stops_goes_back_uncounted(database: Database) -> None:
    stopping = Stopping()

    def long(work: Work) -> None:
        stopping.work.set()
        assert work.should_stop()
        raise Interrupted

    task_id = enqueue(database, "long")

    assert run(database, task_id, {"long": Long(long)}, stopping=stopping) is Outcome.HANDED_BACK
    back = task(database, task_id)
    assert (back.state, back.attempts, back.recoveries) == (TaskState.DUE, 0, 0)


def test_draining_does_what_is_due_in_order_and_what_that_brings_about(database: Database) -> None:
    seen: list[str] = []

    def step(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
        seen.append(payload["name"])
        if payload["name"] == "first":
            tasks.enqueue(session, "step", key="child", payload={"name": "child"}, now=now)

    for name, delay in (("second", 2), ("first", 1), ("tomorrow", 86400)):
        due = NOW + timedelta(seconds=delay)
        enqueue(database, "step", key=name, payload={"name": name}, run_at=due)

    outcomes = drain(database, SETTINGS, now=NOW + timedelta(seconds=5), handlers={"step": step})

    assert seen == ["first", "second", "child"]
    assert set(outcomes.values()) == {Outcome.DONE}


# -- one after the other ------------------------------------------------------------------------------------------


def states(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return tasks.counts(session)


def test_what_else_is_due_in_the_queue_is_done_in_a_row(database: Database) -> None:
    first = enqueue(database, "note", key="1", payload={"what": "1"})
    for number in range(2, 6):
        enqueue(database, "note", key=f"{number}", payload={"what": f"{number}"})
    enqueue(database, "message.send", key="another queue's")
    enqueue(database, "note", key="later", run_at=NOW + timedelta(hours=1))

    assert run(database, first, {"note": note}, in_a_row=4) is Outcome.DONE

    assert states(database) == {"done": 4, "due": 3}
    assert run(database, first, {"note": note}, in_a_row=4) is Outcome.DONE, "it looks for work"
    assert states(database) == {"done": 5, "due": 2}
    assert run(database, first, {"note": note}, in_a_row=4) is Outcome.NOT_DUE


def test_long_tasks_follow_each_other_too_but_not_one_whose_end_was_taken_back(
    database: Database,
) -> None:
    def long(work: Work) -> None:
        with transaction(work.database) as session:
            work.finish(session)
            if work.payload.get("fails"):
                raise TransientFailure("not now")

    first = enqueue(database, "long", key="1")
    enqueue(database, "long", key="2", payload={"fails": True})
    enqueue(database, "long", key="3")

    run(database, first, {"long": Long(long)}, in_a_row=9)

    assert states(database) == {"done": 1, "due": 2}


def test_a_failure_ends_the_row_and_leaves_no_other_task_claimed(database: Database) -> None:
    def fails(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
        raise TransientFailure("not now")

    first = enqueue(database, "note", key="1")
    enqueue(database, "fails", key="2")
    enqueue(database, "note", key="3")

    run(database, first, {"note": note, "fails": fails}, in_a_row=9)

    assert states(database) == {"done": 1, "due": 2}


def test_a_worker_that_stops_claims_no_next_task(database: Database) -> None:
    stopping = Stopping()

    def told(session: Session, payload: dict[str, Any], *, now: datetime) -> None:
        stopping.claims.set()

    first = enqueue(database, "told", key="1")
    enqueue(database, "told", key="2")

    run(database, first, {"told": told}, in_a_row=9, stopping=stopping)

    assert states(database) == {"done": 1, "due": 1}
