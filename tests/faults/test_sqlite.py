"""SQLite keeps what it acknowledged though its writers are killed, and writers that meet wait for each other."""

import random
import time
from multiprocessing.connection import Connection

import pytest
from sqlmodel import col, select

from dispatch.core.db import Database, transaction
from dispatch.core.tables import Alert, Sequence
from tests.faults.counts import times
from tests.faults.processes import COMMITTED, read_then_write, start, started, write_for_ever

pytestmark = [
    pytest.mark.faults,
    pytest.mark.sqlite("its one writer keeps out all others, and its file may be damaged"),
]

SEED = 20260310
PROCESSES = 4


def killed_writer(url: str, name: str, seconds: float, *, honest: bool = True) -> bytes:
    """Have a writer killed so many seconds after its first commit; what it told."""
    process, line = start(write_for_ever, url, name, honest)
    told = line.recv_bytes() + line.recv_bytes()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if line.poll(left):
            told += line.recv_bytes()
    process.kill()
    told += _rest(line)
    process.join()
    return told


def _rest(line: Connection) -> bytes:
    told = b""
    try:
        while True:
            told += line.recv_bytes()
    except EOFError:
        return told


def written(database: Database, name: str) -> int:
    with database.reading() as session:
        keys = session.exec(select(Alert.key).where(col(Alert.key).startswith(f"{name}:"))).all()
    assert sorted(int(key.partition(":")[2]) for key in keys) == list(range(len(keys))), "a gap"
    return len(keys)


@pytest.mark.timeout(times(240, 1800))
def test_what_a_killed_writer_acknowledged_is_there_and_the_file_is_sound(
    database: Database,
) -> None:
    kills, chance, in_flight = times(20, 200), random.Random(SEED), 0
    url = database.url.render_as_string(hide_password=False)
    for kill in range(kills):
        told = killed_writer(url, f"w{kill}", chance.uniform(0, 0.06))

        acknowledged, begun = told.count(COMMITTED), len(told) - told.count(COMMITTED)
        in_flight += begun > acknowledged
        assert written(database, f"w{kill}") in (acknowledged, begun), f"seed {SEED}, kill {kill}"
        with database.reading() as session:
            verdict = session.connection().exec_driver_sql("PRAGMA integrity_check").scalar_one()
        assert verdict == "ok", f"seed {SEED}, kill {kill}"

    assert in_flight >= kills / 2, "too few kills landed while a row was being written"


def test_a_writer_that_acknowledges_before_it_commits_loses_rows(database: Database) -> None:
    """The control: the test above would notice."""
    url, chance, lost = database.url.render_as_string(), random.Random(SEED), 0
    for kill in range(50):
        told = killed_writer(url, f"w{kill}", chance.uniform(0, 0.06), honest=False)
        lost += told.count(COMMITTED) - written(database, f"w{kill}")
        if lost:
            return
    raise AssertionError(f"seed {SEED}: nothing was lost, so that the test above shows nothing")


def met(database: Database, *, immediate: bool) -> tuple[int, int, int]:
    """Have processes count up together: how often they did, were refused, and what the number is in the end."""
    count, url = times(100, 500), database.url.render_as_string()
    with transaction(database) as session:
        session.add(Sequence(name="test", value=0))
    with started(*[(read_then_write, url, count, immediate)] * PROCESSES) as running:
        told = [line.recv() for _, line in running]
    with database.reading() as session:
        value = session.get_one(Sequence, "test").value
    return sum(done for done, _ in told), sum(locked for _, locked in told), value


def test_processes_that_read_then_write_wait_for_each_other(database: Database) -> None:
    done, locked, value = met(database, immediate=True)

    assert locked == 0
    assert value == done == PROCESSES * times(100, 500)


def test_transactions_that_begin_as_readers_are_refused_when_they_write(
    database: Database,
) -> None:
    """The control: why every unit of work begins with BEGIN IMMEDIATE."""
    done, locked, value = met(database, immediate=False)

    assert locked > 10
    assert value == done
