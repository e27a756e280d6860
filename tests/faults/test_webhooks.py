"""Subscribers fail in every way that servers fail, and workers die: every event arrives, under one id."""

import random
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlmodel import col, select

from dispatch.core.config import Settings
from dispatch.core.db import Database, database_now, transaction
from dispatch.core.tables import Event
from dispatch.webhooks.secrets import secret_of
from dispatch.webhooks.tables import DeliveryStatus, WebhookDelivery
from tests.builders.webhooks import happen, make_webhook
from tests.faults.counts import times
from tests.faults.crowd import Crowd, crowd
from tests.receiving import Receiver, Reply, receiving
from tests.system.servers import Redis, eventually
from workers.broker import bell, make_broker

pytestmark = pytest.mark.faults

SEED = 20260310
QUICK = ("--back-off", "0.3", "--rest", "0.3", "--sweep", "0.5", "--lease", "3", "webhooks")


@pytest.fixture
def workers(settings: Settings, database: Database, redis: Redis) -> Iterator[Crowd]:
    """An installation whose webhooks may call this machine; it has no workers yet."""
    here = settings.model_copy(update={"webhook_networks": "127.0.0.0/8"})
    database.bell = bell(make_broker(here))
    with crowd(here, database) as started:
        yield started


def subscribe(workers: Crowd, receiver: Receiver) -> None:
    """The receiver is told of what happens to visits from now on."""
    with transaction(workers.database) as session:
        webhook = make_webhook(session, url=receiver.url, now=database_now(session))
    receiver.secret = secret_of(workers.settings.key, webhook.id, 1)


def go_on(workers: Crowd, events: int) -> None:
    """So many visits move."""
    with transaction(workers.database) as session:
        happen(session, *["visit.moved"] * events, now=database_now(session))


def open_deliveries(workers: Crowd, events: int) -> int:
    """How many events have no delivery that was taken."""
    with workers.database.reading() as session:
        taken = select(WebhookDelivery.id).where(
            col(WebhookDelivery.status) == DeliveryStatus.DELIVERED
        )
        return events - len(session.exec(taken).all())


def expected(workers: Crowd) -> set[str]:
    """The ids under which the events must have arrived."""
    with workers.database.reading() as session:
        moved = session.exec(select(Event.id).where(Event.type == "visit.moved"))
        return {f"event-{number}" for number in moved}


def test_every_event_arrives_though_the_receiver_fails_and_workers_are_killed(
    workers: Crowd,
) -> None:
    chance, rounds, each = random.Random(SEED), times(4, 60), times(15, 50)

    def moody(_number: int) -> Reply:
        time.sleep(chance.choice((0.0, 0.0, 0.0, 0.05)))
        return (chance.choice((500, 503, 429)) if chance.random() < 0.15 else 204), {}

    receiver, events, kills, downs = Receiver(reply=moody), 0, 0, 0
    with receiving(receiver=receiver):
        subscribe(workers, receiver)
    for name in ("one", "two"):
        workers.add_worker(name, *QUICK)
    for _ in range(rounds):
        go_on(workers, each)
        events += each
        downs += 1
        time.sleep(chance.uniform(0.0, 0.6))  # nobody listens
        with receiving(port=receiver.port, receiver=receiver):
            before = len(receiver.accepted)
            eventually(lambda: len(receiver.accepted) > before, seconds=60, what="an event")  # noqa: B023
            kills += workers.kill(chance.choice(workers.names))
            left = chance.randrange(each)
            eventually(lambda: open_deliveries(workers, events) <= left, seconds=120, what="most")  # noqa: B023
    with receiving(port=receiver.port, receiver=receiver):
        eventually(lambda: open_deliveries(workers, events) == 0, seconds=180, what="the rest")

    assert (kills, downs) == (rounds, rounds), "the run is void"
    assert receiver.forged == 0
    assert set(receiver.ids()) == expected(workers), f"seed {SEED}"
    bodies: dict[str, object] = {}
    for message_id, content in receiver.accepted:
        assert bodies.setdefault(message_id, content) == content, "a repetition says the same"
    again = sum(count - 1 for count in receiver.ids().values())
    assert again <= 4 * kills, "only what a death cut off is repeated"


def test_a_subscriber_that_never_answers_holds_up_nobody_else(workers: Crowd) -> None:
    with receiving() as silent, receiving() as good:
        silent.slow_s = 60.0
        subscribe(workers, silent)
        subscribe(workers, good)
        workers.add_worker("one", *QUICK)
        go_on(workers, 10)
        workers.enqueue(times(20, 200))

        began = time.monotonic()
        eventually(
            lambda: workers.effects() == {1: workers.enqueued}, seconds=60, what="the others"
        )
        eventually(lambda: len(good.ids()) == 10, seconds=60, what="what the good one is told")

    assert timedelta(seconds=time.monotonic() - began) < timedelta(seconds=60)
    assert silent.posts > 0, "the run is void"
    assert silent.accepted == []


def test_settled_before_it_is_sent_an_event_is_lost(workers: Crowd) -> None:
    """The control."""
    with receiving(receiver=Receiver(reply=lambda number: (500 if number % 2 else 204, {}))) as odd:
        subscribe(workers, odd)
        workers.add_worker("one", "--post-last", *QUICK)
        go_on(workers, 10)
        eventually(lambda: open_deliveries(workers, 10) == 0, seconds=60, what="all settled")
        eventually(lambda: odd.posts == 10, seconds=30, what="all posted")

    assert len(odd.ids()) == 5
