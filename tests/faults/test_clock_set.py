"""The clock is set while work goes on: nothing is accepted twice, nothing is lost, nothing opens too long."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session, select

from dispatch.contact import links
from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.periodic import Job, occurrence_of
from dispatch.core.tables import Alert, Task, TaskState
from tests.instants import NOW
from workers import periodic
from workers import sweeper as sweeping
from workers.broker import make_stub_broker
from workers.periodic import start_jobs
from workers.sweeper import Sweeper

pytestmark = pytest.mark.faults

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS = pytest.mark.parametrize("step", [-HOUR, HOUR, DAY], ids=["-1 h", "+1 h", "+1 day"])


class Clock:
    """A clock that somebody sets, and time, which nobody does."""

    def __init__(self) -> None:
        self.now, self.passed = NOW, 0.0

    def __call__(self, _session: object = None) -> datetime:
        return self.now

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)
        self.passed += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock that shows 07:00 in Humen."""
    return Clock()


@pytest.fixture
def sweeper(database: Database, clock: Clock, settings: Settings) -> Iterator[Sweeper]:
    """A sweeper on that clock."""
    broker = make_stub_broker()
    yield Sweeper(database, settings, broker, clock=clock, stopwatch=lambda: clock.passed)
    broker.close()


def claimed(database: Database, clock: Clock, owner: str) -> tasks.Lease | None:
    with transaction(database) as session:
        number = session.exec(select(Task.id).where(Task.kind == "x")).one() or 0
        return tasks.claim(session, number, owner=owner, now=clock.now)


@STEPS
def test_a_task_is_never_accepted_twice_when_the_clock_is_set(
    database: Database, clock: Clock, sweeper: Sweeper, step: timedelta
) -> None:
    with transaction(database) as session:
        tasks.enqueue(session, "x", key="x", now=clock.now)
    first = claimed(database, clock, "elsewhere:1")
    assert first is not None
    clock.now += step
    sweeper.sweep()
    second = claimed(database, clock, "elsewhere:2")
    accepted = 0
    for lease in (first, second):
        if lease is None:
            continue
        try:
            with transaction(database) as session:
                tasks.finish(session, lease, now=clock.now)
            accepted += 1
        except tasks.LostLease:
            pass

    assert accepted == 1
    assert (second is None) == (step < timedelta(0)), "only a clock set forward ends a lease"


def seconds_until_back(
    database: Database, clock: Clock, sweeper: Sweeper, step: timedelta
) -> float:
    """How long after the clock was set a dead worker's task is due again, an hour at most."""
    with transaction(database) as session:
        tasks.enqueue(session, "x", key="x", now=clock.now)
    assert claimed(database, clock, "elsewhere:1") is not None
    clock.now += step
    state = TaskState.LEASED
    while state is not TaskState.DUE and clock.passed < 3600:
        clock.wait(5)
        sweeper.sweep()
        with database.reading() as session:
            state = session.exec(select(Task.state).where(Task.kind == "x")).one()
    return clock.passed


@STEPS
def test_a_dead_workers_task_comes_back_soon_whatever_the_clock_says(
    database: Database, clock: Clock, sweeper: Sweeper, step: timedelta
) -> None:
    assert seconds_until_back(database, clock, sweeper, step) <= tasks.LEASE.total_seconds() + 10


def test_without_the_cut_of_long_leases_it_comes_back_an_hour_later(
    database: Database, clock: Clock, sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (tasks, sweeping):
        monkeypatch.setattr(module, "LONGEST_LEASE", DAY)

    assert seconds_until_back(database, clock, sweeper, -HOUR) >= 3600


def play_periodic_jobs(database: Database, clock: Clock, step: timedelta) -> tuple[int, list[str]]:
    """An hour and a half in which the clock is set and set back: how many jobs started, of which occurrences."""
    jobs = 0
    for minute in range(90):
        jobs += start_jobs(database, now=clock.now)
        clock.wait(60)
        if minute == 30:
            clock.now += step
        elif minute == 60:
            clock.now -= step

    with database.reading() as session:
        keys = session.exec(select(Task.dedupe_key)).all()
    return jobs, [key.partition("#")[0] for key in keys]


@STEPS
def test_no_occurrence_starts_twice_when_the_clock_is_set(
    database: Database, clock: Clock, step: timedelta
) -> None:
    jobs, keys = play_periodic_jobs(database, clock, step)

    assert len(keys) == len(set(keys)) == jobs
    by_kind = Counter(key.partition(":")[0] for key in keys)
    assert by_kind["clock.sweep"] >= 59, "work stood still"
    assert by_kind["task.archive"] <= 1 + (step == DAY), "a daily job ran twice on one date"


@STEPS
def test_without_unique_occurrences_they_start_twice(
    database: Database, clock: Clock, step: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whoever_sees_it(
        session: Session, job: Job, *, subject: str, zone: ZoneInfo, now: datetime
    ) -> bool:
        key = f"{job.kind}:{subject}:{occurrence_of(job, now=now, zone=zone)[0]}"
        tasks.enqueue(session, job.kind, key=f"{key}#{clock.passed}", now=now)
        return True

    monkeypatch.setattr(periodic, "start_due", whoever_sees_it)

    jobs, keys = play_periodic_jobs(database, clock, step)

    assert len(set(keys)) < jobs


def times_wrong(
    session: Session, clock: Clock, step: timedelta, *, reader: Callable[[], datetime]
) -> int:
    """How often a link opens at its end or later, or does not before, by the clock of whoever reads it."""
    key, expires = b"k" * 32, clock.now + timedelta(minutes=30)
    opening = links.Opening("visit", "v", "1", expires)
    (token,) = links.issue(session, key, [opening], now=clock.now)
    wrong = 0
    for offset in (timedelta(0), step):
        for late in (-60, -1, 0, 1, 60):
            clock.now = expires + offset + timedelta(seconds=late)
            try:
                opens = bool(links.read(session, key, token, purpose="visit", now=reader()))
            except links.LinkExpired:
                opens = False
            wrong += opens != (clock.now < expires)
    return wrong


@STEPS
def test_a_link_ends_by_the_clock_however_it_is_set(
    session: Session, clock: Clock, step: timedelta
) -> None:
    assert times_wrong(session, clock, step, reader=clock) == 0


@STEPS
def test_by_a_clock_of_ones_own_that_nobody_has_set_a_link_ends_at_another_time(
    session: Session, clock: Clock, step: timedelta
) -> None:
    """The control."""
    assert times_wrong(session, clock, step, reader=lambda: clock.now - step) > 0


@STEPS
def test_a_clock_that_was_set_is_an_alert_and_one_that_runs_is_none(
    database: Database, clock: Clock, sweeper: Sweeper, step: timedelta
) -> None:
    for _ in range(20):
        sweeper.sweep()
        clock.wait(5)
    with database.reading() as session:
        assert session.get(Alert, "clock.step") is None

    clock.now += step
    sweeper.sweep()

    with database.reading() as session:
        alert = session.get_one(Alert, "clock.step")
    assert alert.count == 1
    assert f"{abs(step).total_seconds():.0f} s" in alert.text


@STEPS
def test_without_a_stopwatch_nobody_notices_that_the_clock_was_set(
    database: Database, clock: Clock, sweeper: Sweeper, step: timedelta
) -> None:
    sweeper.stopwatch = None
    sweeper.sweep()
    clock.now += step
    sweeper.sweep()

    with database.reading() as session:
        assert session.get(Alert, "clock.step") is None
