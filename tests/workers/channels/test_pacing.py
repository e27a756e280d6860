"""A provider is used no faster than it allows, and left alone while it fails."""

import threading
from dataclasses import dataclass

import pytest
import redis

from workers.channels import pacing
from workers.channels.pacing import FAILURES, REST_S, Breaker, Bucket, Pace


@dataclass
class Watch:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_without_a_limit_nobody_waits(watch: Watch) -> None:
    bucket = Bucket("sms", 0.0, monotonic=watch)

    assert [bucket.take() for _ in range(1000)] == [0.0] * 1000


def test_no_more_than_so_many_a_second_are_let_through(watch: Watch) -> None:
    bucket = Bucket("sms", 10.0, monotonic=watch)
    through = 0
    for _ in range(1000):  # ten seconds in steps of 10 ms
        through += bucket.take(patience=0.0) == 0.0
        watch.now += 0.01

    assert 100 <= through <= 111


def test_turns_are_given_one_after_the_other(watch: Watch) -> None:
    bucket = Bucket("sms", 8.0, monotonic=watch)
    waits = [bucket.take() for _ in range(26)]

    assert waits[:9] == [0.0] * 9
    assert (waits[10], waits[24]) == (0.25, 2.0)
    assert waits[25] == bucket.take() == 2.125, "above the patience no turn is taken"


class _Away(redis.Redis):
    def __init__(self) -> None:
        self.asked = 0

    def eval(self, *_args: object) -> object:
        self.asked += 1
        raise redis.ConnectionError("away")

    def __del__(self) -> None: ...


def test_while_redis_is_away_each_process_counts_for_itself(watch: Watch) -> None:
    client = _Away()
    bucket = Bucket("sms", 8.0, client, monotonic=watch)

    waits = [bucket.take(patience=0.0) for _ in range(20)]

    assert waits[:9] == [0.0] * 9
    assert min(waits[9:]) > 0
    assert client.asked == 1, "it is not asked again at once"


def test_some_failures_in_a_row_open_the_breaker_and_an_answer_closes_it(watch: Watch) -> None:
    breaker = Breaker(monotonic=watch)
    for _ in range(FAILURES - 1):
        assert not breaker.broke()
    breaker.worked()
    for _ in range(FAILURES - 1):
        assert not breaker.broke()
    assert breaker.wait() == 0

    assert breaker.broke()

    assert breaker.wait() == pytest.approx(REST_S)


def test_after_its_rest_one_tries_and_the_others_wait_for_it(watch: Watch) -> None:
    breaker = opened(watch)
    watch.now += REST_S

    assert breaker.wait() == 0
    assert breaker.wait() > 0
    breaker.worked()
    assert breaker.wait() == 0
    assert breaker.wait() == 0


def test_a_failed_try_means_a_longer_rest(watch: Watch) -> None:
    breaker = opened(watch)
    rests = []
    for _ in range(6):
        rests.append(breaker.wait())
        watch.now += rests[-1]
        assert breaker.wait() == 0
        assert breaker.broke()

    assert rests == pytest.approx([30, 60, 120, 240, 300, 300])


def test_a_try_that_never_tells_is_not_waited_for_for_ever(watch: Watch) -> None:
    breaker = opened(watch)
    watch.now += REST_S
    assert breaker.wait() == 0

    watch.now += pacing.PROBE_S

    assert breaker.wait() == 0


def test_failures_of_sendings_begun_before_do_not_lengthen_the_rest(watch: Watch) -> None:
    breaker = opened(watch)

    assert not breaker.broke()

    assert breaker.wait() == pytest.approx(REST_S)


def test_a_provider_that_asks_to_wait_is_left_alone_for_as_long(watch: Watch) -> None:
    breaker = Breaker(monotonic=watch)
    breaker.asked_to_wait(12)

    assert breaker.wait() == pytest.approx(12)
    watch.now += 12
    assert breaker.wait() == 0


def opened(watch: Watch) -> Breaker:
    breaker = Breaker(monotonic=watch)
    for _ in range(FAILURES):
        breaker.broke()
    return breaker


def test_who_is_urgent_waits_for_no_turn_but_for_a_provider_that_is_away(watch: Watch) -> None:
    pace = Pace(Bucket("sms", 0.1, monotonic=watch), Breaker(monotonic=watch))
    while pace.bucket.take() <= pacing.PATIENCE_S:
        pass

    assert pace.wait(urgent=False) > pacing.PATIENCE_S
    assert pace.wait(urgent=True) == 0
    pace.breaker.asked_to_wait(5)
    assert pace.wait(urgent=True) == pytest.approx(5)


def test_threads_share_one_bucket(watch: Watch) -> None:
    bucket, waits = Bucket("sms", 64.0, monotonic=watch), list[float]()
    threads = [
        threading.Thread(target=lambda: waits.extend(bucket.take() for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(waits) == 200
    assert sum(wait == 0.0 for wait in waits) == 65
