"""Clocks that are set, hours that are skipped or repeated, schedulers that are killed: what is due happens once."""

import random
import time as stopwatch
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from zoneinfo import ZoneInfo

import pytest
from dateutil.zoneinfo import get_zonefile_instance
from sqlmodel import col, select

from dispatch.contact import links
from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.periodic import Job, occurrence_of
from dispatch.core.tables import Alert, Occurrence, Task, TaskState
from tests.faults.counts import times
from tests.faults.processes import TICK, schedule, start
from tests.instants import NOW
from workers.broker import make_stub_broker
from workers.periodic import start_jobs
from workers.sweeper import Sweeper

pytestmark = pytest.mark.faults

SEED = 20260310

# -- schedulers that are killed --------------------------------------------------------------------


class Schedulers:
    """Two schedulers; whoever dies is started again."""

    def __init__(self, database: Database, *, unique: bool = True) -> None:
        self._url, self._unique = database.url.render_as_string(hide_password=False), unique
        self._running = {name: self._start(name) for name in ("one", "two")}

    def _start(self, name: str) -> tuple[object, Connection]:
        return start(schedule, self._url, name, self._unique)

    def leader(self) -> str:
        """Wait until one of them has started an occurrence; its name."""
        lines = {line: name for name, (_, line) in self._running.items()}
        line = wait(list(lines), timeout=30)[0]
        assert isinstance(line, Connection)
        return str(line.recv())

    def replace(self, name: str) -> None:
        """kill -9 it and start another."""
        self.kill(name)
        self._running[name] = self._start(name)

    def kill(self, name: str) -> None:
        """kill -9 it."""
        process, line = self._running[name]
        process.kill()  # type: ignore[attr-defined]
        process.join()  # type: ignore[attr-defined]
        line.close()


def test_a_tick_happens_once_though_whoever_started_the_last_one_is_killed(
    database: Database,
) -> None:
    chance, kills = random.Random(SEED), times(3, 50)
    schedulers = Schedulers(database)
    for _ in range(kills):
        name = schedulers.leader()
        stopwatch.sleep(chance.uniform(0, 0.1))
        schedulers.replace(name)
    schedulers.leader()
    schedulers.leader()
    _wait_until_done(database)
    for name in ("one", "two"):
        schedulers.kill(name)

    with database.reading() as session:
        ticks = session.exec(select(Occurrence).order_by(col(Occurrence.scheduled_for))).all()
        rows = session.exec(select(Task).where(Task.kind == TICK.kind)).all()
        effects = Counter(session.exec(select(Alert.key, Alert.count)).all())
    assert len(ticks) > kills, f"seed {SEED}: too few ticks for so many kills"
    assert len({tick.key for tick in ticks}) == len(ticks) == len(rows)
    assert effects == {(f"effect:{tick.key}", 1): 1 for tick in ticks}
    moments = [tick.scheduled_for for tick in ticks]
    assert max(b - a for a, b in pairwise(moments)) <= timedelta(seconds=20)


def test_without_unique_occurrences_a_tick_happens_twice(database: Database) -> None:
    """The control."""
    schedulers = Schedulers(database, unique=False)
    twice = 0
    for _ in range(20):
        schedulers.leader()
        with database.reading() as session:
            ticks = session.exec(select(Task).where(Task.kind == TICK.kind)).all()
        twice = len(ticks) - len({task.payload["key"] for task in ticks})
        if twice:
            break
    for name in ("one", "two"):
        schedulers.kill(name)

    assert twice > 0


def _wait_until_done(database: Database) -> None:
    end = stopwatch.monotonic() + 60
    while stopwatch.monotonic() < end:
        with database.reading() as session:
            states = set(session.exec(select(Task.state).where(Task.kind == TICK.kind)))
        if states == {TaskState.DONE}:
            return
        stopwatch.sleep(0.05)
    raise AssertionError("ticks were left undone")


