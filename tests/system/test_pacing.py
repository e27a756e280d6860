"""Processes share one limit in a real Redis, and go on by themselves when it dies."""

import time

import pytest

from dispatch.core.config import Settings
from tests.system.servers import Redis
from workers import sending
from workers.channels.pacing import Bucket
from workers.redis_server import connect

pytestmark = pytest.mark.system


def bucket(settings: Settings, name: str = "sms", per_second: float = 20.0) -> Bucket:
    return Bucket(name, per_second, connect(settings.redis, patience=2.0))


def test_two_processes_have_one_limit_together(settings: Settings, redis: Redis) -> None:
    one, other = bucket(settings), bucket(settings)
    began, through = time.monotonic(), 0
    while time.monotonic() - began < 1.0:
        through += (one.take(patience=0.0) == 0) + (other.take(patience=0.0) == 0)
    took = time.monotonic() - began

    assert 20 <= through <= 20 * (took + 1) + 2
    assert bucket(settings, "chat").take(patience=0.0) == 0, "another channel has its own"


def test_turns_are_told_in_seconds(settings: Settings, redis: Redis) -> None:
    limit = bucket(settings, per_second=2.0)
    waits = [limit.take(patience=5.0) for _ in range(6)]

    assert waits[:3] == [0, 0, 0] or waits[:2] == [0, 0]
    assert waits == sorted(waits)
    assert 1.0 <= waits[-1] <= 1.6


def test_when_redis_dies_each_process_goes_on_by_itself(settings: Settings, redis: Redis) -> None:
    limit = bucket(settings)
    assert limit.take() == 0
    redis.kill()

    assert limit.take() == 0


def test_the_products_own_limit_is_that_of_the_settings(settings: Settings, redis: Redis) -> None:
    pace = sending.pace_of(settings, "sink", 1.0)
    waits = [pace.bucket.take(patience=0.0) for _ in range(4)]

    assert waits[0] == 0
    assert waits[-1] > 0
    assert sending.pace_of(settings, "sink", 1.0) is pace
