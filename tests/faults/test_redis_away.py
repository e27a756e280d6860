"""Redis forgets, dies, is away, and loses its answers: no task is lost and none has its effect twice."""

import time
from collections.abc import Iterator

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


@pytest.fixture
def workers(settings: Settings, database: Database, redis: Redis) -> Iterator[Crowd]:
    """An installation that rings."""
    database.bell = bell(make_broker(settings))
    with crowd(settings, database) as started:
        yield started


def test_redis_is_emptied_and_killed_while_tasks_run(workers: Crowd, redis: Redis) -> None:
    workers.add_worker("one")
    for _ in range(times(2, 15)):
        workers.enqueue(40, takes=0.01)
        redis.flush_all()
        workers.enqueue(40, takes=0.01)
        redis.kill()
        workers.enqueue(40, takes=0.01)  # committed though nobody can be rung
        time.sleep(0.5)
        redis.start()

    workers.wait_until_done(seconds=60)

    assert workers.effects() == {1: workers.enqueued}


def test_tasks_that_came_due_while_redis_was_away_run_within_ten_seconds_of_its_return(
    workers: Crowd, redis: Redis
) -> None:
    workers.add_worker("one")
    workers.enqueue(times(20, 100), after_s=1.0)
    redis.kill()
    time.sleep(times(3, 25))
    assert workers.effects() == {}

    redis.start()

    workers.wait_until_done(seconds=12)
    assert workers.effects() == {1: workers.enqueued}


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

    def every_fourth(request: bytes) -> bool:
        if command not in request or cutter.cuts >= wanted:
            return False
        seen[0] += 1
        return seen[0] % 4 == 0

    with crowd(here, database) as workers:
        workers.add_worker("one")
        cutter.wants_cut = every_fourth
        while cutter.cuts < wanted:
            workers.enqueue(10)
            time.sleep(0.3)
        workers.wait_until_done(seconds=40)

        assert workers.effects() == {1: workers.enqueued}