# -- hours that are skipped or repeated ------------------------------------------------------------

ZONES = (
    "Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham",
    "America/Havana",
)  # fmt: skip
"""One without summer time; one that changes by half an hour; one at 02:45; one at midnight."""
FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)


def expected(day: date, clock: time, zone: str) -> datetime:
    """When a daily job of that wall time is due, found by trying the offsets around, with another library.

    The first moment at which the zone's clocks show it; where none does, as long after the gap's beginning as the
    time lies in the gap, that is by the offset of before the change.
    """
    there = get_zonefile_instance().get(zone)
    wall = datetime.combine(day, clock)
    before = datetime.combine(day - timedelta(days=1), time(12), tzinfo=there).utcoffset()
    assert before is not None
    near = (before + timedelta(minutes=15 * number) for number in range(-8, 9))
    shown = [
        moment
        for moment in ((wall - offset).replace(tzinfo=UTC) for offset in near)
        if moment.astimezone(there).replace(tzinfo=None) == wall
    ]
    return min(shown) if shown else (wall - before).replace(tzinfo=UTC)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("clock", [time(2, 30), time(23, 59)], ids=str)
def test_a_daily_job_runs_once_per_local_date_for_two_years(zone: str, clock: time) -> None:
    job, where, chance = Job("x", daily=clock), ZoneInfo(zone), random.Random(SEED)
    begin, end = expected(FIRST, clock, zone), expected(LAST, clock, zone)
    longest = times(360, 20)
    seen: dict[str, datetime] = {}
    looked, moment = begin, begin
    while True:
        key, scheduled = occurrence_of(job, now=moment, zone=where)
        if key not in seen:
            assert scheduled <= moment
            assert scheduled > looked or moment == begin, "it was due at an earlier look"
            seen[key] = scheduled
        if moment >= end:
            break
        looked, moment = moment, min(end, moment + timedelta(minutes=chance.uniform(0.1, longest)))

    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    assert len(days) == 730
    assert seen == {day.isoformat(): expected(day, clock, zone) for day in days}


def test_a_job_every_24_hours_of_utc_misses_local_dates() -> None:
    """The control: why daily jobs are keyed by the local date."""
    zone = ZoneInfo("America/New_York")
    first = datetime(2026, 1, 1, 23, 59, tzinfo=zone).astimezone(UTC)
    dates = [(first + timedelta(days=n)).astimezone(zone).date() for n in range(730)]

    assert len(set(dates)) < 730


# -- clocks that are set ---------------------------------------------------------------------------

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


@STEPS
def test_a_dead_workers_task_comes_back_soon_whatever_the_clock_says(
    database: Database, clock: Clock, sweeper: Sweeper, step: timedelta
) -> None:
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

    assert clock.passed <= tasks.LEASE.total_seconds() + 10


@STEPS
def test_no_occurrence_starts_twice_when_the_clock_is_set(
    database: Database, clock: Clock, step: timedelta
) -> None:
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
    assert len(keys) == len(set(keys)) == jobs
    by_kind = Counter(key.partition(":")[0] for key in keys)
    assert by_kind["clock.sweep"] >= 59, "work stood still"
    assert by_kind["task.archive"] <= 1 + (step == DAY), "a daily job ran twice on one date"


@STEPS
def test_a_link_ends_by_the_clock_however_it_is_set(clock: Clock, step: timedelta) -> None:
    key, expires = b"k" * 32, clock.now + timedelta(minutes=30)
    token = links.sign(key, visit_id="v", expires_at=expires)
    for offset in (timedelta(0), step):
        for late in (-60, -1, 0, 1, 60):
            clock.now = expires + offset + timedelta(seconds=late)
            if clock.now < expires:
                assert links.read(key, token, now=clock.now) == "v"
            else:
                with pytest.raises(links.LinkExpired):
                    links.read(key, token, now=clock.now)


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
