"""Workers die in every way that processes die; every task has its effect once, and every message its fate."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Alert, Task, TaskState
from tests.builders.contact import make_message
from tests.faults.counts import times
from tests.faults.crowd import Crowd, crowd
from tests.instants import at
from tests.system.servers import MailServer, Redis, eventually
from workers.broker import bell, make_broker

pytestmark = pytest.mark.faults

THREADS = 4
MORNING = at("10:05") - timedelta(days=1)
SEED = 20260310


@pytest.fixture
def workers(settings: Settings, database: Database, redis: Redis) -> Iterator[Crowd]:
    """An installation that rings."""
    database.bell = bell(make_broker(settings))
    with crowd(settings, database) as started:
        yield started


# -- tasks --------------------------------------------------------------------------------------------------------


def test_tasks_have_their_effect_once_though_workers_are_killed(workers: Crowd) -> None:
    chance, count, kills = random.Random(SEED), times(120, 1000), times(3, 50)
    for name in ("one", "two"):
        workers.add_worker(name)
    landed = 0
    while landed < kills:
        if workers.open() < count / 2:
            workers.enqueue(count)
        before = workers.effects()[1]
        eventually(lambda: workers.effects()[1] > before, what="the next effect")  # noqa: B023
        time.sleep(chance.uniform(0.0, 0.2))
        landed += workers.kill(chance.choice(workers.names))

    workers.wait_until_done(seconds=90)

    assert workers.effects() == {1: workers.enqueued}, f"seed {SEED}"


def test_a_task_that_kills_its_worker_is_buried_and_the_others_are_done(workers: Crowd) -> None:
    workers.add_worker("one")
    workers.enqueue(1, kind="test.poison")
    workers.enqueue(times(20, 500))
    workers.wait_until_done(seconds=60)

    with workers.database.reading() as session:
        poison = session.exec(select(Task).where(Task.kind == "test.poison")).one()
        alert = session.get_one(Alert, "task.dead:test.poison")
    assert poison.state is TaskState.DEAD
    assert poison.attempts <= 5
    assert alert.count == 1
    assert workers.effects() == {1: workers.enqueued - 1}


def test_a_frozen_worker_that_wakes_up_too_late_changes_nothing(workers: Crowd) -> None:
    lease = 1.5
    workers.add_worker("frozen", "--lease", str(lease), "--no-sweeper")
    workers.enqueue(1, kind="test.slow", takes=0.5)
    eventually(lambda: _holder(workers) is not None, what="the claim")
    process = workers.keeper.pids()["frozen"]
    os.kill(process, signal.SIGSTOP)
    try:
        workers.add_worker("other", "--lease", str(lease))
        eventually(lambda: workers.effects() == {1: 1}, seconds=20, what="the other's work")
    finally:
        os.kill(process, signal.SIGCONT)
    log = workers.settings.data_dir / "logs" / "frozen.log"
    eventually(lambda: "task.lost" in log.read_text(), what="the frozen worker's insight")

    assert workers.effects() == {1: 1}


@pytest.mark.parametrize("_time", range(times(1, 10)))
def test_a_worker_stopped_under_load_loses_nothing_and_ends_in_time(
    workers: Crowd, _time: int
) -> None:
    workers.add_worker("one")
    workers.enqueue(60, takes=0.05)
    eventually(lambda: workers.effects()[1] > 3, what="the first effects")
    process = workers.keeper.pids()["one"]
    began = time.monotonic()

    os.kill(process, signal.SIGTERM)

    eventually(lambda: workers.keeper.pids().get("one", process) != process, seconds=25)
    assert time.monotonic() - began < 25
    with workers.database.reading() as session:
        recoveries = session.exec(select(Task.recoveries)).all()
    workers.wait_until_done(seconds=60)
    assert workers.effects() == {1: 60}
    assert sum(recoveries) == 0, "a polite stop leaves no lease behind"


# -- messages -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mailing(
    settings: Settings, database: Database, redis: Redis, mail: MailServer
) -> Iterator[Crowd]:
    """An installation that sends through a slow mail server."""
    mail.delay_s = 0.05
    here = settings.model_copy(update={"smtp_url": mail.url})
    database.bell = bell(make_broker(here))
    with crowd(here, database) as started:
        yield started


def write_messages(workers: Crowd, count: int, *, safety: bool) -> None:
    with transaction(workers.database) as session:
        for _ in range(count):
            make_message(session, safety=safety)


def send_under_fire(workers: Crowd, mail: MailServer, *, kills: int) -> int:
    chance, landed = random.Random(SEED), 0
    shift = (MORNING - datetime.now(UTC)).total_seconds()
    workers.add_worker("one", "--shift", str(shift))
    while landed < kills:
        before = mail.offered
        # a courtesy message waits half a minute when other work is late, as it is when workers keep dying
        eventually(lambda: mail.offered > before or workers.open() == 0, seconds=90)  # noqa: B023
        time.sleep(chance.uniform(0, 0.1))
        landed += workers.kill("one")
        eventually(lambda: "one" in workers.keeper.pids())
    workers.wait_until_done(seconds=times(120, 300))
    return landed


def fates(workers: Crowd) -> Counter[MessageStatus]:
    with workers.database.reading() as session:
        return Counter(session.exec(select(Message.status).order_by(col(Message.id))))


def test_no_courtesy_message_is_sent_twice_and_each_doubt_is_listed(
    mailing: Crowd, mail: MailServer
) -> None:
    count, kills = times(60, 2000), times(3, 50)
    write_messages(mailing, count, safety=False)

    landed = send_under_fire(mailing, mail, kills=kills)

    duplicates = [number for number, copies in Counter(mail.ids()).items() if copies > 1]
    assert duplicates == []
    told = fates(mailing)
    assert set(told) <= {MessageStatus.SENT, MessageStatus.UNKNOWN}
    assert sum(told.values()) == count
    assert told[MessageStatus.UNKNOWN] <= landed * THREADS
    assert len(mail.ids()) >= told[MessageStatus.SENT]


def test_no_safety_message_is_lost_and_a_repeated_one_has_the_same_id(
    mailing: Crowd, mail: MailServer
) -> None:
    count, kills = times(60, 2000), times(3, 50)
    write_messages(mailing, count, safety=True)

    landed = send_under_fire(mailing, mail, kills=kills)

    copies = Counter(mail.ids())
    assert len(copies) == count, "a message was lost"
    assert sum(copies.values()) - count <= landed * THREADS
    assert fates(mailing) == {MessageStatus.SENT: count}


def _holder(workers: Crowd) -> str | None:
    with workers.database.reading() as session:
        return session.exec(
            select(Task.lease_owner).where(Task.kind == "test.slow", Task.state == TaskState.LEASED)
        ).first()
