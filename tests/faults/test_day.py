"""Whatever is killed while a day runs, the day ends the same; without the protection (the controls) it does not."""

import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from sqlmodel import select

from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.core.tables import Task
from dispatch.planning.tables import PlanStatus, Run
from tests.faults.counts import times
from tests.faults.day import VISITS, Day
from tests.system.freezing import freeze, thaw
from tests.system.servers import Redis, eventually

pytestmark = pytest.mark.faults

LONGER_THAN_A_SWEEP = 9.0
EXPECTED_MESSAGES = {"booked sent": VISITS, "on_the_way sent": VISITS, "done sent": VISITS}


@pytest.fixture
def day(settings: Settings, database: Database, redis: Redis) -> Iterator[Day]:
    """A day with everything in place."""
    with Day(settings, database, redis) as played:
        yield played


@pytest.fixture
def unswept(settings: Settings, database: Database, redis: Redis) -> Iterator[Day]:
    """The same day without sweepers: the control."""
    with Day(settings, database, redis, sweepers=False) as played:
        yield played


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    """What an undisturbed day came to; the first test fills it in."""
    return {}


def expect_same(undisturbed: dict[str, Any], summary: dict[str, Any]) -> None:
    if not undisturbed:
        undisturbed.update(summary)
    assert summary == undisturbed
    assert summary["messages"] == EXPECTED_MESSAGES
    assert summary["files"] == 3 * VISITS
    assert {status for _, status, *_ in summary["visits"]} == {"done"}
    assert summary["plans"] == [(1, "closed")]
    assert summary["chain"] is None


def test_a_day_that_nothing_disturbs(day: Day, undisturbed: dict[str, Any]) -> None:
    expect_same(undisturbed, day.play())


# -- kill -9 of the worker during the solve -----------------------------------------------------------------------


def kill_the_solver(day: Day) -> None:
    """kill -9 the worker that solves; the search that it had started is gone in two seconds."""
    worker = psutil.Process(day.pid("solver"))
    eventually(lambda: day.plan().status is PlanStatus.SOLVING, what="the solve")
    eventually(lambda: bool(worker.children()), what="the search")
    searches = worker.children(recursive=True)
    worker.kill()
    _, left = psutil.wait_procs(searches, timeout=2)
    assert not any(runs(each) for each in left), "a search has outlived its worker"


def runs(process: psutil.Process) -> bool:
    """Whether it does; what is dead and was not yet asked how it ended does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("_time", range(times(1, 20)))
def test_a_worker_killed_while_it_solves(day: Day, undisturbed: dict[str, Any], _time: int) -> None:
    expect_same(undisturbed, day.play(solving=kill_the_solver))

    with day.database.reading() as session:
        assert len(session.exec(select(Run)).all()) == 2, "the kill did not hit the solve"
    assert any("solver was killed" in line for line in day.said)


def test_without_the_sweeper_a_killed_solve_is_never_done(unswept: Day) -> None:
    unswept.prepare()
    unswept.ask_for_plan()
    kill_the_solver(unswept)
    time.sleep(LONGER_THAN_A_SWEEP)

    assert unswept.plan().status is PlanStatus.SOLVING


# -- kill -9 of the web process after a commit --------------------------------------------------------------------


def publish_and_die(day: Day) -> None:
    day.publish(crash_at="before_ring")


@pytest.mark.parametrize("_time", range(times(1, 20)))
def test_the_web_process_killed_between_its_commit_and_its_ring(
    day: Day, undisturbed: dict[str, Any], _time: int
) -> None:
    expect_same(undisturbed, day.play(publish=publish_and_die))


def test_without_the_sweeper_nobody_is_told_of_that_plan(unswept: Day) -> None:
    unswept.prepare()
    unswept.ask_for_plan()
    unswept.wait(lambda: unswept.plan().status is PlanStatus.PROPOSED, "the plan")
    publish_and_die(unswept)
    time.sleep(LONGER_THAN_A_SWEEP)

    assert unswept.plan().published_at is not None
    assert not unswept.messages()


# -- FLUSHALL of Redis during the day -----------------------------------------------------------------------------


def forget_what_was_rung(day: Day) -> None:
    """Have rings wait in Redis, and Redis forget them."""
    worker = day.pid("worker")
    freeze(worker, day.database)
    day.publish()
    day.redis.flush_all()
    thaw(worker)


def flush(day: Day) -> None:
    day.redis.flush_all()


@pytest.mark.parametrize("_time", range(times(1, 20)))
def test_redis_forgets_everything_again_and_again(
    day: Day, undisturbed: dict[str, Any], _time: int
) -> None:
    expect_same(undisturbed, day.play(publish=forget_what_was_rung, working=flush))


def test_without_the_sweeper_what_redis_forgot_stays_undone(unswept: Day) -> None:
    unswept.prepare()
    unswept.ask_for_plan()
    unswept.wait(lambda: unswept.plan().status is PlanStatus.PROPOSED, "the plan")
    forget_what_was_rung(unswept)
    time.sleep(LONGER_THAN_A_SWEEP)

    assert not unswept.messages()
    with unswept.database.reading() as session:
        assert "message.plan_published" in session.exec(select(Task.kind)).all()
