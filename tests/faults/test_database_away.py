"""PostgreSQL is killed again and again: what was acknowledged is there, and nothing has its effect twice."""

import random
import time
from collections.abc import Iterator

import pytest

from dispatch.core.config import Settings
from dispatch.core.db import Database, DatabaseAway, database_now, transaction
from tests.faults.counts import times
from tests.faults.crowd import crowd
from tests.system import postgresql
from tests.system.postgresql import Server
from tests.system.servers import Redis
from workers.broker import bell, make_broker

pytestmark = pytest.mark.faults

SEED = 20260310


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that may be killed; it is not the other tests'."""
    ours = Server()
    ours.start()
    yield ours
    ours.remove()


def test_work_goes_on_when_the_database_is_killed_and_started_again(
    server: Server, settings: Settings, redis: Redis
) -> None:
    url = postgresql.address(server.url, postgresql.make_template(server.url))
    here = settings.model_copy(update={"database_url": url})
    database = Database(url, bell=bell(make_broker(here)))
    chance = random.Random(SEED)
    with crowd(here, database) as workers:
        workers.add_worker("one", "--lease", "6")
        workers.add_worker("two", "--lease", "6")
        for _ in range(times(2, 15)):
            workers.enqueue_stubbornly(40, takes=0.02)
            time.sleep(chance.uniform(0.1, 0.5))
            server.kill()
            with pytest.raises(DatabaseAway), transaction(database) as session:
                database_now(session)
            time.sleep(chance.uniform(0.2, 1.0))
            server.start()
            began = time.monotonic()
            workers.enqueue_stubbornly(1)
            assert time.monotonic() - began < 5, "connections recover at once"
        workers.wait_until_done(seconds=90)

        assert workers.effects() == {1: workers.enqueued}, f"seed {SEED}"
        assert workers.said == [], "no worker died of it"
    database.close()
