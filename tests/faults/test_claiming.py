"""Many claimers at once, processes of their own, on either database: each task is claimed once, and fast enough."""

import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from dispatch.core import tasks
from dispatch.core.db import Database, database_now, transaction
from dispatch.core.tables import Task, TaskState
from tests.faults.counts import FULL, times
from tests.faults.forking import forked
from tests.system.servers import eventually

pytestmark = pytest.mark.faults

CLAIMERS = 8
AT_ONCE = 10
BEGIN = "begin"
PER_SECOND = {"sqlite": 150, "postgresql": 300}


def fill(database: Database, count: int) -> None:
    with transaction(database) as session:
        now = database_now(session)
        for number in range(count):
            tasks.enqueue(session, "test.count", key=str(number), now=now)


def claim_all(url: str, name: str, careless: bool) -> None:
    """Claim until nothing is due, and write down what was claimed; it begins when all are there."""
    database = Database(url)
    claimed: list[int] = []
    Path(f"{name}.here").touch()
    while not Path(name).with_name(BEGIN).exists():
        time.sleep(0.001)
    while True:
        with transaction(database) as session:
            now = database_now(session)
            if careless:
                leases = carelessly(session, name)
            else:
                found = tasks.claim_due(session, owner=name, now=now, limit=AT_ONCE)
                assert len(found) <= AT_ONCE
                leases = [lease.task_id for lease in found]
        claimed += leases
        if not leases:
            break
    Path(name).write_text("\n".join(map(str, claimed)))


def carelessly(session: Session, name: str) -> list[int]:
    """Look first and write then, as if nobody else did."""
    due = select(Task.id).where(Task.state == TaskState.DUE).order_by(col(Task.id)).limit(AT_ONCE)
    ids = [number for number in session.exec(due) if number is not None]
    time.sleep(0.01)
    for number in ids:  # row by row in one order: many at once could wait for each other
        mine = sa.update(Task).where(col(Task.id) == number)
        session.execute(mine.values(state="leased", lease_owner=name))
    return ids


def claimed_by_eight(database: Database, folder: Path, *, careless: bool = False) -> Counter[int]:
    """How often each task was claimed, as the claimers saw it."""
    url = database.url.render_as_string(hide_password=False)
    names = [str(folder / f"claimer-{number}") for number in range(CLAIMERS)]
    claimers = [
        forked(claim_all, url, name, careless, env={}, log=folder / "claimers.log")
        for name in names
    ]
    eventually(
        lambda: all(Path(f"{name}.here").exists() for name in names),
        seconds=90,
        what="the claimers",
    )
    (folder / BEGIN).touch()
    for claimer in claimers:
        assert claimer.wait(timeout=200) == 0, (folder / "claimers.log").read_text()[-2000:]
    return Counter(int(line) for name in names for line in Path(name).read_text().split())


def test_eight_claimers_claim_each_task_once(either: Database, tmp_path: Path) -> None:
    count = times(1000, 10_000)
    fill(either, count)

    claims = claimed_by_eight(either, tmp_path)

    assert claims == dict.fromkeys(claims, 1)
    assert len(claims) == count
    with either.reading() as session:
        rows = session.exec(
            select(Task.state, Task.attempts, Task.lease_token, func.count()).group_by(
                col(Task.state), col(Task.attempts), col(Task.lease_token)
            )
        ).all()
        ends = (func.min(Task.lease_until), func.max(Task.lease_until))
        first, last = session.exec(select(*ends)).one()
        owners = session.exec(select(func.count(sa.distinct(Task.lease_owner)))).one()
    assert [tuple(row) for row in rows] == [(TaskState.LEASED, 1, 1, count)]
    assert owners > 1, "one claimer had all: the run is void"
    rate = count / (last - first).total_seconds()
    sys.stdout.write(f"{either.url.get_backend_name()}: {rate:.0f} claims a second\n")
    if FULL:  # a figure of a machine that does nothing else
        assert rate >= PER_SECOND[either.url.get_backend_name()]


def test_claimers_that_look_first_and_write_then_claim_tasks_twice(
    postgresql: Database, tmp_path: Path
) -> None:
    """The control."""
    fill(postgresql, 200)

    claims = claimed_by_eight(postgresql, tmp_path, careless=True)

    assert max(claims.values()) > 1
