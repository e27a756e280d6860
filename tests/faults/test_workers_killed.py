"""Workers die in every way that processes die; every task has its effect once, and every message its fate."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from dispatch.contact import unreached
from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Alert, Task, TaskState
from tests.builders.contact import make_message
from tests.faults.counts import times
from tests.faults.crowd import Crowd, crowd
from tests.instants import at
from tests.system.freezing import freeze, thaw
from tests.system.servers import MailServer, Redis, eventually
from workers.broker import bell, make_broker

pytestmark = pytest.mark.faults

THREADS = 4
MORNING = at("10:05") - timedelta(days=1)
SEED = 20260310


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
    good = times(40, 500)
    workers.add_worker("one")
    workers.enqueue(good // 2)
    workers.enqueue(1, kind="test.poison", max_attempts=5)
    workers.enqueue(good - good // 2)
    workers.wait_until_done(seconds=120)

    poison = poisoned(workers)
    with workers.database.reading() as session:
        alert = session.get_one(Alert, "task.dead:test.poison")
    assert poison.state is TaskState.DEAD
    assert poison.attempts <= 5
    assert alert.count == 1
    assert workers.effects() == {1: good}
    assert len(workers.said) >= 2, "it did not kill its workers: the run is void"


def test_without_a_limit_to_recoveries_a_task_kills_workers_for_ever(workers: Crowd) -> None:
    """The control."""
    workers.add_worker("one", "--recoveries", "1000")
    workers.enqueue(1, kind="test.poison", max_attempts=1000)

    eventually(lambda: poisoned(workers).attempts > 5, seconds=60, what="the sixth attempt")

    assert poisoned(workers).state is not TaskState.DEAD


def poisoned(workers: Crowd) -> Task:
    with workers.database.reading() as session:
        return session.exec(select(Task).where(Task.kind == "test.poison")).one()


def test_results_of_a_frozen_worker_that_wakes_up_too_late_are_refused(
    workers_on_either: Crowd,
) -> None:
    """As many tasks as a worker has threads at a time; each is done once, by whoever has it then."""
    workers, lease, at_once = workers_on_either, 2.0, times(2, 4)
    short = ("--lease", str(lease), "--sweep", "0.5", "--threads", str(at_once))
    workers.add_worker("frozen", *short, "--no-sweeper")
    for _ in range(times(1, 13)):
        workers.enqueue(at_once, kind="test.slow", takes=1.5)
        eventually(lambda: workers.held("test.slow") == at_once, what="the claims")
        freeze(workers.keeper.pids()["frozen"], workers.database)
        frozen_at = time.monotonic()
        try:
            with workers.fork([*short, "default"]):
                eventually(lambda: workers.open() == 0, seconds=60, what="the other's work")
                time.sleep(max(0.0, frozen_at + 3 * lease - time.monotonic()))
        finally:
            thaw(workers.keeper.pids()["frozen"])
        eventually(lambda: workers.refused() == workers.enqueued, what="the refusals")

    assert workers.effects() == {1: workers.enqueued}
    assert workers.refused() == workers.enqueued
    with workers.database.reading() as session:
        attempts = session.exec(select(Task.attempts).where(Task.kind == "test.slow")).all()
    assert set(attempts) == {2}


def test_without_the_fence_a_frozen_worker_does_it_a_second_time(workers: Crowd) -> None:
    """The control: a worker that does not ask whether the task is still its own."""
    short = ("--lease", "1.5", "--sweep", "0.5")
    workers.add_worker("frozen", *short, "--no-sweeper", "--no-fence")
    workers.enqueue(1, kind="test.slow", takes=1.0)
    eventually(lambda: workers.held("test.slow") == 1, what="the claim")
    freeze(workers.keeper.pids()["frozen"], workers.database)
    with workers.fork([*short, "default"]):
        try:
            eventually(lambda: workers.effects() == {1: 1}, seconds=60, what="the other's work")
        finally:
            thaw(workers.keeper.pids()["frozen"])

        eventually(lambda: workers.effects() == {2: 1}, what="the second effect")


def test_workers_stopped_under_load_lose_nothing_and_end_in_time(
    workers_on_either: Crowd,
) -> None:
    workers, took = workers_on_either, list[float]()
    workers.add_workers("one", "two", options=("--grace", "20"))
    for number in range(times(2, 30)):
        name = workers.names[number % 2]
        if workers.open() < 100:
            workers.enqueue(200, takes=0.02)
        before = workers.effects()[1]
        eventually(lambda: workers.effects()[1] > before, what="the next effect")  # noqa: B023
        assert workers.open() > 0, "there was no load: the run is void"
        took.append(workers.stop_politely(name))
    workers.wait_until_done(seconds=90)

    assert max(took) <= 25, took
    assert workers.effects() == {1: workers.enqueued}
    assert max(workers.waits()) <= 60
    assert leases_left(workers) == 0, f"a polite stop left a lease behind: {workers.troubles()}"


def test_a_worker_that_is_killed_instead_of_stopped_leaves_a_lease_behind(workers: Crowd) -> None:
    """The control: the count of leases left behind can be other than 0."""
    workers.add_worker("one")
    workers.enqueue(1, kind="test.slow", takes=1.0)
    eventually(lambda: workers.held("test.slow") == 1, what="the claim")
    workers.kill("one")
    workers.wait_until_done(seconds=90)

    assert leases_left(workers) >= 1


def leases_left(workers: Crowd) -> int:
    """How many times a task was taken from a worker that never gave it back."""
    with workers.database.reading() as session:
        return sum(session.exec(select(Task.recoveries)).all())


# -- messages -----------------------------------------------------------------------------------------------------


@pytest.fixture
def mailing(
    settings: Settings, either_in_full: Database, redis: Redis, mail: MailServer
) -> Iterator[Crowd]:
    """An installation that sends through a slow mail server."""
    mail.delay_s = 0.05
    database, address = either_in_full, either_in_full.url.render_as_string(hide_password=False)
    here = settings.model_copy(update={"smtp_url": mail.url, "database_url": address})
    database.bell = bell(make_broker(here))
    with crowd(here, database) as started:
        yield started


def write_messages(workers: Crowd, count: int, *, safety: bool) -> None:
    with transaction(workers.database) as session:
        for _ in range(count):
            make_message(session, safety=safety)


def send_under_fire(workers: Crowd, mail: MailServer, *, kills: int) -> int:
    """Kill the worker again and again while it has messages to send; how many kills there were."""
    chance, landed = random.Random(SEED), 0
    shift = (MORNING - datetime.now(UTC)).total_seconds()
    workers.add_worker("one", "--shift", str(shift))
    while landed < kills:
        before = mail.offered
        # a courtesy message waits half a minute when other work is late, as it is when workers keep dying
        eventually(lambda: mail.offered > before, seconds=90, what="the next message")  # noqa: B023
        time.sleep(chance.uniform(0, 0.1))
        assert workers.open() > 0, f"seed {SEED}: nothing was left to send, the run is void"
        landed += workers.kill("one")
        eventually(lambda: "one" in workers.keeper.pids())
    workers.wait_until_done(seconds=times(120, 1200))
    assert leases_left(workers) > 0, f"seed {SEED}: no kill hit a message, the run is void"
    return landed


def fates(workers: Crowd) -> Counter[MessageStatus]:
    with workers.database.reading() as session:
        return Counter(session.exec(select(Message.status).order_by(col(Message.id))))


def test_no_courtesy_message_is_sent_twice_and_each_doubt_is_listed(
    mailing: Crowd, mail: MailServer
) -> None:
    count, kills = times(60, 10_000), times(3, 50)
    write_messages(mailing, count, safety=False)

    landed = send_under_fire(mailing, mail, kills=kills)

    duplicates = [number for number, copies in Counter(mail.ids()).items() if copies > 1]
    assert duplicates == []
    told = fates(mailing)
    assert set(told) <= {MessageStatus.SENT, MessageStatus.UNKNOWN}
    assert sum(told.values()) == count
    assert told[MessageStatus.UNKNOWN] <= landed * THREADS
    with mailing.database.reading() as session:
        waiting = unreached.need_a_person(session, territory_id="humen", now=MORNING)
        listed = {row.id for row in waiting}
        doubtful = select(Message.id).where(Message.status == MessageStatus.UNKNOWN)
        assert listed == set(session.exec(doubtful))
    assert listed, f"seed {SEED}: no kill left a doubt, the run is void"
    assert len(mail.ids()) >= told[MessageStatus.SENT]


def test_no_safety_message_is_lost_and_a_repeated_one_has_the_same_id(
    mailing: Crowd, mail: MailServer
) -> None:
    count, kills = times(60, 10_000), times(3, 50)
    write_messages(mailing, count, safety=True)

    landed = send_under_fire(mailing, mail, kills=kills)

    copies = Counter(mail.ids())
    assert len(copies) == count, "a message was lost"
    assert sum(copies.values()) - count <= landed * THREADS
    assert fates(mailing) == {MessageStatus.SENT: count}
