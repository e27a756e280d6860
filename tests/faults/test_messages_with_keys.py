"""Workers die while they send to a provider that honours keys: every message arrives, and none twice."""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from dispatch.contact.tables import Message, MessageStatus
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from tests.builders.contact import make_message
from tests.faults.counts import times
from tests.faults.crowd import Crowd, crowd
from tests.instants import at
from tests.sink import Sink, gateway_file, sink_running
from tests.system.servers import Redis, eventually
from workers.broker import bell, make_broker

pytestmark = pytest.mark.faults

MORNING = at("10:05") - timedelta(days=1)
SEED = 20261129
DRAINED_WITHIN_S = times(120, 90)
"""Seconds after the last kill; a machine that tests other things too is given more."""

Open = Callable[..., AbstractContextManager[tuple[Crowd, Sink]]]


@pytest.fixture
def texting(settings: Settings, database: Database, redis: Redis, tmp_path: Path) -> Open:
    """An installation that sends through an HTTP gateway; `believed`: its file says that it honours keys."""

    @contextmanager
    def opened(*, honours: bool, believed: bool) -> Iterator[tuple[Crowd, Sink]]:
        with sink_running() as sink:
            sink.honours_keys, sink.delay_s = honours, 0.02
            file = gateway_file(tmp_path, sink, keys=believed)
            here = settings.model_copy(update={"email_gateway": file})
            database.bell = bell(make_broker(here))
            with crowd(here, database) as workers:
                yield workers, sink

    return opened


def write(workers: Crowd, count: int) -> None:
    for begin in range(0, count, 500):
        with transaction(workers.database) as session:
            for _ in range(min(500, count - begin)):
                make_message(session)


def shift() -> str:
    return str((MORNING - datetime.now(UTC)).total_seconds())


def wait_for(sink: Sink, accepted: int) -> None:
    eventually(
        lambda: len(sink.accepted) >= accepted, seconds=times(120, 600), what="the next kill"
    )


def fates(workers: Crowd) -> Counter[MessageStatus]:
    with workers.database.reading() as session:
        return Counter(session.exec(select(Message.status)))


def test_no_message_is_lost_or_sent_twice_though_workers_are_killed(texting: Open) -> None:
    chance, count, kills = random.Random(SEED), times(150, 10_000), times(4, 50)
    with texting(honours=True, believed=True) as (workers, sink):
        write(workers, count)
        workers.add_workers("one", "two", options=("--shift", shift()))
        for number in range(1, kills + 1):
            enough = count * number // (kills + 1)
            wait_for(sink, enough)
            time.sleep(chance.uniform(0, 0.05))
            assert workers.open() > 0, "everything was sent before: the run is void"
            while not workers.kill(chance.choice(workers.names)):
                time.sleep(0.01)  # that one was just being started again
        killed_at = time.monotonic()
        workers.wait_until_done(seconds=DRAINED_WITHIN_S)
        took = time.monotonic() - killed_at
        again = len(sink.asked) - len(sink.accepted)

        sys.stdout.write(
            f"seed {SEED}: {kills} kills, {again} sent again, drained {took:.1f} s after\n"
        )
        assert Counter(sink.accepted) == {f"gridcrew-{number}": 1 for number in range(1, count + 1)}
        assert fates(workers) == {MessageStatus.SENT: count}


@pytest.mark.parametrize(
    ("honours", "believed", "copies", "fate"),
    [
        (True, True, 1, MessageStatus.SENT), (False, True, 2, MessageStatus.SENT),
        (True, False, 1, MessageStatus.UNKNOWN),
    ],
    ids=["with keys", "keys that are not honoured", "keys that are not believed"],
)  # fmt: skip
def test_what_the_keys_are_for(
    texting: Open, honours: bool, believed: bool, copies: int, fate: MessageStatus
) -> None:
    """The controls: a worker dies just after the provider took its message."""
    with texting(honours=honours, believed=believed) as (workers, sink):
        write(workers, 3)
        workers.add_worker(
            "one", "--shift", shift(), "--crash-once", "message_accepted", "--nth", "2"
        )
        workers.wait_until_done(seconds=90)

        assert len(workers.said) >= 1, "nobody died: the run is void"
        assert max(Counter(sink.accepted).values()) == copies
        assert len(set(sink.accepted)) == 3
        assert fates(workers)[fate] >= 1
