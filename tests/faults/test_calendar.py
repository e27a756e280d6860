"""Schedulers that are killed, hours that are skipped or repeated: what is due by the calendar happens once."""

import random
import time as stopwatch
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from zoneinfo import ZoneInfo

import pytest
from dateutil.zoneinfo import get_zonefile_instance
from sqlmodel import col, select

from dispatch.core.db import Database
from dispatch.core.periodic import Job, occurrence_of
from dispatch.core.tables import Alert, Occurrence, Task, TaskState
from tests.faults.counts import times
from tests.faults.processes import TICK, schedule, start

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


@pytest.mark.timeout(times(240, 1800))
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
