"""The doorbell: rung after commits, never in the way."""

import dramatiq
import pytest
import redis
from dramatiq.brokers.stub import StubBroker

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from tests.instants import NOW
from workers.broker import RING_BUDGET, SILENCE, bell, make_broker, make_stub_broker, waiting


class Away(StubBroker):
    """A broker whose Redis does not answer; each try takes a while of the fake clock."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.tries = 0

    def enqueue(self, message: dramatiq.Message, *, delay: int | None = None) -> dramatiq.Message:
        self.tries += 1
        raise redis.ConnectionError("connection refused")


def test_a_commit_rings_for_the_tasks_it_enqueued(database: Database) -> None:
    broker = make_stub_broker()
    database.bell = bell(broker)

    with transaction(database) as session:
        task_id = tasks.enqueue(session, "clock.sweep", key="a", now=NOW)

    assert waiting(broker, "default") == 1
    message = dramatiq.Message.decode(broker.queues["default"].get())
    assert (message.actor_name, message.args) == ("run_default", (task_id,))


def test_a_rollback_rings_for_nothing(database: Database) -> None:
    broker = make_stub_broker()
    database.bell = bell(broker)

    with pytest.raises(RuntimeError), transaction(database) as session:
        tasks.enqueue(session, "clock.sweep", key="a", now=NOW)
        raise RuntimeError

    assert waiting(broker, "default") == 0


def test_a_commit_stands_when_redis_is_away(database: Database) -> None:
    database.bell = bell(Away())

    with transaction(database) as session:
        task_id = tasks.enqueue(session, "clock.sweep", key="a", now=NOW)

    with database.reading() as session:
        assert tasks.due(session, now=NOW) == [("default", task_id)]


def test_after_a_failed_ring_the_bell_keeps_silent_for_a_while() -> None:
    broker, time = Away(), [100.0]
    ring = bell(broker, monotonic=lambda: time[0])

    ring([("default", 1), ("default", 2)])
    ring([("default", 3)])
    assert broker.tries == 1

    time[0] += SILENCE
    ring([("default", 3)])
    assert broker.tries == 2


def test_a_slow_redis_gets_no_more_rings_of_a_commit_than_its_time_allows() -> None:
    broker, time = make_stub_broker(), [0.0]

    def slow() -> float:
        time[0] += RING_BUDGET / 4
        return time[0]

    rung = bell(broker, monotonic=slow).ring([("default", number) for number in range(100)])

    assert 0 < rung < 5
    assert waiting(broker, "default") == rung


def test_a_redis_that_is_not_there_costs_no_noticeable_time(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("d")
    broker = make_broker(Settings(data_dir=folder))

    bell(broker)([("default", 1)])  # returns and raises nothing

    broker.close()


def test_no_call_to_redis_repeats_itself() -> None:
    broker = make_broker(Settings())

    retry = broker.client.connection_pool.connection_kwargs["retry"]

    assert retry._retries == 0
    assert broker.middleware == []
