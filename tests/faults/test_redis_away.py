"""Redis forgets, dies, is away, and loses its answers: no task is lost and none has its effect twice."""

import time
from collections.abc import Iterator
from datetime import timedelta

import dramatiq
import pytest
from dramatiq import Worker
from dramatiq.brokers.redis import RedisBroker

from dispatch.core.config import Settings
from dispatch.core.db import Database
from tests.faults.counts import times
from tests.faults.crowd import Crowd, crowd
from tests.faults.cutting import Cutter, cutting
from tests.system.servers import Redis, eventually
from workers import redis_server
from workers.broker import bell, make_broker

pytestmark = pytest.mark.faults


def test_redis_is_emptied_and_killed_while_tasks_run(
    workers_on_either: Crowd, redis: Redis
) -> None:
    """Every round it forgets everything once and is killed once, while tasks keep coming."""
    workers, rounds = workers_on_either, times(2, 15)
    seconds, parts, each = times(3, 20), 4, times(15, 84)
    workers.add_worker("one")
    kills = 0
    for _ in range(rounds):
        ends = time.monotonic() + seconds
        for part in range(parts):
            workers.enqueue(each, takes=0.005)
            if part == 0:
                redis.flush_all()
            if part == 2:
                redis.kill()
                kills += 1
                workers.enqueue(each, takes=0.005)  # committed though nobody can be rung
                time.sleep(0.5)
                redis.start()
            time.sleep(max(0.0, (ends - time.monotonic()) / (parts - part)))
    workers.wait_until_done(seconds=60)

    assert kills == rounds
    assert workers.effects() == {1: workers.enqueued}
    waits = workers.waits()
    assert waits[int(0.99 * len(waits))] <= 15, f"the longest waits: {waits[-10:]}"


def test_tasks_that_wait_for_another_try_while_redis_is_away_get_it_within_ten_seconds_of_its_return(
    workers: Crowd, redis: Redis
) -> None:
    count, away, back_off = times(20, 100), times(4, 25), times(3, 15)
    workers.add_worker("one", "--back-off", str(back_off))
    workers.enqueue(count, kind="test.flaky")
    eventually(lambda: workers.tried("test.flaky") == count, what="the first tries")
    redis.kill()
    time.sleep(away)
    assert workers.effects() == {}, "no try can come before Redis does"

    redis.start()
    back = workers.now()
    workers.wait_until_done(seconds=60)

    assert workers.effects() == {1: count}
    assert workers.last_effect() - back <= timedelta(seconds=10)


def test_dramatiqs_own_delays_strand_messages_when_redis_restarts(
    settings: Settings, redis: Redis
) -> None:
    """The control: why delays and retries live in the task table."""
    done: list[int] = []
    broker = RedisBroker(client=redis_server.connect(settings.redis, patience=2), middleware=[])

    def act(number: int) -> None:
        done.append(number)

    actor = dramatiq.actor(act, actor_name="act", queue_name="control", broker=broker)
    worker = Worker(broker, worker_threads=2, worker_timeout=100)
    worker.start()
    try:
        for number in range(20):
            actor.send_with_options(args=(number,), delay=2000)
        held = worker.consumers["control.DQ"].delay_queue
        eventually(lambda: held.qsize() == 20, what="the worker holding the messages")
        redis.kill()
        time.sleep(0.5)
        redis.start()
        time.sleep(8)  # the worker has long reconnected (3 s) and all are overdue
    finally:
        worker.stop(timeout=2000)
        broker.close()

    assert len(done) < 20


@pytest.fixture
def cutter(settings: Settings, redis: Redis) -> Iterator[Cutter]:
    """A line to Redis that can be cut."""
    server = settings.data_dir / "redis" / "redis.sock"
    with cutting(settings.data_dir / "cut.sock", server) as between:
        yield between


@pytest.mark.parametrize("command", [b"enqueue", b"fetch", b"ack"])
def test_answers_of_redis_that_are_cut_off_cost_no_task_and_double_none(
    settings: Settings, database: Database, cutter: Cutter, command: bytes
) -> None:
    here = settings.model_copy(update={"redis_url": f"unix://{cutter.path}"})
    database.bell = bell(make_broker(here))
    wanted, seen = times(3, 50), [0]

    def every_fourth(request: bytes, _answer: bytes) -> bool:
        if command not in request or cutter.cuts >= wanted:
            return False
        seen[0] += 1
        return seen[0] % 4 == 0

    with crowd(here, database) as workers:
        workers.add_worker("one")
        cutter.wants_cut = every_fourth  # line by line, in workers and here
        while cutter.cuts < wanted:
            workers.enqueue(10)
            time.sleep(0.3)
        workers.wait_until_done(seconds=30)

        assert workers.effects() == {1: workers.enqueued}


def test_without_the_sweeper_rings_whose_answer_was_cut_off_strand_their_tasks(
    settings: Settings, database: Database, cutter: Cutter
) -> None:
    """The control: Redis believes that a worker has fetched what never arrived there."""
    here = settings.model_copy(update={"redis_url": f"unix://{cutter.path}"})
    database.bell = bell(make_broker(here))
    with crowd(here, database) as workers:
        workers.add_worker("one", "--no-sweeper")
        cutter.wants_cut = lambda request, answer: b"fetch" in request and b"run_default" in answer

        def cut_off() -> bool:
            workers.enqueue(1)  # again and again: a ring that takes too long is left to the sweeper
            time.sleep(1)
            return cutter.cuts > 0

        eventually(cut_off, seconds=60, what="a ring whose answer is cut off")
        cutter.wants_cut = lambda _request, _answer: False
        time.sleep(6)  # the worker has long reconnected (3 s)

        assert workers.open() > 0
